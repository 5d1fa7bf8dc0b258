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
