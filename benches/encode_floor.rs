//! The floor under `peelfs commit --compression gzip`: compresses a tar, and hashes it.
//!
//! ```text
//! tar -c . | encode_floor >FILE
//! ```
//!
//! It does what a layer needs and no more: gzip by `flate2` over zlib-rs at its default level, which is what
//! `commit` compresses with, on one thread; the SHA-256 of what comes in (the diff ID) and of what goes out (the
//! digest) on a second one. It makes no tar, no manifest and no archive around the layer.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Bytes that are read, compressed and hashed at a time.
const BLOCK: usize = 512 * 1024;

/// Blocks on their way to the thread that hashes them.
const ON_THE_WAY: usize = 8;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What goes to the thread that hashes.
enum Message {
    Plain(Vec<u8>),
    Compressed(Vec<u8>),
}

fn main() -> Result<()> {
    let (sender, receiver) = sync_channel(ON_THE_WAY);
    let hashing = thread::spawn(move || hash(&receiver));
    compress(io::stdin().lock(), io::stdout().lock(), &sender)?;
    drop(sender);
    hashing.join().map_err(|_| "the hashing thread panicked")?;
    Ok(())
}

/// Compresses all that can be read.
fn compress(mut from: impl Read, to: impl Write, sender: &SyncSender<Message>) -> Result<()> {
    let mut encoder = GzEncoder::new(Tee { to, sender: sender.clone() }, Compression::default());
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        if from.by_ref().take(BLOCK as u64).read_to_end(&mut block)? == 0 {
            break;
        }
        encoder.write_all(&block)?;
        sender.send(Message::Plain(block))?;
    }
    encoder.finish()?.flush()?;
    Ok(())
}

/// Hashes what comes, until nobody is left to send.
fn hash(messages: &Receiver<Message>) {
    let (mut plain, mut compressed) = (Sha256::new(), Sha256::new());
    for message in messages {
        match message {
            Message::Plain(block) => plain.update(&block),
            Message::Compressed(piece) => compressed.update(&piece),
        }
    }
    std::hint::black_box((plain.finalize(), compressed.finalize()));
}

/// What is written, each piece of it sent to be hashed as well.
struct Tee<W> {
    to: W,
    sender: SyncSender<Message>,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.to.write(buf)?;
        let piece = buf.get(..n).unwrap_or_default().to_vec();
        self.sender.send(Message::Compressed(piece)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
