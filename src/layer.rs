//! A layer: one place to look names up, with its own markers already settled.
//!
//! What lies here is the vocabulary between whoever reads layers (`index`) and whoever merges them
//! (`union`). A layer never speaks of `.wh.` names, of tar or of the layers around it.

use std::borrow::Cow;
use std::fmt;

use crate::entry::{Attributes, Kind, Time, Xattr};
use crate::mapped::Damaged;
use crate::path::TreePath;

/// A layer's place in the stack; 0 is the bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerNo(pub u32);

/// An entry's number in its layer; of hard links, the number they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryNo(pub u32);

/// A directory of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirId(pub u32);

/// Anything else of one layer; all names of a hard link have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafId(pub u32);

impl From<DirId> for EntryNo {
    fn from(dir: DirId) -> EntryNo {
        EntryNo(dir.0)
    }
}

impl From<LeafId> for EntryNo {
    fn from(leaf: LeafId) -> EntryNo {
        EntryNo(leaf.0)
    }
}

impl fmt::Display for LayerNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one layer says about one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// The name is gone from here down (S10, S14).
    Whiteout,
    /// A file, a symlink, a device: anything that has no names in it.
    Leaf(LeafId),
    /// A directory.
    Dir {
        /// Which.
        dir: DirId,
        /// Nothing of the layers below shows in it (S11).
        opaque: bool,
    },
}

/// Why a layer could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The layer's index is a file that is not what it was, and the layer cannot be read again.
    #[error("{0}, and the layer cannot be read again")]
    Damaged(#[from] Damaged),
    /// A stack of no layers.
    #[error("no layers")]
    NoLayers,
    /// A number that names no layer of the stack.
    #[error("no layer {0}")]
    NoLayer(LayerNo),
    /// A number that names nothing in this layer.
    #[error("no entry {} in this layer", .0.0)]
    NoEntry(EntryNo),
    /// The entry is not of the kind the question is about.
    #[error("entry {} is not {expected}", .entry.0)]
    WrongKind {
        /// Which.
        entry: EntryNo,
        /// What was asked for.
        expected: &'static str,
    },
}

/// A layer's answer.
pub type Result<T> = std::result::Result<T, Error>;

/// A hard link whose target is nowhere in its own layer (S5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignLink {
    /// The link; all its names have this number.
    pub leaf: LeafId,
    /// What it links to, to be looked up in the layers below.
    pub target: TreePath,
}

/// A place to look names up. Implementations never follow symlinks (S6).
pub trait Layer: Send + Sync {
    /// The root directory, which always exists (S25).
    fn root(&self) -> Found;

    /// What this layer says of `name` in `dir`.
    fn find(&self, dir: DirId, name: &[u8]) -> Result<Found>;

    /// The name at a place in `dir`, and what this layer says of it; `None` behind the last one. Names are
    /// sorted by their bytes, and whiteouts are among them.
    fn child(&self, dir: DirId, place: u32) -> Result<Option<(&[u8], Found)>>;

    /// The place in `dir` of the first name that sorts behind `name`.
    fn place_behind(&self, dir: DirId, name: &[u8]) -> Result<u32>;

    /// The directory that holds `dir`, and `dir`'s name there; `None` for the root.
    fn parent(&self, dir: DirId) -> Result<Option<(DirId, Cow<'_, [u8]>)>>;

    /// What an entry is; a hard link whose target is in a layer below counts as a regular file.
    fn kind(&self, entry: EntryNo) -> Result<Kind>;

    /// The attributes; `None` for a directory that the layer only implies (S4).
    fn attributes(&self, entry: EntryNo) -> Result<Option<Attributes>>;

    /// A symlink's target.
    fn link_target(&self, leaf: LeafId) -> Result<Cow<'_, [u8]>>;

    /// The extended attributes, without overlayfs's own (S14).
    fn xattrs(&self, entry: EntryNo) -> Result<Cow<'_, [Xattr]>>;

    /// The newest time of change of any entry: what an implied directory shows (S4).
    fn newest_mtime(&self) -> Time;

    /// Hard links whose target must be looked for below (S5).
    fn foreign_links(&self) -> &[ForeignLink];

    /// The names among those links' that a whiteout stands beside: without a target they are hidden (S10).
    fn link_whiteouts(&self) -> &[(DirId, Box<[u8]>)];
}
