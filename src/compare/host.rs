//! A directory of the host, compared as it lies: no name in it means more than it says.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Dir, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::commit::{Entry, FileKey, Source};
use crate::upper::{Spot, host_attributes};

/// Opens the directory that is one side; a symlink that the user names is followed.
pub fn open(path: &Path) -> io::Result<Arc<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(Arc::new(rustix::fs::open(path, flags, Mode::empty())?))
}

/// All names of a directory, sorted by their bytes.
pub fn list(dir: &Arc<OwnedFd>) -> io::Result<Vec<(Box<[u8]>, Stat)>> {
    let mut listed = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        // What has gone meanwhile is gone.
        if let Some(stat) = Spot::at(dir, name).find()? {
            listed.push((name.into(), stat));
        }
    }
    listed.sort_by(|(a, _): &(Box<[u8]>, Stat), (b, _)| a.cmp(b));
    Ok(listed)
}

/// What something is.
pub fn entry(spot: Spot, stat: &Stat) -> io::Result<Entry> {
    let mut xattrs = match spot.xattrs() {
        // A file system without them, or one that hides them.
        Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) => Vec::new(),
        xattrs => xattrs?,
    };
    xattrs.retain(|xattr| !xattr.name.starts_with(b"security.") || &*xattr.name == b"security.capability");
    xattrs.sort();
    let attributes = host_attributes(stat, None);
    Ok(Entry { attributes, xattrs, source: Source::Upper(spot), file: FileKey::of_host(stat) })
}
