//! What is open: files and directories, by the numbers that the kernel was given.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use crate::fs::{Error, InodeNo, Result};

/// A file or a directory that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(pub u64);

/// An open file.
#[derive(Debug)]
pub struct OpenFile {
    /// Which.
    pub ino: InodeNo,
    /// The host's file. What is only below has none; once it has been copied up, it gets one (W3).
    pub file: OnceLock<OwnedFd>,
}

/// A name as it was when the directory was read from its beginning.
pub type Listed = (Box<[u8]>, InodeNo, crate::entry::Kind);

/// An open directory: its names as they were when it was last read from the beginning, so that positions in it are
/// stable while it changes (S23).
#[derive(Debug, Default)]
pub struct OpenListing {
    /// `None` before it is read.
    pub names: Mutex<Option<Arc<[Listed]>>>,
}

/// All that is open.
#[derive(Debug, Default)]
pub struct Handles {
    last: AtomicU64,
    files: RwLock<FxHashMap<Handle, Arc<OpenFile>>>,
    listings: RwLock<FxHashMap<Handle, Arc<OpenListing>>>,
}

impl Handles {
    /// Gives an open file a number.
    pub fn add_file(&self, ino: InodeNo, file: Option<OwnedFd>) -> Handle {
        let handle = self.next();
        let file = file.map_or_else(OnceLock::new, OnceLock::from);
        self.files.write().insert(handle, Arc::new(OpenFile { ino, file }));
        handle
    }

    /// Gives an open directory a number.
    pub fn add_listing(&self) -> Handle {
        let handle = self.next();
        self.listings.write().insert(handle, Arc::default());
        handle
    }

    /// An open file.
    pub fn file(&self, handle: Handle) -> Result<Arc<OpenFile>> {
        self.files.read().get(&handle).cloned().ok_or(Error::BadHandle)
    }

    /// An open directory.
    pub fn listing(&self, handle: Handle) -> Result<Arc<OpenListing>> {
        self.listings.read().get(&handle).cloned().ok_or(Error::BadHandle)
    }

    /// Closes a file.
    pub fn close_file(&self, handle: Handle) {
        // The host's file is closed outside the lock.
        let closed = self.files.write().remove(&handle);
        drop(closed);
    }

    /// Closes a directory.
    pub fn close_listing(&self, handle: Handle) {
        let closed = self.listings.write().remove(&handle);
        drop(closed);
    }

    fn next(&self) -> Handle {
        Handle(self.last.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
