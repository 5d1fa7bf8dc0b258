//! A blob that is a file of the host.

use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use crate::counter::Counter;
use crate::entry::Time;
use crate::wait;

use super::{Identity, ReadAt};

/// Bytes that were read from host files, of whatever blob: it is one process that reads them.
static BYTES_READ: Counter = Counter::new();

/// A host file, read by `pread`.
///
/// A mapping would be faster to write and would kill the process with SIGBUS when someone truncates the
/// file. A file that is rewritten in place is noticed at the next read: its bytes are not those that
/// were indexed, and none of them is given out.
#[derive(Debug)]
pub struct HostFile {
    file: File,
    stamp: Stamp,
    /// As it was when it was opened.
    opened: Metadata,
    /// Its file system can read without waiting for a disk.
    tells_what_is_at_hand: AtomicBool,
}

/// What changes when a file's contents do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    mtime: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp { len: metadata.len(), mtime: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

/// Bytes that this process has read from archives, and from files of the cache and spools in their place.
pub fn host_bytes_read() -> u64 {
    BYTES_READ.sum()
}

impl HostFile {
    /// Takes a file that is open for reading.
    pub fn new(file: File) -> io::Result<HostFile> {
        let opened = file.metadata()?;
        let tells_what_is_at_hand = AtomicBool::new(true);
        Ok(HostFile { file, stamp: Stamp::of(&opened), opened, tells_what_is_at_hand })
    }

    /// Whether it is as long and as old as it was when someone looked at it before.
    pub fn is_unchanged(&self, len: u64, mtime: Time) -> bool {
        self.stamp == Stamp { len, mtime: (mtime.secs, mtime.nanos.into()) }
    }
}

impl HostFile {
    /// Reads what is in memory already. Not every file system can tell: then it is nothing.
    fn read_at_hand(&self, offset: u64, buf: &mut [u8]) -> usize {
        if !self.tells_what_is_at_hand.load(Ordering::Relaxed) {
            return 0;
        }
        match preadv2(&self.file, &mut [IoSliceMut::new(buf)], offset, ReadWriteFlags::NOWAIT) {
            Ok(n) => n,
            Err(errno) => {
                self.tells_what_is_at_hand.store(errno == Errno::AGAIN, Ordering::Relaxed);
                0
            }
        }
    }

    /// An error if the file is not what it was: what was taken from it is then nothing to rely on.
    pub fn check_unchanged(&self) -> io::Result<()> {
        match Stamp::of(&self.file.metadata()?) == self.stamp {
            true => Ok(()),
            false => Err(io::Error::other("the file has changed since it was opened")),
        }
    }

    /// Has the disk bring bytes, and does not wait for them.
    fn fetch(&self, near: Range<u64>) {
        if let Some(len) = near.end.checked_sub(near.start).and_then(NonZeroU64::new) {
            // If it is not for the file system, then it is not.
            let _ = fadvise(&self.file, near.start, Some(len), Advice::WillNeed);
        }
    }
}

impl AsFd for HostFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl ReadAt for HostFile {
    fn len(&self) -> u64 {
        self.stamp.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.read_near(offset, buf, offset..offset)
    }

    fn read_near(&self, offset: u64, buf: &mut [u8], near: Range<u64>) -> io::Result<usize> {
        let wanted =
            usize::try_from(self.stamp.len.saturating_sub(offset)).unwrap_or(usize::MAX).min(buf.len());
        let buf = buf.get_mut(..wanted).unwrap_or_default();
        // At no offset at all it would be read from wherever the descriptor stands.
        let mut done = if wanted > 0 { self.read_at_hand(offset, buf) } else { 0 };
        if done < wanted {
            wait::announce();
            self.fetch(near);
        }
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        BYTES_READ.add(done as u64);
        self.check_unchanged()?;
        Ok(done)
    }

    fn as_host_file(&self, offset: u64) -> Option<(&HostFile, u64)> {
        Some((self, offset))
    }

    fn identity(&self) -> Option<Identity> {
        Identity::of_file(&self.file, &self.opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_changed_gives_no_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"hello world").unwrap();
        let blob = HostFile::new(file.try_clone().unwrap()).unwrap();
        let mut buf = [0; 5];
        assert_eq!(blob.read_at(6, &mut buf).unwrap(), 5);
        assert_eq!(&buf, b"world");
        assert_eq!(blob.read_at(9, &mut buf).unwrap(), 2);
        assert_eq!(blob.read_at(u64::MAX, &mut []).unwrap(), 0);
        file.set_len(4).unwrap();
        assert!(blob.read_at(0, &mut buf).is_err());
    }
}
