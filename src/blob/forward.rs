//! Bytes read front to back with hops over what does not matter: what a parser of headers needs.

use std::io;

use super::ReadAt;

/// The first read after a hop, in bytes: a header and the short members behind it.
const MIN_CHUNK: usize = 4 * 1024;

/// The longest read, in bytes; beyond it a `pread` is no cheaper per byte.
const MAX_CHUNK: usize = 1024 * 1024;

/// A position in a blob with a read-ahead buffer.
///
/// Reading through small members beats hopping over them, hopping over large ones beats reading them:
/// the chunk doubles as long as what is asked for lies in it, and starts small again after a hop.
pub struct Forward<'a> {
    blob: &'a dyn ReadAt,
    len: u64,
    /// Where the next `take` begins.
    offset: u64,
    buffer: Vec<u8>,
    /// The blob's offset of `buffer`'s first byte.
    buffer_at: u64,
    chunk: usize,
}

impl<'a> Forward<'a> {
    /// At the first byte.
    pub fn new(blob: &'a dyn ReadAt) -> Forward<'a> {
        let len = blob.len();
        Forward { blob, len, offset: 0, buffer: Vec::new(), buffer_at: 0, chunk: MIN_CHUNK }
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes from here to the end.
    pub fn remaining(&self) -> u64 {
        self.len.saturating_sub(self.offset)
    }

    /// The next `n` bytes, or all there are before the end.
    pub fn take(&mut self, n: usize) -> io::Result<&[u8]> {
        let n = n.min(usize::try_from(self.remaining()).unwrap_or(usize::MAX));
        if !self.buffered(n) {
            self.fill(n)?;
        }
        let start = usize::try_from(self.offset - self.buffer_at).unwrap_or(usize::MAX);
        self.offset += n as u64;
        self.buffer.get(start..start.saturating_add(n)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Passes over bytes; `false`, and no move, if there are fewer before the end.
    #[must_use]
    pub fn skip(&mut self, n: u64) -> bool {
        let inside = n <= self.remaining();
        if inside {
            self.offset += n;
        }
        inside
    }

    fn buffered(&self, n: usize) -> bool {
        let end = self.buffer_at + self.buffer.len() as u64;
        self.offset >= self.buffer_at && self.offset.saturating_add(n as u64) <= end
    }

    fn fill(&mut self, n: usize) -> io::Result<()> {
        let end = self.buffer_at + self.buffer.len() as u64;
        let near = self.offset <= end.saturating_add(self.chunk as u64 / 2);
        self.chunk = if near { (self.chunk * 2).min(MAX_CHUNK) } else { MIN_CHUNK };
        let want = (n.max(self.chunk) as u64).min(self.remaining());
        self.buffer.resize(usize::try_from(want).unwrap_or(n), 0);
        let got = self.blob.read_at(self.offset, &mut self.buffer)?;
        self.buffer.truncate(got);
        self.buffer_at = self.offset;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_hops_give_the_bytes_at_the_offset() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i / 7 % 251) as u8).collect();
        let mut forward = Forward::new(&bytes);
        let (mut at, mut step) = (0, 1);
        while at + 512 < bytes.len() {
            assert_eq!(forward.offset(), at as u64);
            assert_eq!(forward.take(512).unwrap(), &bytes[at..at + 512]);
            at += 512;
            step = step * 5 % 70_001;
            if at + step > bytes.len() {
                break;
            }
            assert!(forward.skip(step as u64));
            at += step;
        }
        assert!(!forward.skip(u64::MAX));
        let rest = forward.remaining() as usize;
        assert_eq!(forward.take(usize::MAX).unwrap().len(), rest);
        assert!(forward.take(1).unwrap().is_empty());
    }
}
