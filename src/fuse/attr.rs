//! Attributes as the kernel takes them.

use std::time::{Duration, SystemTime};

use fuser::{FileAttr, FileType, INodeNo};

use crate::entry::{Attributes, Device, Kind, Time};
use crate::fs::InodeNo;

use super::id_map::IdMap;

/// What owners and modes are shown as (`-o uid=,gid=,umask=,uidmapping=,gidmapping=`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ownership {
    /// The owner of everything, whatever `uids` says.
    pub uid: Option<u32>,
    /// The group of everything, whatever `gids` says.
    pub gid: Option<u32>,
    /// What users are shown as.
    pub uids: IdMap,
    /// What groups are shown as.
    pub gids: IdMap,
    /// Permission bits that nothing has.
    pub umask: u16,
}

/// The unit of st_blksize, in bytes: what a page is.
const BLOCK_SIZE: u32 = 4096;

impl Ownership {
    /// An inode's attributes for the kernel.
    pub fn attr(&self, ino: InodeNo, attributes: &Attributes) -> FileAttr {
        FileAttr {
            ino: INodeNo(ino.0),
            size: attributes.size,
            blocks: attributes.blocks,
            atime: system_time(attributes.atime),
            mtime: system_time(attributes.mtime),
            ctime: system_time(attributes.ctime),
            crtime: SystemTime::UNIX_EPOCH,
            kind: file_type(attributes.kind),
            perm: attributes.mode & !self.umask,
            nlink: attributes.nlink,
            uid: self.uid.unwrap_or_else(|| self.uids.shown(attributes.uid)),
            gid: self.gid.unwrap_or_else(|| self.gids.shown(attributes.gid)),
            rdev: encode(attributes.device),
            blksize: BLOCK_SIZE,
            flags: 0,
        }
    }

    /// The user to store for one whom the kernel names: who makes a file, or whom it is given to.
    ///
    /// One owner of everything is only shown, so the kernel's number counts then too.
    pub fn stored_uid(&self, shown: u32) -> u32 {
        self.uids.stored(shown)
    }

    /// The group to store for one that the kernel names.
    pub fn stored_gid(&self, shown: u32) -> u32 {
        self.gids.stored(shown)
    }

    /// Whether one owner or group is shown for all. A chown that the disk does not grant would not show, and
    /// is no error, as with fuse-overlayfs: whoever has only one ID unpacks archives of others' files.
    pub fn hides_owners(&self) -> bool {
        self.uid.is_some() || self.gid.is_some()
    }
}

/// The attributes of nothing: inode 0 tells the kernel to remember that a name is not there.
pub fn negative() -> FileAttr {
    Ownership::default().attr(InodeNo(0), &nothing())
}

fn nothing() -> Attributes {
    let time = Time::default();
    Attributes {
        kind: Kind::Regular,
        mode: 0,
        uid: 0,
        gid: 0,
        size: 0,
        blocks: 0,
        device: Device::default(),
        nlink: 0,
        mtime: time,
        atime: time,
        ctime: time,
    }
}

/// The kind of a directory entry.
pub fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Directory => FileType::Directory,
        Kind::Regular => FileType::RegularFile,
        Kind::Symlink => FileType::Symlink,
        Kind::CharDevice => FileType::CharDevice,
        Kind::BlockDevice => FileType::BlockDevice,
        Kind::Fifo => FileType::NamedPipe,
        Kind::Socket => FileType::Socket,
    }
}

fn system_time(time: Time) -> SystemTime {
    let secs = Duration::from_secs(time.secs.unsigned_abs());
    let whole = match time.secs < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(secs),
        false => SystemTime::UNIX_EPOCH.checked_add(secs),
    };
    let time = whole.and_then(|whole| whole.checked_add(Duration::from_nanos(time.nanos.into())));
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A device number in the 32 bits that the protocol has: 12 for the driver, 20 for the device.
fn encode(device: Device) -> u32 {
    let Device { major, minor } = device;
    minor & 0xff | (major & 0xfff) << 8 | (minor & 0xfff00) << 12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_of_everything_is_shown_and_not_stored() {
        let uids: IdMap = "0:100000:10".parse().unwrap();
        let ownership = Ownership { uid: Some(5), uids, ..Ownership::default() };
        let attributes = Attributes { uid: 1, gid: 1, ..nothing() };
        let attr = ownership.attr(InodeNo(2), &attributes);
        assert_eq!((attr.uid, attr.gid), (5, 1));
        assert_eq!((ownership.stored_uid(100_001), ownership.stored_gid(7)), (1, 7));
        assert!(ownership.hides_owners() && !Ownership::default().hides_owners());
    }

    #[test]
    fn times_before_1970_count_nanoseconds_forward() {
        let time = system_time(Time { secs: -2, nanos: 500_000_000 });
        let before = SystemTime::UNIX_EPOCH.duration_since(time).unwrap();
        assert_eq!(before, Duration::from_millis(1500));
        for secs in [i64::MIN, i64::MAX] {
            system_time(Time { secs, nanos: 999_999_999 });
        }
    }

    #[test]
    fn device_numbers_are_encoded_as_the_kernel_decodes_them() {
        let device = Device { major: 0x123, minor: 0x45678 };
        assert_eq!(rustix::fs::major(encode(device).into()), 0x123);
        assert_eq!(rustix::fs::minor(encode(device).into()), 0x45678);
    }
}
