//! The filesystem without a kernel: a stack's tree by inode number, with the errors that programs know.
//!
//! Read-only and stateless (S24): an inode number is (layer, entry), so nothing is kept for a number that
//! was given out and nothing has to be forgotten. The two caches below only save work. No lock is held
//! while another is taken, nor during I/O.

mod cache;
mod error;
mod inode;
mod listing;
mod read;

use std::borrow::Cow;
use std::sync::Arc;

use crate::counter::Hits;
use crate::entry::{Attributes, Kind, Xattr};
use crate::layer::{LayerNo, LeafId};
use crate::path::MAX_COMPONENT;
use crate::stack::Stack;
use crate::union::{Member, MergedDir, Node};

pub use error::Error;
pub use inode::InodeNo;
pub use read::{Seek, read_extents};

use cache::Cache;
use inode::Target;
use listing::Listing;

/// Members of merged directories kept, about 100 bytes each with what keeps them: for the directories that
/// a walk is in and those it will enter next.
const MERGED_MEMBERS: u64 = 128 * 1024;

/// Listings of merged directories kept, in bytes; one listing is kept however large it is.
const LISTING_BYTES: u64 = 16 * 1024 * 1024;

/// What a filesystem operation gives.
pub type Result<T> = std::result::Result<T, Error>;

/// A stack's tree by inode number.
pub struct Filesystem {
    stack: Stack,
    merged: Cache<MergedDir>,
    listings: Cache<Listing>,
}

/// One name of a directory, as readdir gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// The inode number.
    pub ino: InodeNo,
    /// The name; `.` and `..` come first.
    pub name: Cow<'a, [u8]>,
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

/// How often the caches had what was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheHits {
    /// Merged directories, by number.
    pub merged: Hits,
    /// Listings of merged directories.
    pub listings: Hits,
}

impl Filesystem {
    /// Takes a stack.
    pub fn new(stack: Stack) -> Filesystem {
        Filesystem { stack, merged: Cache::new(MERGED_MEMBERS), listings: Cache::new(LISTING_BYTES) }
    }

    /// The stack that is shown.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// How often the caches had what was looked for, so far.
    pub fn cache_hits(&self) -> CacheHits {
        CacheHits { merged: self.merged.hits.hits(), listings: self.listings.hits.hits() }
    }

    /// What a name in a directory is; `None` if there is nothing (S20).
    pub fn lookup(&self, parent: InodeNo, name: &[u8]) -> Result<Option<(InodeNo, Attributes)>> {
        // The kernel lets more through than any file system beneath overlayfs would.
        if name.len() > MAX_COMPONENT {
            return Err(Error::NameTooLong);
        }
        let dir = self.directory(parent)?;
        let Some(node) = self.stack.union.lookup(&dir, name)? else { return Ok(None) };
        let attributes = self.stack.union.attributes(&node)?;
        Ok(Some((self.remember(node), attributes)))
    }

    /// An inode's attributes.
    pub fn attributes(&self, ino: InodeNo) -> Result<Attributes> {
        Ok(self.stack.union.attributes(&self.node(ino)?)?)
    }

    /// A symlink's target.
    pub fn readlink(&self, ino: InodeNo) -> Result<Cow<'_, [u8]>> {
        match self.node(ino)? {
            Node::Leaf { layer, leaf } if self.kind(layer, leaf)? == Kind::Symlink => {
                Ok(self.stack.union.link_target(layer, leaf)?)
            }
            _ => Err(Error::Invalid),
        }
    }

    /// Reads a file at a byte offset; fewer bytes than `buf` holds only at its end.
    pub fn read(&self, ino: InodeNo, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let (layer, leaf) = self.regular(ino)?;
        let size = self.stack.union.leaf_attributes(layer, leaf)?.size;
        self.data(layer, leaf, |extents, source| read_extents(extents, size, source, offset, buf))
    }

    /// The next data or hole at or after an offset.
    pub fn seek(&self, ino: InodeNo, offset: u64, whence: Seek) -> Result<u64> {
        let (layer, leaf) = self.regular(ino)?;
        let size = self.stack.union.leaf_attributes(layer, leaf)?.size;
        let found = self.data(layer, leaf, |extents, _| Ok(read::seek(extents, size, offset, whence)))?;
        found.ok_or(Error::NoSuchOffset)
    }

    /// Lists a directory from a position, 0 at first, until `add` says that it has no room (S23).
    pub fn readdir(
        &self,
        ino: InodeNo,
        position: u64,
        mut add: impl FnMut(&DirEntry<'_>) -> bool,
    ) -> Result<()> {
        let dir = self.directory(ino)?;
        for (at, name) in (1..).zip([&b"."[..], b".."]) {
            if position < at {
                let entry = self.dot_entry(&dir, name, at)?;
                if add(&entry) {
                    return Ok(());
                }
            }
        }
        let skip = usize::try_from(position.saturating_sub(DOTS)).map_err(|_| Error::Invalid)?;
        let mut give = |name: &[u8], node: Node, passed: usize| -> Result<bool> {
            let attributes = self.stack.union.attributes(&node)?;
            let ino = self.remember(node);
            Ok(add(&DirEntry { ino, name: name.into(), attributes, next: passed as u64 + DOTS }))
        };
        if dir.members().len() == 1 {
            for listed in self.stack.union.list(&dir, skip)? {
                if give(&listed.name, listed.node, listed.position)? {
                    break;
                }
            }
            return Ok(());
        }
        let listing = self.listing(ino, &dir)?;
        for (name, node, passed) in listing.behind(skip) {
            if give(name, node, passed)? {
                break;
            }
        }
        Ok(())
    }

    /// An inode's extended attributes (S8, S14).
    pub fn xattrs(&self, ino: InodeNo) -> Result<Cow<'_, [Xattr]>> {
        Ok(self.stack.union.xattrs(&self.node(ino)?)?)
    }

    /// The value of one extended attribute.
    pub fn xattr(&self, ino: InodeNo, name: &[u8]) -> Result<Vec<u8>> {
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

    fn node(&self, ino: InodeNo) -> Result<Node> {
        match self.target(ino)? {
            Target::Root | Target::Dir(_) => Ok(Node::Dir((*self.directory(ino)?).clone())),
            Target::Leaf(layer, leaf) => Ok(Node::Leaf { layer, leaf }),
        }
    }

    fn target(&self, ino: InodeNo) -> Result<Target> {
        ino.target(&self.stack.union)
    }

    /// The merged directory behind a number, found again by its path if it was not kept.
    fn directory(&self, ino: InodeNo) -> Result<Arc<MergedDir>> {
        if let Some(dir) = self.merged.get(ino) {
            return Ok(dir);
        }
        let dir = match self.target(ino)? {
            Target::Root => self.stack.union.root().clone(),
            Target::Dir(member) => self.stack.union.merged(member)?.ok_or(Error::Stale)?,
            Target::Leaf(..) => return Err(Error::NotADirectory),
        };
        let weight = dir.members().len() as u64;
        Ok(self.merged.put(ino, dir, weight))
    }

    /// A node's number; a directory is kept, since what was named is likely to be entered.
    fn remember(&self, node: Node) -> InodeNo {
        let ino = InodeNo::of(&self.stack.union, &node);
        if let Node::Dir(dir) = node {
            let weight = dir.members().len() as u64;
            self.merged.put(ino, dir, weight);
        }
        ino
    }

    fn listing(&self, ino: InodeNo, dir: &MergedDir) -> Result<Arc<Listing>> {
        if let Some(listing) = self.listings.get(ino) {
            return Ok(listing);
        }
        let listing = Listing::new(self.stack.union.list(dir, 0)?);
        let weight = listing.bytes();
        Ok(self.listings.put(ino, listing, weight))
    }

    fn dot_entry(&self, dir: &MergedDir, name: &'static [u8], next: u64) -> Result<DirEntry<'static>> {
        let dir = match name {
            b".." => self.parent(dir)?,
            _ => dir.clone(),
        };
        let node = Node::Dir(dir);
        let attributes = self.stack.union.attributes(&node)?;
        let ino = InodeNo::of(&self.stack.union, &node);
        Ok(DirEntry { ino, name: Cow::Borrowed(name), attributes, next })
    }

    /// The directory above; the root's is the root.
    fn parent(&self, dir: &MergedDir) -> Result<MergedDir> {
        let Member { layer, dir: own } = dir.bottom();
        match self.stack.union.layer(layer)?.parent(own)? {
            None => Ok(self.stack.union.root().clone()),
            Some((parent, _)) => self.stack.union.merged(Member { layer, dir: parent })?.ok_or(Error::Stale),
        }
    }

    fn regular(&self, ino: InodeNo) -> Result<(LayerNo, LeafId)> {
        match self.target(ino)? {
            Target::Root | Target::Dir(_) => Err(Error::IsADirectory),
            Target::Leaf(layer, leaf) if self.kind(layer, leaf)? == Kind::Regular => Ok((layer, leaf)),
            Target::Leaf(..) => Err(Error::Invalid),
        }
    }

    fn kind(&self, layer: LayerNo, leaf: LeafId) -> Result<Kind> {
        Ok(self.stack.union.leaf_attributes(layer, leaf)?.kind)
    }

    /// Runs `use_data` on a file's extents; an error of the bytes says where they should have been.
    fn data<T>(
        &self,
        layer: LayerNo,
        leaf: LeafId,
        use_data: impl FnOnce(&[crate::entry::Extent], &dyn crate::blob::ReadAt) -> std::io::Result<T>,
    ) -> Result<T> {
        let result = self.stack.file(layer, leaf).and_then(|(extents, source)| use_data(&extents, &*source));
        result.map_err(|source| {
            let (layer, leaf) = self.stack.union.leaf_source(layer, leaf);
            let path = self.stack.layer(layer).and_then(|layer| layer.index.path(leaf.into()));
            let path = path.unwrap_or_default();
            Error::Io { place: format!("{}: {path}", self.stack.place(layer)), source }
        })
    }
}

/// The positions that `.` and `..` take.
const DOTS: u64 = 2;
