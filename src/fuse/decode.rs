//! What the kernel's numbers mean to the tree.

use std::time::{SystemTime, UNIX_EPOCH};

use fuser::{Errno, OpenFlags, RenameFlags, Request, TimeOrNow};

use crate::entry::{Device, Kind, Time};
use crate::fs::{Access, Caller, RenameMode};
use crate::upper::{Body, When};

use super::attr::Ownership;

/// Who asks, as the disk is to know him.
pub fn caller(request: &Request, ownership: &Ownership, umask: u32) -> Caller {
    Caller {
        uid: ownership.stored_uid(request.uid()),
        gid: ownership.stored_gid(request.gid()),
        umask: permissions(umask),
    }
}

/// Permission bits: 07777.
pub fn permissions(mode: u32) -> u16 {
    (mode & 0o7777) as u16
}

/// What mknod(2) is to make; a directory is none of it.
pub fn node(mode: u32, device: u32) -> Option<Body<'static>> {
    let kind = match mode & libc::S_IFMT {
        // Nobody has it open: it need not be opened to be made.
        libc::S_IFREG => Kind::Regular,
        libc::S_IFCHR => Kind::CharDevice,
        libc::S_IFBLK => Kind::BlockDevice,
        libc::S_IFIFO => Kind::Fifo,
        libc::S_IFSOCK => Kind::Socket,
        _ => return None,
    };
    let device = if matches!(kind, Kind::CharDevice | Kind::BlockDevice) {
        self::device(device)
    } else {
        Device::default()
    };
    Some(Body::Node(kind, device))
}

/// A device number from the 32 bits that the protocol has: 12 for the driver, 20 for the device.
fn device(encoded: u32) -> Device {
    Device { major: encoded >> 8 & 0xfff, minor: encoded & 0xff | encoded >> 12 & 0xfff00 }
}

/// What a file is opened for.
pub fn access(flags: OpenFlags) -> Access {
    let writes = flags.0 & libc::O_ACCMODE != libc::O_RDONLY;
    Access { writes, truncates: flags.0 & libc::O_TRUNC != 0 }
}

/// What becomes of what has the new name.
pub fn rename_mode(flags: RenameFlags) -> Result<RenameMode, Errno> {
    match flags.bits() {
        0 => Ok(RenameMode::Replace),
        libc::RENAME_NOREPLACE => Ok(RenameMode::NoReplace),
        libc::RENAME_EXCHANGE => Ok(RenameMode::Exchange),
        _ => Err(Errno::EINVAL),
    }
}

/// A time to set.
pub fn when(time: TimeOrNow) -> When {
    match time {
        TimeOrNow::Now => When::Now,
        TimeOrNow::SpecificTime(time) => When::At(sent_time(time)),
    }
}

/// The time that the kernel sent. Of one before 1970 fuser counts the nanoseconds backward, which the kernel counts
/// forward: what it made of them is taken back.
fn sent_time(time: SystemTime) -> Time {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => {
            Time { secs: i64::try_from(after.as_secs()).unwrap_or(i64::MAX), nanos: after.subsec_nanos() }
        }
        Err(error) => {
            let before = error.duration();
            let secs = i64::try_from(before.as_secs()).map_or(i64::MIN, |secs| -secs);
            Time { secs, nanos: before.subsec_nanos() }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_before_1970_is_what_the_kernel_sent() {
        // -2 s and 500,000,000 ns, as fuser passes them on.
        let passed = UNIX_EPOCH - Duration::new(2, 500_000_000);
        assert_eq!(sent_time(passed), Time { secs: -2, nanos: 500_000_000 });
        assert_eq!(sent_time(UNIX_EPOCH + Duration::new(2, 5)), Time { secs: 2, nanos: 5 });
    }

    #[test]
    fn devices_are_decoded_as_the_kernel_encodes_them() {
        let Some(Body::Node(kind, device)) = node(libc::S_IFBLK | 0o600, 0x4561_2378) else { panic!() };
        assert_eq!((kind, device), (Kind::BlockDevice, Device { major: 0x123, minor: 0x45678 }));
        assert!(node(libc::S_IFDIR, 0).is_none());
    }
}
