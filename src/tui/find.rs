//! What is searched for: the text as it is typed, the hits, and which of them the cursor is on.

use super::search::Search;

/// A search with its line of input.
pub struct Find<'a> {
    /// The text.
    pub text: String,
    /// Whether it is being typed; else the tree is shown, and hits are gone to.
    pub is_typing: bool,
    /// Whether the first hit is to be gone to once there is one.
    pub is_waiting: bool,
    /// The search, if there is any text.
    pub search: Option<Search<'a>>,
    /// The hit that the cursor is on.
    pub at: usize,
    /// The first hit that is shown.
    pub first: usize,
}

/// Characters that are taken.
pub const LONGEST: usize = 255;

impl<'a> Find<'a> {
    /// Nothing typed yet.
    pub fn new() -> Find<'a> {
        Find { text: String::new(), is_typing: true, is_waiting: false, search: None, at: 0, first: 0 }
    }

    /// How many hits there are.
    pub fn len(&self) -> usize {
        self.search.as_ref().map_or(0, |search| search.hits.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves among the hits.
    pub fn step(&mut self, hits: isize) {
        self.at = self.at.saturating_add_signed(hits).min(self.len().saturating_sub(1));
    }

    /// To the next hit, from the last one to the first.
    pub fn turn(&mut self, back: bool) {
        let len = self.len().max(1);
        self.at = (self.at + if back { len - 1 } else { 1 }) % len;
    }

    /// Moves the window so that the cursor is in it.
    pub fn keep_in_sight(&mut self, height: usize) {
        let lowest = (self.at + 1).saturating_sub(height);
        self.first = self.first.clamp(lowest.min(self.at), self.at);
    }
}

impl Default for Find<'_> {
    fn default() -> Self {
        Find::new()
    }
}
