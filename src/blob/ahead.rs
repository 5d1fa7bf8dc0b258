//! Small files that lie one behind the other: one read of their blob for many of them.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Blob, ReadAt};

/// Bytes that are fetched at once.
const FETCHED: usize = 128 * 1024;

/// Bytes that are passed over for what lies behind them; more, and the reads go somewhere else.
const PASSED_OVER: u64 = 32 * 1024;

/// What was fetched last, of whichever blob. Whoever reads many files in about the order in which they lie asks the
/// host for few of them.
#[derive(Default)]
pub struct Ahead(Mutex<Fetched>);

#[derive(Default)]
struct Fetched {
    blob: Option<Blob>,
    start: u64,
    bytes: Vec<u8>,
    /// Where the last read ended.
    at: u64,
}

impl Ahead {
    /// A blob, read by way of what was fetched.
    pub fn of(&self, blob: Blob) -> impl ReadAt {
        Forwards { blob, ahead: self }
    }
}

struct Forwards<'a> {
    blob: Blob,
    ahead: &'a Ahead,
}

impl ReadAt for Forwards<'_> {
    fn len(&self) -> u64 {
        self.blob.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut fetched = self.ahead.0.lock();
        let goes_on = fetched.is_before(&self.blob, offset);
        if !goes_on {
            *fetched = Fetched {
                blob: Some(self.blob.clone()),
                bytes: std::mem::take(&mut fetched.bytes),
                ..Fetched::default()
            };
            fetched.bytes.clear();
        }
        let n = match fetched.get(offset, buf.len()) {
            Some(bytes) => bytes.read_at(0, buf)?,
            None if goes_on && buf.len() < FETCHED => fetched.fetch(&self.blob, offset)?.read_at(0, buf)?,
            None => self.blob.read_at(offset, buf)?,
        };
        fetched.at = offset.saturating_add(n as u64);
        Ok(n)
    }
}

impl Fetched {
    /// Whether an offset lies a little behind what was read last.
    fn is_before(&self, blob: &Blob, offset: u64) -> bool {
        let is_same = self.blob.as_ref().is_some_and(|own| Arc::ptr_eq(own, blob));
        is_same && offset.checked_sub(self.at).is_some_and(|passed| passed <= PASSED_OVER)
    }

    /// All bytes from an offset on, if there are as many.
    fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..).filter(|bytes| bytes.len() >= len)
    }

    /// Fetches what lies at an offset, and behind it.
    fn fetch(&mut self, blob: &Blob, offset: u64) -> io::Result<&[u8]> {
        self.start = offset;
        self.bytes.resize(FETCHED, 0);
        // Nothing is there after an error.
        let fetched = blob.read_at(offset, &mut self.bytes);
        self.bytes.truncate(*fetched.as_ref().unwrap_or(&0));
        fetched.map(|_| &*self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// Counts how often it is read.
    struct Counted(Vec<u8>, AtomicUsize);

    impl ReadAt for Counted {
        fn len(&self) -> u64 {
            ReadAt::len(&self.0)
        }

        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read_at(offset, buf)
        }
    }

    fn counted(seed: usize, len: usize) -> Arc<Counted> {
        let bytes = (0..len).map(|at| (at.wrapping_mul(31).wrapping_add(seed) >> 3) as u8).collect();
        Arc::new(Counted(bytes, AtomicUsize::new(0)))
    }

    #[test]
    fn small_files_behind_each_other_take_few_reads() {
        let blob = counted(0, 10 << 20);
        let ahead = Ahead::default();
        for file in 0..10_000_u64 {
            let mut buf = [0; 100];
            let n = ahead.of(blob.clone()).read_at(512 + file * 1024, &mut buf).unwrap();
            assert_eq!((n, &buf[..]), (100, &blob.0[512 + file as usize * 1024..][..100]));
        }
        assert!(blob.1.load(Ordering::Relaxed) < 100);
    }

    #[test]
    fn files_here_and_there_take_no_more_than_their_bytes() {
        let blob = counted(0, 10 << 20);
        let ahead = Ahead::default();
        for file in (0..100_u64).rev() {
            ahead.of(blob.clone()).read_at(file * 65536, &mut [0; 100]).unwrap();
        }
        assert_eq!(blob.1.load(Ordering::Relaxed), 100);
        assert_eq!(ahead.0.lock().bytes.len(), 0);
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_what_the_blob_holds(
            reads in prop::collection::vec((0..2_usize, 0..700_000_u64, 0..200_000_usize, any::<bool>()), 1..30),
        ) {
            let blobs = [counted(0, 600_000), counted(5, 400_000)];
            let ahead = Ahead::default();
            let mut at = 0;
            for (which, jump, len, goes_on) in reads {
                at = if goes_on { at + jump % 40_000 } else { jump };
                let (mut own, mut expected) = (vec![0; len], vec![0; len]);
                let n = ahead.of(blobs[which].clone()).read_at(at, &mut own).unwrap();
                prop_assert_eq!(n, blobs[which].0.read_at(at, &mut expected).unwrap());
                prop_assert!(own == expected);
                at += n as u64;
            }
        }
    }
}
