//! What a layer's source, tar or directory, says of one member.

use crate::entry::{Data, Device, Time, Xattr};
use crate::tar::Flaw;

/// One member, before it has a place.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// A directory.
    Directory(Meta<'a>),
    /// Anything with no names in it.
    Leaf(Meta<'a>, Leaf<'a>),
    /// Another name for a member of this layer, or of one below (S5).
    HardLink {
        /// The target as it stands in the layer.
        target: &'a [u8],
    },
    /// A type flag that means nothing here (S7).
    Unknown(u8),
    /// Something that no file could be (S2).
    Flawed {
        /// What makes no sense.
        flaw: Flaw,
        /// Whether it says that it is a directory.
        is_directory: bool,
    },
}

impl Item<'_> {
    /// When it changed last, where that is its own to say.
    pub fn mtime(&self) -> Option<Time> {
        match self {
            Item::Directory(meta) | Item::Leaf(meta, _) => Some(meta.mtime),
            Item::HardLink { .. } | Item::Unknown(_) | Item::Flawed { .. } => None,
        }
    }
}

/// What leaves have and directories do not.
#[derive(Debug, Clone, Copy)]
pub enum Leaf<'a> {
    /// A regular file: its length in bytes with holes, and where its bytes are.
    Regular(u64, &'a Data),
    /// A symlink's target.
    Symlink(&'a [u8]),
    /// A character device.
    CharDevice(Device),
    /// A block device.
    BlockDevice(Device),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// What all members have (S8).
#[derive(Debug, Clone, Copy)]
pub struct Meta<'a> {
    /// 07777.
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub mtime: Time,
    pub atime: Option<Time>,
    pub ctime: Option<Time>,
    /// All of them, overlayfs's own too.
    pub xattrs: &'a [Xattr],
}
