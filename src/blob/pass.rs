//! The one time that a whole compressed stream is decoded: what reads the tar in it gets block after block,
//! and a second thread makes of the same bytes all that will be needed later.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::digest::{Algorithm, Digest, Hasher};

use super::chunks::ChunkWriter;
use super::codec::{self, MAX_SKIP};
use super::feed::{Feed, Pool};
use super::seek::{FirstPass, Mark, Start};
use super::seek_table::{Place, SeekPoints, SeekSummary, SeekTable};
use super::{Blob, Compression};

/// Pieces and blocks on their way to the second thread: enough to keep both busy, little to hold.
const ON_THE_WAY: usize = 8;

/// Hears how far a pass is.
pub trait Progress: Send + Sync {
    /// So many more bytes of compressed streams are going to be read.
    fn expect(&self, bytes: u64);

    /// So many bytes have been read.
    fn advance(&self, bytes: u64);
}

/// Nobody listens.
impl Progress for () {
    fn expect(&self, _bytes: u64) {}

    fn advance(&self, _bytes: u64) {}
}

/// A compressed stream that cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[error("{compression} stream, near offset {offset}: {source}")]
pub struct DecodeError {
    /// How it is compressed.
    pub compression: Compression,
    /// Bytes of the compressed stream that had been read.
    pub offset: u64,
    /// What is wrong there.
    pub source: io::Error,
}

/// How a stream is to be read.
pub struct PassOptions {
    /// What the compressed stream is hashed with.
    pub stored: Algorithm,
    /// What the decoded bytes are hashed with.
    pub decoded: Algorithm,
    /// Where to keep, in chunks, the blocks that are too far from any seek point of the stream.
    pub chunks: Option<File>,
    /// How long they may become together, in bytes.
    pub max_chunks: u64,
    /// The most bytes that the stream may decode to.
    pub max_len: u64,
    /// Who hears how far it is.
    pub progress: Arc<dyn Progress>,
}

/// What one read of a compressed stream yields.
#[derive(Debug)]
pub struct Yield {
    /// Where to begin decoding.
    pub seek: SeekTable,
    /// The digest of the compressed stream.
    pub stored: Digest,
    /// The digest of what it decodes to.
    pub decoded: Digest,
    /// Whether some of it can only be had by decoding much of what comes before.
    pub is_slow: bool,
}

/// A compressed stream that is being read.
pub struct Pass {
    compression: Compression,
    block_size: usize,
    /// Bytes from one seek point to the next.
    stretch: usize,
    max_len: u64,
    blob: Blob,
    decoder: Box<dyn FirstPass>,
    /// How far the compressed stream has been read.
    offset: Arc<AtomicU64>,
    /// How many bytes have been decoded.
    len: u64,
    has_failed: bool,
    pool: Pool,
    /// The last block, which goes round.
    last: Arc<Vec<u8>>,
    sender: SyncSender<Message>,
    second: Option<JoinHandle<io::Result<Second>>>,
}

/// What goes to the second thread.
enum Message {
    /// The next piece of the compressed stream.
    Stored(Arc<Vec<u8>>),
    /// The next decoded blocks, and the place that they begin at.
    Blocks(Arc<Vec<u8>>, Box<dyn Mark>),
}

impl Pass {
    /// Begins to read a stream.
    pub fn start(blob: Blob, compression: Compression, options: PassOptions) -> io::Result<Pass> {
        let PassOptions { max_len, progress, .. } = options;
        let (sender, receiver) = sync_channel(ON_THE_WAY);
        let to_second = sender.clone();
        let feed = Feed::new(blob.clone(), move |piece| {
            progress.advance(piece.len() as u64);
            to_second.send(Message::Stored(piece.clone())).map_err(|_| gone())
        });
        let offset = feed.offset();
        let block_size = codec::block_size(compression) as usize;
        let second = Second {
            blob: blob.clone(),
            stored: Hasher::new(options.stored),
            decoded: Hasher::new(options.decoded),
            points: SeekPoints::default(),
            chunks: options.chunks.map(|file| ChunkWriter::new(file, options.max_chunks)).transpose()?,
            has_chunks: false,
            is_slow: false,
            block_size,
        };
        let decoder = codec::first_pass(compression, feed)?;
        let second = thread::Builder::new().name("hash".into()).spawn(move || second.run(&receiver))?;
        let second = Some(second);
        let (pool, last) = (Pool::default(), Arc::default());
        Ok(Pass {
            compression,
            block_size,
            stretch: block_size * codec::blocks_per_point(compression),
            max_len,
            blob,
            decoder,
            offset,
            len: 0,
            has_failed: false,
            pool,
            last,
            sender,
            second,
        })
    }

    /// The next block of decoded bytes; `None` at the end of the stream, whose every byte has been checked
    /// by then. After an error there is nothing but errors: what a decoder gives then means nothing.
    pub fn next_block(&mut self) -> io::Result<Option<Arc<Vec<u8>>>> {
        if self.has_failed {
            return Err(io::Error::other("the stream could not be decoded"));
        }
        let block = self.decode_block();
        self.has_failed = block.is_err();
        block
    }

    fn decode_block(&mut self) -> io::Result<Option<Arc<Vec<u8>>>> {
        let mark = match self.decoder.mark() {
            Ok(mark) => mark,
            Err(error) => return Err(self.decode_error(error)),
        };
        let mut block = self.pool.take(std::mem::take(&mut self.last), self.stretch);
        let Some(buffer) = Arc::get_mut(&mut block) else { return Err(gone()) };
        buffer.resize(self.stretch, 0);
        let n = match read_full(&mut *self.decoder, buffer) {
            Ok(n) => n,
            Err(error) => return Err(self.decode_error(error)),
        };
        buffer.truncate(n);
        if n == 0 {
            return Ok(None);
        }
        self.len += n as u64;
        if self.len > self.max_len {
            return Err(self.decode_error(too_long(self.max_len)));
        }
        if self.sender.send(Message::Blocks(block.clone(), mark)).is_err() {
            return Err(self.end_of_second());
        }
        self.last = block.clone();
        Ok(Some(block))
    }

    /// Reads what is left of the stream, and gives what it yields.
    pub fn finish(mut self) -> io::Result<Yield> {
        while self.next_block()?.is_some() {}
        let Pass { compression, block_size, blob, decoder, offset, len, sender, second, .. } = self;
        let stored_len = blob.len();
        let read = offset.load(Ordering::Relaxed);
        if read < stored_len {
            let source = io::Error::new(io::ErrorKind::InvalidData, "trailing garbage behind the stream");
            return Err(DecodeError { compression, offset: read, source }.into());
        }
        // The decoder holds a sender, too; without any the second thread comes to its end.
        drop((decoder, sender));
        let second = second.map(JoinHandle::join).ok_or_else(gone)?.map_err(|_| gone())??;
        let compression = compression.number();
        let has_chunks = u32::from(second.has_chunks);
        let summary = SeekSummary {
            stored_len,
            len,
            block_size: block_size as u32,
            compression,
            has_chunks,
            unused: 0,
        };
        Ok(Yield {
            seek: second.points.finish(summary),
            stored: second.stored.finish(),
            decoded: second.decoded.finish(),
            is_slow: second.is_slow,
        })
    }

    /// Why the second thread does not listen any more.
    fn end_of_second(&mut self) -> io::Error {
        match self.second.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            _ => gone(),
        }
    }

    fn decode_error(&mut self, source: io::Error) -> io::Error {
        // The stream is only read on while the second thread listens.
        if source.kind() == io::ErrorKind::BrokenPipe {
            return self.end_of_second();
        }
        let offset = self.offset.load(Ordering::Relaxed);
        DecodeError { compression: self.compression, offset, source }.into()
    }
}

impl From<DecodeError> for io::Error {
    fn from(error: DecodeError) -> io::Error {
        io::Error::new(error.source.kind(), error)
    }
}

/// The error of a stream that decodes to more than it may.
pub fn too_long(max_len: u64) -> io::Error {
    let text = format!("it decodes to more than {max_len} bytes (--max-layer-size)");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

/// The work of the second thread.
struct Second {
    blob: Blob,
    stored: Hasher,
    decoded: Hasher,
    points: SeekPoints,
    chunks: Option<ChunkWriter>,
    has_chunks: bool,
    is_slow: bool,
    /// Of the stream, in bytes.
    block_size: usize,
}

impl Second {
    fn run(mut self, receiver: &Receiver<Message>) -> io::Result<Second> {
        while let Ok(message) = receiver.recv() {
            match message {
                Message::Stored(piece) => self.stored.update(&piece),
                Message::Blocks(blocks, mark) => {
                    self.decoded.update(&blocks);
                    let place = self.place(mark.seal(&*self.blob)?, &blocks);
                    self.push(&place, &blocks);
                }
            }
        }
        Ok(self)
    }

    /// The blocks of a stretch: one at its seek point, the others behind it.
    fn push(&mut self, place: &Place, stretch: &[u8]) {
        let mut blocks = stretch.chunks(self.block_size.max(1)).map(crc32fast::hash);
        if let Some(first) = blocks.next() {
            self.points.push(place, first);
        }
        blocks.for_each(|checksum| self.points.push_behind(self.block_size as u64, checksum));
    }

    /// Makes a chunk of a block that is far from its seek point, if it can.
    fn place(&mut self, start: Start, block: &[u8]) -> Place {
        if start.skip <= MAX_SKIP {
            return Place::Blob(start);
        }
        if let Some(chunks) = &mut self.chunks {
            match chunks.write(block) {
                Ok(chunk) => {
                    self.has_chunks = true;
                    return Place::Chunk(chunk);
                }
                Err(error) => {
                    tracing::info!(%error, "no chunks are kept");
                    self.chunks = None;
                }
            }
        }
        self.is_slow = true;
        Place::Blob(start)
    }
}

/// Fills a buffer, or as much of it as there is before the end.
fn read_full(reader: &mut dyn FirstPass, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The second thread has ended early.
fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
