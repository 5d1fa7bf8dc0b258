//! Bytes and numbers that are the same each time and look like nothing.

use std::io::Write;

/// A source of numbers.
pub struct Random(u32);

impl Random {
    pub fn new(seed: u32) -> Random {
        Random(seed.wrapping_mul(2_654_435_761) | 1)
    }

    /// A number below `limit`, which is at most 2^24.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % limit
    }
}

/// Bytes that hardly shrink.
pub fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..len).map(|_| (random.below(1 << 24) >> 16) as u8).collect()
}

/// Text that shrinks, with runs and with stretches that do not.
pub fn mixed(len: usize, seed: u32) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = Vec::with_capacity(len + 4096);
    while bytes.len() < len {
        let some = random.below(4096);
        match random.below(4) {
            0 => bytes.extend(noise(some, some as u32)),
            1 => bytes.resize(bytes.len() + some, some as u8),
            _ => (0..some / 16).for_each(|_| write!(bytes, "word {} ", random.below(300)).unwrap()),
        }
    }
    bytes.truncate(len);
    bytes
}
