//! A stretch of another blob: an uncompressed layer in its archive is just this.

use std::io;
use std::ops::Range;

use super::{Blob, HostFile, Identity, ReadAt};

/// `len` bytes from `offset` of another blob.
pub struct Window {
    inner: Blob,
    offset: u64,
    len: u64,
}

impl Window {
    /// The stretch; `None` if it does not lie within `inner`.
    pub fn new(inner: Blob, offset: u64, len: u64) -> Option<Window> {
        let end = offset.checked_add(len)?;
        (end <= inner.len()).then_some(Window { inner, offset, len })
    }
}

impl ReadAt for Window {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.read_near(offset, buf, offset..offset)
    }

    fn read_near(&self, offset: u64, buf: &mut [u8], near: Range<u64>) -> io::Result<usize> {
        let rest = self.len.saturating_sub(offset);
        let n = usize::try_from(rest).unwrap_or(usize::MAX).min(buf.len());
        let near = self.offset + near.start.min(self.len)..self.offset + near.end.min(self.len);
        match buf.get_mut(..n) {
            Some(buf) if n > 0 => self.inner.read_near(self.offset + offset, buf, near),
            _ => Ok(0),
        }
    }

    fn as_host_file(&self, offset: u64) -> Option<(&HostFile, u64)> {
        self.inner.as_host_file(self.offset + offset.min(self.len))
    }

    fn identity(&self) -> Option<Identity> {
        Some(self.inner.identity()?.window(self.offset, self.len))
    }
}
