//! Data on its way into an archive.

use std::io::{self, Read};

use crate::blob::Progress;

/// Data on its way, and who hears how much of it has passed.
pub struct Watched<'a, R: ?Sized> {
    /// The data.
    pub data: &'a mut R,
    /// Who hears of it.
    pub progress: &'a dyn Progress,
}

impl<R: Read + ?Sized> Read for Watched<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.data.read(buf)?;
        self.progress.advance(n as u64);
        Ok(n)
    }
}
