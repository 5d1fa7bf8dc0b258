//! The calls that only `libc` has, each wrapped so that the rest is safe.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Which side of a fork this is.
pub enum Fork {
    /// The one that was there before; the child's process ID.
    Parent(rustix::process::Pid),
    /// The new one.
    Child,
}

/// Forks. To be called before any thread is started: only the calling one goes on in the child.
pub fn fork() -> io::Result<Fork> {
    // SAFETY: the caller has started no thread, so no lock can be held by one that the child lacks.
    match unsafe { libc::fork() } {
        0 => Ok(Fork::Child),
        pid => match rustix::process::Pid::from_raw(pid) {
            Some(pid) if pid.as_raw_nonzero().get() > 0 => Ok(Fork::Parent(pid)),
            _ => Err(io::Error::last_os_error()),
        },
    }
}

/// Takes over a descriptor that the caller of the program left open for it, such as `--ready-fd`'s.
pub fn inherited_fd(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(rustix::io::Errno::BADF.into());
    }
    // SAFETY: the borrow ends with this statement, and fcntl says EBADF if nothing is open there.
    rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) })?;
    // SAFETY: it is open, was inherited, and nothing in this program knows it but the number given.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
