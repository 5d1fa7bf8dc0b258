//! From an offset in a file to bytes of its layer: the one place where the two are converted.

use std::io;
use std::ops::Range;

use crate::blob::ReadAt;
use crate::entry::Extent;

/// A file that is no longer than this is small, in bytes: it is one request of the kernel.
const SMALL: u64 = 128 * 1024;

/// Bytes that small files are fetched in.
const STRETCH: u64 = 512 * 1024;

/// What lseek(2) looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// `SEEK_DATA`.
    Data,
    /// `SEEK_HOLE`; the end of a file is one.
    Hole,
}

/// Reads a file of `size` bytes at an offset: its extents from `source`, zeros between them.
///
/// Fewer bytes than `buf` holds are read only at the end of the file.
pub fn read_extents(
    extents: &[Extent],
    size: u64,
    source: &dyn ReadAt,
    offset: u64,
    buf: &mut [u8],
) -> io::Result<usize> {
    let len = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(buf.len());
    let Some(buf) = buf.get_mut(..len) else { return Ok(0) };
    let end = offset + len as u64;
    let mut at = offset;
    let first = extents.partition_point(|extent| extent.end() <= offset);
    for extent in extents.get(first..).unwrap_or_default() {
        if extent.logical >= end {
            break;
        }
        let data = extent.logical.max(at);
        let data_end = extent.end().min(end);
        slice(buf, offset, at, data).fill(0);
        let from = extent.source.saturating_add(data - extent.logical);
        let data = slice(buf, offset, data, data_end);
        let end_of_extent = extent.source.saturating_add(extent.len);
        if source.read_near(from, data, near(from, data.len() as u64, end_of_extent, size))? < data.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at = data_end;
    }
    slice(buf, offset, at, end).fill(0);
    Ok(len)
}

/// What is likely to be asked for after `len` bytes from offset `from` of a source.
///
/// Files that are small mostly lie as they are read, many in one stretch, and a disk brings the stretch as
/// fast as the file. Of a large file it is as much again: who reads long pieces reads on, and who reads short
/// ones may jump.
fn near(from: u64, len: u64, end_of_extent: u64, size: u64) -> Range<u64> {
    if size <= SMALL {
        let start = from / STRETCH * STRETCH;
        return start..start.saturating_add(STRETCH).max(from.saturating_add(len));
    }
    from..from.saturating_add(len.saturating_mul(2)).min(end_of_extent)
}

/// The part of a buffer that begins at file offset `start` which stands for `from..to`.
fn slice(buf: &mut [u8], start: u64, from: u64, to: u64) -> &mut [u8] {
    let range = (from - start) as usize..(to.max(from) - start) as usize;
    buf.get_mut(range).unwrap_or_default()
}

/// The first offset at or after `offset` that is data, or that is a hole; `None` behind the end.
pub fn seek(extents: &[Extent], size: u64, offset: u64, whence: Seek) -> Option<u64> {
    if offset >= size {
        return None;
    }
    let next = extents.get(extents.partition_point(|extent| extent.end() <= offset));
    match whence {
        Seek::Data => next.map(|extent| extent.logical.max(offset)),
        // Extents are apart: the end of one is the beginning of a hole.
        Seek::Hole => {
            let here = next.filter(|extent| extent.logical <= offset);
            Some(here.map_or(offset, |extent| extent.end().min(size)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `..aaaaa..bb.` with dots for holes.
    const EXTENTS: [Extent; 2] =
        [Extent { logical: 2, source: 0, len: 5 }, Extent { logical: 9, source: 5, len: 2 }];
    const SIZE: u64 = 12;

    #[test]
    fn any_stretch_of_a_sparse_file_reads_as_the_expanded_file() {
        let source = b"aaaaabb".to_vec();
        let expanded = b"\0\0aaaaa\0\0bb\0";
        for offset in 0..14u64 {
            for len in 0..14 {
                let mut buf = vec![b'?'; len];
                let n = read_extents(&EXTENTS, SIZE, &source, offset, &mut buf).unwrap();
                let start = (offset as usize).min(expanded.len());
                let end = (start + len).min(expanded.len());
                assert_eq!(&buf[..n], &expanded[start..end], "{len} bytes at {offset}");
            }
        }
    }

    #[test]
    fn a_source_that_is_too_short_is_an_error() {
        assert!(read_extents(&EXTENTS, SIZE, &b"aaaaab".to_vec(), 0, &mut [0; 12]).is_err());
    }

    #[test]
    fn seek_finds_data_and_holes() {
        let data: Vec<_> = (0..13).map(|offset| seek(&EXTENTS, SIZE, offset, Seek::Data)).collect();
        let hole: Vec<_> = (0..13).map(|offset| seek(&EXTENTS, SIZE, offset, Seek::Hole)).collect();
        let some = |offsets: &[i64]| -> Vec<Option<u64>> {
            offsets.iter().map(|&offset| u64::try_from(offset).ok()).collect()
        };
        assert_eq!(data, some(&[2, 2, 2, 3, 4, 5, 6, 9, 9, 9, 10, -1, -1]));
        assert_eq!(hole, some(&[0, 1, 7, 7, 7, 7, 7, 7, 8, 11, 11, 11, -1]));
    }
}
