//! Where the bytes of a layer's files are: in its tar, or in the files of its directory.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use lru::LruCache;
use parking_lot::Mutex;
use rustix::io::Errno;

use crate::blob::{Blob, HostFile, ReadAt};
use crate::layer::{EntryNo, Layer, LeafId};
use crate::wait;

use super::{HostTree, LayerIndex};

/// Files of directory layers that are kept open: enough for the readers of a busy mount, few enough for the
/// usual limit of 1,024 descriptors.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The files that were read last, of all layers: it is the process that can open only so many.
static LAST_READ: LazyLock<Mutex<LruCache<FileKey, Arc<HostFile>>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(OPEN_FILES)));

/// A directory's number, and the file's place in its index.
type FileKey = (u64, EntryNo);

/// The contents of one layer.
pub enum Content {
    /// An uncompressed tar; extents are offsets in it.
    Tar(Blob),
    /// A directory; extents are offsets in each file.
    Directory(HostFiles),
}

/// The files of a directory, opened when they are read.
pub struct HostFiles {
    tree: HostTree,
    /// Tells its files from other directories'.
    no: u64,
}

impl Content {
    /// The contents of an unpacked layer directory.
    pub fn of_directory(tree: HostTree) -> Content {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Content::Directory(HostFiles { tree, no: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    /// The blob that a file's extents lie in.
    pub fn of_file(&self, index: &LayerIndex, leaf: LeafId) -> io::Result<Blob> {
        match self {
            Content::Tar(blob) => Ok(blob.clone()),
            Content::Directory(files) => Ok(files.file(index, leaf)?),
        }
    }

    /// Does something with the blob that a file's extents lie in; of a tar's it takes no share, which all
    /// readers would have to count.
    pub fn with_file<T>(
        &self,
        index: &LayerIndex,
        leaf: LeafId,
        act: impl FnOnce(&dyn ReadAt) -> io::Result<T>,
    ) -> io::Result<T> {
        match self {
            Content::Tar(blob) => act(&**blob),
            Content::Directory(files) => act(&*files.file(index, leaf)?),
        }
    }

    /// Whether reading it would lead into what is mounted on a directory; if we serve that, for ever.
    pub fn leads_into(&self, mount_point: &Path) -> bool {
        matches!(self, Content::Directory(files) if files.tree.leads_into(mount_point))
    }

    /// The directory, if it is one.
    pub fn host_dir(&self) -> Option<&Path> {
        match self {
            Content::Tar(_) => None,
            Content::Directory(files) => Some(files.tree.path()),
        }
    }

    /// The length of the tar that all extents lie in, in bytes.
    pub fn tar_len(&self) -> Option<u64> {
        match self {
            Content::Tar(blob) => Some(blob.len()),
            Content::Directory(_) => None,
        }
    }
}

impl HostFiles {
    fn file(&self, index: &LayerIndex, leaf: LeafId) -> io::Result<Arc<HostFile>> {
        let key = (self.no, leaf.into());
        if let Some(file) = LAST_READ.lock().get(&key) {
            return Ok(file.clone());
        }
        let file = Arc::new(self.open(index, leaf)?);
        LAST_READ.lock().put(key, file.clone());
        Ok(file)
    }

    fn open(&self, index: &LayerIndex, leaf: LeafId) -> io::Result<HostFile> {
        wait::announce();
        let path = index.path(leaf.into()).map_err(io::Error::other)?;
        let file = match self.tree.open_file(&path) {
            Err(error) if is_for_lack_of_descriptors(&error) => {
                LAST_READ.lock().clear();
                self.tree.open_file(&path)?
            }
            file => file?,
        };
        let known = index.attributes(leaf.into()).map_err(io::Error::other)?;
        if known.is_none_or(|known| !file.is_unchanged(known.size, known.mtime)) {
            return Err(io::Error::other("the file has changed since the layer was read"));
        }
        Ok(file)
    }
}

impl Drop for HostFiles {
    fn drop(&mut self) {
        let mut open = LAST_READ.lock();
        let own: Vec<FileKey> = open.iter().map(|(key, _)| *key).filter(|(no, _)| *no == self.no).collect();
        for key in own {
            open.pop(&key);
        }
    }
}

fn is_for_lack_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}
