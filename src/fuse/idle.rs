//! A mount that nobody uses, and what it lets go of.

use std::sync::Arc;
use std::time::Duration;

use super::requests::Requests;
use super::sys;
use super::tree::Tree;

/// How often a mount is looked at; without a request since the last time it counts as idle.
pub const QUIET: Duration = Duration::from_secs(120);

/// Watches for the time when a mount is not used.
pub struct Idle {
    tree: Tree,
    requests: Arc<Requests>,
    /// How many requests there had been when it was last looked at.
    seen: u64,
    has_let_go: bool,
}

impl Idle {
    /// A mount that is about to be used.
    pub fn new(tree: Tree, requests: Arc<Requests>) -> Idle {
        Idle { tree, requests, seen: 0, has_let_go: false }
    }

    /// To be called every [`QUIET`]: an idle mount lets go of what only saves work.
    pub fn look(&mut self) {
        let count = self.requests.count();
        if count != self.seen {
            (self.seen, self.has_let_go) = (count, false);
        } else if !self.has_let_go {
            self.tree.lower().let_go();
            sys::trim_memory();
            self.has_let_go = true;
        }
    }
}
