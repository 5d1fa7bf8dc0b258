//! How a copy looks: owner, mode, attributes, times, as far as they are wanted and can be had.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::entry::{Attributes, Kind, Time, Xattr};
use crate::host::proc_path;
use crate::text::{Lines, escape};

use super::{Error, Manner, Result};

/// What is not asked for by whoever copies a file: permissions alone.
const PERMISSIONS: u32 = 0o777;

/// Gives looks to what was copied.
pub struct Dress {
    /// How it is to be done.
    pub manner: Manner,
    /// Permissions that files are to have which are not to be kept as they are.
    granted: Mode,
}

impl Dress {
    /// In some manner.
    pub fn new(manner: Manner) -> Dress {
        // It can be read only by setting it.
        let umask = rustix::process::umask(Mode::empty());
        rustix::process::umask(umask);
        Dress { manner, granted: Mode::from_raw_mode(PERMISSIONS) - umask }
    }

    /// Dresses a file or a directory that is open. What the host does not take is complained of.
    pub fn open(
        &self,
        fd: BorrowedFd<'_>,
        attributes: &Attributes,
        xattrs: &[Xattr],
        complain: &mut dyn FnMut(Error),
    ) -> Result<()> {
        if let Some((uid, gid)) = self.owner(attributes) {
            rustix::fs::fchown(fd, Some(uid), Some(gid))?;
        }
        for xattr in xattrs.iter().filter(|xattr| self.keeps(xattr)) {
            let set = rustix::fs::fsetxattr(fd, &*xattr.name, &xattr.value, XattrFlags::empty());
            note(xattr, set, complain);
        }
        // Behind the owner: a change of that takes set-id bits away.
        rustix::fs::fchmod(fd, self.mode(attributes))?;
        Ok(rustix::fs::futimens(fd, &times(attributes))?)
    }

    /// Dresses anything else by its name, a symlink itself.
    pub fn named(
        &self,
        at: BorrowedFd<'_>,
        name: &[u8],
        attributes: &Attributes,
        xattrs: &[Xattr],
        complain: &mut dyn FnMut(Error),
    ) -> Result<()> {
        if let Some((uid, gid)) = self.owner(attributes) {
            rustix::fs::chownat(at, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        for xattr in xattrs.iter().filter(|xattr| self.keeps(xattr)) {
            let path = proc_path(at, name);
            let set = rustix::fs::lsetxattr(&path, &*xattr.name, &xattr.value, XattrFlags::empty());
            note(xattr, set, complain);
        }
        if attributes.kind != Kind::Symlink {
            rustix::fs::chmodat(at, name, self.mode(attributes), AtFlags::empty())?;
        }
        Ok(rustix::fs::utimensat(at, name, &times(attributes), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn owner(&self, attributes: &Attributes) -> Option<(Uid, Gid)> {
        let owner = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
        self.manner.archive.then_some(owner)
    }

    fn mode(&self, attributes: &Attributes) -> Mode {
        let mode = Mode::from_raw_mode(attributes.mode.into());
        if self.manner.archive { mode } else { mode & self.granted }
    }

    /// Attributes of the system are for root, who asked for them.
    fn keeps(&self, xattr: &Xattr) -> bool {
        self.manner.archive || xattr.name.starts_with(b"user.")
    }
}

/// A user's attributes are kept where the host has any.
fn note(xattr: &Xattr, set: rustix::io::Result<()>, complain: &mut dyn FnMut(Error)) {
    let Err(errno) = set else { return };
    let is_of_user = xattr.name.starts_with(b"user.");
    if !(is_of_user && matches!(errno, Errno::NOTSUP | Errno::PERM)) {
        let what = format!("attribute {}", escape(&xattr.name, Lines::Escape));
        complain(Error::Without { what, source: io::Error::from(errno) });
    }
}

fn times(attributes: &Attributes) -> Timestamps {
    let of = |time: Time| Timespec { tv_sec: time.secs, tv_nsec: time.nanos.into() };
    Timestamps { last_access: of(attributes.mtime), last_modification: of(attributes.mtime) }
}
