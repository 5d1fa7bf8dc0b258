//! What each compression can do: its first pass, and how it goes on from a seek point.

use std::io;

use super::feed::Feed;
use super::seek::{FirstPass, Resumed, Start};
use super::{Blob, Compression, gzip, whole, zstd};

/// Bytes of a stream's output in a block, which is decoded and checked as one. What has no seek points near is
/// kept in chunks of this length: long enough to compress well, and decoded in 0.2 ms.
pub const BLOCK: u32 = 256 * 1024;

/// Blocks of a gzip stream for each seek point. A point costs 2 to 2.5 KiB (its sparse window, compressed), a read
/// the decoding from the point to the end of its block: one for every 512 KiB keeps the one below 0.5 % of the tar,
/// and the other at 384 KiB on average, 0.6 ms.
const GZIP_BLOCKS: u64 = 2;

/// Decoded bytes that may come between a seek point and its block; a block that is farther from any is kept as
/// a chunk.
pub const MAX_SKIP: u64 = 512 * 1024;

/// Whether a block gets a seek point of its own, or is found from the one before.
pub fn is_point(compression: Compression, block: u64) -> bool {
    match compression {
        Compression::Gzip => block.is_multiple_of(GZIP_BLOCKS),
        // Their points cost nothing.
        Compression::Zstd | Compression::Xz | Compression::Bzip2 => true,
    }
}

/// Decodes a stream for the first time.
pub fn first_pass(compression: Compression, feed: Feed) -> io::Result<Box<dyn FirstPass>> {
    Ok(match compression {
        Compression::Gzip => Box::new(gzip::Gzip::new(feed)?),
        Compression::Zstd => Box::new(zstd::Zstd::new(feed)?),
        Compression::Xz | Compression::Bzip2 => Box::new(whole::Whole::new(compression, feed)?),
    })
}

/// Goes on decoding from a seek point.
pub fn resume(compression: Compression, blob: Blob, start: &Start) -> io::Result<Resumed> {
    match compression {
        Compression::Gzip => gzip::resume(blob, start),
        Compression::Zstd => zstd::resume(blob, start),
        Compression::Xz | Compression::Bzip2 => whole::resume(blob, compression),
    }
}
