//! A compressed blob in which somebody listed where each chunk of a file begins, with its digest: each can be
//! had without decoding what comes before it, and is as it should be or not given at all.

use std::io::{self, Read};

use crate::digest::{Digest, Hasher};

use super::blocks::{Chunk, Chunks};
use super::codec;
use super::{Blob, Compression, Start};

/// The longest chunk that is decoded as a whole, in bytes: writers make them 4 MiB and less, and each reader
/// holds one.
pub const MAX_CHUNK: u64 = 64 * 1024 * 1024;

/// A compressed blob, and the chunks that are listed of it.
pub struct Listed {
    /// What it is called in messages.
    pub place: String,
    /// How it is compressed.
    pub compression: Compression,
    /// The compressed stream.
    pub blob: Blob,
    /// Its chunks.
    pub chunks: ChunkTable,
}

/// Where the bytes of a chunk are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Nowhere: they are zeros.
    Zeros,
    /// In the compressed stream.
    At {
        /// Where the gzip member or zstd frame begins.
        offset: u64,
        /// Decoded bytes of it that come first and belong to other chunks.
        skip: u64,
        /// The digest of the chunk.
        digest: Digest,
    },
}

/// Chunks, one behind the other.
#[derive(Debug, Default)]
pub struct ChunkTable {
    rows: Vec<Row>,
    len: u64,
}

#[derive(Debug)]
struct Row {
    start: u64,
    stored: Stored,
}

impl ChunkTable {
    /// The length of all chunks together, in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends a chunk; `None` if it is longer than any that can be decoded, or than can be counted.
    #[must_use]
    pub fn push(&mut self, len: u64, stored: Stored) -> Option<()> {
        let is_too_long = match stored {
            Stored::Zeros => false,
            Stored::At { skip, .. } => len > MAX_CHUNK || skip > MAX_CHUNK,
        };
        let end = self.len.checked_add(len).filter(|_| !is_too_long)?;
        if len > 0 {
            self.rows.push(Row { start: self.len, stored });
        }
        self.len = end;
        Some(())
    }

    /// Gives back what was taken in advance.
    pub fn shrink(&mut self) {
        self.rows.shrink_to_fit();
    }
}

impl Listed {
    fn row(&self, no: u64) -> Option<&Row> {
        self.chunks.rows.get(usize::try_from(no).ok()?)
    }
}

impl Chunks for Listed {
    fn len(&self) -> u64 {
        self.chunks.len
    }

    fn at(&self, offset: u64) -> Option<Chunk> {
        let behind = self.chunks.rows.partition_point(|row| row.start <= offset);
        let no = behind.checked_sub(1).filter(|_| offset < self.chunks.len)? as u64;
        let row = self.row(no)?;
        let end = self.row(no + 1).map_or(self.chunks.len, |next| next.start);
        Some(Chunk { no, start: row.start, len: end - row.start, is_zeros: row.stored == Stored::Zeros })
    }

    fn decode(&self, chunk: Chunk, buffer: &mut [u8]) -> io::Result<()> {
        let Some(Row { stored: Stored::At { offset, skip, digest }, .. }) = self.row(chunk.no) else {
            buffer.fill(0);
            return Ok(());
        };
        let at = |error: io::Error| {
            let kind = error.kind();
            io::Error::new(kind, format!("at offset {offset} of the {} stream: {error}", self.compression))
        };
        let bit = offset.checked_mul(8).ok_or(io::ErrorKind::UnexpectedEof)?;
        let start = Start { bit, skip: *skip, state: Vec::new() };
        let mut decoder = codec::resume(self.compression, self.blob.clone(), &start).map_err(at)?;
        io::copy(&mut (&mut decoder).take(*skip), &mut io::sink()).map_err(at)?;
        decoder.read_exact(buffer).map_err(at)?;
        let mut hasher = Hasher::new(digest.algorithm());
        hasher.update(buffer);
        match hasher.finish() == *digest {
            true => Ok(()),
            false => {
                let message = "bytes do not match the digest that the table of contents gives";
                Err(at(io::Error::new(io::ErrorKind::InvalidData, message)))
            }
        }
    }

    fn place(&self) -> &str {
        &self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::{BlockCache, Chunked, ReadAt};
    use std::io::Write;
    use std::sync::Arc;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ::zstd::encode_all(bytes, 1).unwrap()
    }

    fn stored(offset: usize, skip: u64, bytes: &[u8]) -> Stored {
        Stored::At { offset: offset as u64, skip, digest: Digest::of(bytes) }
    }

    fn chunked(
        compression: Compression,
        stream: Vec<u8>,
        chunks: ChunkTable,
        cache: &Arc<BlockCache>,
    ) -> Chunked {
        let listed = Listed { place: "layer".to_owned(), compression, blob: Arc::new(stream), chunks };
        Chunked::new(Arc::new(listed), cache.clone())
    }

    fn read(blob: &Chunked, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![9; len];
        let n = blob.read_at(offset, &mut bytes)?;
        bytes.truncate(n);
        Ok(bytes)
    }

    #[test]
    fn a_read_goes_through_chunks_zeros_and_what_precedes_a_chunk() {
        for (compression, encode) in
            [(Compression::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Compression::Zstd, zstd)]
        {
            let (one, two) = (encode(b"header"), encode(b"skip me, then five"));
            let stream = [one.clone(), two.clone(), encode(b"more")].concat();
            let mut table = ChunkTable::default();
            table.push(4, stored(one.len(), 14, b"five")).unwrap();
            table.push(100_000, Stored::Zeros).unwrap();
            table.push(0, Stored::Zeros).unwrap();
            table.push(4, stored(one.len() + two.len(), 0, b"more")).unwrap();
            let plain = [&b"five"[..], &[0; 100_000], b"more"].concat();
            let cache = Arc::new(BlockCache::new(1 << 20));
            let blob = chunked(compression, stream, table, &cache);
            assert_eq!(read(&blob, 0, 200_000).unwrap(), plain, "{compression}");
            assert_eq!(read(&blob, 99_999, 9).unwrap(), plain[99_999..]);
            assert_eq!(read(&blob, 1, 2).unwrap(), b"iv");
            assert!(
                read(&blob, 100_008, 1).unwrap().is_empty() && read(&blob, u64::MAX, 1).unwrap().is_empty()
            );
            assert_eq!((cache.held(), cache.stats().misses), (8, 2));
            drop(blob);
            assert_eq!(cache.held(), 0);
        }
    }

    #[test]
    fn what_is_not_as_listed_is_never_given() {
        let stream = zstd(b"some bytes");
        let len = stream.len();
        let lies = [
            (10, stored(0, 0, b"other byte")),
            (11, stored(0, 0, b"some bytes!")),
            (9, stored(0, 2, b"me bytes!")),
            (10, stored(1, 0, b"some bytes")),
            (10, stored(len, 0, b"some bytes")),
            (10, stored(usize::MAX, 0, b"some bytes")),
            (10, stored(0, MAX_CHUNK, b"some bytes")),
        ];
        for (n, lie) in lies {
            let mut table = ChunkTable::default();
            table.push(n, lie.clone()).unwrap();
            let blob = chunked(Compression::Zstd, stream.clone(), table, &Arc::new(BlockCache::new(1 << 20)));
            assert!(read(&blob, 0, 1).is_err(), "{lie:?}");
        }
    }

    #[test]
    fn chunks_that_nobody_should_decode_are_refused() {
        let mut table = ChunkTable::default();
        assert!(table.push(MAX_CHUNK + 1, stored(0, 0, b"")).is_none());
        assert!(table.push(1, stored(0, MAX_CHUNK + 1, b"")).is_none());
        assert!(table.push(u64::MAX, Stored::Zeros).is_some());
        assert!(table.push(1, Stored::Zeros).is_none());
    }
}
