//! A compressed blob at random offsets, in chunks of the writer's choice: each is decoded and checked as a
//! whole, through the cache.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::wait;

use super::super::ReadAt;
use super::cache::{BlockCache, Claim};
use super::{BlobNo, Block, BlockId};

/// A compressed blob as chunks of decoded bytes, one behind the other, that can be decoded one by one.
pub trait Chunks: Send + Sync + 'static {
    /// The decoded length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chunk that a byte is in; `None` behind the last one.
    fn at(&self, offset: u64) -> Option<Chunk>;

    /// Fills a buffer, which is as long as the chunk, with its bytes; those that are not what they must be
    /// are an error.
    fn decode(&self, chunk: Chunk, buffer: &mut [u8]) -> io::Result<()>;

    /// How the blob is called in messages.
    fn place(&self) -> &str;
}

/// A stretch of the decoded bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Which it is, counted from 0.
    pub no: u64,
    /// Its first byte.
    pub start: u64,
    /// Its length in bytes, never 0.
    pub len: u64,
    /// Whether it is all zeros, and is not stored.
    pub is_zeros: bool,
}

/// The decoded bytes of a blob in chunks.
pub struct Chunked {
    chunks: Arc<dyn Chunks>,
    cache: Arc<BlockCache>,
    blob: BlobNo,
    /// Chunks whose damage has been logged.
    reported: Mutex<HashSet<u64>>,
}

impl Chunked {
    /// Reads chunks through a cache; they leave it when this is dropped.
    pub fn new(chunks: Arc<dyn Chunks>, cache: Arc<BlockCache>) -> Chunked {
        let blob = cache.new_blob();
        Chunked { chunks, cache, blob, reported: Mutex::default() }
    }

    /// Reads from one chunk as much as it has.
    fn read_chunk(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let chunk = self.chunks.at(offset).ok_or(io::ErrorKind::UnexpectedEof)?;
        let skip = offset - chunk.start;
        if chunk.is_zeros {
            let n = usize::try_from(chunk.len - skip).unwrap_or(usize::MAX).min(buf.len());
            buf.iter_mut().take(n).for_each(|byte| *byte = 0);
            return Ok(n);
        }
        self.chunk(chunk)?.read_at(skip, buf)
    }

    fn chunk(&self, chunk: Chunk) -> io::Result<Block> {
        let id = BlockId { blob: self.blob, block: chunk.no };
        let len = usize::try_from(chunk.len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        match self.cache.claim(id, len) {
            Claim::Ready(bytes) => Ok(bytes),
            Claim::Flying(flight) => flight.wait(),
            Claim::Granted(mut landing) => {
                wait::announce();
                let mut buffer = landing.buffer();
                let decoded = self.chunks.decode(chunk, &mut buffer);
                landing.land(decoded.map(|()| buffer).map_err(|error| self.report(chunk, &error)))
            }
        }
    }

    fn report(&self, chunk: Chunk, error: &io::Error) -> io::Error {
        let message = format!("{}: chunk {}: {error}", self.chunks.place(), chunk.no);
        if self.reported.lock().insert(chunk.no) {
            tracing::error!("{message}");
        }
        io::Error::new(error.kind(), message)
    }
}

impl ReadAt for Chunked {
    fn len(&self) -> u64 {
        self.chunks.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = self.chunks.len().saturating_sub(offset);
        let n = usize::try_from(rest).unwrap_or(usize::MAX).min(buf.len());
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..n).filter(|rest| !rest.is_empty()) {
            match self.read_chunk(offset + done as u64, rest)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => done += read,
            }
        }
        Ok(n)
    }
}

impl Drop for Chunked {
    fn drop(&mut self) {
        self.cache.forget(self.blob);
    }
}
