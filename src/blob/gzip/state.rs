//! What is kept for a place in a gzip stream, and its encoding.
//!
//! A place in front of a member's header, or of the end, needs nothing: its state is empty. Any other state
//! is, numbers little-endian:
//!
//! ```text
//! kind     u8   0 between two blocks, 1 among a block's codes, 2 in a stored block, 3 in one that is the last
//! kind 1:  u8   the bit of `header` that the block begins with, 0 to 7
//!          u16  length of `header`
//!          header, the bytes that hold the block's header
//! kind 2, 3: u16  bytes of the stored block to come
//! window   u16  its length, at most 32768
//!          a zstd frame that holds it, if the length is not 0
//! ```
//!
//! The window is what was decoded in front of the place, with zeros for bytes that nothing refers to.

use std::cell::RefCell;
use std::io;

use ::zstd::bulk::Compressor;

use super::WINDOW;

/// The zstd level of windows: 3 takes a quarter more time for 1 % less.
const LEVEL: i32 = 1;

/// Where in a member it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Where a deflate block begins.
    Block,
    /// Where a code begins, in a block that begins with this header.
    Codes(BlockHeader),
    /// In a stored block.
    Stored {
        /// Bytes of it to come.
        left: u16,
        /// Whether it is the last block.
        is_last: bool,
    },
}

/// A deflate block's header: its type and its code lengths (RFC 1951, 3.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHeader {
    /// Where in the first byte it begins, 0 to 7.
    pub bit: u8,
    /// The bytes that hold it.
    pub bytes: Vec<u8>,
}

impl BlockHeader {
    /// A stored block's.
    pub fn stored(len: u16, is_last: bool) -> BlockHeader {
        let ([a, b], [c, d]) = (len.to_le_bytes(), (!len).to_le_bytes());
        BlockHeader { bit: 0, bytes: vec![is_last.into(), a, b, c, d] }
    }
}

/// A place in a member, and the window in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Where.
    pub place: Place,
    /// The decoded bytes in front of it, 32 KiB at most.
    pub window: Vec<u8>,
}

impl State {
    /// As bytes.
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match &self.place {
            Place::Block => bytes.push(0),
            Place::Codes(header) => {
                bytes.extend([1, header.bit]);
                bytes.extend(length(&header.bytes)?);
                bytes.extend(&header.bytes);
            }
            Place::Stored { left, is_last } => {
                bytes.push(2 + u8::from(*is_last));
                bytes.extend(left.to_le_bytes());
            }
        }
        bytes.extend(length(&self.window)?);
        if !self.window.is_empty() {
            bytes.extend(compress(&self.window)?);
        }
        Ok(bytes)
    }

    /// From bytes that may be anything.
    pub fn decode(bytes: &[u8]) -> io::Result<State> {
        let mut fields = Fields(bytes);
        let place = match fields.u8()? {
            0 => Place::Block,
            1 => Place::Codes(fields.block_header()?),
            kind @ (2 | 3) => Place::Stored { left: fields.u16()?, is_last: kind == 3 },
            _ => return Err(bad()),
        };
        Ok(State { place, window: fields.window()? })
    }
}

/// A window as a zstd frame. The compressor's memory is many windows', and is not made anew for each.
fn compress(window: &[u8]) -> io::Result<Vec<u8>> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|compressor| match compressor {
        Some(compressor) => compressor.compress(window),
        none => none.insert(Compressor::new(LEVEL)?).compress(window),
    })
}

fn length(bytes: &[u8]) -> io::Result<[u8; 2]> {
    u16::try_from(bytes.len()).map(u16::to_le_bytes).map_err(|_| bad())
}

fn bad() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "bad state of a gzip seek point")
}

/// What is left of a state that is being decoded.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(bad)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> io::Result<u8> {
        self.take(1)?.first().copied().ok_or_else(bad)
    }

    fn u16(&mut self) -> io::Result<u16> {
        Ok(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn block_header(&mut self) -> io::Result<BlockHeader> {
        let bit = Some(self.u8()?).filter(|&bit| bit < 8).ok_or_else(bad)?;
        let len = self.u16()?;
        Ok(BlockHeader { bit, bytes: self.take(len.into())?.to_vec() })
    }

    /// The rest.
    fn window(mut self) -> io::Result<Vec<u8>> {
        let len = usize::from(self.u16()?);
        let window = match self.0 {
            [] => Vec::new(),
            _ if len > WINDOW => return Err(bad()),
            frame => ::zstd::bulk::decompress(frame, len)?,
        };
        if window.len() == len { Ok(window) } else { Err(bad()) }
    }
}
