//! `fuser::Filesystem`: decode, call, reply.
//!
//! Every operation is answered here on purpose. ENOSYS turns an operation off for the whole mount: that is
//! wanted where the kernel's own answer is right (open, opendir, flush, access) and wrong where it is not
//! (writes, which are EROFS each time).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, FopenFlags, INodeNo, InitFlags,
    IoctlFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyBmap, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLock, ReplyLseek,
    ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};

use crate::fs::{Filesystem, InodeNo};
use crate::index::XattrUse;

use super::attr::{Ownership, file_type};
use super::kernels_own::left_to_the_kernel;
use super::loops::Loops;
use super::mount::MountOptions;
use super::operation::Operation;
use super::protocol::{DIRENT, DIRENT_PLUS, GENERATION, MAX_REQUEST, STATFS_BLOCK, ttl};
use super::replies::{Shown, reply_offset, reply_read, reply_target, reply_xattr, sought};
use super::tale;

/// A tree on its way to the kernel.
pub struct Adapter {
    fs: Arc<Filesystem>,
    loops: Loops,
    shown: Shown,
    checks_permissions: bool,
    xattrs: XattrUse,
    /// The kernel opens files, and directories, without asking.
    opens_alone: (bool, bool),
}

impl Adapter {
    /// Shows a filesystem with its owners as they are to appear; permissions are the kernel's to check,
    /// if anyone does.
    pub fn new(fs: Arc<Filesystem>, loops: Loops, ownership: Ownership, options: &MountOptions) -> Adapter {
        let xattrs = fs.stack().xattr_use();
        let checks_permissions = options.checks_permissions();
        let shown = Shown { ownership, ttl: ttl(options.access) };
        Adapter { fs, loops, shown, checks_permissions, xattrs, opens_alone: (false, false) }
    }
}

/// Answers operations that write.
macro_rules! read_only {
    ($($name:ident($($arg:ident: $type:ty),*) -> $reply:ty;)*) => {
        $(fn $name(&self, _req: &Request, $($arg: $type,)* reply: $reply) {
            $(let _ = $arg;)*
            self.loops.guard(Operation::Other, |answer| reply.error(answer.refuse(Errno::EROFS)));
        })*
    };
}

impl fuser::Filesystem for Adapter {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let offered = config.capabilities();
        if !self.shown.ttl.is_zero() {
            self.opens_alone = (
                offered.contains(InitFlags::FUSE_NO_OPEN_SUPPORT),
                offered.contains(InitFlags::FUSE_NO_OPENDIR_SUPPORT),
            );
        }
        // Readdirplus always, not when the kernel thinks it pays: it does (docs/findings.md).
        let mut wanted = InitFlags::FUSE_DO_READDIRPLUS
            | InitFlags::FUSE_PARALLEL_DIROPS
            | InitFlags::FUSE_CACHE_SYMLINKS
            | InitFlags::FUSE_NO_OPEN_SUPPORT
            | InitFlags::FUSE_NO_OPENDIR_SUPPORT
            | InitFlags::FUSE_ASYNC_DIO;
        // With ACLs the kernel checks permissions whether the mount asked for it or not.
        if self.xattrs == XattrUse::Acls && self.checks_permissions {
            wanted |= InitFlags::FUSE_POSIX_ACL;
        }
        config.add_capabilities(wanted & offered).map_err(|_| io::ErrorKind::Unsupported)?;
        config.set_max_write(MAX_REQUEST).map_err(|_| io::ErrorKind::Unsupported)?;
        Ok(())
    }

    fn lookup(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.loops.guard(Operation::Lookup, |answer| {
            answer.tell(req, |_| tale::lookup(&*self.fs, InodeNo(parent.0), name.as_bytes()));
            let found = self.fs.lookup(InodeNo(parent.0), name.as_bytes());
            self.shown.reply_found(answer, parent, found, reply);
        });
    }

    fn getattr(&self, req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        let ino = InodeNo(ino.0);
        self.loops.guard(Operation::Getattr, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "getattr", ino));
            self.shown.reply_attr(answer, ino, self.fs.attributes(ino), reply);
        });
    }

    fn readlink(&self, req: &Request, ino: INodeNo, reply: ReplyData) {
        self.loops.guard(Operation::Readlink, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "readlink", InodeNo(ino.0)));
            reply_target(answer, ino, self.fs.readlink(InodeNo(ino.0)), reply);
        });
    }

    fn open(&self, req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        self.loops.guard(Operation::Open, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "open", InodeNo(ino.0)));
            match self.opens_alone.0 {
                true => reply.error(Errno::ENOSYS),
                false => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE),
            }
        });
    }

    fn opendir(&self, _req: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        self.loops.guard(Operation::Opendir, |_| match self.opens_alone.1 {
            true => reply.error(Errno::ENOSYS),
            false => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE | FopenFlags::FOPEN_CACHE_DIR),
        });
    }

    fn read(
        &self,
        req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.loops.guard(Operation::Read, |answer| {
            reply_read(answer, ino, size, reply, |buffer| self.fs.read(InodeNo(ino.0), offset, buffer));
            answer.tell(req, |answer| tale::read(&*self.fs, InodeNo(ino.0), offset, answer));
        });
    }

    fn lseek(
        &self,
        req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        self.loops.guard(Operation::Lseek, |answer| {
            let (offset, whence) = match sought(offset, whence) {
                Ok(sought) => sought,
                Err(errno) => return reply.error(answer.refuse(errno)),
            };
            answer.tell(req, |_| tale::seek(&*self.fs, InodeNo(ino.0), offset, whence));
            reply_offset(answer, ino, self.fs.seek(InodeNo(ino.0), offset, whence), reply);
        });
    }

    fn readdir(&self, req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        self.loops.guard(Operation::Readdir, |answer| {
            let result = self.fs.readdir(InodeNo(ino.0), offset, |entry| {
                let kind = file_type(entry.attributes.kind);
                let name = OsStr::from_bytes(entry.name);
                let is_full = reply.add(INodeNo(entry.ino.0), entry.next, kind, name);
                answer.entry(is_full, DIRENT, entry.name)
            });
            answer.tell(req, |answer| tale::readdir(&*self.fs, InodeNo(ino.0), offset, answer));
            match result {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
            }
        });
    }

    fn readdirplus(
        &self,
        req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        self.loops.guard(Operation::Readdirplus, |answer| {
            let result = self.fs.readdir(InodeNo(ino.0), offset, |entry| {
                let attr = self.shown.ownership.attr(entry.ino, &entry.attributes);
                let name = OsStr::from_bytes(entry.name);
                let is_full = reply.add(attr.ino, entry.next, name, &self.shown.ttl, &attr, GENERATION);
                answer.entry(is_full, DIRENT_PLUS, entry.name)
            });
            answer.tell(req, |answer| tale::readdir(&*self.fs, InodeNo(ino.0), offset, answer));
            match result {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(answer.error(InodeNo(ino.0), &error)),
            }
        });
    }

    fn statfs(&self, req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        self.loops.guard(Operation::Statfs, |answer| {
            answer.tell(req, |_| "statfs: of all layers".to_owned());
            let statfs = self.fs.statfs();
            let blocks = statfs.bytes.div_ceil(STATFS_BLOCK.into());
            reply.statfs(blocks, 0, 0, statfs.entries, 0, STATFS_BLOCK, 255, STATFS_BLOCK);
        });
    }

    fn getxattr(&self, req: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        self.loops.guard(Operation::Getxattr, |answer| {
            if self.xattrs == XattrUse::None && !self.fs.has_views() {
                return reply.error(Errno::ENOSYS);
            }
            let value = self.fs.xattr(InodeNo(ino.0), name.as_bytes());
            answer.tell(req, |_| tale::xattr(&*self.fs, "getxattr", InodeNo(ino.0), name.as_bytes()));
            reply_xattr(answer, ino, size, value, reply);
        });
    }

    fn listxattr(&self, req: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.loops.guard(Operation::Listxattr, |answer| {
            if self.xattrs == XattrUse::None && !self.fs.has_views() {
                return reply.error(Errno::ENOSYS);
            }
            answer.tell(req, |_| tale::of(&*self.fs, "listxattr", InodeNo(ino.0)));
            reply_xattr(answer, ino, size, self.fs.xattr_names(InodeNo(ino.0)), reply);
        });
    }

    fn fsync(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.loops.guard(Operation::Other, |_| reply.ok());
    }

    fn fsyncdir(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.loops.guard(Operation::Other, |_| reply.ok());
    }

    left_to_the_kernel!();

    read_only! {
        setattr(
            ino: INodeNo, mode: Option<u32>, uid: Option<u32>, gid: Option<u32>, size: Option<u64>,
            atime: Option<TimeOrNow>, mtime: Option<TimeOrNow>, ctime: Option<SystemTime>,
            fh: Option<FileHandle>, crtime: Option<SystemTime>, chgtime: Option<SystemTime>,
            bkuptime: Option<SystemTime>, flags: Option<BsdFileFlags>
        ) -> ReplyAttr;
        mknod(parent: INodeNo, name: &OsStr, mode: u32, umask: u32, rdev: u32) -> ReplyEntry;
        mkdir(parent: INodeNo, name: &OsStr, mode: u32, umask: u32) -> ReplyEntry;
        unlink(parent: INodeNo, name: &OsStr) -> ReplyEmpty;
        rmdir(parent: INodeNo, name: &OsStr) -> ReplyEmpty;
        symlink(parent: INodeNo, name: &OsStr, target: &Path) -> ReplyEntry;
        rename(
            parent: INodeNo, name: &OsStr, newparent: INodeNo, newname: &OsStr, flags: RenameFlags
        ) -> ReplyEmpty;
        link(ino: INodeNo, newparent: INodeNo, newname: &OsStr) -> ReplyEntry;
        create(parent: INodeNo, name: &OsStr, mode: u32, umask: u32, flags: i32) -> ReplyCreate;
        write(
            ino: INodeNo, fh: FileHandle, offset: u64, data: &[u8], write_flags: WriteFlags,
            flags: OpenFlags, lock_owner: Option<LockOwner>
        ) -> ReplyWrite;
        setxattr(ino: INodeNo, name: &OsStr, value: &[u8], flags: i32, position: u32) -> ReplyEmpty;
        removexattr(ino: INodeNo, name: &OsStr) -> ReplyEmpty;
        fallocate(ino: INodeNo, fh: FileHandle, offset: u64, length: u64, mode: i32) -> ReplyEmpty;
        copy_file_range(
            ino_in: INodeNo, fh_in: FileHandle, offset_in: u64, ino_out: INodeNo, fh_out: FileHandle,
            offset_out: u64, len: u64, flags: CopyFileRangeFlags
        ) -> ReplyWrite;
    }
}
