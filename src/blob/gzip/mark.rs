//! A place in a gzip stream that is being decoded, and what decoding needs to begin there.

use std::io;

use crate::blob::steps::Steps;
use crate::blob::{Mark, ReadAt, Start, read_exact_at};

use super::sparse;
use super::state::{BlockHeader, Place, State};
use super::stream::Stream;
use super::sys::Stopped;

/// A place in a gzip stream.
pub struct GzipMark {
    /// Where decoding can begin.
    pub spot: Spot,
    /// Decoded bytes between there and the place.
    pub skip: u64,
    /// What was decoded in front of the spot.
    pub window: Vec<u8>,
}

/// What decoding begins with, and where in the compressed stream that is.
pub enum Spot {
    /// A member's header, padding, or the end.
    Member {
        /// In bytes.
        offset: u64,
    },
    /// A deflate block.
    Block {
        /// In bits.
        bit: u64,
    },
    /// A code.
    Code {
        /// Where its block begins, in bits.
        block: u64,
        /// Where a code before it in the block ends, or the block begins, in bits.
        earlier: u64,
        /// Where it ends, in bits.
        end: u64,
    },
    /// Bytes of a stored block.
    Stored {
        /// In bits.
        bit: u64,
        /// How many of the block are to come.
        left: u16,
        /// Whether it is the last block.
        is_last: bool,
    },
}

impl Mark for GzipMark {
    fn seal(self: Box<Self>, blob: &dyn ReadAt) -> io::Result<Start> {
        let GzipMark { spot, skip, window } = *self;
        let (bit, place) = match spot {
            Spot::Member { offset } => return Ok(Start { bit: offset * 8, ..Start::default() }),
            Spot::Block { bit } => (bit, Place::Block),
            Spot::Code { block, earlier, end } => {
                let (header, codes) = header_at(blob, block)?;
                let place = Place::Codes(header);
                (code_before(blob, &place, earlier.max(codes), end, window.len())?, place)
            }
            Spot::Stored { bit, left, is_last } => (bit, Place::Stored { left, is_last }),
        };
        let window = sparse::window(blob, bit, &place, window)?;
        Ok(Start { bit, skip, state: State { place, window }.encode()? })
    }
}

/// The header of the block that begins at a bit, and the bit behind it.
fn header_at(blob: &dyn ReadAt, bit: u64) -> io::Result<(BlockHeader, u64)> {
    let mut stream = Stream::begin(Steps::new(blob, bit / 8), bit, &Place::Block, &[])?;
    stream.block_header()?;
    let len = stream.bit().div_ceil(8).saturating_sub(bit / 8);
    let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    read_exact_at(blob, bit / 8, &mut bytes)?;
    Ok((BlockHeader { bit: (bit % 8) as u8, bytes }, stream.bit()))
}

/// Where the code begins that ends at a bit, found from where an earlier one begins.
///
/// Which bytes the codes stand for does not matter, so any window will do that is not too short.
fn code_before(blob: &dyn ReadAt, place: &Place, begin: u64, end: u64, window: usize) -> io::Result<u64> {
    let mut stream = Stream::begin(Steps::new(blob, begin / 8), begin, place, &vec![0; window])?;
    let mut code = begin;
    stream.inflate_codes(&mut [])?;
    while stream.bit() < end {
        let written_code = stream.bit();
        // One byte at a time, each code is seen while it is written.
        let step = stream.inflate_codes(&mut [0])?;
        if step.stopped != Stopped::Within {
            break;
        }
        if stream.bit() > written_code {
            code = written_code;
        }
    }
    if stream.bit() == end {
        return Ok(code);
    }
    Err(io::Error::other("the gzip stream is not the one that was read"))
}
