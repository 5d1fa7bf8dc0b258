//! Bytes read front to back with hops over what does not matter: what a parser of headers needs.

use std::io;
use std::sync::Arc;

use super::ReadAt;

/// The first read after a hop, in bytes: a header and the short members behind it.
const MIN_CHUNK: usize = 4 * 1024;

/// The longest read, in bytes; beyond it a `pread` is no cheaper per byte.
const MAX_CHUNK: usize = 1024 * 1024;

/// A position in bytes that are read front to back.
pub trait Forward {
    /// The offset of the next byte.
    fn offset(&self) -> u64;

    /// The next `n` bytes, or all there are before the end.
    fn take(&mut self, n: usize) -> io::Result<&[u8]>;

    /// Passes over `n` bytes, or all there are before the end; gives how many were missing.
    fn skip(&mut self, n: u64) -> io::Result<u64>;
}

/// A position in a blob with a read-ahead buffer.
///
/// Reading through small members beats hopping over them, hopping over large ones beats reading them:
/// the chunk doubles as long as what is asked for lies in it, and starts small again after a hop.
pub struct Hops<'a> {
    blob: &'a dyn ReadAt,
    len: u64,
    /// Where the next `take` begins.
    offset: u64,
    buffer: Vec<u8>,
    /// The blob's offset of `buffer`'s first byte.
    buffer_at: u64,
    chunk: usize,
}

impl<'a> Hops<'a> {
    /// At the first byte.
    pub fn new(blob: &'a dyn ReadAt) -> Hops<'a> {
        let len = blob.len();
        Hops { blob, len, offset: 0, buffer: Vec::new(), buffer_at: 0, chunk: MIN_CHUNK }
    }

    fn remaining(&self) -> u64 {
        self.len.saturating_sub(self.offset)
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

impl Forward for Hops<'_> {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn take(&mut self, n: usize) -> io::Result<&[u8]> {
        let n = n.min(usize::try_from(self.remaining()).unwrap_or(usize::MAX));
        if !self.buffered(n) {
            self.fill(n)?;
        }
        let start = usize::try_from(self.offset - self.buffer_at).unwrap_or(usize::MAX);
        self.offset += n as u64;
        self.buffer.get(start..start.saturating_add(n)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let inside = n.min(self.remaining());
        self.offset += inside;
        Ok(n - inside)
    }
}

/// A position in a stream that comes block by block and is not kept.
pub struct Stream<F> {
    next: F,
    block: Arc<Vec<u8>>,
    /// What of the block has been used up.
    at: usize,
    offset: u64,
    /// What was taken across the ends of blocks.
    joined: Vec<u8>,
}

impl<F: FnMut() -> io::Result<Option<Arc<Vec<u8>>>>> Stream<F> {
    /// Takes what gives block after block, and `None` for ever behind the last one.
    pub fn new(next: F) -> Stream<F> {
        Stream { next, block: Arc::default(), at: 0, offset: 0, joined: Vec::new() }
    }

    /// Bytes of the current block that are left, the next block's if there are none; 0 at the end.
    fn left(&mut self) -> io::Result<usize> {
        while self.at >= self.block.len() {
            // The block goes back to who made it before the next one is asked for.
            self.block = Arc::default();
            self.at = 0;
            match (self.next)()? {
                Some(block) => self.block = block,
                None => return Ok(0),
            }
        }
        Ok(self.block.len() - self.at)
    }

    fn pass(&mut self, n: usize) {
        self.at += n;
        self.offset += n as u64;
    }
}

impl<F: FnMut() -> io::Result<Option<Arc<Vec<u8>>>>> Forward for Stream<F> {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn take(&mut self, n: usize) -> io::Result<&[u8]> {
        if self.left()? >= n {
            let start = self.at;
            self.pass(n);
            return Ok(self.block.get(start..start + n).unwrap_or_default());
        }
        self.joined.clear();
        while self.joined.len() < n {
            let some = self.left()?.min(n - self.joined.len());
            if some == 0 {
                break;
            }
            self.joined.extend_from_slice(self.block.get(self.at..self.at + some).unwrap_or_default());
            self.pass(some);
        }
        Ok(&self.joined)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut missing = n;
        while missing > 0 {
            let some = self.left()?.min(usize::try_from(missing).unwrap_or(usize::MAX));
            if some == 0 {
                break;
            }
            self.pass(some);
            missing -= some as u64;
        }
        Ok(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes and skips in turn, ever further, to the end.
    fn use_all(forward: &mut dyn Forward, bytes: &[u8]) {
        let (mut at, mut step) = (0, 1);
        while at + 512 < bytes.len() {
            assert_eq!(forward.offset(), at as u64);
            assert_eq!(forward.take(512).unwrap(), &bytes[at..at + 512]);
            at += 512;
            step = step * 5 % 70_001;
            if at + step > bytes.len() {
                break;
            }
            assert_eq!(forward.skip(step as u64).unwrap(), 0);
            at += step;
        }
        assert_eq!(forward.take(100_000).unwrap(), &bytes[at..(at + 100_000).min(bytes.len())]);
        at = forward.offset() as usize;
        let rest = bytes.len() - at;
        assert_eq!(forward.skip(rest as u64 + 7).unwrap(), 7);
        assert!(forward.take(1).unwrap().is_empty());
        assert_eq!(forward.skip(1).unwrap(), 1);
        assert_eq!(forward.skip(0).unwrap(), 0);
    }

    #[test]
    fn takes_and_skips_give_the_bytes_at_the_offset() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i / 7 % 251) as u8).collect();
        use_all(&mut Hops::new(&bytes), &bytes);
        for size in [700, 4096, 1 << 20] {
            let mut blocks = bytes.chunks(size).map(|block| Arc::new(block.to_vec()));
            use_all(&mut Stream::new(|| Ok(blocks.next())), &bytes);
        }
    }
}
