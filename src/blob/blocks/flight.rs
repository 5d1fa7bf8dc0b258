//! A decode that has begun, and what those who wait for it are told.

use std::io;

use parking_lot::{Condvar, Mutex};

use crate::wait;

use super::Block;

/// One decode, from its begin until its bytes or its error are there.
#[derive(Default)]
pub struct Flight {
    outcome: Mutex<Option<Result<Block, Failure>>>,
    landed: Condvar,
}

/// An error that can be told more than once.
struct Failure {
    kind: io::ErrorKind,
    message: String,
}

impl Flight {
    /// Tells all who wait.
    pub fn land(&self, outcome: &io::Result<Block>) {
        let outcome = match outcome {
            Ok(block) => Ok(block.clone()),
            Err(error) => Err(Failure { kind: error.kind(), message: error.to_string() }),
        };
        *self.outcome.lock() = Some(outcome);
        self.landed.notify_all();
    }

    /// What came of it, as soon as it is known.
    pub fn wait(&self) -> io::Result<Block> {
        wait::announce();
        let mut outcome = self.outcome.lock();
        loop {
            match &*outcome {
                Some(Ok(block)) => return Ok(block.clone()),
                Some(Err(failure)) => return Err(io::Error::new(failure.kind, failure.message.clone())),
                None => self.landed.wait(&mut outcome),
            }
        }
    }
}
