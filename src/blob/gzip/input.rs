//! The compressed bytes, with their offset, and how they are had from a blob.

use std::io::{self, BufRead, Read};
use std::ops::Deref;

use crate::blob::ReadAt;

/// The first read from a blob, in bytes: what 32 KiB of decoded bytes rarely need more than.
const MIN_CHUNK: usize = 16 * 1024;

/// The longest read from a blob, in bytes.
const MAX_CHUNK: usize = 128 * 1024;

/// A compressed stream that is read front to back.
pub struct Input<S> {
    source: S,
    offset: u64,
}

impl<S: BufRead> Input<S> {
    /// A source whose next byte is at an offset of the stream.
    pub fn new(source: S, offset: u64) -> Input<S> {
        Input { source, offset }
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes that are there; none at the end of the stream.
    pub fn fill(&mut self) -> io::Result<&[u8]> {
        while let Err(error) = self.source.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.source.fill_buf()
    }

    /// Passes over bytes that were there.
    pub fn consume(&mut self, n: usize) {
        self.source.consume(n);
        self.offset += n as u64;
    }

    /// The next bytes.
    pub fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            match self.fill()?.first() {
                Some(&next) => *byte = next,
                None => return Err(self.cut()),
            }
            self.consume(1);
        }
        Ok(bytes)
    }

    /// The stream ends where it must not.
    pub fn cut(&self) -> io::Error {
        let message = format!("offset {}: the gzip stream is cut", self.offset);
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }

    /// What is here is wrong.
    pub fn bad(&self, cause: impl std::fmt::Display) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("offset {}: {cause}", self.offset))
    }
}

/// A blob's bytes from an offset on: a short read first, as often few bytes are wanted.
pub struct Chunks<B> {
    blob: B,
    offset: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl<B: Deref<Target: ReadAt>> Chunks<B> {
    /// From an offset.
    pub fn new(blob: B, offset: u64) -> Chunks<B> {
        Chunks { blob, offset, buffer: Vec::new(), used: 0 }
    }
}

impl<B: Deref<Target: ReadAt>> BufRead for Chunks<B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used >= self.buffer.len() {
            let chunk = (self.buffer.len() * 2).clamp(MIN_CHUNK, MAX_CHUNK);
            self.used = 0;
            self.buffer.resize(chunk, 0);
            let got = self.blob.read_at(self.offset, &mut self.buffer);
            self.buffer.truncate(*got.as_ref().unwrap_or(&0));
            self.offset += got? as u64;
        }
        Ok(self.buffer.get(self.used..).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.used = self.used.saturating_add(n).min(self.buffer.len());
    }
}

impl<B: Deref<Target: ReadAt>> Read for Chunks<B> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}
