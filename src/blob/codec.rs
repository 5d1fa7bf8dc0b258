//! What each compression can do: its first pass, and how it goes on from a seek point.

use std::io;

use super::feed::Feed;
use super::seek::{FirstPass, Resumed, Start};
use super::{Blob, Compression, gzip, whole, zstd};

/// Bytes of a gzip stream's output between two seek points. A point costs about 2.3 KiB (its sparse window,
/// compressed), a read all of its block: 512 KiB keep the one at 0.45 % of the tar and the other at 0.7 ms.
const GZIP_BLOCK: u32 = 512 * 1024;

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
