//! Counters that many threads add to at once and that hardly anyone reads.

use std::sync::atomic::{AtomicU64, Ordering};

use thread_local::ThreadLocal;

/// A sum to which each thread adds in a cache line of its own: to count costs a few nanoseconds, whoever else
/// counts.
#[derive(Default)]
pub struct Counter(ThreadLocal<Share>);

/// What one thread has added. Two lines long, as processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Share(AtomicU64);

/// How often what was looked for was there.
#[derive(Default)]
pub struct HitCounter {
    hits: Counter,
    misses: Counter,
}

/// How often what was looked for was there, and how often not, up to some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits {
    /// It was.
    pub hits: u64,
    /// It was not.
    pub misses: u64,
}

impl Counter {
    /// Nothing so far.
    pub const fn new() -> Counter {
        Counter(ThreadLocal::new())
    }

    /// Adds to the sum.
    pub fn add(&self, n: u64) {
        self.0.get_or_default().0.fetch_add(n, Ordering::Relaxed);
    }

    /// What all threads have added, those that have ended too.
    pub fn sum(&self) -> u64 {
        self.0.iter().map(|share| share.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

impl HitCounter {
    /// Notes what came of a search.
    pub fn note(&self, was_there: bool) {
        if was_there { self.hits.add(1) } else { self.misses.add(1) }
    }

    /// What has been noted.
    pub fn hits(&self) -> Hits {
        Hits { hits: self.hits.sum(), misses: self.misses.sum() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn what_all_threads_add_is_the_sum_also_when_they_have_ended() {
        let counter = Counter::new();
        for _ in 0..3 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..1000).for_each(|_| counter.add(2)));
                }
            });
        }
        assert_eq!(counter.sum(), 24_000);
    }

    #[test]
    fn hits_and_misses_are_told_apart() {
        let counter = HitCounter::default();
        [true, false, true].into_iter().for_each(|was_there| counter.note(was_there));
        assert_eq!(counter.hits(), Hits { hits: 2, misses: 1 });
    }
}
