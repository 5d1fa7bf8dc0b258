//! What a tree says, on its way to the kernel: each reply in one place, whether the tree can be written or not.

use std::time::Duration;

use fuser::{
    Errno, INodeNo, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyWrite, ReplyXattr,
};

use crate::entry::Attributes;
use crate::fs::{InodeNo, Result, Seek};

use super::attr::{Ownership, negative};
use super::loops::with_buffer;
use super::operation::Answer;
use super::protocol::GENERATION;

/// How all that a mount has is shown.
pub struct Shown {
    /// Owners and modes as they are to appear.
    pub ownership: Ownership,
    /// How long the kernel may believe it.
    pub ttl: Duration,
}

impl Shown {
    /// Gives what a name is, or that there is no such name.
    pub fn reply_found(
        &self,
        answer: &mut Answer,
        parent: INodeNo,
        found: Result<Option<(InodeNo, Attributes)>>,
        reply: ReplyEntry,
    ) {
        match found.transpose() {
            Some(found) => self.reply_entry(answer, parent, found, reply),
            None => {
                answer.negative();
                reply.entry(&self.ttl, &negative(), GENERATION);
            }
        }
    }

    /// Gives what has a name, now if not before.
    pub fn reply_entry(
        &self,
        answer: &mut Answer,
        parent: INodeNo,
        entry: Result<(InodeNo, Attributes)>,
        reply: ReplyEntry,
    ) {
        match entry {
            Ok((ino, attributes)) => {
                reply.entry(&self.ttl, &self.ownership.attr(ino, &attributes), GENERATION);
            }
            Err(error) => reply.error(answer.error(InodeNo(parent.0), &error)),
        }
    }

    /// Gives the attributes of an inode.
    pub fn reply_attr(
        &self,
        answer: &mut Answer,
        ino: InodeNo,
        attributes: Result<Attributes>,
        reply: ReplyAttr,
    ) {
        match attributes {
            Ok(attributes) => reply.attr(&self.ttl, &self.ownership.attr(ino, &attributes)),
            Err(error) => reply.error(answer.error(ino, &error)),
        }
    }
}

/// Gives where a symlink points.
pub fn reply_target(answer: &mut Answer, ino: INodeNo, target: Result<impl AsRef<[u8]>>, reply: ReplyData) {
    match target {
        Ok(target) => reply.data(target.as_ref()),
        Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
    }
}

/// Gives what is read into the loop's buffer, `size` bytes at most.
pub fn reply_read(
    answer: &mut Answer,
    ino: INodeNo,
    size: u32,
    reply: ReplyData,
    read: impl FnOnce(&mut [u8]) -> Result<usize>,
) {
    with_buffer(size, |buffer| match read(buffer) {
        Ok(n) => {
            answer.gives(n);
            reply.data(buffer.get(..n).unwrap_or_default());
        }
        Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
    });
}

/// What lseek(2) looks for, and from where on.
pub fn sought(offset: i64, whence: i32) -> std::result::Result<(u64, Seek), Errno> {
    let whence = match whence {
        libc::SEEK_DATA => Seek::Data,
        libc::SEEK_HOLE => Seek::Hole,
        _ => return Err(Errno::EINVAL),
    };
    let offset = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
    Ok((offset, whence))
}

/// Gives where it is.
pub fn reply_offset(answer: &mut Answer, ino: INodeNo, at: Result<u64>, reply: ReplyLseek) {
    match at {
        Ok(at) => reply.offset(at.cast_signed()),
        Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
    }
}

/// Gives the value of an attribute, or its size to who has no room for it yet.
pub fn reply_xattr(answer: &mut Answer, ino: INodeNo, size: u32, value: Result<Vec<u8>>, reply: ReplyXattr) {
    match value {
        Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
        Ok(value) if size == 0 => reply.size(u32::try_from(value.len()).unwrap_or(u32::MAX)),
        Ok(value) if value.len() > size as usize => reply.error(answer.refuse(Errno::ERANGE)),
        Ok(value) => reply.data(&value),
    }
}

/// Gives how many bytes were written.
pub fn reply_written(answer: &mut Answer, ino: INodeNo, written: Result<usize>, reply: ReplyWrite) {
    match written {
        Ok(n) => {
            answer.gives(n);
            reply.written(u32::try_from(n).unwrap_or(u32::MAX));
        }
        Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
    }
}

/// Gives the end of an operation that has nothing else to say.
pub fn reply_done(answer: &mut Answer, ino: INodeNo, done: Result<()>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
    }
}
