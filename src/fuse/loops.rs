//! What the loops that answer requests have in common, beside the tree.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use fuser::Errno;

use super::operation::{Answer, Operation};
use super::requests::Requests;
use super::trace::Trace;
use super::watch::Watch;

thread_local! {
    /// Each loop's buffer for reads, grown once to what is asked for.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What requests have come, and who waits for the next.
pub struct Loops {
    /// What they have answered.
    pub requests: Arc<Requests>,
    /// Which of them waits for the next request.
    pub watch: Arc<Watch>,
    /// Who listens to what is asked.
    pub trace: Arc<Trace>,
}

impl Loops {
    /// Runs a handler, and records what became of the request. If it panics, its reply is dropped, which
    /// answers EIO, and the loop goes on.
    pub fn guard(&self, operation: Operation, handler: impl FnOnce(&mut Answer)) {
        self.watch.enter();
        let (start, mut answer) = (Instant::now(), Answer::traced(operation, self.trace.is_on()));
        if catch_unwind(AssertUnwindSafe(|| handler(&mut answer))).is_err() {
            answer.refuse(Errno::EIO);
            // To say so may fail as the handler did, if it was the log that did not work.
            let tell = || {
                tracing::error!(operation = operation.name(), "a panic, answered with EIO; please report it")
            };
            let _ = catch_unwind(tell);
        }
        self.requests.record(&answer, start.elapsed());
        if let Some((process, tale)) = answer.told() {
            self.trace.push(process, tale);
        }
        self.watch.leave();
    }
}

/// Does something with this loop's buffer, of `size` bytes.
pub fn with_buffer(size: u32, act: impl FnOnce(&mut [u8])) {
    BUFFER.with_borrow_mut(|buffer| {
        let size = size as usize;
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        act(buffer.get_mut(..size).unwrap_or_default());
    });
}
