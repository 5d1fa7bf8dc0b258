//! Free space that is left to others while a file of ours grows.

use std::fs::File;
use std::io;

/// Bytes that stay free on the file's filesystem; one that is full to the brim breaks more than this
/// mount.
const RESERVE: u64 = 64 * 1024 * 1024;

/// Bytes written between two looks at the free space.
const CHECK_EVERY: u64 = 16 * 1024 * 1024;

/// A look, now and then, at the free space beside a growing file.
#[derive(Debug, Default)]
pub struct Space {
    /// The length at which the next look is due.
    check_at: u64,
}

impl Space {
    /// Whether the file may grow beyond `len` bytes; if not, the error's kind is `StorageFull`.
    pub fn check(&mut self, file: &File, len: u64) -> io::Result<()> {
        if len < self.check_at {
            return Ok(());
        }
        let space = rustix::fs::fstatvfs(file)?;
        if space.f_bavail.saturating_mul(space.f_frsize) < RESERVE {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.check_at = len.saturating_add(CHECK_EVERY);
        Ok(())
    }
}
