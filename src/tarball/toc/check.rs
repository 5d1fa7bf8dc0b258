//! Whether a table of contents is that of its layer, once the layer itself has been read.

use std::io;

use crate::blob::{Blob, Compression, ReadAt, read_exact_at};
use crate::index::{Comparison, LayerIndex};
use crate::layer::LeafId;

use super::{Contents, Toc, TocError, estargz};
use crate::tarball::{Claims, TarReader};

/// Bytes that are compared at a time.
const PIECE: usize = 256 * 1024;

/// How far a table is compared.
pub enum Depth<'a> {
    /// Names and attributes.
    Names,
    /// Contents too, with those of the tar.
    Contents(&'a dyn ReadAt),
}

impl TarReader {
    /// Compares the table of contents of a layer, if it has one, with the claim and with the layer.
    pub(in crate::tarball) fn check_toc(
        &self,
        blob: &Blob,
        compression: Compression,
        claims: &Claims,
        layer: &LayerIndex,
        depth: &Depth<'_>,
    ) -> Result<(), TocError> {
        let Some(toc) = Toc::find(blob, compression)? else { return Ok(()) };
        toc.compare(claims)?;
        let Contents { index, chunks } = toc.contents(self.max_size)?;
        let files = toc.files("files", blob, chunks, &self.blocks);
        let mut same_contents = |a: LeafId, b: LeafId| match depth {
            Depth::Names => Ok(true),
            Depth::Contents(tar) => have_same_contents((&index, a, &*files), (layer, b, *tar)),
        };
        let own_name = (compression == Compression::Gzip).then_some(estargz::NAME);
        let mut comparison = Comparison { list: &index, layer, own_name, same_contents: &mut same_contents };
        match comparison.run()? {
            Some(difference) => Err(TocError::Difference(difference)),
            None => Ok(()),
        }
    }
}

/// A file: the index and the leaf, and the blob that its extents lie in.
type File<'a> = (&'a LayerIndex, LeafId, &'a dyn ReadAt);

/// Whether two files of one length have the same bytes; the first is in one piece, as a table of contents has it.
fn have_same_contents((index, leaf, listed): File<'_>, (layer, other, tar): File<'_>) -> io::Result<bool> {
    let whole = index.extents(leaf).map_err(io::Error::other)?;
    let Some(whole) = whole.first() else { return Ok(true) };
    let extents = layer.extents(other).map_err(io::Error::other)?;
    let mut at = 0;
    for extent in extents.iter() {
        let hole = whole.source.saturating_add(at);
        let data = whole.source.saturating_add(extent.logical);
        if !is_same(listed, hole, None, extent.logical.saturating_sub(at))?
            || !is_same(listed, data, Some((tar, extent.source)), extent.len)?
        {
            return Ok(false);
        }
        at = extent.end();
    }
    is_same(listed, whole.source.saturating_add(at), None, whole.len.saturating_sub(at))
}

/// Whether bytes are those of another blob, or else zeros.
fn is_same(a: &dyn ReadAt, at: u64, b: Option<(&dyn ReadAt, u64)>, len: u64) -> io::Result<bool> {
    let (mut of_a, mut of_b) = (vec![0; PIECE], vec![0; PIECE]);
    let mut done = 0;
    while done < len {
        let n = usize::try_from(len - done).unwrap_or(PIECE).min(PIECE);
        let (of_a, of_b) = (of_a.get_mut(..n).unwrap_or_default(), of_b.get_mut(..n).unwrap_or_default());
        read_exact_at(a, at.saturating_add(done), of_a)?;
        if let Some((b, b_at)) = b {
            read_exact_at(b, b_at.saturating_add(done), of_b)?;
        }
        if of_a != of_b {
            return Ok(false);
        }
        done += n as u64;
    }
    Ok(true)
}
