//! One layer's index: every name of a layer with its attributes and where its bytes lie.
//!
//! A layer is read once, in its own order, and settles its own repeats, links and markers while it is
//! (S1–S15); what comes out are flat tables. Nothing here knows other layers: that is the union's.

mod check;
mod compare;
mod content;
mod directory;
mod extents;
mod inode;
mod item;
mod layout;
mod marker;
mod member;
mod node;
mod reject;
mod settle;
mod stored;
mod table;
mod tree;
mod way;

use std::borrow::Cow;
use std::fs::File;
use std::io;

use crate::blob::{Forward, Hops, ReadAt};
use crate::entry::{Attributes, Kind, Time, Xattr};
use crate::layer::{DirId, EntryNo, Error, ForeignLink, Found, Layer, LeafId, Result};
use crate::mapped::{BadFile, Mended};
use crate::tar;

pub use check::check;
pub use compare::{Comparison, Difference};
pub use content::Content;
pub use directory::{DirectoryError, HostTree};
pub use extents::Extents;
pub use marker::{OPAQUE_MARKER, WHITEOUT_PREFIX};
pub use member::IndexBuilder;
pub use reject::{Reason, Rejected};

use table::{RecordKind, Summary, Tables};

/// All names of one layer, immutable.
#[derive(Debug)]
pub struct LayerIndex {
    tables: Mended<Tables>,
}

impl LayerIndex {
    /// Indexes an uncompressed layer tar.
    pub fn of_tar(layer: &dyn ReadAt) -> std::result::Result<LayerIndex, tar::Error> {
        LayerIndex::of_stream(&mut Hops::new(layer))
    }

    /// Indexes an uncompressed layer tar that is read front to back, as far as the members go.
    pub fn of_stream(layer: &mut dyn Forward) -> std::result::Result<LayerIndex, tar::Error> {
        member::index(layer).map(LayerIndex::sound)
    }

    /// The index of a layer that holds nothing.
    pub fn empty() -> LayerIndex {
        LayerIndex::sound(layout::tables(tree::Tree::new()))
    }

    /// Indexes an unpacked layer directory.
    pub fn of_directory(tree: &HostTree) -> std::result::Result<LayerIndex, DirectoryError> {
        tree.index().map(LayerIndex::sound)
    }

    /// Maps an index that was stored. Should the file turn out to be damaged, `mend` is to make the same
    /// index again from the layer.
    pub fn load(
        file: &File,
        mend: impl Fn() -> Option<LayerIndex> + Send + Sync + 'static,
    ) -> std::result::Result<LayerIndex, BadFile> {
        let tables = Tables::open(file)?;
        let mend = move || mend().map(|index| index.tables.into_inner());
        Ok(LayerIndex { tables: Mended::new(tables, mend) })
    }

    /// Maps an index that was stored, if the file is not damaged anywhere.
    pub fn load_whole(file: &File) -> std::result::Result<LayerIndex, BadFile> {
        Tables::open_whole(file).map(LayerIndex::sound)
    }

    /// Writes the index to a file that is empty.
    pub fn store(&self, file: &File) -> io::Result<()> {
        self.tables.get().store(file)
    }

    fn sound(tables: Tables) -> LayerIndex {
        LayerIndex { tables: Mended::sound(tables) }
    }

    fn ask<'a, A>(&'a self, question: impl Fn(&'a Tables) -> Result<A>) -> Result<A> {
        self.tables.ask(|error| matches!(error, Error::Damaged(_)), question)
    }

    fn summary(&self) -> &Summary {
        &self.tables.get().summary
    }

    /// Members read, the rejected ones too.
    pub fn member_count(&self) -> u64 {
        self.summary().members
    }

    /// Bytes of file data, hard links counted once and holes not at all.
    pub fn data_size(&self) -> u64 {
        self.summary().data_size
    }

    /// Members that are not in the tree, in the order of the layer (S2).
    pub fn rejected(&self) -> &[Rejected] {
        &self.tables.get().rare.rejected
    }

    /// What stands behind the end of the tar, if it had an end mark: its offset.
    pub fn end(&self) -> Option<u64> {
        Some(self.summary().end).filter(|&end| end != table::NO_END)
    }

    /// Whether any entry has extended attributes, and whether any of them is an ACL.
    pub fn xattr_use(&self) -> XattrUse {
        match self.summary().xattr_use {
            0 => XattrUse::None,
            1 => XattrUse::Some,
            _ => XattrUse::Acls,
        }
    }

    /// All regular files, each once, however many names it has.
    pub fn regular_files(&self) -> Result<impl Iterator<Item = LeafId>> {
        let records = self.ask(|tables| Ok(tables.records.all()?))?;
        let is_file = |(_, record): &(u32, &table::Record)| record.kind() == RecordKind::Regular;
        Ok((0u32..).zip(records).filter(is_file).map(|(number, _)| LeafId(number)))
    }

    /// The extents of a regular file, sorted.
    pub fn extents(&self, leaf: LeafId) -> Result<Extents<'_>> {
        self.ask(|tables| tables.extents(leaf))
    }

    /// All names of an entry that is no directory, each with the directory it stands in. Of one that has several the
    /// whole layer is searched.
    pub fn names(&self, leaf: LeafId) -> Result<Vec<(DirId, Box<[u8]>)>> {
        self.ask(|tables| tables.all_names(leaf))
    }

    /// The number of what stands at a place among a directory's names, a whiteout too; no other name has it.
    pub fn name_no(&self, dir: DirId, place: u32) -> Result<EntryNo> {
        self.ask(|tables| Ok(EntryNo(tables.children(dir)?.first.saturating_add(place))))
    }

    /// The path of an entry under its first name, root first.
    pub fn path(&self, entry: EntryNo) -> Result<crate::path::TreePath> {
        self.ask(|tables| tables.path(entry))
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
        Found::Dir { dir: DirId(0), opaque: self.tables.get().is_root_opaque }
    }

    fn find(&self, dir: DirId, name: &[u8]) -> Result<Found> {
        self.ask(|tables| {
            let children = tables.children(dir)?;
            let place = tables.search(children, name)?;
            match tables.named(children, place)? {
                Some((own, found)) if own == name => Ok(found),
                _ => Ok(Found::Absent),
            }
        })
    }

    fn child(&self, dir: DirId, place: u32) -> Result<Option<(&[u8], Found)>> {
        self.ask(|tables| tables.named(tables.children(dir)?, place))
    }

    fn place_behind(&self, dir: DirId, name: &[u8]) -> Result<u32> {
        self.ask(|tables| {
            let children = tables.children(dir)?;
            let place = tables.search(children, name)?;
            let is_there = tables.named(children, place)?.is_some_and(|(own, _)| own == name);
            Ok(place + u32::from(is_there))
        })
    }

    fn parent(&self, dir: DirId) -> Result<Option<(DirId, Cow<'_, [u8]>)>> {
        if dir == DirId(0) {
            return Ok(None);
        }
        self.ask(|tables| {
            let record = tables.directory(dir)?;
            Ok(Some((DirId(record.parent), Cow::Borrowed(tables.name(record)?))))
        })
    }

    fn kind(&self, entry: EntryNo) -> Result<Kind> {
        self.ask(|tables| tables.kind(entry))
    }

    fn attributes(&self, entry: EntryNo) -> Result<Option<Attributes>> {
        self.ask(|tables| tables.attributes(entry))
    }

    fn link_target(&self, leaf: LeafId) -> Result<Cow<'_, [u8]>> {
        self.ask(|tables| {
            let record = tables.record(leaf.into())?;
            if record.kind() != RecordKind::Symlink {
                return Err(Error::WrongKind { entry: leaf.into(), expected: "a symlink" });
            }
            tables.target(record).map(Cow::Borrowed)
        })
    }

    fn xattrs(&self, entry: EntryNo) -> Result<Cow<'_, [Xattr]>> {
        self.ask(|tables| tables.xattrs(entry)).map(Cow::Owned)
    }

    fn newest_mtime(&self) -> Time {
        let summary = self.summary();
        Time { secs: summary.newest_secs, nanos: summary.newest_nanos }
    }

    fn foreign_links(&self) -> &[ForeignLink] {
        &self.tables.get().rare.foreign
    }

    fn link_whiteouts(&self) -> &[(DirId, Box<[u8]>)] {
        &self.tables.get().rare.link_whiteouts
    }
}
