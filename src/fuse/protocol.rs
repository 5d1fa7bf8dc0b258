//! What is said to the kernel in the same way whether the tree can be written or not.

use std::time::Duration;

use fuser::{Errno, Generation, INodeNo, ReplyXattr};

use crate::fs::{self, InodeNo, Seek};

use super::mount::Access;
use super::operation::Answer;

/// How long the kernel may believe what it was told: nothing changes but through it. (Much longer overflows the
/// kernel's own clock arithmetic.)
const TTL: Duration = Duration::from_secs(1_000_000_000);

/// The largest read, and write, that is asked for, in bytes; the kernel's own limit.
pub const MAX_REQUEST: u32 = 1024 * 1024;

/// Block size of statfs, in bytes.
pub const STATFS_BLOCK: u32 = 4096;

/// What stands before each name that readdir gives, and readdirplus, in bytes.
pub const DIRENT: usize = 24;
pub const DIRENT_PLUS: usize = 152;

/// Numbers never stand for anything else as long as the kernel knows them (S24).
pub const GENERATION: Generation = Generation(0);

/// How long what is said may be believed. That others are neither the owner nor root is seen in their requests:
/// there must be some.
pub fn ttl(access: Access) -> Duration {
    if access == Access::OwnerAndRoot { Duration::ZERO } else { TTL }
}

/// What lseek(2) looks for, and from where on.
pub fn sought(offset: i64, whence: i32) -> Result<(u64, Seek), Errno> {
    let whence = match whence {
        libc::SEEK_DATA => Seek::Data,
        libc::SEEK_HOLE => Seek::Hole,
        _ => return Err(Errno::EINVAL),
    };
    let offset = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
    Ok((offset, whence))
}

/// Gives the value of an attribute, or its size to who has no room for it yet.
pub fn reply_xattr(
    answer: &mut Answer,
    ino: INodeNo,
    size: u32,
    value: fs::Result<Vec<u8>>,
    reply: ReplyXattr,
) {
    match value {
        Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
        Ok(value) if size == 0 => reply.size(u32::try_from(value.len()).unwrap_or(u32::MAX)),
        Ok(value) if value.len() > size as usize => reply.error(answer.refuse(Errno::ERANGE)),
        Ok(value) => reply.data(&value),
    }
}
