//! Members that are not in the tree, and why (S2).

use crate::path::BadName;
use crate::tar::Flaw;

/// A member that could not be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Offset of its header in the layer tar, in bytes; 0 in an unpacked directory.
    pub offset: u64,
    /// Its name as it stands in the layer.
    pub name: Box<[u8]>,
    /// Why.
    pub reason: Reason,
}

/// Why a member could not be placed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Its name can stand in no tree (S2).
    #[error("{0}")]
    Name(#[from] BadName),
    /// What is said of it makes no sense, or is more than a file can have (S2).
    #[error("{0}")]
    Flaw(#[from] Flaw),
    /// Its link's target can be no path (S2, S5).
    #[error("link target: {0}")]
    LinkTarget(BadName),
    /// A device number that no kernel takes: 12 bits for the driver, 20 for the device (S2).
    #[error("device number out of range")]
    Device,
    /// Its type flag means nothing here (S7).
    #[error("unknown type flag {:?}", char::from(*.0))]
    Type(u8),
    /// A whiteout of `` or `.` or `..` (S13).
    #[error("a whiteout that names nothing")]
    EmptyWhiteout,
    /// It lies below a name that is a marker (S10, S11).
    #[error("below a whiteout marker")]
    BelowMarker,
    /// It would make the root something other than a directory (S25).
    #[error("the root must be a directory")]
    Root,
    /// What it lies in is no directory (S6).
    #[error("its parent is not a directory")]
    Parent,
    /// Symlinks of this layer on the way to it lead nowhere, or further than any real ones (S6).
    #[error("too many symlinks on the way")]
    SymlinkLoop,
    /// More names than the index can number; no real layer comes near.
    #[error("too many names in the layer")]
    TooMany,
    /// A hard link to a directory (S5).
    #[error("hard link to a directory")]
    LinkToDirectory,
    /// A hard link to what is neither in this layer nor below it (S5).
    #[error("hard link to nothing")]
    LinkToNothing,
    /// Any of these, as it was put down when the layer was indexed.
    #[error("{0}")]
    Recorded(Box<str>),
}
