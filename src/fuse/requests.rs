//! How many requests there were, how they ended, and how long they took.
//!
//! Always on: every loop records into a place of its own, whose lock nobody else takes but who reads all of
//! them, now and then.

use std::io;
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use thread_local::ThreadLocal;

use super::operation::{Answer, Operation, Outcome};

/// Digits of a latency that are kept: one in a hundred is as exact as any latency is the next time.
const DIGITS: u8 = 2;

/// All requests of a mount so far.
pub struct Requests {
    /// What each loop begins with.
    nothing: Histogram<u64>,
    loops: ThreadLocal<Loop>,
}

/// The requests that one loop has answered, by [`Operation`]. No cache line of it is another loop's.
#[repr(align(128))]
struct Loop(Mutex<[Tally; Operation::ALL.len()]>);

/// The requests of one operation.
#[derive(Clone)]
struct Tally {
    negative: u64,
    errors: u64,
    bytes: u64,
    total: Duration,
    max: Duration,
    /// In nanoseconds. It grows with what is recorded, from 2 KiB to 20 for milliseconds.
    latency: Histogram<u64>,
}

/// What one operation was used for, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The operation.
    pub operation: Operation,
    /// Requests, however they ended.
    pub count: u64,
    /// Those whose answer is that there is no such thing.
    pub negative: u64,
    /// Those that ended with an error.
    pub errors: u64,
    /// Bytes of files or directories that were given.
    pub bytes: u64,
    /// Time from when the request was read until it was answered, of all together.
    pub total: Duration,
    /// What half of the requests took at most.
    pub p50: Duration,
    /// What nine in ten took at most.
    pub p90: Duration,
    /// What 99 in a hundred took at most.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Requests {
    /// None yet.
    pub fn new() -> io::Result<Requests> {
        let nothing = Histogram::new(DIGITS).map_err(io::Error::other)?;
        Ok(Requests { nothing, loops: ThreadLocal::new() })
    }

    /// Records one request of the calling loop.
    pub fn record(&self, answer: &Answer, took: Duration) {
        let own = self.loops.get_or(|| Loop(Mutex::new(std::array::from_fn(|_| Tally::new(&self.nothing)))));
        if let Some(tally) = own.0.lock().get_mut(answer.operation as usize) {
            tally.note(answer, took);
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.usage().iter().map(|usage| usage.count).sum()
    }

    /// What each operation was used for that was used at all.
    pub fn usage(&self) -> Vec<Usage> {
        let used = Operation::ALL.map(|operation| self.tally(operation).usage(operation));
        used.into_iter().filter(|usage| usage.count > 0).collect()
    }

    fn tally(&self, operation: Operation) -> Tally {
        let mut sum = Tally::new(&self.nothing);
        for of_loop in &self.loops {
            if let Some(tally) = of_loop.0.lock().get(operation as usize) {
                sum.add(tally);
            }
        }
        sum
    }
}

impl Tally {
    fn new(nothing: &Histogram<u64>) -> Tally {
        let latency = nothing.clone();
        Tally { negative: 0, errors: 0, bytes: 0, total: Duration::ZERO, max: Duration::ZERO, latency }
    }

    fn note(&mut self, answer: &Answer, took: Duration) {
        self.negative += u64::from(answer.outcome == Outcome::Negative);
        self.errors += u64::from(answer.outcome == Outcome::Failed);
        self.bytes += answer.bytes;
        self.total = self.total.saturating_add(took);
        self.max = self.max.max(took);
        // It grows as it must: there is no time that it would refuse.
        let _ = self.latency.record(nanos(took));
    }

    fn add(&mut self, other: &Tally) {
        self.negative += other.negative;
        self.errors += other.errors;
        self.bytes += other.bytes;
        self.total = self.total.saturating_add(other.total);
        self.max = self.max.max(other.max);
        // As above.
        let _ = self.latency.add(&other.latency);
    }

    fn usage(&self, operation: Operation) -> Usage {
        // A step of the histogram ends behind the times that are in it.
        let at = |quantile| Duration::from_nanos(self.latency.value_at_quantile(quantile)).min(self.max);
        Usage {
            operation,
            count: self.latency.len(),
            negative: self.negative,
            errors: self.errors,
            bytes: self.bytes,
            total: self.total,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: self.max,
        }
    }
}

impl Usage {
    /// What a request took in the mean.
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(nanos(self.total).checked_div(self.count).unwrap_or_default())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const fn micros(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    /// Whether a time is right but for the digits that are not kept.
    fn is_about(found: Duration, expected: Duration) -> bool {
        found >= expected && found <= expected + expected / 100
    }

    #[test]
    fn percentiles_of_known_times() {
        let requests = Requests::new().unwrap();
        for n in (1..=1000).rev() {
            requests.record(&Answer::to(Operation::Lookup), micros(n));
        }
        let [usage] = &*requests.usage() else { panic!() };
        assert_eq!((usage.operation, usage.count), (Operation::Lookup, 1000));
        assert_eq!(
            (usage.max, usage.total, usage.mean()),
            (micros(1000), micros(500_500), micros(500) + micros(1) / 2)
        );
        for (found, expected) in [(usage.p50, 500), (usage.p90, 900), (usage.p99, 990)] {
            assert!(is_about(found, micros(expected)), "{found:?}, {expected} µs");
        }
    }

    #[test]
    fn no_percentile_is_beyond_the_longest() {
        for took in [Duration::ZERO, Duration::from_nanos(1), micros(777), Duration::from_secs(100_000)] {
            let requests = Requests::new().unwrap();
            requests.record(&Answer::to(Operation::Read), took);
            let [usage] = &*requests.usage() else { panic!() };
            assert_eq!([usage.p50, usage.p90, usage.p99, usage.max], [usage.max; 4], "{took:?}");
            assert_eq!((usage.max, usage.total), (took, took));
        }
    }

    #[test]
    fn all_loops_count_together_each_operation_by_itself() {
        let requests = Requests::new().unwrap();
        let record = |operation, outcome, bytes, took| {
            let mut answer = Answer::to(operation);
            (answer.outcome, answer.bytes) = (outcome, bytes);
            requests.record(&answer, took);
        };
        thread::scope(|scope| {
            for no in 1..=4 {
                scope.spawn(move || {
                    for _ in 0..100 {
                        record(Operation::Read, Outcome::Given, 10, micros(no));
                    }
                    record(Operation::Lookup, Outcome::Negative, 0, micros(7));
                    record(Operation::Other, Outcome::Failed, 0, micros(9));
                });
            }
        });
        let usage = requests.usage();
        let counts: Vec<_> =
            usage.iter().map(|u| (u.operation, u.count, u.negative, u.errors, u.bytes)).collect();
        assert_eq!(
            counts,
            [
                (Operation::Lookup, 4, 4, 0, 0),
                (Operation::Read, 400, 0, 0, 4000),
                (Operation::Other, 4, 0, 4, 0)
            ]
        );
        let read = &usage[1];
        assert!(
            is_about(read.p50, micros(2)) && is_about(read.p90, micros(4)) && read.max == micros(4),
            "{read:?}"
        );
        assert_eq!(read.total, micros(1000));
    }

    #[test]
    fn what_was_never_asked_is_not_listed() {
        assert_eq!(Requests::new().unwrap().usage(), []);
    }
}
