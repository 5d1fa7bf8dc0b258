//! Files with holes: a hole of a layer's file is none of its bytes, and takes none in the tar.

use std::io::{self, Read, Write};

use crate::blob::{LayerFile, ReadAt, read_exact_at};
use crate::commit::{Body, LayerTar, Member, Sparse};
use crate::entry::Extent;

/// Holes that are shorter in all are written as zeros: a map costs as much, and some readers know none.
const WORTH_A_MAP: u64 = 64 * 1024;

/// Adds a regular file of a layer.
pub fn add<W: Write>(
    tar: &mut LayerTar<W>,
    mut member: Member,
    extents: &[Extent],
    source: &dyn ReadAt,
) -> io::Result<()> {
    let size = member.data_len();
    let data = extents.iter().fold(0_u64, |sum, extent| sum.saturating_add(extent.len));
    if size.saturating_sub(data) < WORTH_A_MAP {
        return tar.add_file(&member, LayerFile::new(extents, size, source));
    }
    let sparse = Sparse::new(size, extents.iter().map(|extent| (extent.logical, extent.len)));
    let map = sparse.map.clone();
    member.body = Body::Sparse(sparse);
    tar.add_file(&member, map.as_slice().chain(Pieces { extents, at: 0, source }))
}

/// The bytes of extents, one behind the other.
struct Pieces<'a> {
    extents: &'a [Extent],
    /// Bytes of the first one that have been read.
    at: u64,
    source: &'a dyn ReadAt,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some((first, rest)) = self.extents.split_first() {
            let left = first.len.saturating_sub(self.at);
            if left == 0 {
                (self.extents, self.at) = (rest, 0);
                continue;
            }
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
            let buf = buf.get_mut(..most).unwrap_or_default();
            read_exact_at(self.source, first.source.saturating_add(self.at), buf)?;
            self.at += most as u64;
            return Ok(most);
        }
        Ok(0)
    }
}
