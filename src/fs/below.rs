//! What the layers below say of an inode's place: where it stands, under which names, and what is in it.

use crate::layer::{LayerNo, LeafId};
use crate::union::{Member, MergedDir, Node};

use super::inode::Target;
use super::{Filesystem, InodeNo, Result};

/// A name in a directory, by the directory's number.
pub type PlacedName = (InodeNo, Box<[u8]>);

impl Filesystem {
    /// The directory that a number stands for.
    pub(super) fn merged_dir(&self, ino: InodeNo) -> Result<MergedDir> {
        self.directory(ino, |named| Ok(named.dir.clone()))
    }

    /// The layer and the entry, if the number stands for anything but a directory.
    pub(super) fn leaf(&self, ino: InodeNo) -> Result<Option<(LayerNo, LeafId)>> {
        match self.target(ino)? {
            Target::Leaf(layer, leaf) => Ok(Some((layer, leaf))),
            Target::Root | Target::Dir(_) => Ok(None),
        }
    }

    /// Where a directory stands; `None` for the root.
    pub(super) fn dir_place(&self, ino: InodeNo) -> Result<Option<PlacedName>> {
        let union = &self.stack().union;
        let bottom = self.merged_dir(ino)?.bottom();
        match union.layer(bottom.layer)?.parent(bottom.dir)? {
            Some((_, name)) => {
                let name = name.into_owned().into();
                self.directory(ino, |named| Ok(Some((named.parent, name))))
            }
            None => Ok(None),
        }
    }

    /// All names that a file has in its own layer, in directories that show.
    pub(super) fn leaf_places(&self, layer: LayerNo, leaf: LeafId) -> Result<Vec<PlacedName>> {
        let union = &self.stack().union;
        let mut places = Vec::new();
        for (dir, name) in self.stack().layer(layer)?.index.names(leaf)? {
            if let Some(dir) = union.merged(Member { layer, dir })? {
                places.push((InodeNo::of(union, &Node::Dir(dir)), name));
            }
        }
        Ok(places)
    }
}

impl InodeNo {
    /// The number of a directory of the layers below.
    pub(super) fn of_dir(filesystem: &Filesystem, dir: &MergedDir) -> InodeNo {
        InodeNo::of(&filesystem.stack().union, &Node::Dir(dir.clone()))
    }
}
