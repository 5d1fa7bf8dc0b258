//! Making things out of sight and putting them into their place whole (W2).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, RenameFlags, Stat, Timespec, Timestamps, UTIME_NOW, XattrFlags};
use rustix::io::{Errno, Result};

use crate::entry::{Attributes, Device, Kind, Time, Xattr};
use crate::host::{OVERRIDE, Override};

use super::marks::METACOPY;
use super::stat::{Keeping, kind};
use super::work::remove_all;
use super::{Spot, Upper, sys};

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// A directory.
    Directory,
    /// A regular file, empty at first.
    File,
    /// A symlink.
    Symlink(&'a [u8]),
    /// A device, a fifo or a socket.
    Node(Kind, Device),
}

/// How it is to look.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Permission bits: 07777.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Last access and last change, if not now.
    pub times: Option<(Time, Time)>,
    /// Extended attributes.
    pub xattrs: &'a [Xattr],
}

impl<'a> Look<'a> {
    /// As something that is there.
    pub fn of(attributes: &Attributes, xattrs: &'a [Xattr]) -> Look<'a> {
        let Attributes { mode, uid, gid, atime, mtime, .. } = *attributes;
        Look { mode, uid, gid, times: Some((atime, mtime)), xattrs }
    }
}

/// The mode of what only its owner needs to use: what others may is kept elsewhere.
const OWN: u16 = 0o700;

/// What stands in the place that something is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    Free,
    /// A whiteout, or something else that is no directory, to be replaced.
    Taken,
}

/// Something in the work directory, gone with this value unless it has been put into its place.
pub struct Draft<'a> {
    upper: &'a Upper,
    spot: Spot,
    is_directory: bool,
    /// The file, if it is one that was opened.
    file: Option<OwnedFd>,
    is_placed: bool,
}

impl Upper {
    /// Makes something in the work directory.
    pub fn draft(&self, body: Body<'_>, look: &Look<'_>) -> Result<Draft<'_>> {
        let mode = if self.keeping == Keeping::Host { look.mode & 0o1777 } else { OWN };
        let draft = self.bare_draft(body, Mode::from_raw_mode(mode.into()))?;
        draft.dress(body, look)?;
        Ok(draft)
    }

    /// Makes something in its place: at once where that needs one step, else in the work directory first. Gives the
    /// file, open for reading and writing, if it is one.
    pub fn put(
        &self,
        dir: &Arc<OwnedFd>,
        name: &[u8],
        body: Body<'_>,
        look: &Look<'_>,
        place: Place,
    ) -> Result<Option<OwnedFd>> {
        if place == Place::Free && self.takes_one_step(body, look) {
            return self.make(&Spot::at(dir, name), body, Mode::from_raw_mode(look.mode.into()));
        }
        let mut draft = self.draft(body, look)?;
        let file = draft.file.take();
        draft.place(dir, name, place)?;
        Ok(file)
    }

    /// Whether something looks as it is to look from the moment that it is made.
    fn takes_one_step(&self, body: Body<'_>, look: &Look<'_>) -> bool {
        let is_own = (look.uid, look.gid) == self.own_ids && look.mode & 0o6000 == 0;
        let needed = if matches!(body, Body::Directory) { 0o700 } else { 0o600 };
        let is_kept = match (self.keeping, body) {
            (Keeping::Host, _) | (_, Body::Symlink(_)) => true,
            // A plain file stands for it, with an attribute that says so.
            (Keeping::Xattr, Body::Node(kind, _)) if kind != Kind::Regular => false,
            (Keeping::Xattr, _) => look.mode & needed == needed,
        };
        is_own && is_kept && look.xattrs.is_empty() && look.times.is_none()
    }

    fn bare_draft(&self, body: Body<'_>, mode: Mode) -> Result<Draft<'_>> {
        let spot = self.work.spot();
        let file = self.make(&spot, body, mode)?;
        Ok(self.draft_at(spot, matches!(body, Body::Directory), file))
    }

    /// What has been made at a place in the work directory.
    pub(super) fn draft_at(&self, spot: Spot, is_directory: bool, file: Option<OwnedFd>) -> Draft<'_> {
        Draft { upper: self, spot, is_directory, file, is_placed: false }
    }

    /// Makes something; gives the file, if it is one. Nobody else comes into the work directory.
    fn make(&self, spot: &Spot, body: Body<'_>, mode: Mode) -> Result<Option<OwnedFd>> {
        let (dir, name) = (spot.dir(), spot.name());
        match body {
            Body::Directory => sys::mkdir(dir, name, mode)?,
            Body::File => return sys::create(dir, name, mode).map(Some),
            Body::Symlink(target) => sys::symlink(target, dir, name)?,
            // A device is not for everyone to make, and of none of these could anything be kept.
            Body::Node(..) if self.keeping == Keeping::Xattr => {
                return sys::create(dir, name, mode).map(Some);
            }
            Body::Node(kind, device) => {
                sys::mknod(
                    dir,
                    name,
                    file_type(kind),
                    mode,
                    rustix::fs::makedev(device.major, device.minor),
                )?;
            }
        }
        Ok(None)
    }

    /// Empties an opaque directory, or one that is about to be renamed over, of the whiteouts in it: an empty one
    /// takes its place in one step.
    pub fn replace_directory(&self, dir: &Arc<OwnedFd>, name: &[u8], look: &Look<'_>) -> Result<()> {
        let draft = self.draft(Body::Directory, look)?;
        draft.make_opaque()?;
        draft.exchange(dir, name)
    }

    /// Removes an upper's own directory, in which there may be left only what does not show.
    pub fn remove_directory(&self, dir: &Arc<OwnedFd>, name: &[u8]) -> Result<()> {
        match sys::rmdir(dir.as_fd(), name) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            done => return done,
        }
        let aside = self.work.spot();
        sys::rename(dir.as_fd(), name, aside.dir(), aside.name(), RenameFlags::empty())?;
        // Whatever becomes of the rest, the directory is gone.
        if let Err(errno) = remove_all(&aside) {
            tracing::warn!(%errno, "what was removed stays in the work directory");
        }
        Ok(())
    }

    /// Sets an owner, as far as the host grants it, or keeps it (W8).
    pub fn set_owner(&self, spot: &Spot, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        match self.keeping {
            Keeping::Host => sys::chown(spot.dir(), spot.name(), uid, gid),
            Keeping::Xattr if kind(&spot.stat()?) == Kind::Symlink => chown_if_granted(spot, uid, gid),
            Keeping::Xattr => self.keep(spot, |kept| {
                kept.uid = uid.unwrap_or(kept.uid);
                kept.gid = gid.unwrap_or(kept.gid);
            }),
        }
    }

    /// Sets permission bits, as far as the host grants them, or keeps them (W8).
    pub fn set_mode(&self, spot: &Spot, mode: u16) -> Result<()> {
        match self.keeping {
            Keeping::Host => {
                let held = spot.hold()?;
                sys::chmod(held.dir(), Mode::from_raw_mode(mode.into()))
            }
            Keeping::Xattr => self.keep(spot, |kept| kept.mode = mode),
        }
    }

    /// Keeps the permission bits of an ACL that has been set; the host knows its own.
    pub fn keep_permissions(&self, spot: &Spot, bits: u16) -> Result<()> {
        match self.keeping {
            Keeping::Host => Ok(()),
            Keeping::Xattr => self.keep(spot, |kept| kept.mode = kept.mode & 0o7000 | bits),
        }
    }

    /// Sets times; `None` leaves one as it is.
    pub fn set_times(&self, spot: &Spot, atime: Option<When>, mtime: Option<When>) -> Result<()> {
        let times = Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) };
        sys::utimens(spot.dir(), spot.name(), &times)
    }

    /// Changes what is kept of a file; of a symlink nothing can be.
    fn keep(&self, spot: &Spot, change: impl FnOnce(&mut Override)) -> Result<()> {
        let before = Override::of(&self.attributes(spot, &spot.stat()?)?);
        let mut kept = before;
        change(&mut kept);
        match self.keep_override(spot, &kept) {
            Err(Errno::PERM | Errno::NOTSUP) if kept == before => Ok(()),
            Err(Errno::NOTSUP) => Err(Errno::PERM),
            done => done,
        }
    }

    /// Keeps owner and mode of a file in its attribute.
    pub(super) fn keep_override(&self, spot: &Spot, kept: &Override) -> Result<()> {
        sys::setxattr(spot.dir(), spot.name(), OVERRIDE, kept.value().as_bytes(), XattrFlags::empty())?;
        // For whoever looks at the upper by itself, as far as we may; we must be able to go on writing.
        let is_directory = matches!(kept.kind, Some((Kind::Directory, _)));
        let needed = if is_directory { 0o700 } else { 0o600 };
        let mode = Mode::from_raw_mode(u32::from(kept.mode & 0o777) | needed);
        sys::chmod(spot.hold()?.dir(), mode)
    }
}

/// Gives a symlink an owner, if the host grants it: no attribute can be set on one to keep it in, and its owner
/// decides nothing. An error would end every `cp -a` and `tar x`.
fn chown_if_granted(spot: &Spot, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    match sys::chown(spot.dir(), spot.name(), uid, gid) {
        Err(Errno::PERM | Errno::INVAL) => Ok(()),
        done => done,
    }
}

/// A time to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The host's clock.
    Now,
    /// This.
    At(Time),
}

fn timespec(when: Option<When>) -> Timespec {
    match when {
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        Some(When::Now) => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Some(When::At(time)) => Timespec { tv_sec: time.secs, tv_nsec: time.nanos.into() },
    }
}

impl Draft<'_> {
    /// The file in the making.
    pub fn file(&self) -> Result<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd).ok_or(Errno::INVAL)
    }

    /// Where it is until it is put into its place.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// What the host says of it.
    pub fn stat(&self) -> Result<Stat> {
        self.spot.stat()
    }

    /// Gives it owner, mode and attributes; times last, as all else changes them.
    fn dress(&self, body: Body<'_>, look: &Look<'_>) -> Result<()> {
        let upper = self.upper;
        match upper.keeping {
            Keeping::Host => {
                if (look.uid, look.gid) != upper.own_ids {
                    sys::chown(self.spot.dir(), self.spot.name(), Some(look.uid), Some(look.gid))?;
                }
                // The other bits it was made with; a change of owner would have cleared these.
                if look.mode & 0o6000 != 0 && !matches!(body, Body::Symlink(_)) {
                    upper.set_mode(&self.spot, look.mode)?;
                }
            }
            Keeping::Xattr if matches!(body, Body::Symlink(_)) => {
                if (look.uid, look.gid) != upper.own_ids {
                    chown_if_granted(&self.spot, Some(look.uid), Some(look.gid))?;
                }
            }
            Keeping::Xattr => {
                let kind = match body {
                    Body::Directory => (Kind::Directory, Device::default()),
                    Body::Node(kind, device) => (kind, device),
                    Body::File | Body::Symlink(_) => (Kind::Regular, Device::default()),
                };
                let (mode, uid, gid) = (look.mode, look.uid, look.gid);
                upper.keep_override(&self.spot, &Override { uid, gid, mode, kind: Some(kind) })?;
            }
        }
        // What the image keeps for someone else must not be taken for ours.
        for xattr in look.xattrs.iter().filter(|xattr| *xattr.name != *OVERRIDE) {
            self.set_xattr(xattr)?;
        }
        self.set_times(look)
    }

    /// Sets the times that it is to have in the end, if they are not now.
    pub fn set_times(&self, look: &Look<'_>) -> Result<()> {
        let Some((atime, mtime)) = look.times else { return Ok(()) };
        self.upper.set_times(&self.spot, Some(When::At(atime)), Some(When::At(mtime)))
    }

    fn set_xattr(&self, xattr: &Xattr) -> Result<()> {
        let set =
            sys::setxattr(self.spot.dir(), self.spot.name(), &xattr.name, &xattr.value, XattrFlags::empty());
        match set {
            // As overlayfs does: what the host cannot keep of the image's is no reason to refuse a write.
            Err(Errno::NOTSUP | Errno::PERM) => {
                let name = xattr.name.escape_ascii();
                tracing::debug!(%name, "an attribute of the image that the upper cannot keep");
                Ok(())
            }
            set => set,
        }
    }

    /// Makes it a directory that merges with nothing (W4).
    pub fn make_opaque(&self) -> Result<()> {
        self.upper.set_mark(&self.spot, "opaque", b"y")
    }

    /// Says that the data of the file, of so many bytes, is below.
    pub fn leave_data_below(&self, size: u64) -> Result<()> {
        sys::truncate(self.file()?, size)?;
        self.upper.set_mark(&self.spot, METACOPY, b"")
    }

    /// Waits until the data of the file is on the disk (W2).
    pub fn sync(&self) -> Result<()> {
        match &self.file {
            Some(file) if !self.upper.is_volatile => sys::sync(file, false),
            _ => Ok(()),
        }
    }

    /// Puts it into its place; what is not a directory may replace what stands there.
    pub fn place(mut self, dir: &Arc<OwnedFd>, name: &[u8], place: Place) -> Result<()> {
        if self.is_directory && place == Place::Taken {
            return self.exchange(dir, name);
        }
        let flags = if place == Place::Free { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
        self.rename(dir, name, flags)?;
        self.is_placed = true;
        Ok(())
    }

    /// Puts it into its place and removes what stood there, whatever it was.
    pub(super) fn exchange(mut self, dir: &Arc<OwnedFd>, name: &[u8]) -> Result<()> {
        self.rename(dir, name, RenameFlags::EXCHANGE)?;
        self.is_placed = true;
        // What lies in the work directory now does not show; the next mount would sweep it.
        if let Err(errno) = remove_all(&self.spot) {
            tracing::warn!(%errno, "what was replaced stays in the work directory");
        }
        Ok(())
    }

    fn rename(&self, dir: &Arc<OwnedFd>, name: &[u8], flags: RenameFlags) -> Result<()> {
        sys::rename(self.spot.dir(), self.spot.name(), dir.as_fd(), name, flags)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_placed
            && let Err(errno) = remove_all(&self.spot)
        {
            tracing::warn!(%errno, "a draft stays in the work directory");
        }
    }
}

fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Directory => FileType::Directory,
        Kind::Regular => FileType::RegularFile,
        Kind::Symlink => FileType::Symlink,
        Kind::CharDevice => FileType::CharacterDevice,
        Kind::BlockDevice => FileType::BlockDevice,
        Kind::Fifo => FileType::Fifo,
        Kind::Socket => FileType::Socket,
    }
}
