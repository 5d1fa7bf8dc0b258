//! Gzip (RFC 1952) with seek points at any decoded byte.
//!
//! [`Gzip`] reads a stream for the first time, checks it, and marks places in it; [`resume()`] goes on from
//! there. A place need not be where a deflate block begins: one block may hold megabytes. Nothing here knows
//! which places are marked, or where they are kept.

mod first;
mod header;
mod input;
mod mark;
mod resume;
mod sparse;
mod state;
mod stream;
mod sys;

pub use first::Gzip;
pub use resume::resume;

/// How far back a deflate code can refer (RFC 1951, 3.2.5), in bytes.
const WINDOW: usize = 32 * 1024;

#[cfg(test)]
mod tests;
