//! Threads that decode what will probably be read next.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::BlockId;
use super::decoded::Source;

/// Threads at most; more than that read no faster from one disk.
const MAX_THREADS: usize = 4;

/// Jobs that wait for a thread at most; a reader that is so far behind decodes for itself.
const MAX_QUEUED: usize = 16;

/// How long a thread stays without work, so that an idle mount has none.
const IDLE: Duration = Duration::from_secs(5);

/// Blocks to decode ahead, and the threads that do it: none before there is work, as the process may yet
/// fork.
#[derive(Default)]
pub struct Ahead {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Those that a thread is at.
    running: Vec<Job>,
    threads: usize,
    idle: usize,
}

/// Blocks that one decoder goes through, of a blob that may be gone when their turn comes.
struct Job {
    first: BlockId,
    end: u64,
    source: Weak<Source>,
}

impl Job {
    fn covers(&self, id: BlockId) -> bool {
        self.first.blob == id.blob && (self.first.block..self.end).contains(&id.block)
    }
}

impl Ahead {
    /// Asks for blocks, unless someone is at the first of them; if too many jobs wait already, the one that does
    /// so for longest goes.
    pub fn ask(self: &Arc<Ahead>, source: &Arc<Source>, blocks: Range<u64>) {
        let first = source.id(blocks.start);
        let mut queue = self.queue.lock();
        if queue.jobs.iter().chain(&queue.running).any(|job| job.covers(first)) {
            return;
        }
        if queue.jobs.len() == MAX_QUEUED {
            queue.jobs.pop_front();
        }
        queue.jobs.push_back(Job { first, end: blocks.end, source: Arc::downgrade(source) });
        let lacking = queue.jobs.len() > queue.idle && queue.threads < max_threads();
        queue.threads += usize::from(lacking);
        drop(queue);
        match lacking {
            true => self.start_thread(),
            false => _ = self.wake.notify_one(),
        }
    }

    /// Threads that there are.
    #[cfg(test)]
    pub fn threads(&self) -> usize {
        self.queue.lock().threads
    }

    fn start_thread(self: &Arc<Ahead>) {
        let ahead = self.clone();
        if let Err(error) = thread::Builder::new().name("ahead".into()).spawn(move || ahead.work()) {
            tracing::debug!(%error, "no thread to decode ahead");
            self.queue.lock().threads -= 1;
        }
    }

    fn work(&self) {
        while let Some((source, blocks)) = self.next(IDLE) {
            let Some(source) = source.upgrade() else { continue };
            let first = source.id(blocks.start);
            // Who waits for the block was told while the stack was unwound.
            if catch_unwind(AssertUnwindSafe(|| source.decode_ahead(blocks))).is_err() {
                tracing::error!("a decoder panicked");
            }
            self.queue.lock().running.retain(|job| job.first != first);
        }
    }

    /// The next blocks; `None`, and one thread less, if there are none for some time.
    fn next(&self, idle: Duration) -> Option<(Weak<Source>, Range<u64>)> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                let next = (job.source.clone(), job.first.block..job.end);
                if job.source.strong_count() > 0 {
                    queue.running.push(job);
                }
                return Some(next);
            }
            queue.idle += 1;
            let waited = self.wake.wait_for(&mut queue, idle);
            queue.idle -= 1;
            if waited.timed_out() && queue.jobs.is_empty() {
                queue.threads -= 1;
                return None;
            }
        }
    }
}

fn max_threads() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_without_work_ends() {
        let ahead = Ahead::default();
        assert_eq!(ahead.threads(), 0);
        ahead.queue.lock().threads = 1;
        assert!(ahead.next(Duration::ZERO).is_none());
        assert_eq!((ahead.threads(), ahead.queue.lock().idle), (0, 0));
    }
}
