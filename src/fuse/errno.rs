//! From errors to errno and log lines, once for all operations.

use fuser::Errno;
use rustix::io::Errno as HostErrno;

use crate::fs::{Error, InodeNo};

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
