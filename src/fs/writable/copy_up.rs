//! Copy-up: what is only below comes into the upper, whole and in one step, before it is changed (W2).

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use parking_lot::{Mutex, RwLockWriteGuard};
use rustix::fs::Stat;
use rustix::io::Errno;

use crate::blob::ReadAt;
use crate::entry::{Attributes, Extent, Kind, Time};
use crate::fs::{Error, InodeNo, PlacedName, Result};
use crate::layer::{LayerNo, LeafId};
use crate::union;
use crate::upper::{Body, Draft, Look, Node, Place, Spot, When, calls};
use crate::wait;

use super::inodes::Found;
use super::{STRIPES, WritableFilesystem};

/// Bytes that are written at a time: what a processor's cache holds. A mebibyte at once has been seen to take ten times
/// as long on ext4.
pub(super) const PIECE: usize = 256 * 1024;

/// Bytes that the kernel is asked to copy at a time: a request to stop should not wait for a whole disk.
const STRETCH: u64 = 64 * 1024 * 1024;

/// How much of a file's data is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// All of it.
    All,
    /// What is before this offset: the rest is about to be cut off.
    UpTo(u64),
    /// None of it, if the upper may say so (`metacopy`): only attributes are about to change.
    None,
}

impl Data {
    /// Whether less is needed than a file has.
    fn cuts(self, size: u64) -> bool {
        matches!(self, Data::UpTo(end) if end < size)
    }
}

impl WritableFilesystem {
    /// Brings something into the upper; it may have been there before. Gives whether its data was cut off on the
    /// way: then nothing is left to do of that, and nothing that could fail after the old data is gone.
    pub(super) fn copy_up(&self, ino: InodeNo, data: Data) -> Result<bool> {
        if ino.is_view() {
            return Err(Error::ReadOnly);
        }
        if self.is_upper(ino) {
            return if data == Data::None { Ok(false) } else { self.complete(ino, data).map(|()| false) };
        }
        let stripe = self.copying.get(ino.0 as usize % STRIPES).map(Mutex::lock);
        if self.is_upper(ino) {
            drop(stripe);
            return if data == Data::None { Ok(false) } else { self.complete(ino, data).map(|()| false) };
        }
        let Some((layer, leaf)) = self.lower.leaf(ino)? else {
            let _names = self.write_names();
            self.raise_dir(ino)?;
            return Ok(false);
        };
        let attributes = self.lower.attributes(ino)?;
        let draft = self.draft_of(ino, layer, leaf, &attributes, data)?;
        let names = self.write_names();
        self.place_copy(ino, layer, leaf, draft)?;
        drop((names, stripe));
        Ok(data.cuts(attributes.size))
    }

    /// Whether the upper has it.
    pub(super) fn is_upper(&self, ino: InodeNo) -> bool {
        ino == InodeNo::ROOT || self.inodes.lock().get(ino).is_some()
    }

    /// The lock of who changes what stands where.
    pub(super) fn write_names(&self) -> RwLockWriteGuard<'_, ()> {
        self.names.try_write().unwrap_or_else(|| {
            wait::announce();
            self.names.write()
        })
    }

    /// A whole copy in the work directory.
    fn draft_of(
        &self,
        ino: InodeNo,
        layer: LayerNo,
        leaf: LeafId,
        attributes: &Attributes,
        data: Data,
    ) -> Result<Draft<'_>> {
        let xattrs = self.lower.xattrs(ino)?;
        let look = Look::of(attributes, &xattrs);
        let union = &self.lower.stack().union;
        let target;
        let body = match attributes.kind {
            Kind::Directory => return Err(Error::IsADirectory),
            Kind::Regular => Body::File,
            Kind::Symlink => {
                target = union.link_target(layer, leaf)?;
                Body::Symlink(&target)
            }
            kind => Body::Node(kind, attributes.device),
        };
        let draft = self.upper.draft(body, &look)?;
        if attributes.kind == Kind::Regular {
            match data {
                Data::None if self.options.metacopy && attributes.size > 0 => {
                    draft.leave_data_below(attributes.size)?;
                }
                Data::None | Data::All => self.fill(draft.file()?, layer, leaf, attributes.size)?,
                Data::UpTo(end) => self.fill(draft.file()?, layer, leaf, attributes.size.min(end))?,
            }
            match data.cuts(attributes.size) {
                // It changes now, in the same step as it comes.
                true => self.upper.set_times(draft.spot(), Some(When::At(attributes.atime)), None)?,
                false => draft.set_times(&look)?,
            }
            draft.sync()?;
        }
        Ok(draft)
    }

    /// Copies a file's data, up to an offset; holes stay holes.
    pub(super) fn fill(&self, to: BorrowedFd<'_>, layer: LayerNo, leaf: LeafId, size: u64) -> Result<()> {
        wait::announce();
        let mut host = Ok(());
        let read = self.lower.stack().with_file(layer, leaf, |extents, source| {
            for extent in extents.iter().take_while(|extent| extent.logical < size) {
                let len = extent.len.min(size - extent.logical);
                match copy_extent(&Extent { len, ..*extent }, source, to) {
                    Ok(()) => {}
                    Err(Failure::Read(error)) => return Err(error),
                    Err(Failure::Write(errno)) => {
                        host = Err(errno);
                        break;
                    }
                }
            }
            Ok(())
        });
        read.map_err(|source| Error::Io { place: self.place_of_layer(layer).to_owned(), source })?;
        host?;
        Ok(calls::truncate(to, size)?)
    }

    /// Puts a copy under all names that the file has and that show (W6); if it has lost all, the copy is held for
    /// those who still have it open.
    fn place_copy(&self, ino: InodeNo, layer: LayerNo, leaf: LeafId, draft: Draft<'_>) -> Result<()> {
        let stat = draft.stat()?;
        let places = self.places_that_show(layer, leaf)?;
        if places.is_empty() {
            return self.hold_copy(ino, &stat, &draft);
        }
        let named = places.iter().map(|(parent, name)| Ok((self.raise_dir(*parent)?, &**name)));
        let named: Vec<(Arc<OwnedFd>, &[u8])> = named.collect::<Result<_>>()?;
        let Some(((dir, name), rest)) = named.split_first() else { return Ok(()) };
        self.keeping_times(dir, || Ok(draft.place(dir, name, Place::Free)?))?;
        let first = Spot::at(dir, name);
        for (done, (dir, name)) in (1..).zip(rest) {
            let linked = self.keeping_times(dir, || Ok(self.upper.link(&first, dir, name, Place::Free)?));
            if let Err(error) = linked {
                self.take_back(named.iter().take(done));
                return Err(error);
            }
        }
        let mut inodes = self.inodes.lock();
        for (parent, name) in &places {
            let place = (*parent, &**name);
            inodes.note(&Found { stat: &stat, place, is_dir: false, lower: None, below: Some(ino) });
        }
        Ok(())
    }

    fn hold_copy(&self, ino: InodeNo, stat: &Stat, draft: &Draft<'_>) -> Result<()> {
        let held = draft.spot().hold()?;
        let place = (InodeNo::ROOT, &b""[..]);
        let mut inodes = self.inodes.lock();
        inodes.note(&Found { stat, place, is_dir: false, lower: None, below: Some(ino) });
        inodes.unplace(ino, InodeNo::ROOT, b"");
        inodes.hold(ino, held);
        Ok(())
    }

    /// Removes names of a copy that could not get all its names: what is below shows there again.
    fn take_back<'a>(&self, placed: impl Iterator<Item = &'a (Arc<OwnedFd>, &'a [u8])>) {
        for (dir, name) in placed {
            if let Err(error) = self.keeping_times(dir, || Ok(self.upper.unlink(dir, name)?)) {
                tracing::warn!(%error, "of several names of a file, some are copied up and some are not");
            }
        }
    }

    /// The names of a file below that show where they stand.
    fn places_that_show(&self, layer: LayerNo, leaf: LeafId) -> Result<Vec<PlacedName>> {
        let mut places = self.lower.leaf_places(layer, leaf)?;
        let mut failed = Ok(());
        places.retain(|(parent, name)| {
            let shows = self.shows(*parent, name, layer, leaf);
            shows.unwrap_or_else(|error| {
                failed = Err(error);
                false
            })
        });
        failed.map(|()| places)
    }

    fn shows(&self, parent: InodeNo, name: &[u8], layer: LayerNo, leaf: LeafId) -> Result<bool> {
        if !self.arrive(parent)? {
            return Ok(false);
        }
        let found = self.view().lookup(&self.dir(parent)?, name)?;
        Ok(matches!(found, Some(Node::Lower(at, found)) if at == layer && found == leaf))
    }

    /// Whether a directory of the layers below shows; if so, it is known from here on whether the upper has it.
    fn arrive(&self, ino: InodeNo) -> Result<bool> {
        if ino == InodeNo::ROOT {
            return Ok(true);
        }
        if let Some(inode) = self.inodes.lock().get(ino) {
            return Ok(!inode.places.is_empty());
        }
        let Some((parent, name)) = self.lower.dir_place(ino)? else { return Ok(true) };
        if !self.arrive(parent)? {
            return Ok(false);
        }
        match self.view().lookup(&self.dir(parent)?, &name)? {
            Some(node @ Node::Dir { .. }) => Ok(self.note(parent, &name, &node) == ino),
            _ => Ok(false),
        }
    }

    /// The upper's part of a directory, made if it is not there, and those above it first. For who holds the lock of
    /// names.
    pub(super) fn raise_dir(&self, ino: InodeNo) -> Result<Arc<OwnedFd>> {
        if self.is_upper(ino) {
            return self.upper_dir(ino);
        }
        let Some((parent, name)) = self.lower.dir_place(ino)? else { return self.upper_dir(ino) };
        let parent_dir = self.raise_dir(parent)?;
        let lower = self.lower.merged_dir(ino)?;
        let node = union::Node::Dir(lower.clone());
        let union = &self.lower.stack().union;
        let (attributes, xattrs) = (union.attributes(&node)?, union.xattrs(&node)?);
        let draft = self.upper.draft(Body::Directory, &Look::of(&attributes, &xattrs))?;
        let stat = draft.stat()?;
        self.keeping_times(&parent_dir, || Ok(draft.place(&parent_dir, &name, Place::Free)?))?;
        self.note(parent, &name, &Node::Dir { upper: Some(stat), lower: Some(lower) });
        self.upper_dir(ino)
    }

    /// Does something in a directory that is not to look as if something had been done: what was copied up stood
    /// there before.
    fn keeping_times(&self, dir: &Arc<OwnedFd>, act: impl FnOnce() -> Result<()>) -> Result<()> {
        let spot = Spot::of(dir.clone());
        let before = spot.stat()?;
        act()?;
        let time = |secs, nanos: u64| When::At(Time { secs, nanos: nanos as u32 });
        let atime = time(before.st_atime, before.st_atime_nsec);
        let mtime = time(before.st_mtime, before.st_mtime_nsec);
        // It is there; that its directory looks newer is no reason to say that it is not.
        if let Err(errno) = self.upper.set_times(&spot, Some(atime), Some(mtime)) {
            tracing::warn!(%errno, "a directory's times, after something was copied into it");
        }
        Ok(())
    }
}

/// Why data was not copied.
enum Failure {
    Read(io::Error),
    Write(Errno),
}

fn copy_extent(extent: &Extent, source: &dyn ReadAt, to: BorrowedFd<'_>) -> std::result::Result<(), Failure> {
    if extent.source.saturating_add(extent.len) > source.len() {
        return Err(Failure::Read(io::ErrorKind::UnexpectedEof.into()));
    }
    let mut done = 0;
    if let Some((file, offset)) = source.as_host_file(extent.source) {
        while done < extent.len {
            let len = (extent.len - done).min(STRETCH) as usize;
            match calls::copy_range(file, offset + done, to, extent.logical + done, len) {
                // Not between these two, or not here: the rest goes through a buffer.
                Ok(0) | Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                    break;
                }
                Ok(n) => done += n as u64,
                Err(errno) => return Err(Failure::Write(errno)),
            }
        }
        file.check_unchanged().map_err(Failure::Read)?;
    }
    let mut buffer = vec![0; PIECE.min(usize::try_from(extent.len - done).unwrap_or(PIECE))];
    while done < extent.len {
        let len = buffer.len().min(usize::try_from(extent.len - done).unwrap_or(PIECE));
        let piece = buffer.get_mut(..len).unwrap_or_default();
        if source.read_at(extent.source + done, piece).map_err(Failure::Read)? < len {
            return Err(Failure::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        write_all(to, piece, extent.logical + done).map_err(Failure::Write)?;
        done += len as u64;
    }
    Ok(())
}

/// Writes all bytes at an offset.
fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8], mut offset: u64) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let n = calls::write_at(to, bytes, offset)?;
        if n == 0 {
            return Err(Errno::NOSPC);
        }
        bytes = bytes.get(n..).unwrap_or_default();
        offset += n as u64;
    }
    Ok(())
}
