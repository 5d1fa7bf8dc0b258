//! Files of the upper that the kernel reads and writes by itself, where it grants that.
//!
//! A file cannot be open so and through its cache at the same time, and all that are open so must have one number
//! of the kernel's in common. Thus it is decided file by file: who opens one that nobody has open through the cache
//! gets it passed through.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fuser::BackingId;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::fs::{Handle, InodeNo};

/// How the files are open.
#[derive(Default)]
pub struct Passthrough {
    is_granted: AtomicBool,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    files: FxHashMap<InodeNo, Users>,
    handles: FxHashMap<Handle, Way>,
}

/// How one open file is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Cached,
    Passed,
}

/// Who has a file open, and how.
#[derive(Default)]
struct Users {
    cached: usize,
    passed: usize,
    backing: Option<Arc<BackingId>>,
}

impl Passthrough {
    /// The kernel has granted it, to this mount.
    pub fn grant(&self) {
        self.is_granted.store(true, Ordering::Relaxed);
    }

    /// Whether the kernel reads and writes by itself.
    pub fn is_granted(&self) -> bool {
        self.is_granted.load(Ordering::Relaxed)
    }

    /// Takes note that a file was opened; gives what it is passed through to, if it is. What is only below has no
    /// `file`, and is never.
    pub fn opened(
        &self,
        ino: InodeNo,
        handle: Handle,
        file: Option<BorrowedFd<'_>>,
        register: impl FnOnce(BorrowedFd<'_>) -> io::Result<BackingId>,
    ) -> Option<Arc<BackingId>> {
        if !self.is_granted() {
            return None;
        }
        let mut open = self.open.lock();
        let users = open.files.entry(ino).or_default();
        let backing = match (&users.backing, file) {
            _ if users.cached > 0 => None,
            (Some(backing), Some(_)) => Some(backing.clone()),
            (None, Some(file)) => self.register(file, register),
            (_, None) => None,
        };
        let way = if backing.is_some() { Way::Passed } else { Way::Cached };
        match way {
            Way::Cached => users.cached += 1,
            Way::Passed => users.passed += 1,
        }
        if backing.is_some() {
            users.backing.clone_from(&backing);
        }
        open.handles.insert(handle, way);
        backing
    }

    fn register(
        &self,
        file: BorrowedFd<'_>,
        register: impl FnOnce(BorrowedFd<'_>) -> io::Result<BackingId>,
    ) -> Option<Arc<BackingId>> {
        match register(file) {
            Ok(backing) => Some(Arc::new(backing)),
            Err(error) => {
                tracing::debug!(%error, "a file that is not passed through");
                None
            }
        }
    }

    /// Takes note that a file was closed.
    pub fn closed(&self, ino: InodeNo, handle: Handle) {
        let mut open = self.open.lock();
        let Some(way) = open.handles.remove(&handle) else { return };
        let Some(users) = open.files.get_mut(&ino) else { return };
        match way {
            Way::Cached => users.cached = users.cached.saturating_sub(1),
            Way::Passed => users.passed = users.passed.saturating_sub(1),
        }
        let mut unused = None;
        if users.passed == 0 {
            unused = users.backing.take();
        }
        if users.cached == 0 && users.passed == 0 {
            open.files.remove(&ino);
        }
        drop(open);
        // The kernel is told outside the lock.
        drop(unused);
    }
}
