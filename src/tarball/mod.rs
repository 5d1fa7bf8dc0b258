//! A tar in whatever form it is stored: plain or compressed, read now or known from before.
//!
//! One read of a compressed tar yields all that is ever needed of it: the names, the seek points, the digest
//! of the stream and that of the tar. What it yields is kept in the cache, by the digest of the tar, and
//! shared by all images that share the layer. Nothing here knows images.

mod check;
mod error;
mod first_read;
mod inner;
mod kept;
mod toc;

use std::sync::Arc;

use crate::blob::{Blob, BlockCache, Compression, Progress, SpoolDir};
use crate::cache::Cache;
use crate::digest::{DiffId, Digest};
use crate::index::LayerIndex;

pub use check::{CacheCheck, DamagedFile, check_cache};
pub use error::{Error, Mismatch, START};
pub use first_read::FirstRead;
pub use toc::TocError;

use toc::Depth;

/// What a tar may decode to if nobody says, in bytes.
pub const DEFAULT_MAX_SIZE: u64 = 1 << 40;

/// Decoded bytes that are held if nobody says how many: what several readers are at, and what they will be
/// at next.
pub const DEFAULT_BLOCKS: u64 = 64 * 1024 * 1024;

/// What is said of a tar by who names it, to be compared with what is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The digest of its bytes as they are stored.
    pub stored: Option<Digest>,
    /// The digest of the uncompressed tar.
    pub diff_id: Option<DiffId>,
    /// The digest of its table of contents.
    pub toc: Option<Digest>,
}

/// A tar: its names and its bytes.
pub struct Tarball {
    /// All names in it.
    pub index: Arc<LayerIndex>,
    /// The uncompressed tar.
    pub tar: Blob,
    /// What is known of it besides.
    pub known: Known,
}

/// What a tar turned out to be, to its last byte.
pub struct Examined {
    /// All names in it.
    pub index: Result<Arc<LayerIndex>, Error>,
    /// The uncompressed tar; `None` if it is compressed and no tar.
    pub tar: Option<Blob>,
    /// The digests of a compressed tar; a plain one has not been hashed.
    pub digests: Option<Digests>,
    /// What is wrong with its table of contents, if it has one.
    pub toc: Option<TocError>,
}

/// What is known of a tar's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It is as it is stored; nobody has hashed it.
    Plain {
        /// Whether its names are in the cache.
        in_cache: InCache,
    },
    /// It is compressed, and was read once.
    Compressed {
        /// How.
        compression: Compression,
        /// The digests of the stream and of the tar.
        digests: Digests,
        /// Whether what that has found is in the cache.
        in_cache: InCache,
    },
    /// It is compressed, and nothing of it was read but its table of contents, which is trusted.
    Listed {
        /// How.
        compression: Compression,
        /// The digest of the table.
        toc: Digest,
    },
}

/// Whether what is known of a tar is in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InCache {
    /// It was: the tar has not been read.
    Already,
    /// It is now.
    New,
    /// It would be no use there: the tar is read as fast.
    Small,
    /// There is no cache, or no room in it.
    No,
}

/// The digests of a compressed tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// Of its bytes as they are stored.
    pub stored: Digest,
    /// Of the uncompressed tar.
    pub diff_id: DiffId,
}

/// How tars are read.
#[derive(Clone)]
pub struct TarReader {
    /// Where to keep what was found out.
    pub cache: Option<Cache>,
    /// Decoded blocks, shared by all that is read.
    pub blocks: Arc<BlockCache>,
    /// Where streams are decoded that can be read in no other way.
    pub spool: SpoolDir,
    /// Whether what is in the cache is believed; else all is read.
    pub recall: bool,
    /// Whether a tar that is not what is claimed is refused.
    pub verify: bool,
    /// Whether a table of contents that a tar brings along will do, and the tar need not be read.
    pub trust_toc: bool,
    /// The most bytes that a tar may decode to.
    pub max_size: u64,
    /// Who hears how far the reading is.
    pub progress: Arc<dyn Progress>,
}

impl Default for TarReader {
    /// Without a cache.
    fn default() -> TarReader {
        TarReader {
            cache: None,
            blocks: Arc::new(BlockCache::new(DEFAULT_BLOCKS)),
            spool: SpoolDir::default(),
            recall: true,
            verify: true,
            trust_toc: false,
            max_size: DEFAULT_MAX_SIZE,
            progress: Arc::new(()),
        }
    }
}

impl TarReader {
    /// Reads a tar, unless what is known of it will do; `place` is what it is called in messages.
    pub fn read(&self, place: &str, blob: Blob, claims: &Claims) -> Result<Tarball, Error> {
        if let Some(tarball) = self.recall(place, &blob, claims)? {
            return Ok(tarball);
        }
        self.progress.expect(self.cost(&blob)?);
        self.read_now(place, blob, claims)
    }

    /// A tar that need not be read: it is known from before, or its table of contents is trusted.
    pub fn recall(&self, place: &str, blob: &Blob, claims: &Claims) -> Result<Option<Tarball>, Error> {
        if !self.recall {
            return Ok(None);
        }
        match self.recall_cached(place, blob, claims)? {
            None => self.trust(place, blob, claims),
            known => Ok(known),
        }
    }

    fn recall_cached(&self, place: &str, blob: &Blob, claims: &Claims) -> Result<Option<Tarball>, Error> {
        let Some(cache) = &self.cache else { return Ok(None) };
        let known = match self.recall_by_identity(cache, place, blob) {
            Some(tarball) => Some(tarball),
            None => match Compression::of(&**blob)? {
                Some(compression) => self.recall_by_digest(cache, place, blob, compression, claims),
                None => None,
            },
        };
        if let Some(Tarball { known: Known::Compressed { digests, .. }, .. }) = &known {
            // A tar is refused for its bytes, and not for what is remembered of them.
            if self.verify && !claims.are_met_by(digests) {
                return Ok(None);
            }
            self.compare(place, claims, digests)?;
        }
        Ok(known)
    }

    /// What reading a tar costs: the bytes that have to be decoded.
    pub fn cost(&self, blob: &Blob) -> Result<u64, Error> {
        Ok(Compression::of(&**blob)?.map_or(0, |_| blob.len()))
    }

    /// Reads a tar.
    pub fn read_now(&self, place: &str, blob: Blob, claims: &Claims) -> Result<Tarball, Error> {
        let Some(compression) = Compression::of(&*blob)? else { return self.read_plain(place, blob) };
        if self.cache.is_none() && matches!(compression, Compression::Xz | Compression::Bzip2) {
            return self.read_spooled(place, blob, compression, claims);
        }
        let first = self.first_read(place, &blob, compression, claims)?;
        self.compare(place, claims, &first.digests)?;
        let FirstRead { index, start, kept, .. } = first;
        let index = index.map_err(|source| Error::Tar { source, start })?;
        if let Err(error) = self.check_toc(&blob, compression, claims, &index, &Depth::Names) {
            tracing::warn!("{place}: {error}");
        }
        Ok(self.keep(place, blob, compression, kept, index))
    }

    /// Reads a tar to its end, and finds all that can be found of it, whatever is wrong.
    pub fn examine(&self, place: &str, blob: Blob, claims: &Claims) -> Result<Examined, Error> {
        let Some(compression) = Compression::of(&*blob)? else {
            let index = LayerIndex::of_tar(&*blob).map_err(|source| Error::tar(source, &*blob));
            return Ok(Examined { index: index.map(Arc::new), tar: Some(blob), digests: None, toc: None });
        };
        let first = self.first_read(place, &blob, compression, claims)?;
        let digests = Some(first.digests);
        Ok(match first.index {
            Ok(index) => {
                let kept = self.keep(place, blob.clone(), compression, first.kept, index);
                let Tarball { index, tar, .. } = kept;
                let toc = self.check_toc(&blob, compression, claims, &index, &Depth::Contents(&*tar));
                Examined { index: Ok(index), tar: Some(tar), digests, toc: toc.err() }
            }
            Err(source) => {
                let error = Error::Tar { source, start: first.start };
                Examined { index: Err(error), tar: None, digests, toc: None }
            }
        })
    }

    /// A plain tar's headers are read, and nothing between them.
    fn read_plain(&self, place: &str, tar: Blob) -> Result<Tarball, Error> {
        self.settle(&tar);
        let index = LayerIndex::of_tar(&*tar).map_err(|source| Error::tar(source, &*tar))?;
        Ok(self.keep_plain(place, tar, index))
    }
}
