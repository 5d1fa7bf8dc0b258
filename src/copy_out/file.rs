//! A file on its way into its place, under a name of our own until it is whole.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::blob::{Progress, ReadAt, read_exact_at};
use crate::entry::Extent;

/// Bytes that are read and written at a time: what a processor keeps close by.
const CHUNK: usize = 256 * 1024;

/// Names that are tried; whoever has them all does not want us to go on.
const ATTEMPTS: u32 = 1000;

/// Makes something under a name that nobody has.
pub fn temporary(mut make: impl FnMut(&[u8]) -> rustix::io::Result<()>) -> rustix::io::Result<Vec<u8>> {
    for attempt in 0..ATTEMPTS {
        let name = format!(".peelfs-{}-{attempt}", std::process::id()).into_bytes();
        match make(&name) {
            Err(Errno::EXIST) => {}
            made => return made.map(|()| name),
        }
    }
    Err(Errno::EXIST)
}

/// Creates a file that only its owner may look at yet; gives its name and the file.
pub fn create(at: BorrowedFd<'_>) -> rustix::io::Result<(Vec<u8>, OwnedFd)> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = None;
    let name = temporary(|name| {
        file = Some(rustix::fs::openat(at, name, flags, Mode::RUSR | Mode::WUSR)?);
        Ok(())
    })?;
    file.map(|file| (name, file)).ok_or(Errno::EXIST)
}

/// Writes a file of a layer; what is a hole there is one here.
pub fn fill(
    fd: &OwnedFd,
    extents: &[Extent],
    size: u64,
    source: &dyn ReadAt,
    progress: &dyn Progress,
) -> io::Result<()> {
    let file = File::from(fd.as_fd().try_clone_to_owned()?);
    let mut buffer = vec![0; CHUNK.min(usize::try_from(size).unwrap_or(CHUNK))];
    for extent in extents {
        let mut done = 0;
        while done < extent.len {
            let most = usize::try_from(extent.len - done).unwrap_or(CHUNK).min(buffer.len());
            let Some(chunk) = buffer.get_mut(..most).filter(|chunk| !chunk.is_empty()) else { break };
            read_exact_at(source, extent.source.saturating_add(done), chunk)?;
            file.write_all_at(chunk, extent.logical.saturating_add(done))?;
            done += most as u64;
            progress.advance(most as u64);
        }
    }
    file.set_len(size)
}
