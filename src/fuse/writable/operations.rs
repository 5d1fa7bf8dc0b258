//! Decode, call, reply. Every operation is answered here on purpose, as in [`crate::fuse::adapter`].

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, FopenFlags, INodeNo, InitFlags,
    IoctlFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyBmap, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLock, ReplyLseek,
    ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::XattrFlags;

use crate::fs::{At, Changes, Handle, InodeNo, NewNode, Rename};
use crate::fuse::attr::file_type;
use crate::fuse::decode;
use crate::fuse::kernels_own::left_to_the_kernel;
use crate::fuse::operation::Operation;
use crate::fuse::protocol::{DIRENT, DIRENT_PLUS, GENERATION, MAX_REQUEST};
use crate::fuse::replies::{
    reply_done, reply_offset, reply_read, reply_target, reply_written, reply_xattr, sought,
};
use crate::fuse::tale;
use crate::upper::Body;

use super::WritableAdapter;

impl fuser::Filesystem for WritableAdapter {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let offered = config.capabilities();
        let mut wanted = InitFlags::FUSE_DO_READDIRPLUS
            | InitFlags::FUSE_PARALLEL_DIROPS
            | InitFlags::FUSE_CACHE_SYMLINKS
            | InitFlags::FUSE_ASYNC_DIO
            | InitFlags::FUSE_BIG_WRITES
            // Opened to be emptied, a file need not be copied first.
            | InitFlags::FUSE_ATOMIC_O_TRUNC
            // What a directory gives to what is made in it may count instead.
            | InitFlags::FUSE_DONT_MASK;
        if self.checks_permissions {
            wanted |= InitFlags::FUSE_POSIX_ACL;
        }
        if let Some(depth) = self.stack_depth
            && offered.contains(InitFlags::FUSE_PASSTHROUGH)
            && config.set_max_stack_depth(depth).is_ok()
        {
            wanted |= InitFlags::FUSE_PASSTHROUGH;
            self.passthrough.grant();
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

    fn forget(&self, _req: &Request, ino: INodeNo, nlookup: u64) {
        self.fs.forget(InodeNo(ino.0), nlookup);
    }

    fn getattr(&self, req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        let ino = InodeNo(ino.0);
        self.loops.guard(Operation::Getattr, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "getattr", ino));
            self.shown.reply_attr(answer, ino, self.fs.attributes(ino), reply);
        });
    }

    fn setattr(
        &self,
        req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        self.loops.guard(Operation::Setattr, |answer| {
            let changes = Changes {
                mode: mode.map(decode::permissions),
                size,
                atime: atime.map(decode::when),
                mtime: mtime.map(decode::when),
                ..self.owner_changes(uid, gid)
            };
            let ino = InodeNo(ino.0);
            answer.tell(req, |_| tale::setattr(&self.fs, ino, &changes));
            let changed = self.fs.change(ino, fh.map(|fh| Handle(fh.0)), &changes);
            self.shown.reply_attr(answer, ino, changed, reply);
        });
    }

    fn readlink(&self, req: &Request, ino: INodeNo, reply: ReplyData) {
        self.loops.guard(Operation::Readlink, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "readlink", InodeNo(ino.0)));
            reply_target(answer, ino, self.fs.readlink(InodeNo(ino.0)), reply);
        });
    }

    fn mknod(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        self.loops.guard(Operation::Create, |answer| {
            let Some(body) = decode::node(mode, rdev) else {
                return reply.error(answer.refuse(Errno::EINVAL));
            };
            let (parent, name, mode) = (InodeNo(parent.0), name.as_bytes(), decode::permissions(mode));
            answer.tell(req, |_| tale::make(&self.fs, "mknod", parent, name));
            self.make(answer, req, umask, &NewNode { parent, name, body, mode }, reply);
        });
    }

    fn mkdir(&self, req: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        self.loops.guard(Operation::Create, |answer| {
            let (parent, name, mode) = (InodeNo(parent.0), name.as_bytes(), decode::permissions(mode));
            answer.tell(req, |_| tale::make(&self.fs, "mkdir", parent, name));
            self.make(answer, req, umask, &NewNode { parent, name, body: Body::Directory, mode }, reply);
        });
    }

    fn symlink(&self, req: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        self.loops.guard(Operation::Create, |answer| {
            let body = Body::Symlink(target.as_os_str().as_bytes());
            let new = NewNode { parent: InodeNo(parent.0), name: name.as_bytes(), body, mode: 0o777 };
            answer.tell(req, |_| tale::make(&self.fs, "symlink", new.parent, new.name));
            self.make(answer, req, 0, &new, reply);
        });
    }

    fn link(&self, req: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.loops.guard(Operation::Create, |answer| {
            answer.tell(req, |_| tale::link(&self.fs, InodeNo(ino.0), InodeNo(parent.0), name.as_bytes()));
            let linked = self.fs.link(InodeNo(ino.0), InodeNo(parent.0), name.as_bytes());
            self.shown.reply_entry(answer, ino, linked, reply);
        });
    }

    fn unlink(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.loops.guard(Operation::Unlink, |answer| {
            answer.tell(req, |_| tale::remove(&self.fs, "unlink", InodeNo(parent.0), name.as_bytes()));
            reply_done(answer, parent, self.fs.unlink(InodeNo(parent.0), name.as_bytes()), reply);
        });
    }

    fn rmdir(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.loops.guard(Operation::Unlink, |answer| {
            answer.tell(req, |_| tale::remove(&self.fs, "rmdir", InodeNo(parent.0), name.as_bytes()));
            reply_done(answer, parent, self.fs.rmdir(InodeNo(parent.0), name.as_bytes()), reply);
        });
    }

    fn rename(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        self.loops.guard(Operation::Rename, |answer| {
            let mode = match decode::rename_mode(flags) {
                Ok(mode) => mode,
                Err(errno) => return reply.error(answer.refuse(errno)),
            };
            let (from, to) = (InodeNo(parent.0), InodeNo(newparent.0));
            let (old, new) = (name.as_bytes(), newname.as_bytes());
            let rename = Rename { from, old, to, new, mode };
            answer.tell(req, |_| tale::rename(&self.fs, &rename));
            reply_done(answer, parent, self.fs.rename(&rename), reply);
        });
    }

    fn open(&self, req: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.loops.guard(Operation::Open, |answer| {
            let ino = InodeNo(ino.0);
            answer.tell(req, |_| tale::open(&self.fs, ino, flags));
            let opened = match self.fs.open(ino, decode::access(flags)) {
                Ok(opened) => opened,
                Err(error) => return reply.error(answer.error(ino, &error)),
            };
            let file = opened.host_file();
            let backing = self.passthrough.opened(ino, opened.handle, file, |file| reply.open_backing(file));
            let handle = FileHandle(opened.handle.0);
            match backing {
                Some(backing) => reply.opened_passthrough(handle, FopenFlags::empty(), &backing),
                None => reply.opened(handle, self.cache_flags(file.is_some())),
            }
        });
    }

    // fuser has no way to pass a file through that is made and opened at once: the kernel is left to do one after
    // the other, which it remembers.
    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        self.loops.guard(Operation::Create, |answer| {
            if self.passthrough.is_granted() {
                return reply.error(Errno::ENOSYS);
            }
            let caller = decode::caller(req, &self.shown.ownership, umask);
            let (name, mode) = (name.as_bytes(), decode::permissions(mode));
            let new = NewNode { parent: InodeNo(parent.0), name, body: Body::File, mode };
            answer.tell(req, |_| tale::make(&self.fs, "create", new.parent, new.name));
            match self.fs.make(caller, &new) {
                Ok(made) => {
                    let opened = self.fs.opened(made.ino, made.file);
                    let attr = self.shown.ownership.attr(made.ino, &made.attributes);
                    let flags = FopenFlags::FOPEN_KEEP_CACHE;
                    reply.created(&self.shown.ttl, &attr, GENERATION, FileHandle(opened.handle.0), flags);
                }
                Err(error) => reply.error(answer.error(InodeNo(parent.0), &error)),
            }
        });
    }

    fn release(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.loops.guard(Operation::Other, |_| {
            self.passthrough.closed(InodeNo(ino.0), Handle(fh.0));
            self.fs.close(Handle(fh.0));
            reply.ok();
        });
    }

    fn read(
        &self,
        req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.loops.guard(Operation::Read, |answer| {
            reply_read(answer, ino, size, reply, |buffer| self.fs.read(Handle(fh.0), offset, buffer));
            answer.tell(req, |answer| tale::read(&*self.fs, InodeNo(ino.0), offset, answer));
        });
    }

    fn write(
        &self,
        req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.loops.guard(Operation::Write, |answer| {
            answer.tell(req, |_| tale::write(&self.fs, "write", InodeNo(ino.0), offset, data.len() as u64));
            reply_written(answer, ino, self.fs.write(Handle(fh.0), offset, data), reply);
        });
    }

    fn fsync(&self, req: &Request, ino: INodeNo, fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        self.loops.guard(Operation::Fsync, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "fsync", InodeNo(ino.0)));
            reply_done(answer, ino, self.fs.sync(Handle(fh.0), datasync), reply);
        });
    }

    fn opendir(&self, _req: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        self.loops.guard(Operation::Opendir, |_| {
            reply.opened(FileHandle(self.fs.open_dir().0), FopenFlags::empty());
        });
    }

    fn readdir(&self, req: &Request, ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        self.loops.guard(Operation::Readdir, |answer| {
            let result = self.fs.readdir(InodeNo(ino.0), Handle(fh.0), offset, |entry| {
                let (kind, name) = (file_type(entry.kind), OsStr::from_bytes(entry.name));
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
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        self.loops.guard(Operation::Readdirplus, |answer| {
            let result = self.fs.readdir_plus(InodeNo(ino.0), Handle(fh.0), offset, |entry, attributes| {
                let attr = self.shown.ownership.attr(entry.ino, attributes);
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

    fn releasedir(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.loops.guard(Operation::Other, |_| {
            self.fs.close_dir(Handle(fh.0));
            reply.ok();
        });
    }

    fn fsyncdir(&self, req: &Request, ino: INodeNo, _fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        self.loops.guard(Operation::Fsync, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "fsyncdir", InodeNo(ino.0)));
            reply_done(answer, ino, self.fs.sync_dir(InodeNo(ino.0), datasync), reply);
        });
    }

    fn statfs(&self, req: &Request, ino: INodeNo, reply: ReplyStatfs) {
        self.loops.guard(Operation::Statfs, |answer| {
            answer.tell(req, |_| "statfs: of the upper's file system".to_owned());
            self.reply_statfs(answer, ino, reply);
        });
    }

    fn setxattr(
        &self,
        req: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        self.loops.guard(Operation::Setattr, |answer| {
            let flags = XattrFlags::from_bits_truncate(flags.cast_unsigned());
            answer.tell(req, |_| tale::set_xattr(&self.fs, "setxattr", InodeNo(ino.0), name.as_bytes()));
            let done = self.fs.set_xattr(InodeNo(ino.0), name.as_bytes(), value, flags);
            reply_done(answer, ino, done, reply);
        });
    }

    fn removexattr(&self, req: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.loops.guard(Operation::Setattr, |answer| {
            answer.tell(req, |_| tale::set_xattr(&self.fs, "removexattr", InodeNo(ino.0), name.as_bytes()));
            reply_done(answer, ino, self.fs.remove_xattr(InodeNo(ino.0), name.as_bytes()), reply);
        });
    }

    fn getxattr(&self, req: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        self.loops.guard(Operation::Getxattr, |answer| {
            answer.tell(req, |_| tale::xattr(&*self.fs, "getxattr", InodeNo(ino.0), name.as_bytes()));
            let value = self.fs.xattr(InodeNo(ino.0), name.as_bytes());
            reply_xattr(answer, ino, size, value, reply);
        });
    }

    fn listxattr(&self, req: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.loops.guard(Operation::Listxattr, |answer| {
            answer.tell(req, |_| tale::of(&*self.fs, "listxattr", InodeNo(ino.0)));
            reply_xattr(answer, ino, size, self.fs.xattr_names(InodeNo(ino.0)), reply);
        });
    }

    fn fallocate(
        &self,
        req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        self.loops.guard(Operation::Write, |answer| {
            answer.tell(req, |_| tale::write(&self.fs, "fallocate", InodeNo(ino.0), offset, length));
            let done = self.fs.allocate(At { handle: Handle(fh.0), offset }, length, mode);
            reply_done(answer, ino, done, reply);
        });
    }

    fn copy_file_range(
        &self,
        req: &Request,
        _ino_in: INodeNo,
        fh_in: FileHandle,
        offset_in: u64,
        ino_out: INodeNo,
        fh_out: FileHandle,
        offset_out: u64,
        len: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        self.loops.guard(Operation::Write, |answer| {
            let from = At { handle: Handle(fh_in.0), offset: offset_in };
            let to = At { handle: Handle(fh_out.0), offset: offset_out };
            answer
                .tell(req, |_| tale::write(&self.fs, "copy_file_range", InodeNo(ino_out.0), offset_out, len));
            reply_written(answer, ino_out, self.fs.copy_range(from, to, len), reply);
        });
    }

    fn lseek(
        &self,
        req: &Request,
        ino: INodeNo,
        fh: FileHandle,
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
            reply_offset(answer, ino, self.fs.seek(Handle(fh.0), offset, whence), reply);
        });
    }

    left_to_the_kernel!();
}
