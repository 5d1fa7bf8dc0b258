//! The seek points of a compressed blob, one for each block of what it decodes to (docs/index-format.md).

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use crate::mapped::{BadFile, Damaged, Table, TableFile, TableWriter};

use super::{Compression, Start};

/// What the file says it is.
const KIND: [u8; 4] = *b"seek";

/// The tables' numbers.
mod id {
    pub const SUMMARY: u32 = 1;
    pub const POINTS: u32 = 2;
    pub const STATES: u32 = 3;
}

/// What is known of the blob as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SeekSummary {
    /// The length of the compressed stream in bytes.
    pub stored_len: u64,
    /// The length of what it decodes to, in bytes.
    pub len: u64,
    /// The length of a block, in bytes; only the last one is shorter.
    pub block_size: u32,
    /// A `Compression`'s number.
    pub compression: u32,
    /// Whether some blocks are in chunks: 1, or 0.
    pub has_chunks: u32,
    /// Nothing yet.
    pub unused: u32,
}

/// The longest block that is believed, in bytes; a table that says more is none of ours.
const MAX_BLOCK: u32 = 16 * 1024 * 1024;

/// The `skip` of a block that is a chunk: its `bit` counts in the file of chunks, and nothing is skipped.
const IN_CHUNKS: u64 = u64::MAX;

/// Where a block begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Point {
    /// Where decoding begins, in bits from the beginning of the blob or the chunks.
    bit: u64,
    /// Decoded bytes that come before the block; `IN_CHUNKS` if it is a chunk.
    skip: u64,
    /// What the decoder had in memory there: where it is in `states`.
    state_at: u64,
    state_len: u32,
    /// The CRC-32 of the block's bytes.
    checksum: u32,
}

/// Where a block is to be decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The blob.
    Blob(Start),
    /// The chunks that were made of it.
    Chunk(Start),
}

/// The seek points of a blob.
#[derive(Debug)]
pub struct SeekTable {
    summary: SeekSummary,
    points: Table<Point>,
    states: Table<u8>,
}

impl SeekTable {
    /// Maps a file.
    pub fn open(file: &File) -> Result<SeekTable, BadFile> {
        SeekTable::of_file(&TableFile::open(file, KIND)?)
    }

    /// Maps a file, if it is not damaged anywhere: all of it is read.
    pub fn open_whole(file: &File) -> Result<SeekTable, BadFile> {
        let file = TableFile::open(file, KIND)?;
        file.check()?;
        let table = SeekTable::of_file(&file)?;
        (0..table.block_count()).try_for_each(|block| table.place(block).map(drop))?;
        Ok(table)
    }

    fn of_file(file: &Arc<TableFile>) -> Result<SeekTable, BadFile> {
        let summary = file.table::<SeekSummary>(id::SUMMARY)?.get(0)?.copied().ok_or(BadFile::Damaged)?;
        let table = SeekTable { summary, points: file.table(id::POINTS)?, states: file.table(id::STATES)? };
        let is_block = (1..=MAX_BLOCK).contains(&summary.block_size);
        match is_block && table.points.len() as u64 >= table.block_count() {
            true => Ok(table),
            false => Err(BadFile::Damaged),
        }
    }

    /// Writes the table to a file that is empty.
    pub fn store(&self, file: &File) -> io::Result<()> {
        let mut writer = TableWriter::new(file, KIND)?;
        writer.table(id::SUMMARY, &[self.summary])?;
        writer.table(id::POINTS, self.points.all().map_err(io::Error::other)?)?;
        writer.table(id::STATES, self.states.all().map_err(io::Error::other)?)?;
        writer.finish()
    }

    /// Whether some blocks are in chunks.
    pub fn has_chunks(&self) -> bool {
        self.summary.has_chunks != 0
    }

    /// How the blob is compressed; `None` in a table of none of ours.
    pub fn compression(&self) -> Option<Compression> {
        Compression::of_number(self.summary.compression)
    }

    /// What is known of the blob as a whole.
    pub fn summary(&self) -> &SeekSummary {
        &self.summary
    }

    /// The number of blocks.
    pub fn block_count(&self) -> u64 {
        self.summary.len.div_ceil(self.summary.block_size.into())
    }

    /// The length of a block in bytes; the last one may be shorter, and behind it there are none.
    pub fn block_len(&self, block: u64) -> usize {
        let size = u64::from(self.summary.block_size);
        let rest = self.summary.len.saturating_sub(block.saturating_mul(size));
        rest.min(size) as usize
    }

    /// Where a block begins.
    pub fn place(&self, block: u64) -> Result<Place, Damaged> {
        let point = self.point(block)?;
        if point.skip == IN_CHUNKS {
            return Ok(Place::Chunk(Start { bit: point.bit, ..Start::default() }));
        }
        let at = usize::try_from(point.state_at).map_err(|_| Damaged)?;
        let end = at.checked_add(point.state_len as usize).ok_or(Damaged)?;
        let state = self.states.slice(at..end)?.ok_or(Damaged)?;
        Ok(Place::Blob(Start { bit: point.bit, skip: point.skip, state: state.to_vec() }))
    }

    /// The CRC-32 of a block's bytes.
    pub fn checksum(&self, block: u64) -> Result<u32, Damaged> {
        self.point(block).map(|point| point.checksum)
    }

    fn point(&self, block: u64) -> Result<&Point, Damaged> {
        let at = usize::try_from(block).map_err(|_| Damaged)?;
        self.points.get(at)?.ok_or(Damaged)
    }
}

/// Seek points in the making, block by block.
#[derive(Debug, Default)]
pub struct SeekPoints {
    points: Vec<Point>,
    states: Vec<u8>,
}

impl SeekPoints {
    /// Adds the next block.
    pub fn push(&mut self, place: &Place, checksum: u32) {
        let (start, skip) = match place {
            Place::Blob(start) => (start, start.skip),
            Place::Chunk(start) => (start, IN_CHUNKS),
        };
        let point = Point {
            bit: start.bit,
            skip,
            state_at: self.states.len() as u64,
            state_len: start.state.len() as u32,
            checksum,
        };
        self.points.push(point);
        self.states.extend_from_slice(&start.state);
    }

    /// Adds the next block, to be decoded from where the one before is, which is so much shorter a way.
    pub fn push_behind(&mut self, skip: u64, checksum: u32) {
        if let Some(&last) = self.points.last() {
            self.points.push(Point { skip: last.skip.saturating_add(skip), checksum, ..last });
        }
    }

    /// The table of all blocks.
    pub fn finish(self, summary: SeekSummary) -> SeekTable {
        SeekTable { summary, points: Table::Owned(self.points), states: Table::Owned(self.states) }
    }
}

impl Compression {
    /// Its number in a seek table.
    pub fn number(self) -> u32 {
        match self {
            Compression::Gzip => 1,
            Compression::Zstd => 2,
            Compression::Xz => 3,
            Compression::Bzip2 => 4,
        }
    }

    fn of_number(number: u32) -> Option<Compression> {
        let all = [Compression::Gzip, Compression::Zstd, Compression::Xz, Compression::Bzip2];
        all.into_iter().find(|compression| compression.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_the_same_from_a_file() {
        let mut points = SeekPoints::default();
        let place = |i: u64| match i % 4 {
            0 => Place::Chunk(Start { bit: i * 77, skip: 0, state: vec![] }),
            _ => Place::Blob(Start { bit: i * 77, skip: i % 3, state: vec![i as u8; i as usize % 50] }),
        };
        for i in 0..1000 {
            points.push(&place(i), i as u32 * 3);
        }
        let summary = SeekSummary { stored_len: 5, len: 999 * 8 + 1, block_size: 8, ..SeekSummary::zeroed() };
        let table = points.finish(summary);
        let file = tempfile::tempfile().unwrap();
        table.store(&file).unwrap();
        let mapped = SeekTable::open(&file).unwrap();
        assert_eq!(*mapped.summary(), summary);
        for i in 0..1000 {
            assert_eq!((mapped.place(i), mapped.checksum(i)), (Ok(place(i)), Ok(i as u32 * 3)));
        }
        assert_eq!(mapped.place(1000), Err(Damaged));
        assert_eq!(mapped.checksum(u64::MAX), Err(Damaged));
    }
}
