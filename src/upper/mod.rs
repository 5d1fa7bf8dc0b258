//! The upper directory: what was written, on the host, in overlayfs's own format (W1–W9).
//!
//! Here are the host's directory, the marks in it, and the steps that change it so that whoever looks at any
//! instant sees the state before or the state after. What the layers below say is known only to [`View`], which
//! looks at both; inode numbers, and when to copy up, are the filesystem's.

mod base;
mod draft;
mod list;
mod look;
mod marks;
mod open;
mod spot;
mod stat;
mod sys;
mod tree;
mod view;
mod whiteout;
mod words;
mod work;

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, OFlags, RenameFlags, Stat, StatVfs, XattrFlags};
use rustix::io::{Errno, Result};

use crate::entry::{Attributes, Xattr, overlay_attribute};
use crate::host::{self, OVERRIDE, Override};
use crate::path::TreePath;

pub use base::{Base, is_upper};
pub use draft::{Body, Draft, Look, Place, When};
pub use list::Listing;
pub use look::Looked;
pub use marks::{Below, Redirect, Word};
pub use open::{OpenError, UpperOptions};
pub use spot::{Spot, errno};
pub use stat::{Keeping, attributes as host_attributes, kind};
pub use view::{Node, OpenDir, View, ViewError};

pub mod calls {
    //! The calls that change files of the upper which are open already.
    pub use super::sys::{allocate, copy_range, link, rename, rmdir, sync, truncate, unlink, write_at};
}

use marks::{METACOPY, Marks, REDIRECT};
use whiteout::Template;
use work::Work;

/// An upper directory that is open, and nobody else's as long as it is.
#[derive(Debug)]
pub struct Upper {
    root: Arc<OwnedFd>,
    path: PathBuf,
    work: Work,
    whiteout: Template,
    marks: Marks,
    keeping: Keeping,
    /// Whose what is made here is at first: this process's user and group.
    own_ids: (u32, u32),
    /// Nothing need survive a crash of the machine.
    is_volatile: bool,
    /// All of this is to go in the end.
    ephemeral: Option<PathBuf>,
    /// The work directory is our own, and goes when it is empty.
    removes_work: bool,
}

impl Upper {
    /// The directory itself.
    pub fn root(&self) -> &Arc<OwnedFd> {
        &self.root
    }

    /// Its path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How attributes are kept.
    pub fn keeping(&self) -> Keeping {
        self.keeping
    }

    /// Whether nothing need survive a crash of the machine.
    pub fn is_volatile(&self) -> bool {
        self.is_volatile
    }

    /// Opens a directory of the upper by its path; no symlink is followed.
    pub fn open_dir(&self, path: &TreePath) -> Result<Arc<OwnedFd>> {
        let dir = host::open_beneath(&self.root, path, OFlags::RDONLY | OFlags::DIRECTORY);
        dir.map(Arc::new).map_err(|error| errno(&error))
    }

    /// What it says of a name.
    pub fn word(&self, dir: &Arc<OwnedFd>, name: &[u8]) -> Result<Word> {
        self.marks.word(&Spot::at(dir, name))
    }

    /// The attributes of something in it (W8).
    pub fn attributes(&self, spot: &Spot, stat: &Stat) -> Result<Attributes> {
        let kept = match self.keeping {
            Keeping::Host => None,
            Keeping::Xattr => spot.xattr(OVERRIDE)?.and_then(|value| Override::parse(&value)),
        };
        Ok(stat::attributes(stat, kept))
    }

    /// The extended attributes that programs see: neither overlayfs's own nor what is kept for us (S14, W8).
    pub fn xattrs(&self, spot: &Spot) -> Result<Vec<Xattr>> {
        let mut xattrs = spot.xattrs()?;
        xattrs.retain(|xattr| !self.is_own(&xattr.name));
        Ok(xattrs)
    }

    /// Whether an attribute is overlayfs's own, or ours.
    pub fn is_own(&self, name: &[u8]) -> bool {
        overlay_attribute(name).is_some() || (self.keeping == Keeping::Xattr && name == OVERRIDE)
    }

    /// Sets an extended attribute.
    pub fn set_xattr(&self, spot: &Spot, name: &[u8], value: &[u8], flags: XattrFlags) -> Result<()> {
        sys::setxattr(spot.dir(), spot.name(), name, value, flags)
    }

    /// Removes one.
    pub fn remove_xattr(&self, spot: &Spot, name: &[u8]) -> Result<()> {
        sys::removexattr(spot.dir(), spot.name(), name)
    }

    /// Says of a directory where it was before it was renamed (W5).
    pub fn set_redirect(&self, spot: &Spot, redirect: &Redirect) -> Result<()> {
        self.set_mark(spot, REDIRECT, &redirect.value())
    }

    /// Makes a directory merge with nothing.
    pub fn set_opaque(&self, spot: &Spot) -> Result<()> {
        self.set_mark(spot, "opaque", b"y")
    }

    /// Whether a file has attributes of its own, and its data is below.
    pub fn lacks_data(&self, spot: &Spot, stat: &Stat) -> Result<bool> {
        // A hole stands for the data, and the host may count a block that holds attributes: whatever takes more
        // room need not be asked.
        let room = stat.st_blocks.cast_unsigned().saturating_mul(512);
        let is_hole = stat.st_size > 0 && room <= (stat.st_blksize as u64).max(4096);
        let may = is_hole && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(may && self.marks.read(spot, METACOPY)?.is_some())
    }

    /// Takes note that a file has its data.
    pub fn set_complete(&self, spot: &Spot) -> Result<()> {
        for mark in [METACOPY, REDIRECT] {
            for marks in [Marks::Trusted, Marks::User] {
                match self.remove_xattr(spot, &marks.attribute(mark)) {
                    // Not by this name.
                    Err(Errno::NODATA | Errno::PERM | Errno::NOTSUP) => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// Where a file was before it was renamed, if it says so.
    pub(super) fn redirect(&self, spot: &Spot) -> Result<Option<Redirect>> {
        self.marks.read(spot, REDIRECT)?.map(|value| Redirect::parse(&value)).transpose()
    }

    fn set_mark(&self, spot: &Spot, mark: &str, value: &[u8]) -> Result<()> {
        self.set_xattr(spot, &self.marks.attribute(mark), value, XattrFlags::empty())
    }

    /// Removes a name that is no directory's, and nothing takes its place.
    pub fn unlink(&self, dir: &Arc<OwnedFd>, name: &[u8]) -> Result<()> {
        sys::unlink(dir.as_fd(), name)
    }

    /// Removes a name and all below it; whoever looks meanwhile may see some of it gone and some not.
    pub fn remove_all(&self, spot: &Spot) -> Result<()> {
        work::remove_all(spot)
    }

    /// Gives a file one more name; a whiteout may be in the way.
    pub fn link(&self, file: &Spot, dir: &Arc<OwnedFd>, name: &[u8], place: Place) -> Result<()> {
        if place == Place::Free {
            return sys::link(file.dir(), file.name(), dir.as_fd(), name);
        }
        let aside = self.work.spot();
        sys::link(file.dir(), file.name(), aside.dir(), aside.name())?;
        let placed = sys::rename(aside.dir(), aside.name(), dir.as_fd(), name, RenameFlags::empty());
        if placed.is_err() {
            let _ = sys::unlink(aside.dir(), aside.name());
        }
        placed
    }

    /// The size of the file system that it is on.
    pub fn statvfs(&self) -> Result<StatVfs> {
        rustix::fs::fstatvfs(&self.root)
    }
}

impl Upper {
    /// Whether it is on a file system that lies on others itself, as overlayfs does.
    pub fn is_stacked(&self) -> bool {
        host::is_stacked(&self.root).unwrap_or(true)
    }

    /// To be called when nothing uses it any more: takes away what is not to stay.
    pub fn clean_up(&self) {
        match self.removes_work {
            true => self.work.remove(),
            // What is in the way will be swept by who mounts it next.
            false => drop(self.work.sweep()),
        }
        if let Some(dir) = &self.ephemeral
            && let Err(error) = std::fs::remove_dir_all(dir)
        {
            tracing::warn!("{}: {error}", dir.display());
        }
    }
}
