//! Mapping a file, and letting go of its pages.

use std::fs::File;
use std::io;

use memmap2::{Mmap, UncheckedAdvice};

/// Maps a whole file, to be read only; it must be on a disk of this machine.
pub fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file is one of the cache's own, which are complete when they get their name and never
    // written again; whoever replaces one makes a new file. The bytes are only ever read as plain numbers, for
    // which any value is a valid one, and only after their checksum has been compared.
    unsafe { Mmap::map(file) }
}

/// Gives the pages of a file's map back to the kernel; those that are touched again are there again.
pub fn release(map: &Mmap) -> io::Result<()> {
    // SAFETY: the map is of a file, shared and read-only: what it loses is the same bytes as in the file, and
    // comes from there when it is next read. Slices of it stay valid.
    unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) }
}
