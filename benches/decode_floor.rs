//! The floor under every first read of compressed layers: decodes them, and keeps nothing of them.
//!
//! ```text
//! decode_floor BLOB...           on all processors, the largest first, with all that the digests ask for: SHA-256
//!                                of the blob and of what it decodes to, and the CRC-32 of every 512 KiB
//! decode_floor --decode BLOB...  on one thread, one after another; without digests
//! ```
//!
//! Each blob is decoded on one thread and hashed on a second one. gzip goes through `flate2`, whose backend is
//! the zlib-rs that `libz-rs-sys` wraps for peelfs; zstd through the `zstd` crate. Both check their own checksums.
//! Prints the number of decoded bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// Bytes that are read, decoded and hashed at a time.
const BLOCK: usize = 512 * 1024;

/// Blocks on their way to the thread that hashes them.
const ON_THE_WAY: usize = 8;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What goes to the thread that hashes.
enum Message {
    Stored(Vec<u8>),
    Decoded(Vec<u8>),
}

fn main() -> Result<()> {
    let mut blobs: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let len = match blobs.first() {
        Some(option) if option == Path::new("--decode") => {
            blobs.iter().skip(1).try_fold(0, |sum, blob| decode(blob).map(|len| sum + len))?
        }
        _ => {
            blobs.sort_by_key(|blob| std::cmp::Reverse(blob.metadata().map_or(0, |meta| meta.len())));
            decode_and_hash_all(&blobs)?
        }
    };
    Ok(writeln!(io::stdout(), "{len}")?)
}

/// Decodes a blob and gives its decoded length.
fn decode(blob: &Path) -> io::Result<u64> {
    let mut decoder = decoder(BufReader::with_capacity(BLOCK, File::open(blob)?))?;
    let mut block = vec![0; BLOCK];
    let mut len = 0;
    loop {
        match decoder.read(&mut block)? {
            0 => return Ok(len),
            n => len += n as u64,
        }
    }
}

/// The decoder that a blob's first byte asks for.
fn decoder<'a>(mut blob: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match blob.fill_buf()?.first() {
        Some(0x1f) => Box::new(MultiGzDecoder::new(blob)),
        _ => Box::new(zstd::Decoder::with_buffer(blob)?),
    })
}

/// Decodes and hashes blobs, as many at a time as there are processors; gives their decoded length.
fn decode_and_hash_all(blobs: &[PathBuf]) -> Result<u64> {
    let (next, len) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = || -> Result<()> {
        while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            len.fetch_add(decode_and_hash(blob)?, Ordering::Relaxed);
        }
        Ok(())
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })
    .map(|()| len.into_inner())
}

/// Decodes a blob while another thread hashes what went in and what came out.
fn decode_and_hash(blob: &Path) -> Result<u64> {
    let (sender, receiver) = sync_channel(ON_THE_WAY);
    // Blocks come back to be filled again.
    let (give_back, given_back) = sync_channel(2 * ON_THE_WAY);
    // Its sender goes with it, or the second thread would be waited for and wait.
    thread::scope(move |scope| {
        scope.spawn(move || hash(&receiver, &give_back));
        let feed = Feed { file: File::open(blob)?, sender: sender.clone() };
        let mut decoder = decoder(BufReader::with_capacity(BLOCK, feed))?;
        let mut len = 0;
        loop {
            let mut block = given_back.try_recv().unwrap_or_default();
            block.resize(BLOCK, 0);
            let n = read_full(&mut *decoder, &mut block)?;
            if n == 0 {
                return Ok(len);
            }
            block.truncate(n);
            len += n as u64;
            sender.send(Message::Decoded(block)).map_err(|_| "the hashing thread ended")?;
        }
    })
}

/// Hashes what comes, until nobody is left to send; blocks go back when they are done with.
fn hash(messages: &Receiver<Message>, give_back: &SyncSender<Vec<u8>>) {
    let (mut stored, mut decoded) = (Sha256::new(), Sha256::new());
    for message in messages {
        match message {
            Message::Stored(piece) => stored.update(&piece),
            Message::Decoded(block) => {
                decoded.update(&block);
                std::hint::black_box(crc32fast::hash(&block));
                drop(give_back.try_send(block));
            }
        }
    }
    std::hint::black_box((stored.finalize(), decoded.finalize()));
}

/// A blob's bytes, each piece of them sent to be hashed as well.
struct Feed {
    file: File,
    sender: SyncSender<Message>,
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        let piece = buffer.get(..n).unwrap_or_default().to_vec();
        self.sender.send(Message::Stored(piece)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(n)
    }
}

/// Fills a buffer, or as much of it as there is before the end.
fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            n => done += n,
        }
    }
    Ok(done)
}
