//! The calls that only `libc` has, each wrapped so that the rest is safe.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::trace;

/// The first descriptor behind the standard streams.
const FIRST_OWN: RawFd = 3;

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

/// Takes over a descriptor that the caller of the program left open for it, such as `--ready-fd`'s. A
/// standard stream is left open as well: what would be opened next must not take its place.
pub fn inherited_fd(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(rustix::io::Errno::BADF.into());
    }
    // SAFETY: the borrow ends with this statement, and fcntl says EBADF if nothing is open there.
    let fd = rustix::io::fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(number) }, FIRST_OWN)?;
    if number >= FIRST_OWN {
        // SAFETY: it is open, was inherited, and nothing in this program knows it but the number given.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
    Ok(fd)
}

/// Closes all descriptors behind the standard streams but these: nobody is to wait for the end of a pipe, or
/// for a lock, that a daemon inherited. To be called right after a fork, when nothing else is open that is
/// needed.
pub fn close_all_but(keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut keep: Vec<RawFd> = keep.iter().map(AsRawFd::as_raw_fd).collect();
    keep.sort_unstable();
    let mut first = FIRST_OWN;
    let mut ranges = Vec::new();
    for &fd in &keep {
        ranges.push((first, fd.saturating_sub(1)));
        first = first.max(fd.saturating_add(1));
    }
    ranges.push((first, RawFd::MAX));
    let mut ranges = ranges.into_iter().filter(|(first, last)| first <= last);
    match ranges.try_for_each(|(first, last)| close_range(first, last)) {
        Ok(()) => Ok(()),
        // Unknown to the kernel, or to a container's filter.
        Err(_) => close_listed(&keep),
    }
}

/// Closes what /proc lists.
fn close_listed(keep: &[RawFd]) -> io::Result<()> {
    let names = std::fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    let open = names.iter().filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    for fd in open.filter(|fd| *fd >= FIRST_OWN && !keep.contains(fd)) {
        // SAFETY: that nobody uses it is the caller's promise; the listing's own is closed already, and that
        // is only said to be no descriptor.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Since Linux 5.9; not every C library has it.
fn close_range(first: RawFd, last: RawFd) -> io::Result<()> {
    // SAFETY: it closes, and touches no memory; that nobody uses these descriptors is the caller's promise.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Asks the daemon of a mount, whose root this is, for the lines behind a cursor.
pub fn ask_for_trace(root: &OwnedFd, cursor: u64) -> io::Result<Box<[u8; trace::SIZE]>> {
    let mut bytes = Box::new([0; trace::SIZE]);
    if let Some(first) = bytes.first_chunk_mut() {
        *first = cursor.to_le_bytes();
    }
    // SAFETY: by its number the call reads and writes no more than the length of these bytes, which nobody else has.
    match unsafe { libc::ioctl(root.as_raw_fd(), trace::IOCTL as _, bytes.as_mut_ptr()) } {
        0 => Ok(bytes),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Takes no notice any more of some signals.
pub fn ignore_signals(signals: &[libc::c_int]) {
    for signal in signals {
        // SAFETY: to ignore a signal runs no code of ours.
        unsafe { libc::signal(*signal, libc::SIG_IGN) };
    }
}

/// Gives memory that was used once and is free now back to the kernel, where the C library has a way to.
pub fn trim_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it only looks at what the allocator holds itself.
    unsafe {
        libc::malloc_trim(0);
    }
}
