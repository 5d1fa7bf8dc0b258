//! What the kernel does by itself if the daemon does not know how: said once for both kinds of tree.

/// Answers ENOSYS, which the kernel remembers, to what it does as well or better by itself; and ENOTTY to ioctls
/// but the one by which a trace is listened to.
///
/// Locks it keeps itself: the mount is on one machine. Without `default_permissions` a mount is private to a user who
/// may do all with it that he may do with its bytes. At the end of a file's use nothing is held back that could fail.
macro_rules! left_to_the_kernel {
    () => {
        left_to_the_kernel! {
            access(ino: INodeNo, mask: AccessFlags) -> ReplyEmpty;
            flush(ino: INodeNo, fh: FileHandle, owner: LockOwner) -> ReplyEmpty;
            bmap(ino: INodeNo, blocksize: u32, idx: u64) -> ReplyBmap;
            getlk(
                ino: INodeNo, fh: FileHandle, owner: LockOwner, start: u64, end: u64, typ: i32, pid: u32
            ) -> ReplyLock;
            setlk(
                ino: INodeNo, fh: FileHandle, owner: LockOwner, start: u64, end: u64, typ: i32, pid: u32,
                sleep: bool
            ) -> ReplyEmpty;
        }

        fn ioctl(
            &self,
            req: &Request,
            ino: INodeNo,
            _fh: FileHandle,
            _flags: IoctlFlags,
            cmd: u32,
            in_data: &[u8],
            _out_size: u32,
            reply: ReplyIoctl,
        ) {
            self.loops.guard(Operation::Other, |answer| {
                let told = match cmd {
                    crate::fuse::trace::IOCTL if ino == INodeNo::ROOT => {
                        self.loops.trace.answer(req.uid(), req.pid(), in_data)
                    }
                    _ => Err(Errno::ENOTTY),
                };
                match told {
                    Ok(lines) => reply.ioctl(0, &lines),
                    Err(errno) => reply.error(answer.refuse(errno)),
                }
            });
        }
    };
    ($($name:ident($($arg:ident: $type:ty),*) -> $reply:ty;)*) => {
        $(fn $name(&self, _req: &Request, $($arg: $type,)* reply: $reply) {
            $(let _ = $arg;)*
            self.loops.guard(Operation::Other, |_| reply.error(Errno::ENOSYS));
        })*
    };
}
pub(super) use left_to_the_kernel;
