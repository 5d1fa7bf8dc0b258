//! Which reads of a blob follow each other: what is worth decoding before it is asked for.

use std::ops::RangeInclusive;

use parking_lot::Mutex;

/// Bytes that are decoded ahead of a reader: at least one more seek point of gzip, so that two cores work for one
/// file.
const AHEAD: u64 = 1024 * 1024;

/// How far from a run's end a read may begin to belong to it, in bytes: the kernel's pieces of 128 KiB come on several
/// threads.
const NEAR: u64 = 512 * 1024;

/// Readers front to back that are told apart in one blob.
const MAX_RUNS: usize = 8;

/// The reads of one blob, as runs of reads that follow each other.
///
/// The kernel asks for a file in pieces, and these come on several threads, not quite in order. A read
/// therefore belongs to a run if it begins near its end, and a run is sequential if it has read at least
/// half of the bytes that it went past.
pub struct Reads {
    block_size: u64,
    /// Least recently used first.
    runs: Mutex<Vec<Run>>,
}

struct Run {
    /// Where it began, or was last judged.
    start: u64,
    /// The furthest that it came.
    end: u64,
    /// Bytes read since `start`.
    read: u64,
}

impl Reads {
    /// None yet.
    pub fn new(block_size: u64) -> Reads {
        Reads { block_size, runs: Mutex::new(Vec::new()) }
    }

    /// Notes a read of at least one byte, and gives the blocks that will probably be read next.
    pub fn note(&self, offset: u64, len: u64) -> Option<RangeInclusive<u64>> {
        let end = offset.saturating_add(len);
        let mut runs = self.runs.lock();
        let near = (2 * self.block_size).max(NEAR).max(len);
        let mut run = match runs.iter().rposition(|run| run.end.abs_diff(offset) <= near) {
            Some(i) => runs.remove(i),
            None => Run { start: offset, end: offset, read: 0 },
        };
        let sequential = run.take(offset, end, self.block_size);
        if runs.len() == MAX_RUNS {
            runs.remove(0);
        }
        runs.push(run);
        let (first, last) = (offset / self.block_size, (end - 1) / self.block_size);
        sequential.then_some(first + 1..=last + AHEAD.div_ceil(self.block_size))
    }
}

impl Run {
    /// Takes a read, and says whether it is the first of a block in a sequential run.
    fn take(&mut self, offset: u64, end: u64, block_size: u64) -> bool {
        // The byte before the end is read already; a new run has none.
        let before = self.end.saturating_sub(1).max(self.start) / block_size;
        self.read += end - offset;
        self.end = self.end.max(end);
        if (self.end - 1) / block_size == before {
            return false;
        }
        let span = self.end.saturating_sub(self.start);
        let enough = self.read >= block_size / 2;
        let dense = enough && self.read.saturating_mul(2) >= span;
        if enough || span >= 2 * block_size {
            (self.start, self.read) = (self.end, 0);
        }
        dense
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 512 * 1024;
    const KIB: u64 = 1024;

    fn asks(reads: impl IntoIterator<Item = (u64, u64)>) -> Vec<RangeInclusive<u64>> {
        let noted = Reads::new(BLOCK);
        reads.into_iter().filter_map(|(offset, len)| noted.note(offset, len)).collect()
    }

    #[test]
    fn reading_on_asks_at_each_block() {
        let steps = |step: u64| (0..5 * BLOCK / step).map(move |i| (i * step, step));
        let each = [2, 3, 4, 5].map(|first| first..=first + 1);
        assert_eq!(asks(steps(4 * KIB)), each);
        assert_eq!(asks(steps(128 * KIB)), each);
        assert_eq!(asks([(0, 2 * BLOCK), (2 * BLOCK, 2 * BLOCK)]), [1..=3, 3..=5]);
        // From the end of a block on: what was read of it is too little to tell.
        let late = (0..40).map(|i| (BLOCK - 100 * KIB + i * 32 * KIB, 32 * KIB));
        assert_eq!(asks(late), [2..=4, 3..=5]);
    }

    #[test]
    fn a_disordered_reader_and_two_interleaved_ones_are_still_readers() {
        let disordered = (0..64).map(|i: u64| ((i ^ 3) * 128 * KIB, 128 * KIB));
        assert!(asks(disordered).len() >= 14);
        let far = 100 * BLOCK;
        let two = (0..32).flat_map(|i: u64| [(i * 128 * KIB, 128 * KIB), (far + i * 128 * KIB, 128 * KIB)]);
        assert_eq!(asks(two).len(), 14);
    }

    #[test]
    fn jumps_and_repetitions_ask_for_nothing() {
        assert!(asks((0..1000).map(|i: u64| (i * 7919 % 1000 * BLOCK + 1, 4 * KIB))).is_empty());
        assert!(asks((0..1000).map(|_| (5 * BLOCK, 64 * KIB))).is_empty());
        assert!(asks((0..1000).map(|i| (i * BLOCK, 4 * KIB))).is_empty());
        assert!(asks((1..1000).rev().map(|i| (i * 128 * KIB, 128 * KIB))).is_empty());
        assert!(asks([(0, 1), (u64::MAX - 1, 1), (u64::MAX - 1, 9)]).is_empty());
        for blocks in [4, 16, 64, 200, 1000] {
            let mut x = 1u64;
            let random = (0..20_000).map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((x >> 20) % (blocks * BLOCK), 4 * KIB)
            });
            assert!(asks(random).is_empty(), "{blocks} blocks");
        }
    }
}
