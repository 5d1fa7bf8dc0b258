//! Attributes of things in the upper directory: the host's, or those that are kept in an extended attribute where
//! the host grants no others (W8).

use rustix::fs::{FileType, Stat};

use crate::entry::{Attributes, Device, Kind, Time};
use crate::host::Override;

/// How owners, modes and kinds are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// As the host's own.
    Host,
    /// In [`crate::host::OVERRIDE`], wherever the host's own are others.
    Xattr,
}

/// What the host calls it.
pub fn kind(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::RegularFile | FileType::Unknown => Kind::Regular,
    }
}

/// The attributes of what the host describes so.
pub fn attributes(stat: &Stat, kept: Option<Override>) -> Attributes {
    let time = |secs, nanos: u64| Time { secs, nanos: nanos as u32 };
    let mut attributes = Attributes {
        kind: kind(stat),
        mode: (stat.st_mode & 0o7777) as u16,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size.cast_unsigned(),
        blocks: stat.st_blocks.cast_unsigned(),
        device: Device { major: rustix::fs::major(stat.st_rdev), minor: rustix::fs::minor(stat.st_rdev) },
        nlink: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        atime: time(stat.st_atime, stat.st_atime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
    };
    if let Some(kept @ Override { uid, gid, mode, .. }) = kept {
        attributes = Attributes { uid, gid, mode, ..attributes };
        if let Some((kind, device)) = kept.node().filter(|_| attributes.kind == Kind::Regular) {
            attributes = Attributes { kind, device, ..attributes };
        }
    }
    if attributes.kind == Kind::Directory {
        // As of any directory here.
        attributes = Attributes { size: 0, blocks: 0, ..attributes };
    }
    attributes
}
