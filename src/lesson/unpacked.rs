//! A layer as the kernel's overlayfs wants it: a directory, whiteouts as 0:0 devices, opaque directories by an
//! attribute.
//!
//! The attribute is `user.overlay.opaque`, which anyone may set; overlayfs looks at it if it is mounted with `userxattr`.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use crate::entry::Time;

use super::image::{Is, Item, Step};

/// overlayfs's mark of a directory in which nothing of the layers below shows.
const OPAQUE: &str = "user.overlay.opaque";

/// Unpacks a layer into a directory that is not there yet.
pub fn unpack(step: &Step, time: Time, dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)?;
    for item in step.items {
        put(item, dir)?;
    }
    // Names that are made change the times of what they are in: all times at the end.
    for item in step.items.iter().filter(|item| matches!(item.is, Is::Dir | Is::File(_) | Is::Filled(_))) {
        set(&dir.join(item.path), item.mode, time)?;
    }
    set(dir, 0o755, time)
}

fn put(item: &Item, dir: &Path) -> io::Result<()> {
    let path = dir.join(item.path);
    match item.is {
        Is::Dir => fs::create_dir(&path)?,
        Is::File(_) | Is::Filled(_) => drop(io::copy(&mut item.data(), &mut File::create_new(&path)?)?),
        Is::Link(to) => fs::hard_link(dir.join(to), &path)?,
        // Anyone may make a 0:0 device since Linux 5.8: it is none.
        Is::Gone => rustix::fs::mknodat(CWD, &path, FileType::CharacterDevice, Mode::empty(), 0)?,
        Is::Opaque => rustix::fs::setxattr(&path, OPAQUE, b"y", XattrFlags::CREATE)?,
    }
    Ok(())
}

fn set(path: &Path, mode: u16, time: Time) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(u32::from(mode)))?;
    let since = Duration::from_secs(u64::try_from(time.secs).unwrap_or_default());
    File::open(path)?.set_modified(UNIX_EPOCH + since)
}
