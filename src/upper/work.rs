//! The work directory: where things are made before they are put into their place, in one step each (W2).
//!
//! As overlayfs does, it uses a directory `work` in the one that it is given, and whatever lies in there when the
//! upper is opened was left by a process that was ended in the middle: it is swept.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, Result};

use super::open::lock;
use super::{Spot, errno, sys};

/// The directory in the work directory, as overlayfs names it.
const NAME: &[u8] = b"work";

/// A work directory that is open.
#[derive(Debug)]
pub struct Work {
    dir: Arc<OwnedFd>,
    path: PathBuf,
    next: AtomicU64,
}

impl Work {
    /// Opens the work directory in a directory, and sweeps it. Two uppers cannot share one: each would sweep away what the
    /// other is making. EWOULDBLOCK if another mount has it.
    pub fn open(path: &Path, patience: Duration) -> Result<Work> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let outer = rustix::fs::open(path, flags, Mode::empty())?;
        match sys::mkdir(outer.as_fd(), NAME, Mode::RWXU) {
            Err(Errno::EXIST) => {}
            made => made?,
        }
        let dir = match rustix::fs::openat(&outer, NAME, flags | OFlags::NOFOLLOW, Mode::empty()) {
            // overlayfs makes it for itself alone, with no rights at all.
            Err(Errno::ACCESS) => {
                let place = rustix::fs::openat(&outer, NAME, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())?;
                sys::chmod(place.as_fd(), Mode::RWXU)?;
                rustix::fs::openat(&outer, NAME, flags | OFlags::NOFOLLOW, Mode::empty())?
            }
            dir => dir?,
        };
        lock(&dir, FlockOperation::NonBlockingLockExclusive, patience)?;
        // What is made in it must inherit neither group nor rights from above.
        sys::chmod(dir.as_fd(), Mode::RWXU)?;
        for acl in [&b"system.posix_acl_access"[..], b"system.posix_acl_default"] {
            match sys::removexattr(dir.as_fd(), b"", acl) {
                Err(Errno::NODATA | Errno::NOTSUP) => {}
                removed => removed?,
            }
        }
        // The path that it has in the end must not depend on where this process is then.
        let path = path.canonicalize().map_err(|error| errno(&error))?;
        let work = Work { dir: Arc::new(dir), path, next: AtomicU64::new(0) };
        work.sweep()?;
        Ok(work)
    }

    /// No work directory, for an upper into which nothing is put.
    pub fn none(upper: &Arc<OwnedFd>) -> Work {
        Work { dir: upper.clone(), path: PathBuf::new(), next: AtomicU64::new(0) }
    }

    /// The directory itself.
    pub fn dir(&self) -> &Arc<OwnedFd> {
        &self.dir
    }

    /// A place where nothing is.
    pub fn spot(&self) -> Spot {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // As overlayfs names what it makes there.
        Spot::at(&self.dir, format!("#{number:x}").as_bytes())
    }

    /// Takes the directory away, if nothing is in it but what was made here.
    pub fn remove(&self) {
        // Whoever still finds a use for it keeps it.
        let _ = self.sweep();
        let _ = std::fs::remove_dir(self.path.join("work"));
        let _ = std::fs::remove_dir(&self.path);
    }

    /// Removes all that lies in it.
    pub fn sweep(&self) -> Result<()> {
        empty(&self.dir)
    }
}

/// Removes all that is in a directory; what is mounted there stays, and is an error.
fn empty(dir: &Arc<OwnedFd>) -> Result<()> {
    for entry in Dir::read_from(&**dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            remove_all(&Spot::at(dir, name))?;
        }
    }
    Ok(())
}

/// Removes a name, and all below it.
pub fn remove_all(spot: &Spot) -> Result<()> {
    let stat = rustix::fs::statat(spot.dir(), spot.name(), AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return sys::unlink(spot.dir(), spot.name());
    }
    match sys::rmdir(spot.dir(), spot.name()) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        done => return done,
    }
    empty(&spot.open_dir()?)?;
    sys::rmdir(spot.dir(), spot.name())
}
