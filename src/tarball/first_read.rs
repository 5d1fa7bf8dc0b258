//! Reading a compressed tar for the first time, once and to its end.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::blob::{Blob, Compression, HostFile, Pass, PassOptions, ReadAt, Reader, SeekTable, Stream};
use crate::cache::NewFile;
use crate::digest::{Algorithm, DiffId, Digest};
use crate::index::LayerIndex;
use crate::tar::{self, Problem};

use super::error::START;
use super::inner::{Inner, Outer};
use super::{Claims, Digests, Error, InCache, Known, Mismatch, TarReader, Tarball};

/// What a first read finds.
pub struct FirstRead {
    /// The names, if it is a tar.
    pub index: Result<LayerIndex, tar::Error>,
    /// What it begins with.
    pub start: Vec<u8>,
    /// The digests.
    pub digests: Digests,
    /// What later reads need.
    pub kept: Kept,
}

/// What later reads of a stream need.
pub struct Kept {
    pub seek: SeekTable,
    /// The file of chunks, if there are any.
    pub chunks: Option<NewFile>,
    pub digests: Digests,
    /// Tars that it holds.
    pub inner: Vec<Inner>,
    /// Whether there was no room for chunks that are needed.
    pub is_slow: bool,
}

impl TarReader {
    /// Decodes a compressed tar from its first byte to its last; every byte is hashed and every checksum compared.
    pub fn first_read(
        &self,
        place: &str,
        blob: &Blob,
        compression: Compression,
        claims: &Claims,
    ) -> Result<FirstRead, Error> {
        self.settle(blob);
        let chunks = match (compression, &self.cache) {
            // Its seek points are never far.
            (Compression::Gzip, _) | (_, None) => None,
            (_, Some(cache)) => cache.new_file(),
        };
        let mut pass = Pass::start(blob.clone(), compression, self.pass_options(claims, chunks.as_ref())?)?;
        let mut start = Vec::new();
        let mut stream = Stream::new(|| {
            let block = pass.next_block()?;
            if let Some(block) = block.as_ref().filter(|_| start.is_empty()) {
                start = block.get(..START.min(block.len())).unwrap_or_default().to_vec();
            }
            Ok(block)
        });
        let mut outer = Outer::new(&mut stream);
        // Of a layer it is known that its members are none.
        let (index, inner) = match self.cache.is_some() && *claims == Claims::default() {
            true => (LayerIndex::of_stream(&mut outer), outer.inner),
            false => (LayerIndex::of_stream(&mut stream), Vec::new()),
        };
        let index = match index {
            Err(tar::Error { problem: Problem::Io(error), .. }) => return Err(error.into()),
            index => index,
        };
        let found = pass.finish()?;
        let has_chunks = found.seek.has_chunks();
        if found.is_slow {
            self.warn_of_slow_stream(place, compression);
        }
        let is_slow = found.is_slow;
        let digests = Digests { stored: found.stored, diff_id: DiffId(found.decoded) };
        let chunks = chunks.filter(|_| has_chunks);
        let kept = Kept { seek: found.seek, chunks, digests: digests.clone(), inner, is_slow };
        Ok(FirstRead { index, start, digests, kept })
    }

    fn pass_options(&self, claims: &Claims, chunks: Option<&NewFile>) -> io::Result<PassOptions> {
        let algorithm = |digest: Option<&Digest>| digest.map_or(Algorithm::Sha256, Digest::algorithm);
        Ok(PassOptions {
            stored: algorithm(claims.stored.as_ref()),
            decoded: algorithm(claims.diff_id.as_ref().map(|id| &id.0)),
            chunks: chunks.map(|file| file.as_file().try_clone()).transpose()?,
            max_chunks: self.cache.as_ref().map_or(0, |cache| cache.limit()),
            max_len: self.max_size,
            progress: self.progress.clone(),
        })
    }

    /// Compares what was found with what was claimed.
    pub(super) fn compare(&self, place: &str, claims: &Claims, found: &Digests) -> Result<(), Mismatch> {
        match claims.mismatch(found) {
            Some(mismatch) if self.verify => Err(mismatch),
            Some(mismatch) => {
                tracing::warn!("{place}: {mismatch}");
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Without a cache to keep chunks in, a stream that cannot be read in the middle is decoded to a file.
    pub(super) fn read_spooled(
        &self,
        place: &str,
        blob: Blob,
        compression: Compression,
        claims: &Claims,
    ) -> Result<Tarball, Error> {
        let tar = self.spool.spool(&*blob, compression, self.max_size)?;
        self.progress.advance(blob.len());
        let digest = |claimed: Option<&Digest>, bytes: &dyn ReadAt| {
            let algorithm = claimed.map_or(Algorithm::Sha256, Digest::algorithm);
            Digest::of_reader(algorithm, Reader::new(bytes)).map(|(digest, _)| digest)
        };
        let stored = digest(claims.stored.as_ref(), &*blob)?;
        let diff_id = DiffId(digest(claims.diff_id.as_ref().map(|id| &id.0), &*tar)?);
        let digests = Digests { stored, diff_id };
        self.compare(place, claims, &digests)?;
        let index = LayerIndex::of_tar(&*tar).map_err(|source| Error::tar(source, &*tar))?;
        let known = Known::Compressed { compression, digests, in_cache: InCache::No };
        Ok(Tarball { index: Arc::new(index), tar, known })
    }

    /// It is said of the first such stream; more of them make it no clearer.
    fn warn_of_slow_stream(&self, place: &str, compression: Compression) {
        static SAID: std::sync::Once = std::sync::Once::new();
        SAID.call_once(|| {
            let why = match &self.cache {
                None => "no cache directory".to_owned(),
                Some(cache) => {
                    format!("its chunks do not fit into the cache directory {}", cache.path().display())
                }
            };
            tracing::warn!(
                "{place}: one long {compression} frame, and {why}: \
                 every read in its middle decodes it from its beginning"
            );
        });
    }
}

impl Claims {
    /// Whether all that is claimed has been found, and by the same algorithms.
    pub fn are_met_by(&self, found: &Digests) -> bool {
        self.stored.as_ref().is_none_or(|stored| *stored == found.stored)
            && self.diff_id.as_ref().is_none_or(|diff_id| *diff_id == found.diff_id)
    }

    /// The first claim that is not so; what was hashed otherwise cannot be compared.
    pub fn mismatch(&self, found: &Digests) -> Option<Mismatch> {
        let claims = [
            ("digest", self.stored.as_ref(), &found.stored),
            ("diff ID", self.diff_id.as_ref().map(|id| &id.0), &found.diff_id.0),
        ];
        claims.into_iter().find_map(|(what, expected, found)| {
            let expected = expected.filter(|expected| expected.algorithm() == found.algorithm())?;
            let (found, expected) = (found.clone(), expected.clone());
            (found != expected).then_some(Mismatch { what, found, expected })
        })
    }
}

/// Another handle of a file of the cache, to read it.
pub(super) fn readable(file: &File) -> Option<Blob> {
    let file = file.try_clone().and_then(HostFile::new);
    file.ok().map(|file| Arc::new(file) as Blob)
}
