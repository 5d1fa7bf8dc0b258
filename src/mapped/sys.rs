//! Mapping a file.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file, to be read only.
pub fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file is one of the cache's own, which are complete when they get their name and never
    // written again; whoever replaces one makes a new file. The bytes are only ever read as plain numbers, for
    // which any value is a valid one, and only after their checksum has been compared.
    unsafe { Mmap::map(file) }
}
