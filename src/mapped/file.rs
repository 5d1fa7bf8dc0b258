//! A mapped file: its header, its tables, and the checksums of its pages.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytemuck::{Pod, Zeroable};
use memmap2::{Mmap, MmapMut};

use crate::host;
use crate::wait;

use super::{Damaged, MappedTable, Table, sys};

/// What every file begins with. It is read as a number, so that a machine of the other byte order sees a
/// file of some other kind.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"peelfs\0\x01");

/// The version of what the tables hold: of their form, and of peelfs itself, as another one may read a layer
/// otherwise. A file of another version is made again.
pub(super) const VERSION: u32 = {
    const FORM: u32 = 1;
    let [major, minor, patch] = [
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    ];
    (major << 24) | (minor << 16) | (patch << 8) | FORM
};

const fn number(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => 0,
    }
}

/// Bytes under one checksum: few enough that the first lookup costs little, many enough that the checksums
/// of a file are no work to read.
pub(super) const PAGE: usize = 64 * 1024;

/// Tables begin at multiples of this, in bytes: as much as any record needs.
pub(super) const ALIGN: usize = 16;

/// Reads by one thread between two times that it gives a map's pages back. A walk over a million entries
/// makes five million; it holds some MiB of the index, then, and not all of it.
const RELEASE_AFTER: u32 = 1 << 15;

/// Pages of shorter files are not given back, in bytes: there are not enough of them.
const MIN_RELEASED: usize = 4 * 1024 * 1024;

/// Tables in one file; the longest list has 20.
pub(super) const MAX_TABLES: usize = 64;

/// The room for the header and the tables' places, in bytes. Both are written last, and have a checksum of
/// their own.
pub(super) const HEAD: usize = size_of::<Header>() + MAX_TABLES * size_of::<Place>();

/// The first bytes of a file.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Header {
    pub magic: u64,
    pub version: u32,
    /// What the tables are about.
    pub kind: [u8; 4],
    /// The length of the file.
    pub len: u64,
    /// Where the checksums of the pages begin, which is where the pages end.
    pub checksums_at: u64,
    /// The number of tables; their places stand behind the header.
    pub tables: u32,
    /// The CRC-32 of this header with a zero here, of the tables' places, and of the checksums.
    pub checksum: u32,
}

/// Where a table is.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Place {
    pub id: u32,
    /// The length of a record in bytes.
    pub record: u32,
    /// In bytes from the beginning of the file.
    pub offset: u64,
    /// In records.
    pub count: u64,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// It cannot be mapped.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is of another kind, of another version, or by a machine of another byte order.
    #[error("written by another version")]
    Other,
    /// It is cut, or not what it was.
    #[error("damaged")]
    Damaged,
}

impl From<Damaged> for BadFile {
    fn from(_: Damaged) -> BadFile {
        BadFile::Damaged
    }
}

/// A file of tables.
#[derive(Debug)]
pub struct TableFile {
    map: Mmap,
    /// Whether the map is of the file, and not a copy of it.
    is_mapped: bool,
    places: Vec<Place>,
    checksums: Range<usize>,
    /// The pages whose checksum has been compared, a bit each.
    checked: Box<[AtomicU64]>,
}

impl TableFile {
    /// Maps a file that holds tables of a kind.
    pub fn open(file: &File, kind: [u8; 4]) -> Result<Arc<TableFile>, BadFile> {
        let is_mapped = host::is_local(file)?;
        let map = if is_mapped { sys::map(file)? } else { copy(file)? };
        let header: Header = read(&map, 0).ok_or(BadFile::Other)?;
        if header.magic != MAGIC || header.version != VERSION || header.kind != kind {
            return Err(BadFile::Other);
        }
        if header.len != map.len() as u64 || header.tables as usize > MAX_TABLES {
            return Err(BadFile::Damaged);
        }
        let pages_end = usize::try_from(header.checksums_at).ok().filter(|&at| at <= map.len());
        let pages_end = pages_end.ok_or(BadFile::Damaged)?;
        let pages = pages_end.div_ceil(PAGE);
        let checksums = pages_end..pages_end + pages * size_of::<u32>();
        let places_end = size_of::<Header>() + header.tables as usize * size_of::<Place>();
        let places = map.get(size_of::<Header>()..places_end).ok_or(BadFile::Damaged)?;
        let table = map.get(checksums.clone()).ok_or(BadFile::Damaged)?;
        if header.checksum != head_checksum(&header, places, table) || checksums.end != map.len() {
            return Err(BadFile::Damaged);
        }
        let places = places.chunks_exact(size_of::<Place>()).map(bytemuck::pod_read_unaligned).collect();
        let checked = (0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Arc::new(TableFile { map, is_mapped, places, checksums, checked }))
    }

    /// A table by its number.
    pub fn table<T: Pod>(self: &Arc<Self>, id: u32) -> Result<Table<T>, BadFile> {
        let place = self.places.iter().find(|place| place.id == id).ok_or(BadFile::Other)?;
        let offset = usize::try_from(place.offset).map_err(|_| BadFile::Damaged)?;
        let len = usize::try_from(place.count).map_err(|_| BadFile::Damaged)?;
        let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(offset));
        let is_inside = bytes.is_some_and(|end| end <= self.checksums.start);
        if !is_inside || place.record as usize != size_of::<T>() || !offset.is_multiple_of(ALIGN) {
            return Err(BadFile::Damaged);
        }
        Ok(Table::Mapped(MappedTable { file: self.clone(), offset, len, records: Default::default() }))
    }

    /// The length of the file in bytes.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Never: a file has at least a header.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Compares all checksums.
    pub fn check(&self) -> Result<(), Damaged> {
        self.bytes(0..self.checksums.start).map(|_| ())
    }

    /// Bytes of the file, once the pages they are in have been compared with their checksums.
    pub(super) fn bytes(&self, range: Range<usize>) -> Result<&[u8], Damaged> {
        self.release_now_and_then();
        let bytes = self.map.get(range.clone()).ok_or(Damaged)?;
        if !bytes.is_empty() {
            for page in range.start / PAGE..=(range.end - 1) / PAGE {
                self.check_page(page)?;
            }
        }
        Ok(bytes)
    }

    /// Memory that is mapped counts as the process's as long as it is not given back.
    fn release_now_and_then(&self) {
        thread_local! {
            static READS: Cell<u32> = const { Cell::new(0) };
        }
        let reads = READS.get().wrapping_add(1);
        READS.set(reads);
        if !reads.is_multiple_of(RELEASE_AFTER) || self.map.len() < MIN_RELEASED || !self.is_mapped {
            return;
        }
        match sys::release(&self.map) {
            // What comes back may come from the disk again.
            Ok(()) => self.checked.iter().for_each(|pages| pages.store(0, Ordering::Relaxed)),
            Err(error) => tracing::debug!(%error, "pages of a mapped file are not given back"),
        }
    }

    fn check_page(&self, page: usize) -> Result<(), Damaged> {
        let word = self.checked.get(page / 64).ok_or(Damaged)?;
        let bit = 1 << (page % 64);
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        // It may have to come from the disk.
        wait::announce();
        let start = if page == 0 { HEAD } else { page * PAGE };
        let end = ((page + 1) * PAGE).min(self.checksums.start);
        let bytes = self.map.get(start..end).ok_or(Damaged)?;
        let expected: u32 = read(&self.map, self.checksums.start + page * size_of::<u32>()).ok_or(Damaged)?;
        if crc32fast::hash(bytes) != expected {
            return Err(Damaged);
        }
        word.fetch_or(bit, Ordering::Relaxed);
        Ok(())
    }
}

/// A file's bytes in memory, aligned as a map is.
fn copy(file: &File) -> io::Result<Mmap> {
    let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut map = MmapMut::map_anon(len)?;
    file.read_exact_at(&mut map, 0)?;
    map.make_read_only()
}

/// The checksum of all that says where things are.
pub(super) fn head_checksum(header: &Header, places: &[u8], checksums: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytemuck::bytes_of(&Header { checksum: 0, ..*header }));
    hasher.update(places);
    hasher.update(checksums);
    hasher.finalize()
}

fn read<T: Pod>(bytes: &[u8], at: usize) -> Option<T> {
    bytes.get(at..at.checked_add(size_of::<T>())?).map(bytemuck::pod_read_unaligned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_copy_has_the_bytes_of_the_file() {
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.write_all(b"some bytes").unwrap();
        assert_eq!(&*copy(&file).unwrap(), b"some bytes");
    }
}
