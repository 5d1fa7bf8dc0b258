//! A file of a layer, read front to back.

use std::io::{self, Read};

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

/// Bytes that two files are compared in.
const CHUNK: usize = 256 * 1024;

/// Whether two files of one size hold the same. Where both have a hole nothing is read: what an image only claims
/// costs no time.
pub fn have_same_contents(mut a: LayerFile<'_>, mut b: LayerFile<'_>) -> io::Result<bool> {
    let (mut left, mut right) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
    loop {
        let next = a.next_data().min(b.next_data());
        (a.at, b.at) = (next, next);
        left.clear();
        right.clear();
        a.by_ref().take(CHUNK as u64).read_to_end(&mut left)?;
        b.by_ref().take(CHUNK as u64).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}

impl LayerFile<'_> {
    /// The offset of the next byte that is in no hole; the end, if there is none.
    fn next_data(&self) -> u64 {
        let next = self.extents.iter().find(|extent| extent.end() > self.at);
        next.map_or(self.size, |extent| extent.logical.max(self.at)).min(self.size)
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
    use super::*;

    #[test]
    fn holes_of_both_are_not_read_and_zeros_equal_a_hole() {
        let far = u64::MAX / 2;
        let extents = |source| [Extent { logical: far, source, len: 3 }];
        let bytes = b"abcabd\0\0\0".to_vec();
        let same = |a: &[Extent], b: &[Extent]| {
            let file = |extents| LayerFile::new(extents, u64::MAX, &bytes);
            have_same_contents(file(a), file(b)).unwrap()
        };
        let (first, second, zeros) = (extents(0), extents(3), extents(6));
        assert!(same(&first, &first) && !same(&first, &second) && !same(&first, &[]));
        assert!(same(&zeros, &[]) && same(&[], &zeros) && same(&[], &[]));
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
