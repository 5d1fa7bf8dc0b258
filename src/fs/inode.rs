//! Inode numbers: a pure function of layer and entry (S24).

use std::fmt;

use crate::entry::Kind;
use crate::layer::{DirId, EntryNo, LayerNo, LeafId};
use crate::union::{Member, Node, Union};

use super::{Error, Result};

/// An inode number, as `st_ino` shows it.
///
/// The root is 1, as FUSE has it. Anything else is its layer, counted from 1, in the upper half and its
/// entry in the lower one; of a merged directory, those of its bottommost member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InodeNo(pub u64);

/// What an inode number stands for.
pub enum Target {
    Root,
    /// The bottommost member of a merged directory.
    Dir(Member),
    Leaf(LayerNo, LeafId),
}

impl InodeNo {
    /// The root of the tree.
    pub const ROOT: InodeNo = InodeNo(1);

    /// A node's number.
    pub fn of(union: &Union, node: &Node) -> InodeNo {
        match node {
            Node::Leaf { layer, leaf } => InodeNo::new(*layer, (*leaf).into()),
            Node::Dir(dir) if dir.bottom() == union.root().bottom() => InodeNo::ROOT,
            Node::Dir(dir) => InodeNo::new(dir.bottom().layer, dir.bottom().dir.into()),
        }
    }

    pub(super) fn new(layer: LayerNo, entry: EntryNo) -> InodeNo {
        InodeNo((u64::from(layer.0) + 1) << 32 | u64::from(entry.0))
    }

    /// What the number stands for; a number that was never given out is stale.
    pub fn target(self, union: &Union) -> Result<Target> {
        if self == InodeNo::ROOT {
            return Ok(Target::Root);
        }
        let layer = u32::try_from(self.0 >> 32).ok().and_then(|no| no.checked_sub(1)).ok_or(Error::Stale)?;
        let (layer, entry) = (LayerNo(layer), self.0 as u32);
        Ok(match union.layer(layer)?.kind(EntryNo(entry))? {
            Kind::Directory => Target::Dir(Member { layer, dir: DirId(entry) }),
            _ => Target::Leaf(layer, LeafId(entry)),
        })
    }
}

impl fmt::Display for InodeNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
