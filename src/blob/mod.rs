//! Bytes that never change, at random offsets: archives, layers, whatever holds a file's data.
//!
//! Everything above reads through [`ReadAt`]; how the bytes are stored (a host file, a window in one, a
//! compressed stream) is decided once, when a blob is opened, by its first bytes. Nothing here knows
//! tar or images.

mod ahead;
mod blocks;
mod chunks;
mod codec;
mod decode;
mod feed;
mod file;
mod forward;
mod gzip;
mod identity;
mod layer_file;
mod listed;
mod pass;
mod seek;
mod seek_table;
mod seekable;
mod sniff;
mod space;
mod spool;
mod steps;
mod whole;
mod window;
mod zstd;

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

pub use ahead::Ahead;
pub use blocks::{BlockCache, Blocks, Chunk, Chunked, Chunks, Decoded, Stats};
pub use chunks::{BadChunk, check_chunks};
pub use decode::decoder;
pub use file::{HostFile, host_bytes_read};
pub use forward::{Forward, Hops, Stream};
pub use identity::Identity;
pub use layer_file::{Contents, LayerFile, have_same_contents};
pub use listed::{ChunkTable, Listed, MAX_CHUNK, Stored};
pub use pass::{DecodeError, Pass, PassOptions, Progress, Yield};
pub use seek::{Mark, Start};
pub use seek_table::SeekTable;
pub use seekable::{ChunkFile, Seekable};
pub use sniff::Compression;
pub use spool::{SpoolDir, SpoolError};
pub use window::Window;

use seek::{FirstPass, Resumed};

/// Random access to bytes that never change.
pub trait ReadAt: Send + Sync {
    /// The length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads at a byte offset and gives the number of bytes read: all of `buf`, or what there is before
    /// the end. Bytes that cannot be had, or are not what was indexed, are an error.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Reads as [`ReadAt::read_at`] does; if that takes a disk, what else lies in `near` is fetched with it,
    /// as it is likely to be asked for next.
    fn read_near(&self, offset: u64, buf: &mut [u8], near: Range<u64>) -> io::Result<usize> {
        let _ = near;
        self.read_at(offset, buf)
    }

    /// The file of the host in which the bytes from an offset on lie as they are, and their offset there; `None` if
    /// they have to be read.
    fn as_host_file(&self, offset: u64) -> Option<(&HostFile, u64)> {
        let _ = offset;
        None
    }

    /// What tells, without reading them, that the bytes are those that were seen some other time; `None` if
    /// nothing does.
    fn identity(&self) -> Option<Identity> {
        None
    }
}

/// A shared blob.
pub type Blob = Arc<dyn ReadAt>;

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        ReadAt::len(self.as_slice())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buf)
    }
}

/// Fills all of `buf` from a byte offset; the end of the blob is an error.
pub fn read_exact_at(blob: &dyn ReadAt, offset: u64, buf: &mut [u8]) -> io::Result<()> {
    if blob.read_at(offset, buf)? == buf.len() {
        return Ok(());
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// A whole blob in memory, refused if it is longer than `limit` bytes.
pub fn read_all(blob: &dyn ReadAt, limit: usize) -> io::Result<Vec<u8>> {
    let len = usize::try_from(blob.len()).ok().filter(|&len| len <= limit).ok_or_else(|| {
        let message = format!("{} bytes where at most {limit} are expected", blob.len());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })?;
    let mut bytes = vec![0; len];
    read_exact_at(blob, 0, &mut bytes)?;
    Ok(bytes)
}

/// Reads a blob front to back.
pub struct Reader<'a> {
    blob: &'a dyn ReadAt,
    offset: u64,
}

impl<'a> Reader<'a> {
    /// From the first byte.
    pub fn new(blob: &'a dyn ReadAt) -> Reader<'a> {
        Reader { blob, offset: 0 }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.blob.read_at(self.offset, buf)?;
        self.offset += n as u64;
        Ok(n)
    }
}
