//! The calls that only `libc` has.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A copy of a file's bytes, read through a mapping of it.
pub fn read_mapped(file: &File, len: usize) -> io::Result<Vec<u8>> {
    // SAFETY: a new mapping of a file that is open, at an address of the kernel's choice.
    let map = unsafe {
        libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
    };
    if map == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is `len` bytes long, and nothing else knows it.
    let bytes = unsafe { std::slice::from_raw_parts(map.cast::<u8>(), len) }.to_vec();
    // SAFETY: it was made above, and the slice is gone.
    match unsafe { libc::munmap(map, len) } {
        0 => Ok(bytes),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Writes a byte into a shared mapping of a file and has it written back.
pub fn write_mapped(file: &File) -> io::Result<()> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping of a file that is open and not empty, at an address of the kernel's choice.
    let map =
        unsafe { libc::mmap(std::ptr::null_mut(), 1, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if map == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is a byte long at least, and nothing else knows it.
    unsafe { map.cast::<u8>().write_volatile(b'!') };
    // SAFETY: as above; the whole page is written back.
    let written = match unsafe { libc::msync(map, 1, libc::MS_SYNC) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    };
    // SAFETY: it was made above.
    unsafe { libc::munmap(map, 1) };
    written
}

/// Writes bytes through a shared mapping of a file, which must reach that far, and has them written back.
pub fn write_through_mapping(file: &File, at: usize, bytes: &[u8]) -> io::Result<()> {
    let (len, protection) = (at + bytes.len(), libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: a new mapping of a file that is open, at an address of the kernel's choice.
    let map =
        unsafe { libc::mmap(std::ptr::null_mut(), len, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if map == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is `len` bytes long, and nothing else knows it.
    let mapped = unsafe { std::slice::from_raw_parts_mut(map.cast::<u8>(), len) };
    mapped[at..].copy_from_slice(bytes);
    // SAFETY: as above; all of it is written back.
    let written = match unsafe { libc::msync(map, len, libc::MS_SYNC) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    };
    // SAFETY: it was made above, and the slice is not used any more.
    unsafe { libc::munmap(map, len) };
    written
}

/// A new pseudo-terminal of a size: the side of who looks at it, and the side of the program.
pub fn open_pty(rows: u16, columns: u16) -> io::Result<(File, File)> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let (mut ours, mut theirs) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: the numbers are written to two variables that live here; the other pointers are null or to a size.
    match unsafe { libc::openpty(&mut ours, &mut theirs, null, null.cast(), &size) } {
        0 => {
            // SAFETY: both were opened just now, and belong to nobody else.
            let (ours, theirs) = unsafe { (File::from_raw_fd(ours), File::from_raw_fd(theirs)) };
            // A program that had our side, too, would never see it go away.
            rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
            Ok((ours, theirs))
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Changes a terminal's size; who has it as its terminal gets SIGWINCH.
pub fn resize(terminal: &File, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the size lives as long as the call.
    match unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has a command run in a session of its own, its standard input as its terminal.
pub fn take_terminal(command: &mut Command) {
    let take = || {
        // SAFETY: two calls of the kernel that touch no memory.
        match unsafe { libc::setsid() != -1 && libc::ioctl(0, libc::TIOCSCTTY, 0) == 0 } {
            true => Ok(()),
            false => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: what runs between fork and exec allocates nothing and takes no lock.
    unsafe { command.pre_exec(take) };
}
