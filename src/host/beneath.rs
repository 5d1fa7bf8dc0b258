//! Paths below a directory that someone else may change meanwhile: none leads out of it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::path::TreePath;

/// Opens a path below a directory; no symlink can lead out, and no mount in.
pub fn open_beneath(root: impl AsFd, path: &TreePath, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = if path.is_root() { b"." } else { path.as_bytes() };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match rustix::fs::openat2(&root, name, flags, Mode::empty(), resolve) {
        // Unknown to the kernel (before 5.6) or to a container's filter, or too long for one call.
        Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => open_by_steps(root, path, flags),
        result => Ok(result?),
    }
}

/// The same component by component, where mounts are entered.
fn open_by_steps(root: impl AsFd, path: &TreePath, flags: OFlags) -> io::Result<OwnedFd> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut components = path.components().peekable();
    let mut dir: Option<OwnedFd> = None;
    while let Some(name) = components.next() {
        let at = dir.as_ref().map_or(root.as_fd(), AsFd::as_fd);
        if components.peek().is_none() {
            return Ok(rustix::fs::openat(at, name, flags, Mode::empty())?);
        }
        dir = Some(rustix::fs::openat(at, name, step, Mode::empty())?);
    }
    Ok(rustix::fs::openat(&root, ".", flags, Mode::empty())?)
}

/// A name for what is in a directory that has been opened, or for what was opened itself if `name` is empty: some
/// calls take only paths.
pub fn proc_path(dir: impl AsFd, name: &[u8]) -> PathBuf {
    let path = Path::new("/proc/self/fd").join(dir.as_fd().as_raw_fd().to_string());
    if name.is_empty() { path } else { path.join(OsStr::from_bytes(name)) }
}
