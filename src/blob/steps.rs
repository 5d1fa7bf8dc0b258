//! Bytes read front to back from anywhere, in steps that grow: what a decoder begun in the middle needs.

use std::io::{self, BufRead, Read};
use std::ops::Deref;

use super::ReadAt;

/// The first read, in bytes: what 32 KiB of decoded bytes rarely need more than.
const FIRST_STEP: usize = 16 * 1024;

/// The longest read, in bytes; beyond it a `pread` is hardly cheaper per byte.
const LAST_STEP: usize = 128 * 1024;

/// A stretch of a blob, from a byte offset to its end.
pub struct Steps<B> {
    blob: B,
    /// Where the next step begins.
    offset: u64,
    step: usize,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were taken.
    taken: usize,
}

impl<B: Deref<Target: ReadAt>> Steps<B> {
    /// From an offset on; behind the end there are no bytes.
    pub fn new(blob: B, offset: u64) -> Steps<B> {
        Steps { blob, offset, step: FIRST_STEP, buffer: Vec::new(), taken: 0 }
    }

    fn step(&mut self) -> io::Result<()> {
        self.buffer.resize(self.step, 0);
        let n = match self.blob.read_at(self.offset, &mut self.buffer) {
            Ok(n) => n,
            Err(error) => {
                self.buffer.truncate(self.taken);
                return Err(error);
            }
        };
        self.buffer.truncate(n);
        self.taken = 0;
        self.offset = self.offset.saturating_add(n as u64);
        self.step = (self.step * 2).min(LAST_STEP);
        Ok(())
    }
}

impl<B: Deref<Target: ReadAt>> BufRead for Steps<B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken >= self.buffer.len() {
            self.step()?;
        }
        Ok(self.buffer.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.taken = self.taken.saturating_add(n).min(self.buffer.len());
    }
}

impl<B: Deref<Target: ReadAt>> Read for Steps<B> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn steps_give_the_bytes_from_the_offset_to_the_end() {
        let bytes: Vec<u8> = (0..500_000u32).map(|i| (i / 3 % 251) as u8).collect();
        for offset in [0, 1, 32 * 1024, 499_999, 500_000, 500_001, usize::MAX] {
            let mut read = Vec::new();
            Steps::new(Arc::new(bytes.clone()), offset as u64).read_to_end(&mut read).unwrap();
            assert!(read == bytes.get(offset..).unwrap_or_default(), "from {offset}");
        }
    }
}
