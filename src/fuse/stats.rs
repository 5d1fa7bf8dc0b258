//! Where a mount's time goes: what was asked, how long that took, and how often the caches helped.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGUSR1;
use signal_hook::iterator::Signals;

use crate::blob::{self, host_bytes_read};
use crate::counter::Hits;
use crate::fs::Filesystem;

use super::operation::Operation;
use super::requests::{Requests, Usage};
use super::sys;
use super::tree::Tree;

/// The statistics of a mount, from when it begins to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How long it has been served.
    pub uptime: Duration,
    /// The operations that were used.
    pub operations: Vec<Usage>,
    /// Blocks of compressed layers.
    pub blocks: blob::Stats,
    /// Merged directories.
    pub merged_hits: Hits,
    /// Bytes read from archives, and from files of the cache and spools in their place.
    pub bytes_read: u64,
}

/// Why statistics are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// SIGUSR1 asked for them.
    Asked,
    /// The mount has ended.
    Ended,
}

/// Who hears the statistics.
pub type StatsListener = Box<dyn Fn(Occasion, &Report) + Send + Sync>;

/// What statistics are taken from.
pub struct Stats {
    tree: Tree,
    requests: Arc<Requests>,
    listener: Option<StatsListener>,
    since: Instant,
    /// What opening the image took.
    blocks_before: blob::Stats,
    bytes_before: u64,
}

impl Stats {
    /// Begins to count.
    pub fn new(tree: Tree, requests: Arc<Requests>, listener: Option<StatsListener>) -> Stats {
        let (blocks_before, bytes_before) = (blocks(tree.lower()), host_bytes_read());
        Stats { tree, requests, listener, since: Instant::now(), blocks_before, bytes_before }
    }

    /// All there is to say now.
    pub fn report(&self) -> Report {
        Report {
            uptime: self.since.elapsed(),
            operations: self.requests.usage(),
            blocks: blocks(self.tree.lower()).since(&self.blocks_before),
            merged_hits: self.tree.lower().merged_hits(),
            bytes_read: host_bytes_read() - self.bytes_before,
        }
    }

    /// Says it, if someone listens.
    pub fn tell(&self, occasion: Occasion) {
        if let Some(listener) = &self.listener {
            listener(occasion, &self.report());
        }
    }

    /// Says it whenever SIGUSR1 asks; on a thread of its own, since who reads it may be slow, and other
    /// signals must not wait.
    pub fn tell_when_asked(self: Arc<Stats>) -> io::Result<()> {
        let mut signals = Signals::new([SIGUSR1])?;
        thread::Builder::new().name("stats".into()).spawn(move || {
            for _ in signals.forever() {
                self.tell(Occasion::Asked);
            }
        })?;
        Ok(())
    }
}

fn blocks(fs: &Filesystem) -> blob::Stats {
    fs.stack().blocks().map(blob::BlockCache::stats).unwrap_or_default()
}

impl Report {
    /// Bytes of files that were given.
    pub fn bytes_given(&self) -> u64 {
        let reads = self.operations.iter().filter(|usage| usage.operation == Operation::Read);
        reads.map(|usage| usage.bytes).sum()
    }
}

/// Lets SIGUSR1 pass until there are statistics to tell, instead of ending this process and those it forks.
pub fn ignore_questions() {
    sys::ignore_signals(&[SIGUSR1]);
}
