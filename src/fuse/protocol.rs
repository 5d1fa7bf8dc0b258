//! Numbers that the kernel is told, the same whether the tree can be written or not.

use std::time::Duration;

use fuser::Generation;

use super::mount::Access;

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
