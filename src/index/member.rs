//! From a layer tar, or a list of what is in one, to an index.

use crate::blob::Forward;
use crate::tar::{self, Member, Members, Type};

use super::LayerIndex;
use super::item::{Item, Leaf, Meta};
use super::layout;
use super::table::{NO_END, Tables};
use super::tree::Tree;

/// Linux has no modes for symlinks and shows this one, whatever a tar by another system says.
const SYMLINK_MODE: u16 = 0o777;

/// Reads a layer tar once.
pub fn index(layer: &mut dyn Forward) -> Result<Tables, tar::Error> {
    let mut members = Members::new(layer);
    let mut tree = Tree::new();
    while let Some(member) = members.next_member()? {
        tree.add(&member.name, member.offset, item(member));
    }
    let mut tables = layout::tables(tree);
    tables.summary.end = members.end().unwrap_or(NO_END);
    Ok(tables)
}

/// An index that is made of members which come from elsewhere than a tar.
pub struct IndexBuilder {
    tree: Tree,
}

impl IndexBuilder {
    /// Of no members yet.
    pub fn new() -> IndexBuilder {
        IndexBuilder { tree: Tree::new() }
    }

    /// Takes in the next member.
    pub fn add(&mut self, member: &Member) {
        self.tree.add(&member.name, member.offset, item(member));
    }

    /// The index of all members taken in.
    pub fn finish(self) -> LayerIndex {
        LayerIndex::sound(layout::tables(self.tree))
    }
}

impl Default for IndexBuilder {
    fn default() -> IndexBuilder {
        IndexBuilder::new()
    }
}

fn item(member: &Member) -> Item<'_> {
    // A link has only its name and its target; whatever else stands in its header is not used.
    if let Some(flaw) = member.flaw.filter(|_| member.kind != Type::HardLink) {
        return Item::Flawed { flaw, is_directory: member.kind == Type::Directory };
    }
    let meta = Meta {
        mode: member.mode,
        uid: member.uid,
        gid: member.gid,
        mtime: member.mtime,
        atime: member.atime,
        ctime: member.ctime,
        xattrs: &member.xattrs,
    };
    match member.kind {
        Type::Directory => Item::Directory(meta),
        Type::Regular => Item::Leaf(meta, Leaf::Regular(member.size, &member.data)),
        Type::Symlink => Item::Leaf(Meta { mode: SYMLINK_MODE, ..meta }, Leaf::Symlink(&member.link)),
        Type::CharDevice => Item::Leaf(meta, Leaf::CharDevice(member.device)),
        Type::BlockDevice => Item::Leaf(meta, Leaf::BlockDevice(member.device)),
        Type::Fifo => Item::Leaf(meta, Leaf::Fifo),
        Type::HardLink => Item::HardLink { target: &member.link },
        Type::Unknown(flag) => Item::Unknown(flag),
    }
}
