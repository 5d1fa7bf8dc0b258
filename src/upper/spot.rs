//! A thing in the upper directory, by its place.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, Result};

use crate::entry::Xattr;
use crate::host::{self, proc_path};

/// A directory that is open, and a name in it. With an empty name, what the descriptor itself stands for: a
/// directory, or a file that has lost its names.
#[derive(Debug, Clone)]
pub struct Spot {
    dir: Arc<OwnedFd>,
    name: Box<[u8]>,
}

impl Spot {
    /// A name in a directory; it need not be there.
    pub fn at(dir: &Arc<OwnedFd>, name: &[u8]) -> Spot {
        Spot { dir: dir.clone(), name: name.into() }
    }

    /// What a descriptor stands for.
    pub fn of(fd: Arc<OwnedFd>) -> Spot {
        Spot { dir: fd, name: Box::default() }
    }

    /// The directory.
    pub fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// The name in it.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What the host says of it.
    pub fn stat(&self) -> Result<Stat> {
        match &*self.name {
            b"" => rustix::fs::fstat(&self.dir),
            name => rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW),
        }
    }

    /// The same; `None` if nothing is there.
    pub fn find(&self) -> Result<Option<Stat>> {
        match self.stat() {
            Err(Errno::NOENT) => Ok(None),
            stat => stat.map(Some),
        }
    }

    /// Its extended attributes, overlayfs's own among them.
    pub fn xattrs(&self) -> Result<Vec<Xattr>> {
        host::xattrs(&self.dir, &self.name).map_err(|error| errno(&error))
    }

    /// One of them.
    pub fn xattr(&self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        host::xattr(&self.dir, &self.name, name).map_err(|error| errno(&error))
    }

    /// A symlink's target.
    pub fn link_target(&self) -> Result<Vec<u8>> {
        let target = rustix::fs::readlinkat(&self.dir, &*self.name, Vec::new())?;
        Ok(target.into_bytes())
    }

    /// Opens a regular file; what has become anything else is stale.
    pub fn open_file(&self, flags: OFlags) -> Result<OwnedFd> {
        // A fifo that took the file's place must not block.
        let fd = self.open(flags | OFlags::NONBLOCK)?;
        match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
            FileType::RegularFile => Ok(fd),
            _ => Err(Errno::STALE),
        }
    }

    /// Opens a directory.
    pub fn open_dir(&self) -> Result<Arc<OwnedFd>> {
        self.open(OFlags::RDONLY | OFlags::DIRECTORY).map(Arc::new)
    }

    /// Takes hold of the thing: it stays reachable by the descriptor when it loses its name.
    pub fn hold(&self) -> Result<Spot> {
        self.open(OFlags::PATH).map(|fd| Spot::of(Arc::new(fd)))
    }

    fn open(&self, flags: OFlags) -> Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        match &*self.name {
            b"" => rustix::fs::open(proc_path(&self.dir, b""), flags, Mode::empty()),
            name => rustix::fs::openat(&self.dir, name, flags | OFlags::NOFOLLOW, Mode::empty()),
        }
    }
}

/// The number of an error that the host gave.
pub fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
