//! A digest of bytes on their way to somewhere, made by a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::digest::{Algorithm, Digest, Hasher};

/// Bytes handed over at a time: so many that handing them over costs nothing beside hashing them.
const CHUNK: usize = 512 * 1024;

/// Pieces that may lie between who writes and who hashes.
const WAITING: usize = 4;

/// A hash that keeps up with who writes, on another processor if there is one.
pub struct HashThread {
    piece: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    /// Pieces that were hashed and can be filled again.
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<Hasher>,
}

impl HashThread {
    /// Starts it.
    pub fn start(algorithm: Algorithm) -> io::Result<HashThread> {
        let (full, to_hash) = sync_channel::<Vec<u8>>(WAITING);
        let (hashed, empty) = sync_channel(WAITING + 2);
        let thread = thread::Builder::new().name("hash".into()).spawn(move || {
            let mut hasher = Hasher::new(algorithm);
            while let Ok(mut piece) = to_hash.recv() {
                hasher.update(&piece);
                piece.clear();
                // Who writes may have no more use for it.
                let _ = hashed.try_send(piece);
            }
            hasher
        })?;
        Ok(HashThread { piece: Vec::with_capacity(CHUNK), full, empty, thread })
    }

    /// Adds bytes.
    pub fn update(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = CHUNK - self.piece.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == CHUNK {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK));
        self.full.send(std::mem::replace(&mut self.piece, next)).map_err(|_| ended())
    }

    /// The digest of all bytes that were added.
    pub fn finish(mut self) -> io::Result<Digest> {
        self.hand_over()?;
        drop(self.full);
        self.thread.join().map(Hasher::finish).map_err(|_| ended())
    }
}

fn ended() -> io::Error {
    io::Error::other("the hashing thread ended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_all_bytes_however_they_come() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i / 7 % 251) as u8).collect();
        for (step, len) in [(1, 0), (1, 1), (777, 3_000_000), (CHUNK, CHUNK * 3), (1 << 21, 3_000_000)] {
            let bytes = &bytes[..len];
            let mut hash = HashThread::start(Algorithm::Sha256).unwrap();
            bytes.chunks(step).for_each(|chunk| hash.update(chunk).unwrap());
            assert_eq!(hash.finish().unwrap(), Digest::of(bytes), "{len} in steps of {step}");
        }
    }
}
