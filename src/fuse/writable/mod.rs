//! `fuser::Filesystem` for a tree that can be written.

mod operations;

use std::sync::Arc;

use fuser::{FopenFlags, INodeNo, ReplyEntry, ReplyStatfs, Request};
use rustix::fs::StatVfs;

use crate::fs::{Changes, InodeNo, NewNode, WritableFilesystem};

use super::attr::Ownership;
use super::decode;
use super::loops::Loops;
use super::mount::MountOptions;
use super::operation::Answer;
use super::passthrough::Passthrough;
use super::protocol::ttl;
use super::replies::Shown;

/// A tree that can be written, on its way to the kernel.
pub struct WritableAdapter {
    fs: Arc<WritableFilesystem>,
    loops: Loops,
    shown: Shown,
    checks_permissions: bool,
    passthrough: Passthrough,
    /// The depth of file systems upon each other that passing through needs; `None` if it is not wanted.
    stack_depth: Option<u32>,
}

impl WritableAdapter {
    /// Shows a filesystem with its owners as they are to appear; permissions are the kernel's to check, if anyone
    /// does.
    pub fn new(
        fs: Arc<WritableFilesystem>,
        loops: Loops,
        ownership: Ownership,
        options: &MountOptions,
    ) -> WritableAdapter {
        let stack_depth = options.passthrough.then(|| if fs.upper().is_stacked() { 2 } else { 1 });
        WritableAdapter {
            fs,
            loops,
            shown: Shown { ownership, ttl: ttl(options.access) },
            checks_permissions: options.checks_permissions(),
            passthrough: Passthrough::default(),
            stack_depth,
        }
    }

    fn reply_statfs(&self, answer: &mut Answer, ino: INodeNo, reply: ReplyStatfs) {
        match self.fs.statfs() {
            Ok(StatVfs { f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_bsize, f_frsize, .. }) => {
                let (block, fragment) = (f_bsize as u32, f_frsize as u32);
                reply.statfs(f_blocks, f_bfree, f_bavail, f_files, f_ffree, block, 255, fragment);
            }
            Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
        }
    }

    /// A change of who owns something, by the numbers that the disk is to have.
    fn owner_changes(&self, uid: Option<u32>, gid: Option<u32>) -> Changes {
        Changes {
            uid: uid.map(|uid| self.shown.ownership.stored_uid(uid)),
            gid: gid.map(|gid| self.shown.ownership.stored_gid(gid)),
            may_fail_to_chown: self.shown.ownership.hides_owners(),
            ..Changes::default()
        }
    }

    fn make(&self, answer: &mut Answer, request: &Request, umask: u32, new: &NewNode<'_>, reply: ReplyEntry) {
        let caller = decode::caller(request, &self.shown.ownership, umask);
        let made = self.fs.make(caller, new).map(|made| (made.ino, made.attributes));
        self.shown.reply_entry(answer, INodeNo(new.parent.0), made, reply);
    }

    /// How the kernel may use what it knows of a file that it opens through its cache. Where others are passed
    /// through, it does not hear of what they write.
    fn cache_flags(&self, is_upper: bool) -> FopenFlags {
        match is_upper && self.passthrough.is_granted() {
            true => FopenFlags::empty(),
            false => FopenFlags::FOPEN_KEEP_CACHE,
        }
    }
}
