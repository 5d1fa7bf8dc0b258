//! Making things, and giving them more names.

use std::os::fd::OwnedFd;

use crate::entry::{Attributes, Device, Kind, Xattr};
use crate::fs::{Error, InodeNo, Result};
use crate::union;
use crate::upper::{Body, Look, Node, OpenDir, Place, Spot, Word};

use super::copy_up::Data;
use super::{WritableFilesystem, acl, check_name};

/// Who makes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The owner that it gets.
    pub uid: u32,
    /// The group, unless the directory gives its own.
    pub gid: u32,
    /// Permission bits that it does not get, unless the directory says who may do what.
    pub umask: u16,
}

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewNode<'a> {
    /// The directory.
    pub parent: InodeNo,
    /// Its name there.
    pub name: &'a [u8],
    /// What it is.
    pub body: Body<'a>,
    /// Permission bits: 07777.
    pub mode: u16,
}

/// Something that was made.
pub struct Made {
    /// Its number.
    pub ino: InodeNo,
    /// Its attributes.
    pub attributes: Attributes,
    /// The file, open for reading and writing, if it is one.
    pub file: Option<OwnedFd>,
}

impl WritableFilesystem {
    /// Makes something; the kernel knows it from here on.
    pub fn make(&self, caller: Caller, new: &NewNode<'_>) -> Result<Made> {
        check_name(new.name)?;
        self.check_place(new.parent, new.name)?;
        if let Body::Node(Kind::CharDevice, device) = new.body
            && device == Device::default()
        {
            // It would be a whiteout.
            return Err(Error::NotPermitted);
        }
        let _names = self.write_names();
        let dir = self.dir(new.parent)?;
        let place = self.vacancy(&dir, new.name)?;
        let parent = self.raise_dir(new.parent)?;
        let (look, xattrs) = self.look_in(&parent, caller, new)?;
        let look = Look { xattrs: &xattrs, ..look };
        let merges = matches!(new.body, Body::Directory) && self.has_dir_below(&dir, new.name)?;
        let file = if merges {
            let draft = self.upper.draft(new.body, &look)?;
            draft.make_opaque()?;
            draft.place(&parent, new.name, place)?;
            None
        } else {
            self.upper.put(&parent, new.name, new.body, &look, place)?
        };
        let stat = Spot::at(&parent, new.name).stat()?;
        let node = match new.body {
            Body::Directory => Node::Dir { upper: Some(stat), lower: None },
            _ => Node::Upper(stat),
        };
        let dir = OpenDir { upper: Some(parent), lower: dir.lower };
        let (ino, attributes) = self.tell(new.parent, &dir, new.name, &node)?;
        Ok(Made { ino, attributes, file })
    }

    /// Gives something one more name; the kernel knows it from here on.
    pub fn link(&self, ino: InodeNo, parent: InodeNo, name: &[u8]) -> Result<(InodeNo, Attributes)> {
        check_name(name)?;
        self.check_place(parent, name)?;
        self.copy_up(ino, Data::All)?;
        let _names = self.write_names();
        let dir = self.dir(parent)?;
        let place = self.vacancy(&dir, name)?;
        let spot = self.upper_spot(ino)?;
        let upper = self.raise_dir(parent)?;
        self.upper.link(&spot, &upper, name, place)?;
        let stat = Spot::at(&upper, name).stat()?;
        let dir = OpenDir { upper: Some(upper), lower: dir.lower };
        self.tell(parent, &dir, name, &Node::Upper(stat))
    }

    /// Whether something can be put under a name: a whiteout may be there, but nothing that shows.
    pub(super) fn vacancy(&self, dir: &OpenDir, name: &[u8]) -> Result<Place> {
        let word = match &dir.upper {
            Some(upper) => self.upper.word(upper, name)?,
            None => Word::Absent,
        };
        match word {
            Word::Whiteout => Ok(Place::Taken),
            Word::Absent if self.view().lookup_below(dir, name)?.is_none() => Ok(Place::Free),
            _ => Err(Error::Exists),
        }
    }

    /// Whether a directory put under a name would merge with one below.
    pub(super) fn has_dir_below(&self, dir: &OpenDir, name: &[u8]) -> Result<bool> {
        Ok(matches!(self.view().lookup_below(dir, name)?, Some(union::Node::Dir(_))))
    }

    /// How something new looks: its caller's, but for what its directory says.
    fn look_in(
        &self,
        parent: &std::sync::Arc<OwnedFd>,
        caller: Caller,
        new: &NewNode<'_>,
    ) -> Result<(Look<'static>, Vec<Xattr>)> {
        let spot = Spot::of(parent.clone());
        let above = self.upper.attributes(&spot, &spot.stat()?)?;
        let is_dir = matches!(new.body, Body::Directory);
        let (mut mode, mut gid) = (new.mode, caller.gid);
        if above.mode & 0o2000 != 0 {
            gid = above.gid;
            mode |= if is_dir { 0o2000 } else { 0 };
        }
        let mut xattrs = Vec::new();
        if !matches!(new.body, Body::Symlink(_)) {
            let default = spot.xattr(acl::DEFAULT)?;
            match default.and_then(|default| acl::inherit(&default, mode, is_dir)) {
                Some(inherited) => (mode, xattrs) = inherited,
                None => mode &= !caller.umask,
            }
        }
        Ok((Look { mode, uid: caller.uid, gid, times: None, xattrs: &[] }, xattrs))
    }
}
