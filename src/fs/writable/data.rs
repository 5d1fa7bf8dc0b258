//! Files that are open: their bytes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::{Errno, ReadWriteFlags};

use crate::fs::{Error, InodeNo, Result, Seek};
use crate::upper::calls;
use crate::wait;

use super::WritableFilesystem;
use super::copy_up::{Data, PIECE};
use super::handles::{Handle, OpenFile};

/// The most bytes that are copied in answer to one request if they have to be read; the program asks again.
const MAX_COPY: usize = 4 * 1024 * 1024;

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// To be written.
    pub writes: bool,
    /// Its data is to go first.
    pub truncates: bool,
}

/// A file that was opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its number.
    pub handle: Handle,
    file: Arc<OpenFile>,
}

impl Opened {
    /// The host's file, if it is in the upper.
    pub fn host_file(&self) -> Option<BorrowedFd<'_>> {
        self.file.file.get().map(AsFd::as_fd)
    }
}

/// Where a copy goes, or comes from.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The file.
    pub handle: Handle,
    /// The offset in it, in bytes.
    pub offset: u64,
}

impl WritableFilesystem {
    /// Opens a file; one that is to be written is copied up first, without its data if that is to go.
    pub fn open(&self, ino: InodeNo, access: Access) -> Result<Opened> {
        let mut is_cut = false;
        if access.writes || access.truncates {
            is_cut = self.copy_up(ino, if access.truncates { Data::UpTo(0) } else { Data::All })?;
        }
        let file = match self.is_upper(ino) {
            true => Some(self.open_whole(ino, access.writes || access.truncates)?),
            false => None,
        };
        if let Some(file) = file.as_ref().filter(|_| access.truncates && !is_cut) {
            // Also where nothing is left to cut off: the times say that it was written.
            calls::truncate(file, 0)?;
        }
        Ok(self.opened(ino, file))
    }

    /// Takes in a file that has been opened when it was made.
    pub fn opened(&self, ino: InodeNo, file: Option<OwnedFd>) -> Opened {
        let handle = self.handles.add_file(ino, file);
        // It was put there a moment ago.
        let file = self
            .handles
            .file(handle)
            .unwrap_or_else(|_| Arc::new(OpenFile { ino, file: Default::default() }));
        Opened { handle, file }
    }

    /// Closes a file.
    pub fn close(&self, handle: Handle) {
        self.handles.close_file(handle);
    }

    /// Reads at a byte offset; fewer bytes than `buf` holds only at the end of the file.
    pub fn read(&self, handle: Handle, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let open = self.handles.file(handle)?;
        match self.host_file(&open)? {
            Some(file) => Ok(read_at(file, offset, buf)?),
            None => self.lower.read(open.ino, offset, buf),
        }
    }

    /// Writes at a byte offset; gives how many bytes were.
    pub fn write(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<usize> {
        let open = self.handles.file(handle)?;
        let file = self.written_file(&open)?;
        let mut done = 0;
        for piece in bytes.chunks(PIECE) {
            match calls::write_at(file, piece, offset + done as u64) {
                Ok(n) => done += n,
                // What was written is; the program hears of the rest when it asks again.
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno.into()),
            }
            if done % PIECE != 0 {
                break;
            }
        }
        Ok(done)
    }

    /// Waits until what was written is on the disk (W7).
    pub fn sync(&self, handle: Handle, data_only: bool) -> Result<()> {
        let open = self.handles.file(handle)?;
        match self.host_file(&open)? {
            Some(file) if !self.upper.is_volatile() => {
                wait::announce();
                Ok(calls::sync(file, data_only)?)
            }
            _ => Ok(()),
        }
    }

    /// Waits until the names of a directory are on the disk.
    pub fn sync_dir(&self, ino: InodeNo, data_only: bool) -> Result<()> {
        if self.upper.is_volatile() || !self.is_upper(ino) {
            return Ok(());
        }
        let dir = {
            let _names = self.names.read();
            match self.upper_dir(ino) {
                // Someone is in a directory that was removed: nothing of it is to be kept.
                Err(Error::NotFound) => return Ok(()),
                dir => dir?,
            }
        };
        wait::announce();
        Ok(calls::sync(&*dir, data_only)?)
    }

    /// Allocates or frees space; `mode` is fallocate(2)'s.
    pub fn allocate(&self, at: At, len: u64, mode: i32) -> Result<()> {
        let open = self.handles.file(at.handle)?;
        let file = self.written_file(&open)?;
        let mode = FallocateFlags::from_bits(mode.cast_unsigned()).ok_or(Error::Host(Errno::OPNOTSUPP))?;
        Ok(calls::allocate(file, mode, at.offset, len)?)
    }

    /// Copies from one file to another; gives how many bytes were.
    pub fn copy_range(&self, from: At, to: At, len: u64) -> Result<usize> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let (source, target) = (self.handles.file(from.handle)?, self.handles.file(to.handle)?);
        let target = self.written_file(&target)?;
        if let Some(source) = self.host_file(&source)? {
            return Ok(calls::copy_range(source, from.offset, target, to.offset, len)?);
        }
        let mut buffer = vec![0; len.min(MAX_COPY)];
        let n = self.lower.read(source.ino, from.offset, &mut buffer)?;
        Ok(calls::write_at(target, buffer.get(..n).unwrap_or_default(), to.offset)?)
    }

    /// The next data or hole at or after an offset.
    pub fn seek(&self, handle: Handle, offset: u64, whence: Seek) -> Result<u64> {
        let open = self.handles.file(handle)?;
        let Some(file) = self.host_file(&open)? else { return self.lower.seek(open.ino, offset, whence) };
        let position = match whence {
            Seek::Data => SeekFrom::Data(offset),
            Seek::Hole => SeekFrom::Hole(offset),
        };
        match rustix::fs::seek(file, position) {
            Err(Errno::NXIO) => Err(Error::NoSuchOffset),
            found => Ok(found?),
        }
    }

    /// The host's file behind an open one, if there is one by now: it may have been copied up since it was opened.
    pub(super) fn host_file<'a>(&self, open: &'a OpenFile) -> Result<Option<BorrowedFd<'a>>> {
        if open.file.get().is_none() && self.is_upper(open.ino) {
            let file = self.open_whole(open.ino, false)?;
            // Another reader may have been faster; both are the same file.
            let _ = open.file.set(file);
        }
        Ok(open.file.get().map(AsFd::as_fd))
    }

    fn written_file<'a>(&self, open: &'a OpenFile) -> Result<BorrowedFd<'a>> {
        self.host_file(open)?.ok_or(Error::BadHandle)
    }

    /// Opens the upper's file, once its data is there.
    fn open_whole(&self, ino: InodeNo, writes: bool) -> Result<OwnedFd> {
        self.complete(ino, Data::All)?;
        self.open_upper(ino, writes)
    }

    /// Opens the upper's file.
    pub(super) fn open_upper(&self, ino: InodeNo, writes: bool) -> Result<OwnedFd> {
        let _names = self.names.read();
        let flags = if writes { OFlags::RDWR } else { OFlags::RDONLY };
        Ok(self.upper_spot(ino)?.open_file(flags)?)
    }
}

/// Reads as much as there is. What is not in memory is a disk to be waited for.
fn read_at(file: BorrowedFd<'_>, offset: u64, buf: &mut [u8]) -> rustix::io::Result<usize> {
    let at_hand = {
        let mut slices = [std::io::IoSliceMut::new(buf)];
        rustix::io::preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT)
    };
    let mut done = at_hand.unwrap_or(0);
    if done < buf.len() && at_hand != Ok(0) {
        wait::announce();
    }
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut *rest, offset + done as u64))? {
            0 => break,
            n => done += n,
        }
    }
    Ok(done)
}
