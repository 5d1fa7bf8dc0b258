//! A compressed stream on its way to a decoder: read in large pieces, each passed on to whoever listens.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Blob;

/// Bytes read at a time: what a disk and a pipe to another thread like, and little beside a decoded block.
const PIECE: usize = 256 * 1024;

/// Hears of each piece that is read, in order.
type Listener = Box<dyn FnMut(&Arc<Vec<u8>>) -> io::Result<()> + Send>;

/// A blob read front to back.
pub struct Feed {
    blob: Blob,
    offset: Arc<AtomicU64>,
    piece: Arc<Vec<u8>>,
    /// What of the piece has been consumed.
    at: usize,
    pool: Pool,
    listener: Listener,
}

impl Feed {
    /// From the first byte.
    pub fn new(blob: Blob, listener: impl FnMut(&Arc<Vec<u8>>) -> io::Result<()> + Send + 'static) -> Feed {
        let (offset, pool, listener) = (Arc::default(), Pool::default(), Box::new(listener));
        Feed { blob, offset, piece: Arc::default(), at: 0, pool, listener }
    }

    /// How far the blob has been read, in bytes; it goes on counting.
    pub fn offset(&self) -> Arc<AtomicU64> {
        self.offset.clone()
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.piece.len() {
            let mut piece = self.pool.take(std::mem::take(&mut self.piece), PIECE);
            self.at = 0;
            if let Some(buffer) = Arc::get_mut(&mut piece) {
                buffer.resize(PIECE, 0);
                let n = self.blob.read_at(self.offset.load(Ordering::Relaxed), buffer)?;
                buffer.truncate(n);
                self.offset.fetch_add(n as u64, Ordering::Relaxed);
            }
            if !piece.is_empty() {
                (self.listener)(&piece)?;
            }
            self.piece = piece;
        }
        Ok(self.piece.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
    }
}

impl Read for Feed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

/// Buffers that go round: whoever was given one has done with it when nobody else holds it.
#[derive(Default)]
pub struct Pool(Vec<Arc<Vec<u8>>>);

impl Pool {
    /// A buffer that nobody holds, in exchange for one that someone may.
    pub fn take(&mut self, used: Arc<Vec<u8>>, capacity: usize) -> Arc<Vec<u8>> {
        if used.capacity() > 0 {
            self.0.push(used);
        }
        let free = self.0.iter_mut().position(|buffer| Arc::get_mut(buffer).is_some());
        free.map_or_else(|| Arc::new(Vec::with_capacity(capacity)), |at| self.0.swap_remove(at))
    }
}
