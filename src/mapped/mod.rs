//! Tables of fixed-size records, in memory or mapped from a file of our own.
//!
//! A file that is mapped is there at once, however long it is: nothing is read, copied or parsed before it
//! is asked for. Each page of it has a checksum, which is compared when the page is first touched, so
//! what a disk or a stray program did to the file is noticed before any of it is used ([`Damaged`]); whoever
//! has a file like that can make it again ([`Mended`]). Nothing here knows what the tables are about.

mod file;
mod mended;
#[allow(unsafe_code)]
mod sys;
mod writer;

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use bytemuck::Pod;

pub use file::{BadFile, TableFile};
pub use mended::Mended;
pub use writer::TableWriter;

/// A page of a mapped file does not match its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cache file is damaged")]
pub struct Damaged;

/// Records of one kind, one behind the other.
#[derive(Debug)]
pub enum Table<T> {
    /// In memory.
    Owned(Vec<T>),
    /// In a file.
    Mapped(MappedTable<T>),
}

/// A stretch of a mapped file.
#[derive(Debug)]
pub struct MappedTable<T> {
    file: Arc<TableFile>,
    /// Of the first record, in bytes.
    offset: usize,
    /// In records.
    len: usize,
    records: PhantomData<T>,
}

impl<T: Pod> Table<T> {
    /// The number of records.
    pub fn len(&self) -> usize {
        match self {
            Table::Owned(records) => records.len(),
            Table::Mapped(table) => table.len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One record; `None` behind the end.
    pub fn get(&self, at: usize) -> Result<Option<&T>, Damaged> {
        match self {
            Table::Owned(records) => Ok(records.get(at)),
            Table::Mapped(table) => Ok(table.slice(at..at.saturating_add(1))?.and_then(<[T]>::first)),
        }
    }

    /// Some records; `None` if not all of them are there.
    pub fn slice(&self, range: Range<usize>) -> Result<Option<&[T]>, Damaged> {
        match self {
            Table::Owned(records) => Ok(records.get(range)),
            Table::Mapped(table) => table.slice(range),
        }
    }

    /// All records.
    pub fn all(&self) -> Result<&[T], Damaged> {
        self.slice(0..self.len())?.ok_or(Damaged)
    }
}

impl<T: Pod> MappedTable<T> {
    fn slice(&self, range: Range<usize>) -> Result<Option<&[T]>, Damaged> {
        if range.start > range.end || range.end > self.len {
            return Ok(None);
        }
        let bytes = |records: usize| self.offset + records * size_of::<T>();
        let bytes = self.file.bytes(bytes(range.start)..bytes(range.end))?;
        bytemuck::try_cast_slice(bytes).map(Some).map_err(|_| Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::fs::FileExt;

    const KIND: [u8; 4] = *b"test";

    fn write(numbers: &[u64], text: &[u8]) -> File {
        let file = tempfile::tempfile().unwrap();
        let mut writer = TableWriter::new(&file, KIND).unwrap();
        writer.table(1, numbers).unwrap();
        writer.table(2, text).unwrap();
        writer.finish().unwrap();
        file
    }

    fn open(file: &File) -> Result<(Table<u64>, Table<u8>), BadFile> {
        let file = TableFile::open(file, KIND)?;
        Ok((file.table(1)?, file.table(2)?))
    }

    #[test]
    fn what_was_written_is_mapped() {
        for count in [0, 1, 7, 8192, 100_000] {
            let numbers: Vec<u64> = (0..count).collect();
            let (mapped, text) = open(&write(&numbers, b"some text")).unwrap();
            assert_eq!(mapped.all().unwrap(), numbers);
            assert_eq!(text.all().unwrap(), b"some text");
            assert_eq!(text.slice(5..9).unwrap(), Some(&b"text"[..]));
            assert_eq!(text.slice(5..10).unwrap(), None);
            assert_eq!(mapped.get(count as usize).unwrap(), None);
            assert_eq!(mapped.get(usize::MAX).unwrap(), None);
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let numbers: Vec<u64> = (0..30_000).collect();
        let file = write(&numbers, b"text");
        let len = file.metadata().unwrap().len();
        for at in (0..200).chain((200..len).step_by(997)).chain(len - 40..len) {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 4], at).unwrap();
            if let Ok((mapped, text)) = open(&file) {
                let whole = mapped.all().and_then(|numbers| Ok((numbers, text.all()?)));
                // Padding, and fields that say nothing, may change; what is read may not.
                assert!(whole.is_err() || whole == Ok((&numbers, b"text")), "byte {at}");
            }
            file.write_all_at(&byte, at).unwrap();
        }
        let (mapped, _) = open(&file).unwrap();
        assert_eq!(mapped.all().unwrap(), numbers);
    }

    #[test]
    fn damage_is_noticed_where_it_is_and_only_there() {
        let numbers: Vec<u64> = (0..30_000).collect();
        let file = write(&numbers, b"text");
        file.write_all_at(b"?", 150_000).unwrap();
        let (mapped, text) = open(&file).unwrap();
        assert_eq!(mapped.get(0).unwrap(), Some(&0));
        assert_eq!(mapped.get(29_999).unwrap(), Some(&29_999));
        assert_eq!(mapped.get(18_700), Err(Damaged));
        assert_eq!(mapped.all(), Err(Damaged));
        assert_eq!(text.all().unwrap(), b"text");
    }

    #[test]
    fn a_file_that_is_cut_or_something_else_is_refused() {
        let file = write(&[1, 2, 3], b"text");
        let len = file.metadata().unwrap().len();
        assert!(TableFile::open(&file, *b"else").is_err());
        for cut in (0..len).rev() {
            file.set_len(cut).unwrap();
            assert!(open(&file).is_err(), "{cut} bytes");
        }
        assert!(TableFile::open(&File::open("/dev/null").unwrap(), KIND).is_err());
        assert!(TableFile::open(&File::open("/proc/self/exe").unwrap(), KIND).is_err());
        let mut bytes = Vec::new();
        let file = write(&[1], b"");
        (&file).read_to_end(&mut bytes).unwrap();
        assert!(open(&file).unwrap().1.is_empty());
        // A table of records of another size.
        assert!(TableFile::open(&file, KIND).unwrap().table::<u32>(1).is_err());
        assert!(TableFile::open(&file, KIND).unwrap().table::<u64>(3).is_err());
    }
}
