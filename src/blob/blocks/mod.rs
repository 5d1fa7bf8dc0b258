//! Decoded blocks of compressed blobs: read through one bounded cache, decoded once however many ask for
//! them, and decoded ahead of who reads front to back.
//!
//! How a block is decoded is the business of who implements [`Blocks`]; nothing here knows a compression.
//!
//! Blobs nest: decoding a block of an inner one reads blocks of an outer one, through the same cache. A
//! decode waits only for decodes of blobs further out, or of earlier blocks of its own blob, and holds no
//! lock meanwhile, so there is always one that goes on. No two of the locks in this folder are held at
//! once, and no decoder is dropped under one: it may be the last owner of a whole blob.

mod ahead;
mod cache;
mod chunked;
mod decoded;
mod decoders;
mod flight;
mod reads;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use super::{Identity, Resumed};

pub use cache::{BlockCache, Stats};
pub use chunked::{Chunk, Chunked, Chunks};
pub use decoded::Decoded;

/// A compressed blob as blocks of decoded bytes that can be decoded one by one.
pub trait Blocks: Send + Sync + 'static {
    /// The decoded length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The decoded length of each block but the last in bytes; never 0.
    fn block_size(&self) -> u32;

    /// A decoder at the first byte of a block; it goes on to the end of the blob.
    fn start(&self, block: u64) -> io::Result<Resumed>;

    /// Bytes that [`Blocks::start`] has to decode and throw away before it is at the block.
    fn skip(&self, _block: u64) -> u64 {
        0
    }

    /// CRC-32 of the block's decoded bytes, known from the first pass.
    fn checksum(&self, block: u64) -> io::Result<u32>;

    /// Another way to the bytes of a block that cannot be decoded or fails its checksum, if there is one.
    /// What it gives is compared with what [`Blocks::checksum`] says then: it may mend that, too.
    fn recover(&self, _block: u64) -> Option<io::Result<Vec<u8>>> {
        None
    }

    /// Memory that a decoder holds, in bytes; about.
    fn decoder_size(&self) -> u64 {
        64 * 1024
    }

    /// How the blob is called in messages.
    fn place(&self) -> &str;

    /// What tells the decoded bytes from others without reading them.
    fn identity(&self) -> Option<Identity> {
        None
    }
}

/// The decoded bytes of one block.
type Block = Arc<Vec<u8>>;

/// A blob among those that share a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct BlobNo(u64);

/// A block among all in a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct BlockId {
    blob: BlobNo,
    block: u64,
}
