//! Streams whose seek points lie too far apart, written anew while they are decoded for the first time.
//!
//! Each block becomes a zstd frame of its own, a chunk: a file of them is a zstd stream like any other,
//! read through [`zstd::resume`] at the starts that were given when it was written.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use ::zstd::bulk::Compressor;
use ::zstd::zstd_safe::compress_bound;

use super::seek_table::{Place, SeekTable};
use super::space::Space;
use super::{Blob, Start, zstd};

/// zstd's level: negative ones write at most a tenth faster, in a tenth to a third more space; 2 is a
/// third slower for 3 % less.
const LEVEL: i32 = 1;

/// Writes the blocks of a stream, front to back.
pub struct ChunkWriter {
    file: File,
    max_len: u64,
    /// Bytes written.
    len: u64,
    space: Space,
    compressor: Compressor<'static>,
    chunk: Vec<u8>,
}

impl ChunkWriter {
    /// Takes a file that is empty, and may grow to a length in bytes.
    pub fn new(file: File, max_len: u64) -> io::Result<ChunkWriter> {
        let compressor = Compressor::new(LEVEL)?;
        Ok(ChunkWriter { file, max_len, len: 0, space: Space::default(), compressor, chunk: Vec::new() })
    }

    /// Appends a block and gives its place in the file; the error's kind is `StorageFull` if it does not
    /// fit. After an error the file is of no use.
    pub fn write(&mut self, block: &[u8]) -> io::Result<Start> {
        self.space.check(&self.file, self.len)?;
        self.chunk.clear();
        // What does not shrink, zstd stores as it is; that is not much longer.
        self.chunk.reserve(compress_bound(block.len()));
        self.compressor.compress_to_buffer(block, &mut self.chunk)?;
        if self.len + self.chunk.len() as u64 > self.max_len {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "the chunks are more than the cache may hold",
            ));
        }
        self.file.write_all_at(&self.chunk, self.len)?;
        let start = Start { bit: self.len * 8, skip: 0, state: Vec::new() };
        self.len += self.chunk.len() as u64;
        Ok(start)
    }
}

/// A chunk that is not what it was when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunk of block {0} is damaged")]
pub struct BadChunk(pub u64);

/// Decodes all chunks that a seek table names, and compares each with its checksum.
pub fn check_chunks(seek: &SeekTable, chunks: &Blob) -> Result<(), BadChunk> {
    let is_whole = |block| -> io::Result<bool> {
        let Place::Chunk(start) = seek.place(block).map_err(io::Error::other)? else { return Ok(true) };
        let mut bytes = vec![0; seek.block_len(block)];
        zstd::resume(chunks.clone(), &start)?.read_exact(&mut bytes)?;
        Ok(seek.checksum(block).map_err(io::Error::other)? == crc32fast::hash(&bytes))
    };
    match (0..seek.block_count()).find(|&block| !is_whole(block).unwrap_or(false)) {
        Some(block) => Err(BadChunk(block)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::seek_table::{SeekPoints, SeekSummary};
    use crate::blob::{HostFile, ReadAt};
    use bytemuck::Zeroable as _;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn written<'a>(blocks: impl Iterator<Item = &'a [u8]>) -> (Blob, Vec<Start>) {
        let mut writer = ChunkWriter::new(tempfile::tempfile().unwrap(), u64::MAX).unwrap();
        let starts = blocks.map(|block| writer.write(block).unwrap()).collect();
        let len = writer.len;
        let blob = HostFile::new(writer.file).unwrap();
        assert_eq!(blob.len(), len);
        (Arc::new(blob), starts)
    }

    /// The first half shrinks, the second does not.
    fn plain(len: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|i| if i < len / 2 { (i / 9) as u8 } else { noise() }).collect()
    }

    #[test]
    fn each_block_is_found_at_its_start() {
        let plain = plain(1_000_000);
        let (blob, starts) = written(plain.chunks(100_000));
        for (block, start) in plain.chunks(100_000).zip(&starts) {
            let mut read = vec![0; block.len()];
            zstd::resume(blob.clone(), start).unwrap().read_exact(&mut read).unwrap();
            assert!(read == block, "{start:?}");
        }
    }

    #[test]
    fn a_reader_goes_on_over_all_chunks() {
        let plain = plain(700_000);
        let (blob, starts) = written(plain.chunks(256 * 1024));
        let mut rest = Vec::new();
        zstd::resume(blob, &starts[1]).unwrap().read_to_end(&mut rest).unwrap();
        assert!(rest == plain[256 * 1024..]);
    }

    #[test]
    fn a_block_that_does_not_shrink_hardly_grows() {
        let plain = plain(400_000);
        let (blob, _) = written(std::iter::once(&plain[200_000..]));
        assert!(blob.len() < 200_100, "{} bytes", blob.len());
    }

    #[test]
    fn no_blocks_are_an_empty_file() {
        let (blob, _) = written(std::iter::empty());
        assert!(blob.is_empty());
    }

    #[test]
    fn the_block_whose_chunk_is_damaged_is_named() {
        let plain = plain(100_000);
        let (blob, starts) = written(plain.chunks(30_000));
        let mut points = SeekPoints::default();
        for (block, start) in plain.chunks(30_000).zip(&starts) {
            points.push(&Place::Chunk(start.clone()), crc32fast::hash(block));
        }
        let summary = SeekSummary { len: 100_000, block_size: 30_000, ..SeekSummary::zeroed() };
        let seek = points.finish(summary);
        assert_eq!(check_chunks(&seek, &blob), Ok(()));
        let mut bytes = vec![0; blob.len() as usize];
        blob.read_at(0, &mut bytes).unwrap();
        for block in 0..4 {
            let mut damaged = bytes.clone();
            // In the first of its bytes that say what the content is.
            damaged[starts[block].bit as usize / 8 + 12] ^= 0x55;
            let damaged: Blob = Arc::new(damaged);
            assert_eq!(check_chunks(&seek, &damaged), Err(BadChunk(block as u64)));
        }
        let cut: Blob = Arc::new(bytes[..bytes.len() - 1].to_vec());
        assert_eq!(check_chunks(&seek, &cut), Err(BadChunk(3)));
        let empty: Blob = Arc::new(Vec::new());
        assert_eq!(check_chunks(&seek, &empty), Err(BadChunk(0)));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let read_only = File::open("/proc/self/exe").unwrap();
        assert!(ChunkWriter::new(read_only, u64::MAX).unwrap().write(b"block").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damaged_chunks_neither_panic_nor_hang(
            at in any::<prop::sample::Index>(), flip in 1..=255u8, cut in any::<prop::sample::Index>()
        ) {
            let plain = plain(60_000);
            let (blob, starts) = written(plain.chunks(20_000));
            let mut damaged = vec![0; blob.len() as usize];
            blob.read_at(0, &mut damaged).unwrap();
            damaged[at.index(blob.len() as usize)] ^= flip;
            damaged.truncate(cut.index(2 * damaged.len()));
            let blob: Blob = Arc::new(damaged);
            for start in &starts {
                let mut read = vec![0; 20_000];
                let _ = zstd::resume(blob.clone(), start).unwrap().read_exact(&mut read);
            }
        }
    }
}
