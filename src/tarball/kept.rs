//! What was found out about a tar, kept in the cache and found there again.
//!
//! The names of a layer belong to its diff ID; seek points belong to one compression of it, by the digest
//! of the blob. Which blob a stretch of a file is, and which layer a blob is, is remembered line by line: so a file
//! that has not changed is known without being hashed, and a layer of another image by what that says of it.

use std::io;
use std::sync::Arc;

use crate::blob::{
    Blob, ChunkFile, Compression, Decoded, Identity, Pass, PassOptions, ReadAt, Reader, SeekTable, Seekable,
};
use crate::cache::{Cache, Group, NewFile, Part};
use crate::digest::{DiffId, Digest};
use crate::index::LayerIndex;
use crate::mapped::{BadFile, Mended};

use super::first_read::{Kept, readable};
use super::inner::Inner;
use super::{Claims, Digests, InCache, Known, TarReader, Tarball};

/// Members of the smallest plain tar whose names are kept: those of a smaller one are read as fast.
const MIN_MEMBERS: u64 = 200;

impl TarReader {
    /// Waits, where something will be kept, until a change of the blob from now on would be noticed.
    pub(super) fn settle(&self, blob: &Blob) {
        if self.cache.is_some()
            && let Some(identity) = blob.identity()
        {
            identity.settle();
        }
    }

    /// A tar of a file that has not changed. Nothing of it is read: it may be in a compressed archive.
    pub(super) fn recall_by_identity(&self, cache: &Cache, place: &str, blob: &Blob) -> Option<Tarball> {
        let identity = blob.identity()?;
        match cache.known(identity.as_str()) {
            Some(line) => {
                let (stored, diff_id) = line.split_once(' ')?;
                let digests =
                    Digests { stored: stored.parse().ok()?, diff_id: DiffId(diff_id.parse().ok()?) };
                self.recall_compressed(cache, place, blob, None, digests)
            }
            None => {
                let index = Arc::new(open_index(cache, &plain_group(&identity), place, blob)?);
                Some(Tarball { index, tar: blob.clone(), known: Known::Plain { in_cache: InCache::Already } })
            }
        }
    }

    /// A compressed tar that some other file had. What is claimed of this one is looked up, and believed once the
    /// stream has been hashed, which is quick beside decoding it; or at once where nothing is to be verified.
    pub(super) fn recall_by_digest(
        &self,
        cache: &Cache,
        place: &str,
        blob: &Blob,
        compression: Compression,
        claims: &Claims,
    ) -> Option<Tarball> {
        let stored = claims.stored.clone()?;
        let diff_id = DiffId(cache.known(&stored.to_string())?.parse().ok()?);
        let digests = Digests { stored, diff_id };
        let tarball = self.recall_compressed(cache, place, blob, Some(compression), digests.clone())?;
        if self.verify {
            self.settle(blob);
            let (found, _) = Digest::of_reader(digests.stored.algorithm(), Reader::new(&**blob)).ok()?;
            if found != digests.stored {
                return None;
            }
            remember(cache, &**blob, &digests);
        }
        Some(tarball)
    }

    fn recall_compressed(
        &self,
        cache: &Cache,
        place: &str,
        blob: &Blob,
        expected: Option<Compression>,
        digests: Digests,
    ) -> Option<Tarball> {
        let group = Group::DiffId(digests.diff_id.clone());
        let part = Part::seek(&digests.stored);
        let seek = open(cache, &group, &part, SeekTable::open)?;
        let compression =
            seek.compression().filter(|known| expected.is_none_or(|expected| expected == *known))?;
        let summary = seek.summary();
        if summary.stored_len != blob.len() || summary.len > self.max_size {
            return None;
        }
        let chunks_part = Part::chunks(&digests.stored);
        let chunks = match seek.has_chunks() {
            true => Some(readable(&cache.open(&group, &chunks_part)?)?),
            false => None,
        };
        let (their_cache, their_group) = (cache.clone(), group.clone());
        let chunks = chunks.map(|blob| ChunkFile {
            blob,
            forget: Box::new(move || _ = their_cache.remove(&their_group, &chunks_part)),
        });
        let seek = Mended::new(seek, mend_seek(cache, &digests, place, blob, compression));
        let tar = self.decoded(place, blob.clone(), compression, seek, chunks);
        let index = Arc::new(open_index(cache, &group, place, &tar)?);
        let known = Known::Compressed { compression, digests, in_cache: InCache::Already };
        Some(Tarball { index, tar, known })
    }

    /// Keeps the names of a plain tar.
    pub(super) fn keep_plain(&self, place: &str, tar: Blob, index: LayerIndex) -> Tarball {
        let unkept =
            |index, tar, in_cache| Tarball { index: Arc::new(index), tar, known: Known::Plain { in_cache } };
        if index.member_count() < MIN_MEMBERS {
            return unkept(index, tar, InCache::Small);
        }
        let Some((cache, identity)) = self.cache.as_ref().zip(tar.identity()) else {
            return unkept(index, tar, InCache::No);
        };
        let group = plain_group(&identity);
        if !keep_index(cache, &group, &index) {
            return unkept(index, tar, InCache::No);
        }
        // What was kept is used as it will be the next time: mapped, and not in our memory.
        let index = open_index(cache, &group, place, &tar).unwrap_or(index);
        unkept(index, tar, InCache::New)
    }

    /// Keeps what a first read found, and gives the tar that can be read with it.
    pub(super) fn keep(
        &self,
        place: &str,
        blob: Blob,
        compression: Compression,
        kept: Kept,
        index: LayerIndex,
    ) -> Tarball {
        let Kept { seek, chunks, digests, inner, is_slow } = kept;
        let chunk_blob = chunks.as_ref().and_then(|file| readable(file.as_file()));
        // They have no name that could be forgotten.
        let chunk_blob = chunk_blob.map(|blob| ChunkFile { blob, forget: Box::new(|| {}) });
        let mut in_cache = InCache::No;
        // What there was no room for now there may be room for another time.
        if let Some(cache) = self.cache.as_ref().filter(|_| !is_slow)
            && store(cache, &*blob, &seek, chunks, &digests, &index)
        {
            in_cache = InCache::New;
            keep_inner(cache, &*blob, &inner);
            let mapped = self.recall_compressed(cache, place, &blob, Some(compression), digests.clone());
            if let Some(Tarball { index, tar, .. }) = mapped {
                return Tarball { index, tar, known: Known::Compressed { compression, digests, in_cache } };
            }
        }
        let tar = self.decoded(place, blob, compression, Mended::sound(seek), chunk_blob);
        let known = Known::Compressed { compression, digests, in_cache };
        Tarball { index: Arc::new(index), tar, known }
    }

    fn decoded(
        &self,
        place: &str,
        blob: Blob,
        compression: Compression,
        seek: Mended<SeekTable>,
        chunks: Option<ChunkFile>,
    ) -> Blob {
        let seekable = Seekable { place: place.to_owned(), compression, blob, seek, chunks };
        Arc::new(Decoded::new(Arc::new(seekable), self.blocks.clone()))
    }
}

/// Keeps the names of the plain tars in a compressed one.
fn keep_inner(cache: &Cache, blob: &dyn ReadAt, inner: &[Inner]) {
    let Some(outer) = blob.identity().map(Identity::decoded) else { return };
    // Layers are read quickly that are neither long nor have many names.
    for inner in inner.iter().filter(|inner| inner.is_worth_keeping()) {
        keep_index(cache, &plain_group(&inner.identity(outer.clone())), &inner.index);
    }
}

/// Keeps all there is, and says whether it could; the line by which it is found comes last.
fn store(
    cache: &Cache,
    blob: &dyn ReadAt,
    seek: &SeekTable,
    chunks: Option<NewFile>,
    digests: &Digests,
    index: &LayerIndex,
) -> bool {
    let group = Group::DiffId(digests.diff_id.clone());
    let kept = keep_index(cache, &group, index)
        && chunks.is_none_or(|file| file.keep(&group, &Part::chunks(&digests.stored)).is_ok())
        && keep(cache, &group, &Part::seek(&digests.stored), |file| seek.store(file.as_file()));
    if !kept {
        return false;
    }
    cache.remember(&digests.stored.to_string(), &digests.diff_id.to_string());
    remember(cache, blob, digests);
    true
}

/// Remembers which blob it is that a stretch of a file holds.
fn remember(cache: &Cache, blob: &dyn ReadAt, digests: &Digests) {
    if let Some(identity) = blob.identity() {
        cache.remember(identity.as_str(), &format!("{} {}", digests.stored, digests.diff_id));
    }
}

fn plain_group(identity: &Identity) -> Group {
    Group::File(Digest::of(identity.as_str().as_bytes()))
}

fn open_index(cache: &Cache, group: &Group, place: &str, tar: &Blob) -> Option<LayerIndex> {
    let mend = {
        let (cache, group, place, tar) = (cache.clone(), group.clone(), place.to_owned(), tar.clone());
        move || {
            tracing::warn!("{place}: its index in the cache is damaged; reading the tar again");
            cache.remove(&group, &Part::index());
            LayerIndex::of_tar(&*tar).ok()
        }
    };
    open(cache, group, &Part::index(), |file| LayerIndex::load(file, mend))
}

/// Opens a part; what is no good goes.
fn open<T>(
    cache: &Cache,
    group: &Group,
    part: &Part,
    open: impl FnOnce(&std::fs::File) -> Result<T, BadFile>,
) -> Option<T> {
    match open(&cache.open(group, part)?) {
        Ok(opened) => Some(opened),
        Err(error) => {
            tracing::info!(%group, %part, %error, "a file of the cache is not used");
            // For lack of memory, say, a good file must not go.
            if !matches!(error, BadFile::Io(_)) {
                cache.remove(group, part);
            }
            None
        }
    }
}

fn keep_index(cache: &Cache, group: &Group, index: &LayerIndex) -> bool {
    keep(cache, group, &Part::index(), |file| index.store(file.as_file()))
}

fn keep(cache: &Cache, group: &Group, part: &Part, write: impl FnOnce(&NewFile) -> io::Result<()>) -> bool {
    let Some(file) = cache.new_file() else { return false };
    let written = write(&file).inspect_err(|error| cache.complain(error));
    let written = written.and_then(|()| file.keep(group, part));
    written.inspect_err(|error| tracing::info!(%group, %part, %error, "not kept in the cache")).is_ok()
}

/// Makes a seek table again, without chunks: reading may be slow then, but it is right.
fn mend_seek(
    cache: &Cache,
    digests: &Digests,
    place: &str,
    blob: &Blob,
    compression: Compression,
) -> impl Fn() -> Option<SeekTable> + Send + Sync + 'static {
    let (cache, digests, place, blob) = (cache.clone(), digests.clone(), place.to_owned(), blob.clone());
    move || {
        tracing::warn!("{place}: its seek points in the cache are damaged; decoding the layer again");
        cache.remove(&Group::DiffId(digests.diff_id.clone()), &Part::seek(&digests.stored));
        let options = PassOptions {
            stored: digests.stored.algorithm(),
            decoded: digests.diff_id.0.algorithm(),
            chunks: None,
            max_chunks: 0,
            max_len: u64::MAX,
            progress: Arc::new(()),
        };
        let found = Pass::start(blob.clone(), compression, options).and_then(Pass::finish);
        let found = found.inspect_err(|error| tracing::error!("{place}: {error}")).ok()?;
        // Another stream's checksums would prove nothing.
        (found.stored == digests.stored && found.decoded == digests.diff_id.0).then_some(found.seek)
    }
}
