//! Changing attributes.

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use crate::entry::{Attributes, Kind};
use crate::fs::views::facts;
use crate::fs::{Error, InodeNo, Result};
use crate::upper::{When, calls};

use super::copy_up::Data;
use super::handles::Handle;
use super::{WritableFilesystem, acl};

/// What is to change of an inode; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Permission bits: 07777.
    pub mode: Option<u16>,
    /// The owner.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
    /// The length, in bytes.
    pub size: Option<u64>,
    /// Last access.
    pub atime: Option<When>,
    /// Last change.
    pub mtime: Option<When>,
    /// An owner that the host does not grant is none to complain of: it does not show.
    pub may_fail_to_chown: bool,
}

impl Changes {
    fn is_any(&self) -> bool {
        Changes { may_fail_to_chown: false, ..*self } != Changes::default()
    }
}

impl WritableFilesystem {
    /// Changes an inode's attributes; through a handle, if it was opened. Gives all as they are then.
    pub fn change(&self, ino: InodeNo, handle: Option<Handle>, changes: &Changes) -> Result<Attributes> {
        if ino.is_view() {
            return Err(Error::ReadOnly);
        }
        if !changes.is_any() {
            return self.attributes(ino);
        }
        if changes.size.is_some() {
            self.check_has_size(ino)?;
        }
        let is_cut = self.copy_up(ino, changes.size.map_or(Data::None, Data::UpTo))?;
        if let Some(size) = changes.size.filter(|_| !is_cut) {
            self.resize(ino, handle, size)?;
        }
        let _names = self.names.read();
        let spot = self.upper_spot(ino)?;
        if changes.uid.is_some() || changes.gid.is_some() {
            match self.upper.set_owner(&spot, changes.uid, changes.gid) {
                Err(Errno::PERM | Errno::INVAL) if changes.may_fail_to_chown => {}
                done => done?,
            }
        }
        // Behind the owner, whose change takes the set-user-ID bit away.
        if let Some(mode) = changes.mode {
            self.upper.set_mode(&spot, mode)?;
        }
        if changes.atime.is_some() || changes.mtime.is_some() {
            self.upper.set_times(&spot, changes.atime, changes.mtime)?;
        }
        self.attributes_now(ino)
    }

    fn check_has_size(&self, ino: InodeNo) -> Result<()> {
        match self.attributes(ino)?.kind {
            Kind::Regular => Ok(()),
            Kind::Directory => Err(Error::IsADirectory),
            _ => Err(Error::Invalid),
        }
    }

    fn resize(&self, ino: InodeNo, handle: Option<Handle>, size: u64) -> Result<()> {
        if let Some(handle) = handle {
            let open = self.handles.file(handle)?;
            if let Some(file) = self.host_file(&open)? {
                return Ok(calls::truncate(file, size)?);
            }
        }
        Ok(calls::truncate(self.open_upper(ino, true)?, size)?)
    }

    /// Whether an extended attribute can be anyone's to set.
    fn check_settable(&self, ino: InodeNo, name: &[u8]) -> Result<()> {
        if ino.is_view() {
            return Err(Error::ReadOnly);
        }
        let is_fact = self.lower.has_views() && facts::is_fact(name);
        if is_fact || self.upper.is_own(name) { Err(Error::NotPermitted) } else { Ok(()) }
    }

    /// Sets an extended attribute; overlayfs's own are nobody's to set (S14), nor are the views'.
    pub fn set_xattr(&self, ino: InodeNo, name: &[u8], value: &[u8], flags: XattrFlags) -> Result<()> {
        self.check_settable(ino, name)?;
        self.copy_up(ino, Data::None)?;
        let _names = self.names.read();
        let spot = self.upper_spot(ino)?;
        self.upper.set_xattr(&spot, name, value, flags)?;
        // `cp -a` and `mv` set modes so.
        if name == acl::ACCESS
            && let Some(bits) = acl::mode(value)
        {
            self.upper.keep_permissions(&spot, bits)?;
        }
        Ok(())
    }

    /// Removes an extended attribute.
    pub fn remove_xattr(&self, ino: InodeNo, name: &[u8]) -> Result<()> {
        self.check_settable(ino, name)?;
        // Before a copy is made for nothing.
        self.xattr(ino, name)?;
        self.copy_up(ino, Data::None)?;
        let _names = self.names.read();
        Ok(self.upper.remove_xattr(&self.upper_spot(ino)?, name)?)
    }
}
