//! Tables of contents that some layers bring along: all names, and where in the compressed stream the chunks of
//! each file begin.
//!
//! Who wrote the layer wrote the table too, and nothing but decoding the layer tells whether the one is of the
//! other. So it is checked when the layer is decoded, and used instead of that only where it is trusted.

mod check;
mod entry;
mod estargz;
mod list;
#[cfg(test)]
mod tests;
mod zstd_chunked;

pub use check::Depth;

use std::io;
use std::sync::Arc;

use crate::blob::{Blob, BlockCache, ChunkTable, Chunked, Compression, Listed};
use crate::digest::Digest;
use crate::index::{Difference, LayerIndex};
use crate::tar;

use super::{Claims, Error, Known, Mismatch, TarReader, Tarball};

/// The longest table that is read, in bytes, decoded: as for any list of names.
const MAX_TABLE: u64 = 64 * 1024 * 1024;

/// What is quoted of a message, in characters: a path and some words.
const MAX_MESSAGE: usize = 500;

/// What is wrong with a table of contents.
#[derive(Debug, thiserror::Error)]
pub enum TocError {
    /// Where the footer says that it is, there is none.
    #[error("table of contents: {0}")]
    Missing(&'static str),
    /// It is longer than any that is read.
    #[error("table of contents: more than {MAX_TABLE} bytes")]
    Large,
    /// It cannot be read.
    #[error("table of contents: {0}")]
    Read(#[from] io::Error),
    /// The tar that it is in is damaged.
    #[error("table of contents: {0}")]
    Tar(#[from] tar::Error),
    /// It makes no sense.
    #[error("table of contents: {}", shortened(.0))]
    Json(#[from] serde_json::Error),
    /// It is not what the image says it is.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It is not that of its layer.
    #[error("table of contents: it is not that of the layer: {0}")]
    Difference(Difference),
}

/// What is wrong with JSON may be a string of many mebibytes.
fn shortened(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A table of contents, as it stands in its layer.
#[derive(Debug)]
pub struct Toc {
    compression: Compression,
    /// Where the chunks end and it begins, in the compressed stream.
    offset: u64,
    json: Vec<u8>,
    /// The digest of its bytes as they are stored.
    stored: Option<Digest>,
}

/// What a table of contents says.
struct Contents {
    index: LayerIndex,
    chunks: ChunkTable,
}

impl Toc {
    /// Looks for the table of a layer; `None` if there is no footer that names one.
    pub fn find(blob: &Blob, compression: Compression) -> Result<Option<Toc>, TocError> {
        match compression {
            Compression::Gzip => estargz::find(blob),
            Compression::Zstd => zstd_chunked::find(blob),
            Compression::Xz | Compression::Bzip2 => Ok(None),
        }
    }

    /// Compares it with the digest that is claimed: some writers give that of the JSON, others that of what is stored.
    fn compare(&self, claims: &Claims) -> Result<(), Mismatch> {
        let Some(expected) = &claims.toc else { return Ok(()) };
        let of_json = Digest::of_reader(expected.algorithm(), &*self.json).map(|(digest, _)| digest);
        if self.stored.as_ref() == Some(expected) || of_json.is_ok_and(|of_json| of_json == *expected) {
            return Ok(());
        }
        let found = self.digest();
        Err(Mismatch { what: "table of contents", found, expected: expected.clone() })
    }

    /// Its digest, as an image would give it.
    fn digest(&self) -> Digest {
        self.stored.clone().unwrap_or_else(|| Digest::of(&self.json))
    }

    /// Reads it; the files' lengths together must not be more than `max_size`.
    fn contents(&self, max_size: u64) -> Result<Contents, TocError> {
        let (index, chunks) = list::read(&self.json, self.offset, max_size)?;
        Ok(Contents { index, chunks })
    }

    /// The files' bytes, one file behind the other.
    fn files(&self, place: &str, blob: &Blob, chunks: ChunkTable, cache: &Arc<BlockCache>) -> Blob {
        let (place, compression, blob) = (place.to_owned(), self.compression, blob.clone());
        Arc::new(Chunked::new(Arc::new(Listed { place, compression, blob, chunks }), cache.clone()))
    }
}

impl TarReader {
    /// A compressed tar as its table of contents has it; `None` if that is not trusted, or not there, or of no use.
    pub(super) fn trust(&self, place: &str, blob: &Blob, claims: &Claims) -> Result<Option<Tarball>, Error> {
        let Some(compression) = Compression::of(&**blob)?.filter(|_| self.trust_toc) else { return Ok(None) };
        match self.listed(place, blob, compression, claims) {
            Err(TocError::Mismatch(mismatch)) => Err(mismatch.into()),
            Err(error) => {
                tracing::warn!("{place}: {error}; reading the layer instead");
                Ok(None)
            }
            Ok(tarball) => Ok(tarball),
        }
    }

    fn listed(
        &self,
        place: &str,
        blob: &Blob,
        compression: Compression,
        claims: &Claims,
    ) -> Result<Option<Tarball>, TocError> {
        let Some(toc) = Toc::find(blob, compression)? else { return Ok(None) };
        match toc.compare(claims) {
            Err(mismatch) if !self.verify => tracing::warn!("{place}: {mismatch}"),
            result => result?,
        }
        let Contents { index, chunks } = toc.contents(self.max_size)?;
        let tar = toc.files(place, blob, chunks, &self.blocks);
        let known = Known::Listed { compression, toc: toc.digest() };
        Ok(Some(Tarball { index: Arc::new(index), tar, known }))
    }
}
