//! What is told of each request, in one line: the operation, the path, and the decision behind the answer.
//!
//! The decisions are `fs`'s words; here they are only put together. An error is told behind them, by the name of its
//! errno.

use fuser::OpenFlags;

use crate::fs::{Changes, Filesystem, InodeNo, Rename, RenameMode, Seek, WritableFilesystem};
use crate::text::{Lines, count, escape, human_size};

use super::decode;
use super::operation::Answer;

/// A tree that can say why it answers so.
pub trait Tells {
    /// An inode's path.
    fn path(&self, ino: InodeNo) -> String;
    /// A name's path.
    fn name(&self, parent: InodeNo, name: &[u8]) -> String;
    /// What shows under a name, and why.
    fn found(&self, parent: InodeNo, name: &[u8]) -> String;
    /// Where what an inode shows comes from.
    fn source(&self, ino: InodeNo) -> String;
}

macro_rules! tells {
    ($tree:ty) => {
        impl Tells for $tree {
            fn path(&self, ino: InodeNo) -> String {
                self.tell_path(ino)
            }
            fn name(&self, parent: InodeNo, name: &[u8]) -> String {
                self.tell_name(parent, name)
            }
            fn found(&self, parent: InodeNo, name: &[u8]) -> String {
                self.tell_lookup(parent, name)
            }
            fn source(&self, ino: InodeNo) -> String {
                self.tell_source(ino)
            }
        }
    };
}
tells!(Filesystem);
tells!(WritableFilesystem);

/// `lookup /etc/hosts: layer 4 whiteout → ENOENT`.
pub fn lookup(tree: &impl Tells, parent: InodeNo, name: &[u8]) -> String {
    format!("lookup {}: {}", tree.name(parent, name), tree.found(parent, name))
}

/// An operation whose answer stands where the inode does: `getattr /etc: layers 4, 2`.
pub fn of(tree: &impl Tells, operation: &str, ino: InodeNo) -> String {
    format!("{operation} {}: from {}", tree.path(ino), tree.source(ino))
}

/// `read /etc/motd: 4.0 KiB at 0 from layer 2`.
pub fn read(tree: &impl Tells, ino: InodeNo, offset: u64, answer: &Answer) -> String {
    let size = human_size(answer.bytes);
    format!("read {}: {size} at {offset} from {}", tree.path(ino), tree.source(ino))
}

/// `readdir /etc: merged from layers 4, 2, 0 (31 names)`.
pub fn readdir(tree: &impl Tells, ino: InodeNo, position: u64, answer: &Answer) -> String {
    let source = tree.source(ino);
    let merged = if source.contains(' ') && source.starts_with("layer ") { "" } else { "merged " };
    let (names, more) = (count(answer.names, "name"), if position > 0 { " more" } else { "" });
    format!("readdir {}: {merged}from {source} ({names}{more})", tree.path(ino))
}

/// `getxattr /etc/motd user.colour: from layer 2`.
pub fn xattr(tree: &impl Tells, operation: &str, ino: InodeNo, name: &[u8]) -> String {
    let name = escape(name, Lines::Escape);
    format!("{operation} {} {name}: from {}", tree.path(ino), tree.source(ino))
}

/// `lseek /f: data at or behind 4096, from layer 2`.
pub fn seek(tree: &impl Tells, ino: InodeNo, offset: u64, whence: Seek) -> String {
    let what = if whence == Seek::Data { "data" } else { "a hole" };
    format!("lseek {}: {what} at or behind {offset}, from {}", tree.path(ino), tree.source(ino))
}

/// `open /etc/motd for write: copy-up from layer 2 (1.2 KiB)`.
pub fn open(fs: &WritableFilesystem, ino: InodeNo, flags: OpenFlags) -> String {
    let access = decode::access(flags);
    match access.writes || access.truncates {
        false => of(fs, "open", ino),
        true => {
            format!("open {} for write: {}", fs.tell_path(ino), fs.tell_copy_up(ino, !access.truncates))
        }
    }
}

/// `setattr /etc/motd mode, times: copy-up from layer 2 (1.2 KiB)`.
pub fn setattr(fs: &WritableFilesystem, ino: InodeNo, changes: &Changes) -> String {
    let set = [
        (changes.mode.is_some(), "mode"),
        (changes.uid.is_some() || changes.gid.is_some(), "owner"),
        (changes.size.is_some(), "size"),
        (changes.atime.is_some() || changes.mtime.is_some(), "times"),
    ];
    let set: Vec<&str> = set.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect();
    let copied = match changes.size {
        Some(size) => fs.tell_copy_up(ino, size > 0),
        None => fs.tell_attributes_up(ino),
    };
    format!("setattr {} {}: {copied}", fs.tell_path(ino), set.join(", "))
}

/// `setxattr /etc/motd user.colour: copy-up from layer 2 (1.2 KiB)`.
pub fn set_xattr(fs: &WritableFilesystem, operation: &str, ino: InodeNo, name: &[u8]) -> String {
    let name = escape(name, Lines::Escape);
    format!("{operation} {} {name}: {}", fs.tell_path(ino), fs.tell_attributes_up(ino))
}

/// `mkdir /d: made in the upper, opaque`.
pub fn make(fs: &WritableFilesystem, operation: &str, parent: InodeNo, name: &[u8]) -> String {
    format!(
        "{operation} {}: {}",
        fs.tell_name(parent, name),
        fs.tell_make(parent, name, operation == "mkdir")
    )
}

/// `link /etc/motd to /d: copy-up from layer 2 (1.2 KiB)`.
pub fn link(fs: &WritableFilesystem, ino: InodeNo, parent: InodeNo, name: &[u8]) -> String {
    format!("link {} to {}: {}", fs.tell_path(ino), fs.tell_name(parent, name), fs.tell_copy_up(ino, true))
}

/// `unlink /etc/motd: whiteout made over layer 2`.
pub fn remove(fs: &WritableFilesystem, operation: &str, parent: InodeNo, name: &[u8]) -> String {
    format!("{operation} {}: {}", fs.tell_name(parent, name), fs.tell_hide(parent, name))
}

/// `rename /etc/motd to /etc/old: copy-up from layer 2 (1.2 KiB); whiteout made over layer 2`.
pub fn rename(fs: &WritableFilesystem, rename: &Rename<'_>) -> String {
    let word = if rename.mode == RenameMode::Exchange { "and" } else { "to" };
    format!(
        "rename {} {word} {}: {}",
        fs.tell_name(rename.from, rename.old),
        fs.tell_name(rename.to, rename.new),
        fs.tell_rename(rename.from, rename.old),
    )
}

/// An operation on a file of the upper: `write /f: 4.0 KiB at 0 into the upper`.
pub fn write(fs: &WritableFilesystem, operation: &str, ino: InodeNo, offset: u64, len: u64) -> String {
    format!("{operation} {}: {} at {offset} into the upper", fs.tell_path(ino), human_size(len))
}
