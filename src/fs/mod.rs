//! The filesystem without a kernel: a stack's tree by inode number, with the errors that programs know.
//!
//! Read-only and stateless (S24): an inode number is (layer, entry), so nothing is kept for a number that
//! was given out and nothing has to be forgotten. What is kept of merged directories only saves work. Lookup,
//! getattr and readdir take no lock, and no memory but for directories that are named for the first time.

mod below;
mod error;
mod inode;
mod merged;
mod read;
mod tell;
mod views;
mod writable;

use std::borrow::Cow;
use std::io;

use crate::blob::ReadAt;
use crate::counter::Hits;
use crate::entry::{Attributes, Extent, Kind, Xattr};
use crate::layer::{LayerNo, LeafId};
use crate::path::MAX_COMPONENT;
use crate::stack::Stack;
use crate::union::{Listed, Member, MergedDir, Node, Place};

pub use error::Error;
pub use inode::InodeNo;
pub use read::{Seek, read_extents};
pub use writable::{
    Access, At, Caller, Changes, Handle, ListedName, Made, NewNode, Opened, Rename, RenameMode,
    WritableFilesystem, WriteOptions,
};

use below::PlacedName;
use inode::Target;
use merged::{MergedDirs, Named};
use views::Views;

/// What a filesystem operation gives.
pub type Result<T> = std::result::Result<T, Error>;

/// A stack's tree by inode number.
pub struct Filesystem {
    stack: Stack,
    merged: MergedDirs,
    views: Option<Box<Views>>,
}

/// One name of a directory, as readdir gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// The inode number.
    pub ino: InodeNo,
    /// The name; `.` and `..` come first.
    pub name: &'a [u8],
    /// The attributes.
    pub attributes: Attributes,
    /// Where to go on behind this entry.
    pub next: u64,
}

/// What statfs(2) says (S26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statfs {
    /// Bytes of data in all layers.
    pub bytes: u64,
    /// Members of all layers.
    pub entries: u64,
}

impl Filesystem {
    /// Takes a stack.
    pub fn new(stack: Stack) -> Filesystem {
        Filesystem { stack, merged: MergedDirs::new(merged::PLACES), views: None }
    }

    /// Takes a stack, and shows views of it in `/.peelfs` too.
    pub fn with_views(stack: Stack) -> Filesystem {
        let views = Some(Box::new(Views::new(&stack)));
        Filesystem { views, ..Filesystem::new(stack) }
    }

    /// The stack that is shown.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// How often a merged directory was asked for by its number, and did not have to be found by its path.
    pub fn merged_hits(&self) -> Hits {
        self.merged.hits.hits()
    }

    /// Drops what was decoded and may be asked for again.
    pub fn let_go(&self) {
        if let Some(blocks) = self.stack.blocks() {
            blocks.clear();
        }
    }

    /// What a name in a directory is; `None` if there is nothing (S20).
    pub fn lookup(&self, parent: InodeNo, name: &[u8]) -> Result<Option<(InodeNo, Attributes)>> {
        // The kernel lets more through than any file system beneath overlayfs would.
        if name.len() > MAX_COMPONENT {
            return Err(Error::NameTooLong);
        }
        if let Some(seen) = self.seen_at(parent, name)? {
            return seen.lookup(name);
        }
        self.lookup_where(parent, name, |_, _| Ok(true))
    }

    /// The same among the names that are to be kept.
    fn lookup_where(
        &self,
        parent: InodeNo,
        name: &[u8],
        keep: impl FnOnce(&MergedDir, &Node) -> Result<bool>,
    ) -> Result<Option<(InodeNo, Attributes)>> {
        self.directory(parent, |parent| {
            let Some(node) = self.stack.union.lookup(&parent.dir, name)? else { return Ok(None) };
            if !keep(&parent.dir, &node)? {
                return Ok(None);
            }
            let attributes = self.stack.union.attributes(&node)?;
            Ok(Some((self.remember(parent.ino, node), attributes)))
        })
    }

    /// An inode's attributes.
    pub fn attributes(&self, ino: InodeNo) -> Result<Attributes> {
        if let Some(seen) = self.seen(ino)? {
            return seen.attributes();
        }
        match self.target(ino)? {
            Target::Leaf(layer, leaf) => Ok(self.stack.union.leaf_attributes(layer, leaf)?),
            Target::Root | Target::Dir(_) => {
                self.directory(ino, |named| Ok(self.stack.union.dir_attributes(&named.dir)?))
            }
        }
    }

    /// A symlink's target.
    pub fn readlink(&self, ino: InodeNo) -> Result<Cow<'_, [u8]>> {
        if let Some(seen) = self.seen(ino)? {
            return seen.readlink();
        }
        match self.target(ino)? {
            Target::Leaf(layer, leaf) if self.kind(layer, leaf)? == Kind::Symlink => {
                Ok(self.stack.union.link_target(layer, leaf)?)
            }
            _ => Err(Error::Invalid),
        }
    }

    /// Reads a file at a byte offset; fewer bytes than `buf` holds only at its end.
    pub fn read(&self, ino: InodeNo, offset: u64, buf: &mut [u8]) -> Result<usize> {
        if let Some(seen) = self.seen(ino)? {
            return seen.read(offset, buf);
        }
        self.data(ino, |extents, size, source| read_extents(extents, size, source, offset, buf))
    }

    /// The next data or hole at or after an offset.
    pub fn seek(&self, ino: InodeNo, offset: u64, whence: Seek) -> Result<u64> {
        if let Some(seen) = self.seen(ino)? {
            return seen.seek(offset, whence);
        }
        let found = self.data(ino, |extents, size, _| Ok(read::seek(extents, size, offset, whence)))?;
        found.ok_or(Error::NoSuchOffset)
    }

    /// Lists a directory from a position, 0 at first, until `add` says that it has no room (S23).
    pub fn readdir(
        &self,
        ino: InodeNo,
        position: u64,
        mut add: impl FnMut(&DirEntry<'_>) -> bool,
    ) -> Result<()> {
        if let Some(seen) = self.seen(ino)? {
            return seen.readdir(position, &mut add);
        }
        self.readdir_where(ino, position, |_, listed| Ok(!self.is_views(ino, listed.name)), &mut add)
    }

    /// The same with the names that are to be kept.
    fn readdir_where(
        &self,
        ino: InodeNo,
        position: u64,
        keep: impl Fn(&MergedDir, &Listed<'_>) -> Result<bool>,
        add: &mut dyn FnMut(&DirEntry<'_>) -> bool,
    ) -> Result<()> {
        self.directory(ino, |Named { dir, parent, .. }| {
            for (next, name, ino) in [(1, &b"."[..], ino), (2, b"..", *parent)] {
                let is_due = position < next;
                if is_due && add(&DirEntry { ino, name, attributes: self.attributes(ino)?, next }) {
                    return Ok(());
                }
            }
            let union = &self.stack.union;
            let list = match place_of(position) {
                Some(place) => union.list_behind(dir, place)?,
                None => union.list(dir)?,
            };
            for listed in list {
                let listed = listed?;
                if !keep(dir, &listed)? {
                    continue;
                }
                let Listed { name, node, place } = listed;
                let attributes = union.attributes(&node)?;
                let entry = self.remember(ino, node);
                if add(&DirEntry { ino: entry, name, attributes, next: position_of(place) }) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// An inode's extended attributes (S8, S14).
    pub fn xattrs(&self, ino: InodeNo) -> Result<Cow<'_, [Xattr]>> {
        if let Some(seen) = self.seen(ino)? {
            return seen.xattrs();
        }
        let union = &self.stack.union;
        match self.target(ino)? {
            Target::Leaf(layer, leaf) => Ok(union.leaf_xattrs(layer, leaf)?),
            Target::Root | Target::Dir(_) => self.directory(ino, |named| Ok(union.dir_xattrs(&named.dir)?)),
        }
    }

    /// The value of one extended attribute, of those that views give too.
    pub fn xattr(&self, ino: InodeNo, name: &[u8]) -> Result<Vec<u8>> {
        if let Some(value) = self.fact(ino, name)? {
            return Ok(value);
        }
        let xattrs = self.xattrs(ino)?;
        let found = xattrs.iter().find(|xattr| *xattr.name == *name);
        found.map(|xattr| xattr.value.to_vec()).ok_or(Error::NoAttribute)
    }

    /// The size of the whole image (S26).
    pub fn statfs(&self) -> Statfs {
        let layers = self.stack.layers();
        Statfs {
            bytes: layers.iter().map(|layer| layer.index.data_size()).fold(0, u64::saturating_add),
            entries: layers.iter().map(|layer| layer.index.member_count()).sum(),
        }
    }

    fn target(&self, ino: InodeNo) -> Result<Target> {
        ino.target(&self.stack.union)
    }

    /// Does something with the merged directory behind a number, found again by its path if it was not kept.
    fn directory<T>(&self, ino: InodeNo, act: impl FnOnce(&Named) -> Result<T>) -> Result<T> {
        if let Some(found) = self.merged.get(ino)
            && let Some(named) = &*found
        {
            return act(named);
        }
        let named = self.find_again(ino)?;
        let done = act(&named);
        self.merged.put(named);
        done
    }

    fn find_again(&self, ino: InodeNo) -> Result<Named> {
        let union = &self.stack.union;
        let root = || Named { ino: InodeNo::ROOT, parent: InodeNo::ROOT, dir: union.root().clone() };
        let member = match self.target(ino)? {
            Target::Root => return Ok(root()),
            Target::Dir(member) => member,
            Target::Leaf(..) => return Err(Error::NotADirectory),
        };
        let dir = union.merged(member)?.ok_or(Error::Stale)?;
        // Of the numbers of its members only one is the directory's.
        if dir.bottom() != member {
            return Err(Error::Stale);
        }
        let above = match union.layer(member.layer)?.parent(member.dir)? {
            Some((above, _)) => {
                union.merged(Member { layer: member.layer, dir: above })?.ok_or(Error::Stale)?
            }
            None => return Ok(root()),
        };
        Ok(Named { ino, parent: InodeNo::of(union, &Node::Dir(above)), dir })
    }

    /// The number of what a directory holds; a directory is kept, since what was named is likely to be
    /// entered.
    fn remember(&self, parent: InodeNo, node: Node) -> InodeNo {
        let ino = InodeNo::of(&self.stack.union, &node);
        if let Node::Dir(dir) = node {
            self.merged.put(Named { ino, parent, dir });
        }
        ino
    }

    fn kind(&self, layer: LayerNo, leaf: LeafId) -> Result<Kind> {
        let (layer, leaf) = self.stack.union.leaf_source(layer, leaf);
        Ok(self.stack.union.layer(layer)?.kind(leaf.into())?)
    }

    /// Does something with a regular file's extents, its size, and the blob that they lie in; an error of the
    /// bytes says where they should have been.
    fn data<T>(
        &self,
        ino: InodeNo,
        act: impl FnOnce(&[Extent], u64, &dyn ReadAt) -> io::Result<T>,
    ) -> Result<T> {
        let (layer, leaf) = match self.target(ino)? {
            Target::Root | Target::Dir(_) => return Err(Error::IsADirectory),
            Target::Leaf(layer, leaf) => (layer, leaf),
        };
        let Attributes { kind, size, .. } = self.stack.union.leaf_attributes(layer, leaf)?;
        if kind != Kind::Regular {
            return Err(Error::Invalid);
        }
        let done = self.stack.with_file(layer, leaf, |extents, source| act(extents, size, source));
        done.map_err(|source| {
            let (layer, leaf) = self.stack.union.leaf_source(layer, leaf);
            let path = self.stack.layer(layer).and_then(|layer| layer.index.path(leaf.into()));
            let path = path.unwrap_or_default();
            Error::Io { place: format!("{}: {path}", self.stack.place(layer)), source }
        })
    }
}

/// The positions that `.` and `..` take; 0 is before them.
const DOTS: u64 = 2;

/// The name that a position stands behind; `None` if it is before all names.
fn place_of(position: u64) -> Option<Place> {
    let place = position.checked_sub(DOTS + 1)?;
    Some(Place { rank: (place >> 32) as u32, at: place as u32 })
}

/// The position behind a name.
fn position_of(place: Place) -> u64 {
    (u64::from(place.rank) << 32 | u64::from(place.at)) + DOTS + 1
}
