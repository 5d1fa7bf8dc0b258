//! The `peelfs` program.
fn main() {}
