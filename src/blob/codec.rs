//! What each compression can do: its first pass, and how it goes on from a seek point.

use std::io;

use super::feed::Feed;
use super::seek::{FirstPass, Resumed, Start};
use super::{Blob, Compression, gzip, whole, zstd};

/// Bytes of a gzip stream's output in a block, which is decoded and checked as one: half of what the kernel asks
/// for at a time when it reads on.
const GZIP_BLOCK: u32 = 64 * 1024;

/// Blocks of a gzip stream for each seek point. A point costs 2 to 2.5 KiB (its sparse window, compressed) and a
/// third of a millisecond; a read costs decoding from the point to the end of its block. One for every
/// 576 KiB keeps points below 0.5 % of the tar, and reads at 320 KiB on average, 0.6 ms.
const GZIP_BLOCKS: usize = 9;

/// Bytes of any other stream's output in a block. What has no seek points near is kept in chunks of this length: long
/// enough to compress well, and decoded in 0.2 ms.
const BLOCK: u32 = 256 * 1024;

/// Decoded bytes that may come between a seek point and its block; a block that is farther from any is kept as
/// a chunk.
pub const MAX_SKIP: u64 = 512 * 1024;

/// The length of the blocks that a stream is decoded in, in bytes.
pub fn block_size(compression: Compression) -> u32 {
    match compression {
        Compression::Gzip => GZIP_BLOCK,
        Compression::Zstd | Compression::Xz | Compression::Bzip2 => BLOCK,
    }
}

/// Blocks that are found from one seek point: the first begins there.
pub fn blocks_per_point(compression: Compression) -> usize {
    match compression {
        Compression::Gzip => GZIP_BLOCKS,
        // Their points cost nothing.
        Compression::Zstd | Compression::Xz | Compression::Bzip2 => 1,
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
