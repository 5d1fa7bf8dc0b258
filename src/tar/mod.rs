//! One layer's members, in the order of its tar (S7, S8).
//!
//! The `tar` crate knows where a header's fields are and what the type flags mean; their values, PAX
//! records and sparse maps are read here, because what is right for unpacking someone's own archive is
//! not right for indexing a hostile one (docs/findings.md, "tar"). Nothing here knows names from whiteouts.

mod error;
mod header;
mod number;
mod pax;
mod reader;
mod sparse;
mod xattr;

pub use error::{Error, Flaw, Problem};
pub use reader::Members;

use crate::entry::{Data, Device, Time, Xattr};

/// The unit of a tar, in bytes: headers and data begin at multiples of it.
pub const BLOCK: u64 = 512;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `5`, GNU's `D`, and NUL where the name ends in `/`.
    Directory,
    /// `0`, NUL, `7` and GNU's `S`.
    Regular,
    /// `1`: another name for a member of this archive.
    HardLink,
    /// `2`.
    Symlink,
    /// `3`.
    CharDevice,
    /// `4`.
    BlockDevice,
    /// `6`.
    Fifo,
    /// Any other type flag.
    Unknown(u8),
}

/// One member. The reader fills the same one again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Offset of its header in the archive, in bytes.
    pub offset: u64,
    /// Its name as it stands in the archive.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Type,
    /// The target of a link, as it stands in the archive; empty for anything else.
    pub link: Vec<u8>,
    /// Permission bits with setuid, setgid and sticky: 07777.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Last change.
    pub mtime: Time,
    /// Last access, if the archive has it.
    pub atime: Option<Time>,
    /// Last change of attributes, if the archive has it.
    pub ctime: Option<Time>,
    /// The number of a device.
    pub device: Device,
    /// Extended attributes that Linux could have, sorted, each name once.
    pub xattrs: Vec<Xattr>,
    /// Length of a regular file's contents in bytes, holes included.
    pub size: u64,
    /// Where a regular file's bytes are.
    pub data: Data,
    /// Why the member can have no place in a tree; what else is said of it need not be right then (S2).
    pub flaw: Option<Flaw>,
}

impl Member {
    /// Gives it extended attributes, the last of each name: what Linux cannot have is left out, and what cannot be
    /// listed is its flaw (S8).
    pub fn set_xattrs(&mut self, mut xattrs: Vec<Xattr>) {
        xattrs.retain(xattr::is_possible);
        xattr::settle(&mut xattrs);
        self.flaw = self.flaw.or(xattr::check_list(&xattrs).err());
        self.xattrs = xattrs;
    }
}

impl Default for Member {
    fn default() -> Member {
        Member {
            offset: 0,
            name: Vec::new(),
            kind: Type::Regular,
            link: Vec::new(),
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: Time::default(),
            atime: None,
            ctime: None,
            device: Device::default(),
            xattrs: Vec::new(),
            size: 0,
            data: Data::Contiguous(0),
            flaw: None,
        }
    }
}
