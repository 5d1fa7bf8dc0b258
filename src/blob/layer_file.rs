//! A file of a layer, read front to back, and how it compares with another.

use std::fs::File;
use std::io::{self, Read};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::entry::Extent;

use super::{ReadAt, read_exact_at};

/// A file's bytes: its extents, and zeros between them.
pub struct LayerFile<'a> {
    extents: &'a [Extent],
    size: u64,
    source: &'a dyn ReadAt,
    at: u64,
}

impl<'a> LayerFile<'a> {
    /// A file of `size` bytes whose extents, sorted, lie in `source`.
    pub fn new(extents: &'a [Extent], size: u64, source: &'a dyn ReadAt) -> LayerFile<'a> {
        LayerFile { extents, size, source, at: 0 }
    }
}

/// A file that is read front to back, and knows where it has holes.
pub trait Contents: Read {
    /// The offset of the first byte, from one on, that is in no hole; the end, if there is none.
    fn next_data(&self, from: u64) -> io::Result<u64>;

    /// Goes forward to an offset.
    fn go_to(&mut self, offset: u64) -> io::Result<()>;
}

/// Bytes that two files are compared in.
const CHUNK: usize = 256 * 1024;

/// Whether two files of one size hold the same. Where both have a hole nothing is read: what an image only claims
/// costs no time.
pub fn have_same_contents(a: &mut dyn Contents, b: &mut dyn Contents) -> io::Result<bool> {
    let (mut left, mut right) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
    let mut at = 0;
    loop {
        at = a.next_data(at)?.min(b.next_data(at)?);
        read_chunk(a, at, &mut left)?;
        read_chunk(b, at, &mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
        at += left.len() as u64;
    }
}

fn read_chunk(file: &mut dyn Contents, at: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    file.go_to(at)?;
    bytes.clear();
    file.take(CHUNK as u64).read_to_end(bytes)?;
    Ok(())
}

impl Contents for LayerFile<'_> {
    fn next_data(&self, from: u64) -> io::Result<u64> {
        let next = self.extents.iter().find(|extent| extent.end() > from);
        Ok(next.map_or(self.size, |extent| extent.logical.max(from)).min(self.size))
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.at = offset;
        Ok(())
    }
}

impl Contents for File {
    fn next_data(&self, from: u64) -> io::Result<u64> {
        match rustix::fs::seek(self, SeekFrom::Data(from)) {
            Ok(data) => Ok(data),
            Err(Errno::NXIO) => Ok(self.metadata()?.len()),
            // A file system that knows of no holes.
            Err(Errno::INVAL) => Ok(from),
            Err(errno) => Err(errno.into()),
        }
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        rustix::fs::seek(self, SeekFrom::Start(offset))?;
        Ok(())
    }
}

impl Read for LayerFile<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.extents.first().is_some_and(|extent| extent.end() <= self.at) {
            self.extents = self.extents.get(1..).unwrap_or_default();
        }
        let next = self.extents.first();
        let inside = next.filter(|extent| extent.logical <= self.at);
        let end = match (inside, next) {
            (Some(extent), _) => extent.end(),
            (None, Some(extent)) => extent.logical,
            (None, None) => self.size,
        };
        let left = usize::try_from(end.min(self.size).saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(buf.len());
        let buf = buf.get_mut(..most).unwrap_or_default();
        match inside {
            Some(extent) => {
                let from = extent.source.saturating_add(self.at - extent.logical);
                read_exact_at(self.source, from, buf)?;
            }
            None => buf.fill(0),
        }
        self.at += buf.len() as u64;
        Ok(buf.len())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn holes_of_both_are_not_read_and_zeros_equal_a_hole() {
        let far = u64::MAX / 2;
        let extents = |source| [Extent { logical: far, source, len: 3 }];
        let bytes = b"abcabd\0\0\0".to_vec();
        let same = |a: &[Extent], b: &[Extent]| {
            let file = |extents| LayerFile::new(extents, u64::MAX, &bytes);
            have_same_contents(&mut file(a), &mut file(b)).unwrap()
        };
        let (first, second, zeros) = (extents(0), extents(3), extents(6));
        assert!(same(&first, &first) && !same(&first, &second) && !same(&first, &[]));
        assert!(same(&zeros, &[]) && same(&[], &zeros) && same(&[], &[]));
    }

    #[test]
    fn holes_of_the_hosts_files_are_not_read_either() {
        let far = 1 << 40;
        let mut file = tempfile::tempfile().unwrap();
        file.set_len(far + 6).unwrap();
        file.write_all_at(b"abc", far).unwrap();
        let bytes = b"abcab".to_vec();
        let mut is_same = |source, len| {
            let extents = [Extent { logical: far, source, len }];
            have_same_contents(&mut file, &mut LayerFile::new(&extents, far + 6, &bytes)).unwrap()
        };
        assert!(is_same(0, 3) && !is_same(0, 4) && !is_same(3, 2) && is_same(0, 3));
    }

    #[test]
    fn holes_are_zeros_and_a_short_source_is_an_error() {
        let extents = [Extent { logical: 2, source: 0, len: 5 }, Extent { logical: 9, source: 5, len: 2 }];
        for step in 1..14 {
            let source = b"aaaaabb".to_vec();
            let file = LayerFile::new(&extents, 12, &source);
            let mut bytes = Vec::new();
            io::BufReader::with_capacity(step, file).read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, b"\0\0aaaaa\0\0bb\0");
        }
        let short = b"aaaaab".to_vec();
        assert!(LayerFile::new(&extents, 12, &short).read_to_end(&mut Vec::new()).is_err());
    }
}
