//! How far the kernel reads ahead in a file of a mount.

use std::fs;
use std::path::Path;

use super::unmount::Mount;

/// In KiB, instead of 128: a request as long as what is decoded, or fetched, at a time. With more, a program that is mapped
/// and not read in order takes too much of its file.
const READAHEAD: u32 = 512;

/// Raises it, where we may: the number is root's to write.
pub fn raise(mount: &Mount) {
    let Some(device) = mount.device() else { return };
    let number = Path::new("/sys/class/bdi").join(device).join("read_ahead_kb");
    if let Err(error) = fs::write(&number, READAHEAD.to_string()) {
        tracing::debug!(%error, "the kernel reads ahead no further than it does by itself");
    }
}
