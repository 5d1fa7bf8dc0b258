//! The filesystem with an upper directory: what is written goes there, all else is as below (W1–W9).
//!
//! **Locks**, in the order they are taken: a stripe of `copying`, for as long as a file is copied up; `names`, for
//! writing by whoever changes what stands where, for reading by whoever looks; `inodes` and `dirs`, each for a
//! moment and with no call to the host meanwhile.

mod acl;
mod change;
mod copy_up;
mod create;
mod data;
mod handles;
mod inodes;
mod list;
mod lookup;
mod metacopy;
mod remove;
mod rename;
mod tell;

use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::{Mutex, RwLock};
use rustix::io::Errno;

use crate::layer::LayerNo;
use crate::path::{MAX_COMPONENT, TreePath};
use crate::upper::{OpenDir, Spot, Upper, View};

use super::{Error, Filesystem, InodeNo, Result};

pub use change::Changes;
pub use create::{Caller, Made, NewNode};
pub use data::{Access, At, Opened};
pub use handles::Handle;
pub use list::ListedName;
pub use rename::{Rename, RenameMode};

use handles::Handles;
use inodes::Inodes;

/// Directories of the upper that are kept open: those that someone works in. What they cost is descriptors.
const OPEN_DIRS: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// Copies that can be under way at a time without one waiting for another's file.
const STRIPES: usize = 64;

/// A stack's tree with an upper directory over it, by inode number.
pub struct WritableFilesystem {
    lower: Filesystem,
    upper: Upper,
    copying: [Mutex<()>; STRIPES],
    names: RwLock<()>,
    inodes: Mutex<Inodes>,
    dirs: Mutex<LruCache<InodeNo, Arc<OwnedFd>>>,
    handles: Handles,
    options: WriteOptions,
}

/// What may be written that not everyone who reads an upper understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// Directories from below are renamed by redirect (W5); else that is EXDEV, as in overlayfs without it.
    pub redirects: bool,
    /// A file of which only attributes change leaves its data below, as in overlayfs with `metacopy=on`.
    pub metacopy: bool,
}

impl WritableFilesystem {
    /// Puts an upper over a tree.
    pub fn new(lower: Filesystem, upper: Upper, options: WriteOptions) -> WritableFilesystem {
        WritableFilesystem {
            lower,
            upper,
            copying: std::array::from_fn(|_| Mutex::new(())),
            names: RwLock::new(()),
            inodes: Mutex::default(),
            dirs: Mutex::new(LruCache::new(OPEN_DIRS)),
            handles: Handles::default(),
            options,
        }
    }

    /// The tree below.
    pub fn lower(&self) -> &Filesystem {
        &self.lower
    }

    /// The upper directory.
    pub fn upper(&self) -> &Upper {
        &self.upper
    }

    /// Takes note of what the kernel has forgotten.
    pub fn forget(&self, ino: InodeNo, lookups: u64) {
        // Whatever was held goes outside the lock.
        let held = {
            let mut inodes = self.inodes.lock();
            let held = inodes.get_mut(ino).and_then(|inode| inode.held.clone());
            inodes.forget(ino, lookups);
            held
        };
        drop(held);
    }

    /// Whether a name can be anyone's to change: none in a view can, nor can the views' own.
    fn check_place(&self, parent: InodeNo, name: &[u8]) -> Result<()> {
        let is_views = parent.is_view() || self.lower.is_views(parent, name);
        if is_views { Err(Error::ReadOnly) } else { Ok(()) }
    }

    fn view(&self) -> View<'_> {
        View { upper: &self.upper, union: &self.lower.stack().union }
    }

    /// A directory to look into; one that is not in the tree any more is not found.
    fn dir(&self, ino: InodeNo) -> Result<OpenDir> {
        if ino == InodeNo::ROOT {
            return Ok(self.view().root());
        }
        let known = {
            let inodes = self.inodes.lock();
            inodes.get(ino).map(|inode| (inode.is_dir, inode.places.is_empty(), inode.lower.clone()))
        };
        match known {
            None => Ok(OpenDir { upper: None, lower: Some(self.lower.merged_dir(ino)?) }),
            Some((false, ..)) => Err(Error::NotADirectory),
            Some((_, true, _)) => Err(Error::NotFound),
            Some((.., lower)) => {
                let upper = Some(self.upper_dir(ino)?);
                Ok(OpenDir { upper, lower: lower.map(|lower| (*lower).clone()) })
            }
        }
    }

    /// The upper's part of a directory that is known to have one, open.
    fn upper_dir(&self, ino: InodeNo) -> Result<Arc<OwnedFd>> {
        if ino == InodeNo::ROOT {
            return Ok(self.upper.root().clone());
        }
        if let Some(dir) = self.dirs.lock().get(&ino) {
            return Ok(dir.clone());
        }
        let path = {
            let inodes = self.inodes.lock();
            let names = inodes.path(ino).ok_or(Error::NotFound)?;
            names.into_iter().fold(TreePath::root(), |path, name| path.join(name))
        };
        let dir = self.upper.open_dir(&path)?;
        self.dirs.lock().put(ino, dir.clone());
        Ok(dir)
    }

    /// Where the upper has something, if it has it.
    fn spot(&self, ino: InodeNo) -> Result<Option<Spot>> {
        if ino == InodeNo::ROOT {
            return Ok(Some(self.upper.root_spot()));
        }
        let (parent, name) = {
            let inodes = self.inodes.lock();
            let Some(inode) = inodes.get(ino) else { return Ok(None) };
            match (&inode.held, inodes.reachable(inode)) {
                (Some(held), _) => return Ok(Some(held.clone())),
                (None, Some(place)) => place.clone(),
                (None, None) => return Err(Error::NotFound),
            }
        };
        Ok(Some(Spot::at(&self.upper_dir(parent)?, &name)))
    }

    /// Where a file of the upper is, or must have come to be after it was copied up.
    fn upper_spot(&self, ino: InodeNo) -> Result<Spot> {
        self.spot(ino)?.ok_or(Error::Host(Errno::STALE))
    }

    fn place_of_layer(&self, layer: LayerNo) -> &str {
        self.lower.stack().place(layer)
    }
}

/// Judges a name that the kernel sends: it lets more through than any file system beneath overlayfs would.
fn check_name(name: &[u8]) -> Result<()> {
    if name.len() > MAX_COMPONENT { Err(Error::NameTooLong) } else { Ok(()) }
}
