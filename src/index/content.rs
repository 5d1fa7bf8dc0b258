//! Where the bytes of a layer's files are: in its tar, or in the files of its directory.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::blob::{Blob, HostFile};
use crate::layer::{EntryNo, Layer, LeafId};

use super::{HostTree, LayerIndex};

/// Files of a directory layer that are kept open: enough for the readers of a busy mount, few enough
/// for the usual limit of 1,024 descriptors.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The contents of one layer.
pub enum Content {
    /// An uncompressed tar; extents are offsets in it.
    Tar(Blob),
    /// A directory; extents are offsets in each file.
    Directory(HostTree, OpenFiles),
}

/// The files that were read last, each with its place in the index.
pub struct OpenFiles(Mutex<LruCache<EntryNo, Arc<HostFile>>>);

impl Content {
    /// The contents of an unpacked layer directory.
    pub fn of_directory(tree: HostTree) -> Content {
        Content::Directory(tree, OpenFiles(Mutex::new(LruCache::new(OPEN_FILES))))
    }

    /// The blob that a file's extents lie in.
    pub fn of_file(&self, index: &LayerIndex, leaf: LeafId) -> io::Result<Blob> {
        match self {
            Content::Tar(blob) => Ok(blob.clone()),
            Content::Directory(tree, open) => {
                if let Some(file) = open.0.lock().get(&leaf.into()) {
                    return Ok(file.clone());
                }
                let path = index.path(leaf.into()).map_err(io::Error::other)?;
                let file = Arc::new(tree.open_file(&path)?);
                let known = index.attributes(leaf.into()).map_err(io::Error::other)?;
                if known.is_none_or(|known| !file.is_unchanged(known.size, known.mtime)) {
                    return Err(io::Error::other("the file has changed since the layer was read"));
                }
                open.0.lock().put(leaf.into(), file.clone());
                Ok(file)
            }
        }
    }

    /// The length of the tar that all extents lie in, in bytes.
    pub fn tar_len(&self) -> Option<u64> {
        match self {
            Content::Tar(blob) => Some(blob.len()),
            Content::Directory(..) => None,
        }
    }
}
