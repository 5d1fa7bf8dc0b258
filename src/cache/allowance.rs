//! How much may still be added to a directory before it is worth looking at all of it again.

use std::sync::atomic::{AtomicU64, Ordering};

/// An amount that is used up step by step; nothing at first, as nobody has looked yet.
#[derive(Debug, Default)]
pub struct Allowance(AtomicU64);

impl Allowance {
    /// Takes an amount; `false` if there was less, and it is time to look.
    pub fn spend(&self, amount: u64) -> bool {
        let spent = |left: u64| left.checked_sub(amount);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_ok()
    }

    /// Allows half of the room that was found: others add to the directory, too.
    pub fn refill(&self, room: u64) {
        self.0.store(room / 2, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_room_is_allowed() {
        let allowance = Allowance::default();
        assert!(!allowance.spend(1));
        allowance.refill(20);
        assert!(allowance.spend(4));
        assert!(!allowance.spend(7));
        assert!(allowance.spend(6));
        assert!(!allowance.spend(1));
    }
}
