//! Reading directories.

use std::sync::Arc;

use crate::entry::{Attributes, Kind};
use crate::fs::{DirEntry, Error, InodeNo, Result};
use crate::upper::Node;

use super::WritableFilesystem;
use super::handles::{Handle, Listed, OpenListing};

/// The positions that `.` and `..` take; 0 is before them.
const DOTS: u64 = 2;

/// One name of a directory.
#[derive(Debug, Clone, Copy)]
pub struct ListedName<'a> {
    /// The name; `.` and `..` come first.
    pub name: &'a [u8],
    /// Its inode's number.
    pub ino: InodeNo,
    /// What it is.
    pub kind: Kind,
    /// Where to go on behind it.
    pub next: u64,
}

impl<'a> ListedName<'a> {
    /// A name of the tree below.
    fn of(entry: &DirEntry<'a>) -> ListedName<'a> {
        let DirEntry { name, ino, attributes, next } = *entry;
        ListedName { name, ino, kind: attributes.kind, next }
    }
}

impl WritableFilesystem {
    /// Opens a directory.
    pub fn open_dir(&self) -> Handle {
        self.handles.add_listing()
    }

    /// Closes a directory.
    pub fn close_dir(&self, handle: Handle) {
        self.handles.close_listing(handle);
    }

    /// Lists a directory from a position, 0 at first, until `add` says that it has no room (S23).
    pub fn readdir(
        &self,
        ino: InodeNo,
        handle: Handle,
        position: u64,
        mut add: impl FnMut(&ListedName<'_>) -> bool,
    ) -> Result<()> {
        if ino.is_view() {
            return self.lower.readdir(ino, position, |entry| add(&ListedName::of(entry)));
        }
        let names = self.names_of(ino, &*self.handles.listing(handle)?, position)?;
        for (name, own, next) in [(&b"."[..], ino, 1), (b"..", self.parent_of(ino)?, DOTS)] {
            if position < next && add(&ListedName { name, ino: own, kind: Kind::Directory, next }) {
                return Ok(());
            }
        }
        for ((name, ino, kind), next) in from_position(&names, position) {
            if add(&ListedName { name, ino: *ino, kind: *kind, next }) {
                break;
            }
        }
        Ok(())
    }

    /// The same with the attributes of each name as it is now; the kernel knows all that are given from here on, but
    /// for the two dots.
    pub fn readdir_plus(
        &self,
        ino: InodeNo,
        handle: Handle,
        position: u64,
        mut add: impl FnMut(&ListedName<'_>, &Attributes) -> bool,
    ) -> Result<()> {
        if ino.is_view() {
            return self.lower.readdir(ino, position, |entry| add(&ListedName::of(entry), &entry.attributes));
        }
        let names = self.names_of(ino, &*self.handles.listing(handle)?, position)?;
        let _names = self.names.read();
        for (name, own, next) in [(&b"."[..], ino, 1), (b"..", self.parent_of(ino)?, DOTS)] {
            if position < next {
                let attributes = self.attributes_now(own)?;
                if add(&ListedName { name, ino: own, kind: Kind::Directory, next }, &attributes) {
                    return Ok(());
                }
            }
        }
        let dir = match self.dir(ino) {
            Err(Error::NotFound) => return Ok(()),
            dir => dir?,
        };
        for ((name, ..), next) in from_position(&names, position) {
            // What has gone since the directory was read is left out.
            let found = self.view().lookup(&dir, name);
            let told = found
                .map_err(Error::from)
                .and_then(|node| node.map(|node| self.tell(ino, &dir, name, &node)).transpose());
            let (child, attributes) = match told {
                Ok(Some(told)) => told,
                Ok(None) => continue,
                // Those before it have been counted: one that cannot be looked at must not be the end of all.
                Err(error) => {
                    tracing::warn!(%error, name = %name.escape_ascii(), "left out of its directory");
                    continue;
                }
            };
            if add(&ListedName { name, ino: child, kind: attributes.kind, next }, &attributes) {
                self.inodes.lock().forget(child, 1);
                break;
            }
        }
        Ok(())
    }

    /// The names of a directory, read anew from the beginning.
    fn names_of(&self, ino: InodeNo, listing: &OpenListing, position: u64) -> Result<Arc<[Listed]>> {
        let mut names = listing.names.lock();
        if let Some(names) = names.as_ref().filter(|_| position > 0) {
            return Ok(names.clone());
        }
        let now = self.list(ino)?;
        *names = Some(now.clone());
        Ok(now)
    }

    fn list(&self, ino: InodeNo) -> Result<Arc<[Listed]>> {
        let _names = self.names.read();
        let dir = match self.dir(ino) {
            // Someone is in a directory that was removed.
            Err(Error::NotFound) => return Ok(Arc::new([])),
            dir => dir?,
        };
        let mut listed = self.view().list(&dir)?;
        listed.retain(|(name, _)| !self.lower.is_views(ino, name));
        let listed = listed.into_iter().map(|(name, node)| {
            let kind = self.kind_of(&node)?;
            Ok((name, self.peek(&node), kind))
        });
        listed.collect()
    }

    fn kind_of(&self, node: &Node) -> Result<Kind> {
        Ok(match node {
            Node::Dir { .. } => Kind::Directory,
            Node::Upper(stat) => crate::upper::kind(stat),
            Node::Lower(layer, leaf) => self.lower.stack().union.leaf_attributes(*layer, *leaf)?.kind,
        })
    }

    fn parent_of(&self, ino: InodeNo) -> Result<InodeNo> {
        if ino == InodeNo::ROOT {
            return Ok(ino);
        }
        if let Some(inode) = self.inodes.lock().get(ino) {
            return Ok(inode.places.first().map_or(ino, |(parent, _)| *parent));
        }
        Ok(self.lower.dir_place(ino)?.map_or(InodeNo::ROOT, |(parent, _)| parent))
    }
}

/// The names behind a position, each with the position behind it.
fn from_position(names: &[Listed], position: u64) -> impl Iterator<Item = (&Listed, u64)> {
    let skipped = position.saturating_sub(DOTS);
    let first = usize::try_from(skipped).unwrap_or(usize::MAX).min(names.len());
    names.get(first..).unwrap_or_default().iter().zip(DOTS + first as u64 + 1..)
}
