//! Every call that changes the upper directory or its work directory, each with one meaning.
//!
//! All of them pass one gate, so that a test can end the process, or make the call fail, at any of them: see
//! [`gate`]. Names are components, never paths, and no symlink is followed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FallocateFlags, FileType, Gid, Mode, OFlags, RenameFlags, Timestamps, Uid, XattrFlags,
};
use rustix::io::Result;

use crate::host::proc_path;

/// What every call passes before it is made. In programs built for tests, `PEELFS_FAULT` says what happens at
/// which call: `kill:N` ends the process before the N-th, `enospc:N`, `eio:N` and `edquot:N` make it fail, and
/// `count:FILE` writes the name of each to a file.
#[cfg(debug_assertions)]
fn gate(call: &'static str) -> Result<()> {
    fault::pass(call)
}

#[cfg(not(debug_assertions))]
#[inline]
fn gate(_call: &'static str) -> Result<()> {
    Ok(())
}

/// Makes a directory.
pub fn mkdir(dir: BorrowedFd<'_>, name: &[u8], mode: Mode) -> Result<()> {
    gate("mkdir")?;
    rustix::fs::mkdirat(dir, name, mode)
}

/// Makes a device, a fifo, a socket or a whiteout.
pub fn mknod(dir: BorrowedFd<'_>, name: &[u8], kind: FileType, mode: Mode, device: u64) -> Result<()> {
    gate("mknod")?;
    rustix::fs::mknodat(dir, name, kind, mode, device)
}

/// Makes a symlink.
pub fn symlink(target: &[u8], dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    gate("symlink")?;
    rustix::fs::symlinkat(target, dir, name)
}

/// Makes a regular file that was not there, open for reading and writing.
pub fn create(dir: BorrowedFd<'_>, name: &[u8], mode: Mode) -> Result<OwnedFd> {
    gate("create")?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, mode)
}

/// Gives a file one more name; an empty name is the file that the descriptor stands for.
pub fn link(from_dir: BorrowedFd<'_>, from: &[u8], dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    gate("link")?;
    if from.is_empty() {
        let file = proc_path(from_dir, b"");
        return rustix::fs::linkat(rustix::fs::CWD, file, dir, name, AtFlags::SYMLINK_FOLLOW);
    }
    rustix::fs::linkat(from_dir, from, dir, name, AtFlags::empty())
}

/// Removes a name that is no directory's.
pub fn unlink(dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    gate("unlink")?;
    rustix::fs::unlinkat(dir, name, AtFlags::empty())
}

/// Removes an empty directory.
pub fn rmdir(dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    gate("rmdir")?;
    rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)
}

/// Renames, in one step.
pub fn rename(
    from_dir: BorrowedFd<'_>,
    from: &[u8],
    dir: BorrowedFd<'_>,
    name: &[u8],
    flags: RenameFlags,
) -> Result<()> {
    gate("rename")?;
    if flags.is_empty() {
        return rustix::fs::renameat(from_dir, from, dir, name);
    }
    rustix::fs::renameat_with(from_dir, from, dir, name, flags)
}

/// Gives a name an owner; with an empty name what the descriptor stands for.
pub fn chown(dir: BorrowedFd<'_>, name: &[u8], uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    gate("chown")?;
    rustix::fs::chownat(dir, name, uid.map(Uid::from_raw), gid.map(Gid::from_raw), flags_of(name))
}

/// Sets the permission bits of what a descriptor stands for, which may be one that is only a place (`O_PATH`).
pub fn chmod(fd: BorrowedFd<'_>, mode: Mode) -> Result<()> {
    gate("chmod")?;
    rustix::fs::chmod(proc_path(fd, b""), mode)
}

/// Sets the times of a name; with an empty name of what the descriptor stands for.
pub fn utimens(dir: BorrowedFd<'_>, name: &[u8], times: &Timestamps) -> Result<()> {
    gate("utimens")?;
    match name {
        // Before Linux 5.8 the call wants a path.
        b"" => rustix::fs::utimensat(rustix::fs::CWD, proc_path(dir, b""), times, AtFlags::empty()),
        name => rustix::fs::utimensat(dir, name, times, AtFlags::SYMLINK_NOFOLLOW),
    }
}

/// Sets an extended attribute of a name; with an empty name of what the descriptor stands for.
pub fn setxattr(
    dir: BorrowedFd<'_>,
    name: &[u8],
    attribute: &[u8],
    value: &[u8],
    flags: XattrFlags,
) -> Result<()> {
    gate("setxattr")?;
    match name {
        b"" => rustix::fs::setxattr(proc_path(dir, b""), attribute, value, flags),
        name => rustix::fs::lsetxattr(proc_path(dir, name), attribute, value, flags),
    }
}

/// Removes an extended attribute, as [`setxattr`] sets it.
pub fn removexattr(dir: BorrowedFd<'_>, name: &[u8], attribute: &[u8]) -> Result<()> {
    gate("removexattr")?;
    match name {
        b"" => rustix::fs::removexattr(proc_path(dir, b""), attribute),
        name => rustix::fs::lremovexattr(proc_path(dir, name), attribute),
    }
}

/// Sets a file's length, in bytes.
pub fn truncate(file: impl AsFd, len: u64) -> Result<()> {
    gate("truncate")?;
    rustix::fs::ftruncate(file, len)
}

/// Allocates or frees space of a file, offsets in bytes.
pub fn allocate(file: impl AsFd, mode: FallocateFlags, offset: u64, len: u64) -> Result<()> {
    gate("fallocate")?;
    rustix::fs::fallocate(file, mode, offset, len)
}

/// Writes at a byte offset; gives how many bytes were.
pub fn write_at(file: impl AsFd, bytes: &[u8], offset: u64) -> Result<usize> {
    gate("write")?;
    rustix::io::retry_on_intr(|| rustix::io::pwrite(&file, bytes, offset))
}

/// Copies bytes from one file to another inside the kernel; gives how many were, 0 at the end of `from`.
pub fn copy_range(
    from: impl AsFd,
    from_offset: u64,
    to: impl AsFd,
    to_offset: u64,
    len: usize,
) -> Result<usize> {
    gate("copy_file_range")?;
    let (mut from_offset, mut to_offset) = (from_offset, to_offset);
    rustix::fs::copy_file_range(from, Some(&mut from_offset), to, Some(&mut to_offset), len)
}

/// Waits until a file or a directory is on the disk; with `data_only`, as much as it takes to read it again.
pub fn sync(file: impl AsFd, data_only: bool) -> Result<()> {
    gate("fsync")?;
    if data_only { rustix::fs::fdatasync(file) } else { rustix::fs::fsync(file) }
}

/// How a name is looked at: never through a symlink; without a name, the descriptor itself.
fn flags_of(name: &[u8]) -> AtFlags {
    if name.is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::SYMLINK_NOFOLLOW }
}

#[cfg(debug_assertions)]
mod fault {
    use std::fs::File;
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::io::{Errno, Result};
    use rustix::process::{Signal, getpid, kill_process};

    enum Fault {
        None,
        Kill(u64),
        Fail(u64, Errno),
        Count(File),
    }

    static FAULT: OnceLock<Fault> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);

    pub fn pass(call: &'static str) -> Result<()> {
        let fault =
            FAULT.get_or_init(|| std::env::var("PEELFS_FAULT").map_or(Fault::None, |text| parse(&text)));
        let number = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        match fault {
            Fault::Kill(at) if *at == number => kill_process(getpid(), Signal::KILL),
            Fault::Fail(at, errno) if *at == number => Err(*errno),
            Fault::Count(file) => writeln!(&mut &*file, "{call}").map_err(|_| Errno::IO),
            _ => Ok(()),
        }
    }

    fn parse(text: &str) -> Fault {
        let Some((what, value)) = text.split_once(':') else { return Fault::None };
        let number = value.parse().unwrap_or(0);
        match what {
            "kill" => Fault::Kill(number),
            "enospc" => Fault::Fail(number, Errno::NOSPC),
            "eio" => Fault::Fail(number, Errno::IO),
            "edquot" => Fault::Fail(number, Errno::DQUOT),
            "count" => {
                File::options().append(true).create(true).open(value).map_or(Fault::None, Fault::Count)
            }
            _ => Fault::None,
        }
    }
}
