//! The host's file systems: which one a file is on, where that matters, and how directories of others are entered.

mod beneath;
mod override_stat;
mod xattr;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

pub use beneath::{open_beneath, proc_path};
pub use override_stat::{OVERRIDE, OVERRIDES, Override};
pub use xattr::{xattr, xattrs};

/// What is known of a kind of file system.
struct Kind {
    /// Its number in `statfs(2)`.
    magic: u32,
    is_local: bool,
}

const fn local(magic: u32) -> Kind {
    Kind { magic, is_local: true }
}

const fn remote(magic: u32) -> Kind {
    Kind { magic, is_local: false }
}

/// File systems that set the time of a change themselves, by the kernel's clock or their server's.
const KINDS: &[Kind] = &[
    local(0xef53),       // ext4
    local(0x5846_5342),  // xfs
    local(0x9123_683e),  // btrfs
    local(0xca45_1a4e),  // bcachefs
    local(0xf2f5_2010),  // f2fs
    local(0x2fc1_2fc1),  // zfs
    local(0x0102_1994),  // tmpfs
    local(0x8584_58f6),  // ramfs
    local(OVERLAYFS),    // overlayfs
    remote(0x6969),      // nfs
    remote(0x0bd0_0bd0), // lustre
    remote(0x4750_4653), // gpfs
    remote(0x00c3_6400), // ceph
    remote(0x1983_0326), // beegfs
];

/// Whether a file cannot change and look as it did. On other file systems it can: in an image that is mounted where
/// another one was, through FUSE, on a disk that keeps times to two seconds.
pub fn has_honest_times(file: &File) -> io::Result<bool> {
    Ok(kind(file)?.is_some())
}

/// Whether a file that is mapped stays what it is, whoever removes its name. On a server it may go for good, and
/// take the process with it.
pub fn is_local(file: &File) -> io::Result<bool> {
    Ok(kind(file)?.is_some_and(|kind| kind.is_local))
}

/// overlayfs's number in `statfs(2)`.
const OVERLAYFS: u32 = 0x794c_7630;

/// Whether a file is on a file system that takes it from another one, as overlayfs does.
pub fn is_stacked(file: impl AsFd) -> io::Result<bool> {
    Ok(magic(file)? == OVERLAYFS)
}

/// The type of a file system is a number of 32 bits, whatever C makes of it.
fn magic(file: impl AsFd) -> io::Result<u32> {
    Ok(rustix::fs::fstatfs(file)?.f_type as u32)
}

fn kind(file: &File) -> io::Result<Option<&'static Kind>> {
    let magic = magic(file)?;
    Ok(KINDS.iter().find(|kind| kind.magic == magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_known_and_proc_is_not() {
        let file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        assert!(is_local(&file).unwrap() && has_honest_times(&file).unwrap());
        let file = File::open("/proc/self/status").unwrap();
        assert!(!is_local(&file).unwrap() && !has_honest_times(&file).unwrap());
    }
}
