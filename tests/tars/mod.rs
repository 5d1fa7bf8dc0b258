//! Tars by other programs, hostile tars, and tars with a byte wrong.

mod hostile;
mod makers;
mod mutate;
