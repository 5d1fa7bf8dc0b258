//! The compressed bytes, with their offset.

use std::io::{self, BufRead};

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
