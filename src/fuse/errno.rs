//! From errors to errno and log lines, once for all operations.

use std::borrow::Cow;

use fuser::Errno;
use rustix::io::Errno as HostErrno;

use crate::fs::{Error, InodeNo};

/// The names of what is answered, for who traces.
const NAMES: [(i32, &str); 27] = [
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::EIO, "EIO"),
    (libc::EBADF, "EBADF"),
    (libc::EACCES, "EACCES"),
    (libc::EBUSY, "EBUSY"),
    (libc::EEXIST, "EEXIST"),
    (libc::EXDEV, "EXDEV"),
    (libc::ENOTDIR, "ENOTDIR"),
    (libc::EISDIR, "EISDIR"),
    (libc::EINVAL, "EINVAL"),
    (libc::ENOTTY, "ENOTTY"),
    (libc::EFBIG, "EFBIG"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::EROFS, "EROFS"),
    (libc::EMLINK, "EMLINK"),
    (libc::ENXIO, "ENXIO"),
    (libc::ERANGE, "ERANGE"),
    (libc::ENAMETOOLONG, "ENAMETOOLONG"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::ENOTEMPTY, "ENOTEMPTY"),
    (libc::ELOOP, "ELOOP"),
    (libc::ENODATA, "ENODATA"),
    (libc::EOVERFLOW, "EOVERFLOW"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP"),
    (libc::ESTALE, "ESTALE"),
    (libc::EDQUOT, "EDQUOT"),
];

/// An errno by its name.
pub fn errno_name(errno: Errno) -> Cow<'static, str> {
    let known = NAMES.iter().find(|(code, _)| *code == errno.code());
    known.map_or_else(|| format!("errno {}", errno.code()).into(), |(_, name)| Cow::Borrowed(*name))
}

/// The errno of an error. What is wrong with the image is logged, what is wrong with the question is not.
pub fn report(operation: &'static str, ino: InodeNo, error: &Error) -> Errno {
    let (errno, is_damage) = match error {
        Error::NotADirectory => (Errno::ENOTDIR, false),
        Error::IsADirectory => (Errno::EISDIR, false),
        Error::NameTooLong => (Errno::ENAMETOOLONG, false),
        Error::Invalid => (Errno::EINVAL, false),
        Error::NoAttribute => (Errno::ENODATA, false),
        Error::NoSuchOffset => (Errno::ENXIO, false),
        Error::Stale => (Errno::ESTALE, false),
        Error::NotFound => (Errno::ENOENT, false),
        Error::Exists => (Errno::EEXIST, false),
        Error::NotEmpty => (Errno::ENOTEMPTY, false),
        Error::NotPermitted => (Errno::EPERM, false),
        Error::ReadOnly => (Errno::EROFS, false),
        Error::NeedsRedirect => (Errno::EXDEV, false),
        Error::BadHandle => (Errno::EBADF, false),
        // W7: as it is. What is full is full; what is broken is worth a line in the log.
        Error::Host(errno) => (Errno::from_i32(errno.raw_os_error()), *errno == HostErrno::IO),
        Error::Layer(_) => (Errno::EIO, true),
        Error::Io { .. } => (Errno::EIO, true),
    };
    if is_damage {
        tracing::error!(operation, %ino, "{error}");
    } else {
        tracing::debug!(operation, %ino, "{error}");
    }
    errno
}
