//! The paths with the most bytes that do not show: so many of them, and no more.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::path::TreePath;

use super::{WastedFile, WastedPath};

/// The worst paths of those that were offered.
pub struct Worst {
    most: usize,
    /// The least of them on top.
    heap: BinaryHeap<Candidate>,
    /// How many were offered.
    paths: u64,
}

impl Worst {
    pub fn new(most: usize) -> Worst {
        Worst { most, heap: BinaryHeap::new(), paths: 0 }
    }

    /// Takes in a path, if anything does not show there.
    pub fn offer(&mut self, path: &TreePath, files: &[WastedFile]) {
        if files.is_empty() {
            return;
        }
        self.paths += 1;
        let bytes = files.iter().fold(0u64, |sum, file| sum.saturating_add(file.bytes));
        let is_full = self.heap.len() >= self.most;
        let least = self.heap.peek().map_or(0, |least| least.0.bytes);
        if is_full && bytes < least {
            return;
        }
        self.heap.push(Candidate(WastedPath { path: path.clone(), bytes, files: files.to_vec() }));
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    /// How many there were, and those that were kept, the worst first.
    pub fn finish(self) -> (u64, Vec<WastedPath>) {
        let sorted = self.heap.into_sorted_vec();
        (self.paths, sorted.into_iter().map(|candidate| candidate.0).collect())
    }
}

/// Ordered from the worst on; of equal ones, by path.
struct Candidate(WastedPath);

impl Candidate {
    fn key(&self) -> (Reverse<u64>, &[u8]) {
        (Reverse(self.0.bytes), self.0.path.as_bytes())
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Candidate {}
