//! One difference, and in what two things of one name can differ.

use crate::entry::Kind;
use crate::path::TreePath;

use crate::commit::Entry;

/// What became of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Only the new tree has it.
    Added,
    /// Only the old tree has it.
    Deleted,
    /// Both have it, and it is not the same.
    Changed,
    /// It has the contents of a file of the old tree that is gone from this path.
    Renamed(TreePath),
}

impl Change {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Deleted => "deleted",
            Change::Changed => "changed",
            Change::Renamed(_) => "renamed",
        }
    }

    /// The letter for it.
    pub fn letter(&self) -> char {
        match self {
            Change::Added => 'A',
            Change::Deleted => 'D',
            Change::Changed => 'C',
            Change::Renamed(_) => 'R',
        }
    }
}

/// In what two things differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// One is a file, say, and one a directory.
    Type,
    /// Permissions.
    Mode,
    /// User or group.
    Owner,
    /// Length of a file.
    Size,
    /// Time of the last change.
    Time,
    /// Extended attributes.
    Xattr,
    /// What a symlink points to.
    Target,
    /// A device's number.
    Device,
    /// A file's bytes.
    Content,
}

impl What {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            What::Type => "type",
            What::Mode => "mode",
            What::Owner => "owner",
            What::Size => "size",
            What::Time => "time",
            What::Xattr => "xattr",
            What::Target => "target",
            What::Device => "device",
            What::Content => "content",
        }
    }
}

/// A name that is not the same in both trees.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The name, in the tree that has it.
    pub path: TreePath,
    /// What became of it.
    pub change: Change,
    /// What the old tree has there, or had under its old name.
    pub old: Option<Entry>,
    /// What the new tree has there.
    pub new: Option<Entry>,
    /// In what they differ, if both have it.
    pub what: Vec<What>,
}

impl Difference {
    /// Bytes that came and bytes that went.
    pub fn bytes(&self) -> (u64, u64) {
        let size = |entry: &Option<Entry>| match entry {
            Some(entry) if entry.attributes.kind == Kind::Regular => entry.attributes.size,
            _ => 0,
        };
        let has_other_bytes = || self.what.iter().any(|what| matches!(what, What::Type | What::Content));
        match self.change {
            Change::Renamed(_) => (0, 0),
            Change::Changed if !has_other_bytes() => (0, 0),
            _ => (size(&self.new), size(&self.old)),
        }
    }
}
