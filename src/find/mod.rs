//! What names are asked for: tests as find(1) has them, on what shows and on what layers alone have.

mod glob;
mod mode;
mod tests;

pub use glob::Glob;
pub use mode::{Bits, Mode};
pub use tests::{Compare, Sized, Subject, Tests};
