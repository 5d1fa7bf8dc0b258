//! Seek points: where decoding of a compressed stream can begin, other than at its first byte.

use std::io::{self, Read};

use super::ReadAt;

/// What decoding needs to begin in the middle of a compressed stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// Where in the compressed stream, in bits.
    pub bit: u64,
    /// Decoded bytes that come first and are not wanted.
    pub skip: u64,
    /// What the decoder had in memory at that place, in its own form.
    pub state: Vec<u8>,
}

/// A decoder that reads a compressed stream for the first time: it checks all that the stream says of
/// itself, and can say at any time how to begin there.
pub trait FirstPass: Read + Send {
    /// The place behind the last byte that was read.
    fn mark(&mut self) -> io::Result<Box<dyn Mark>>;
}

/// A place in a stream that is being decoded. What takes long to find out is left to [`Mark::seal`], so
/// that another thread can do it.
pub trait Mark: Send {
    /// How to begin there; `blob` is the whole compressed stream.
    fn seal(self: Box<Self>, blob: &dyn ReadAt) -> io::Result<Start>;
}

/// Where it takes no finding out.
impl Mark for Start {
    fn seal(self: Box<Self>, _blob: &dyn ReadAt) -> io::Result<Start> {
        Ok(*self)
    }
}

/// A decoder that was begun in the middle; it checks nothing, as its reader compares checksums.
pub type Resumed = Box<dyn Read + Send>;
