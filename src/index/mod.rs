//! One layer's index: every name of a layer with its attributes and where its bytes lie.
//!
//! A layer is read once, in its own order, and settles its own repeats, links and markers while it is
//! (S1–S15); what comes out are flat tables. Nothing here knows other layers: that is the union's.

mod check;
mod content;
mod directory;
mod inode;
mod item;
mod layout;
mod member;
mod node;
mod reject;
mod settle;
mod table;
mod tree;
mod way;

use std::borrow::Cow;

use crate::blob::{Forward, Hops, ReadAt};
use crate::entry::{Attributes, Extent, Time, Xattr};
use crate::layer::{Children, DirId, EntryNo, Error, ForeignLink, Found, Layer, LeafId, Result};
use crate::tar;

pub use check::check;
pub use content::Content;
pub use directory::{DirectoryError, HostTree};
pub use reject::{Reason, Rejected};

use table::{RecordKind, Tables};

/// All names of one layer, immutable.
#[derive(Debug)]
pub struct LayerIndex {
    tables: Tables,
}

impl LayerIndex {
    /// Indexes an uncompressed layer tar.
    pub fn of_tar(layer: &dyn ReadAt) -> std::result::Result<LayerIndex, tar::Error> {
        LayerIndex::of_stream(&mut Hops::new(layer))
    }

    /// Indexes an uncompressed layer tar that is read front to back, as far as the members go.
    pub fn of_stream(layer: &mut dyn Forward) -> std::result::Result<LayerIndex, tar::Error> {
        member::index(layer).map(|tables| LayerIndex { tables })
    }

    /// The index of a layer that holds nothing.
    pub fn empty() -> LayerIndex {
        LayerIndex { tables: layout::tables(tree::Tree::new()) }
    }

    /// Indexes an unpacked layer directory.
    pub fn of_directory(tree: &HostTree) -> std::result::Result<LayerIndex, DirectoryError> {
        tree.index().map(|tables| LayerIndex { tables })
    }

    /// Members read, the rejected ones too.
    pub fn member_count(&self) -> u64 {
        self.tables.members
    }

    /// Bytes of file data, hard links counted once and holes not at all.
    pub fn data_size(&self) -> u64 {
        self.tables.data_size
    }

    /// Members that are not in the tree, in the order of the layer (S2).
    pub fn rejected(&self) -> &[Rejected] {
        &self.tables.rejected
    }

    /// What stands behind the end of the tar, if it had an end mark: its offset.
    pub fn end(&self) -> Option<u64> {
        self.tables.end
    }

    /// Whether any entry has extended attributes, and whether any of them is an ACL.
    pub fn xattr_use(&self) -> XattrUse {
        self.tables.xattr_use()
    }

    /// All regular files, each once, however many names it has.
    pub fn regular_files(&self) -> impl Iterator<Item = LeafId> {
        let is_file = |(_, record): &(u32, &table::Record)| record.kind == RecordKind::Regular;
        (0u32..).zip(&self.tables.records).filter(is_file).map(|(number, _)| LeafId(number))
    }

    /// The extents of a regular file, sorted.
    pub fn extents(&self, leaf: LeafId) -> Result<Cow<'_, [Extent]>> {
        self.tables.extents(leaf)
    }

    /// The path of an entry under its first name, root first.
    pub fn path(&self, entry: EntryNo) -> Result<crate::path::TreePath> {
        self.tables.path(entry)
    }
}

/// How far a layer uses extended attributes; it decides what the kernel needs to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum XattrUse {
    /// No entry has any.
    None,
    /// Some have, but no POSIX ACL.
    Some,
    /// There are POSIX ACLs.
    Acls,
}

impl Layer for LayerIndex {
    fn root(&self) -> Found {
        Found::Dir { dir: DirId(0), opaque: self.tables.is_root_opaque() }
    }

    fn find(&self, dir: DirId, name: &[u8]) -> Result<Found> {
        let (first, children) = self.tables.children(dir)?;
        let at = children.binary_search_by(|record| self.tables.name(record).cmp(name));
        match at {
            Ok(at) => Ok(self.tables.found(first, at)),
            Err(_) => Ok(Found::Absent),
        }
    }

    fn list(&self, dir: DirId, skip: usize) -> Result<Children<'_>> {
        let (first, children) = self.tables.children(dir)?;
        let rest = children.get(skip..).unwrap_or_default();
        Ok(Box::new(rest.iter().enumerate().map(move |(at, record)| {
            (Cow::Borrowed(self.tables.name(record)), self.tables.found(first, skip + at))
        })))
    }

    fn parent(&self, dir: DirId) -> Result<Option<(DirId, Cow<'_, [u8]>)>> {
        if dir == DirId(0) {
            return Ok(None);
        }
        let record = self.tables.directory(dir)?;
        Ok(Some((DirId(record.parent), Cow::Borrowed(self.tables.name(record)))))
    }

    fn attributes(&self, entry: EntryNo) -> Result<Option<Attributes>> {
        self.tables.attributes(entry)
    }

    fn link_target(&self, leaf: LeafId) -> Result<Cow<'_, [u8]>> {
        let record = self.tables.record(leaf.into())?;
        if record.kind != RecordKind::Symlink {
            return Err(Error::WrongKind { entry: leaf.into(), expected: "a symlink" });
        }
        Ok(Cow::Borrowed(self.tables.target(record)))
    }

    fn xattrs(&self, entry: EntryNo) -> Result<Cow<'_, [Xattr]>> {
        Ok(Cow::Borrowed(self.tables.xattrs(entry)?))
    }

    fn newest_mtime(&self) -> Time {
        self.tables.newest
    }

    fn foreign_links(&self) -> &[ForeignLink] {
        &self.tables.foreign
    }

    fn link_whiteouts(&self) -> &[(DirId, Box<[u8]>)] {
        &self.tables.link_whiteouts
    }
}
