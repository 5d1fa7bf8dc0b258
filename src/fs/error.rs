//! What can go wrong for a program that uses the tree, in the words of POSIX.

use std::io;

use rustix::io::Errno;

use crate::layer;
use crate::upper::ViewError;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file where a directory is needed.
    #[error("not a directory")]
    NotADirectory,
    /// A directory where a file is needed.
    #[error("is a directory")]
    IsADirectory,
    /// A name that no file can have.
    #[error("file name too long")]
    NameTooLong,
    /// The operation makes no sense for this inode.
    #[error("invalid argument")]
    Invalid,
    /// The inode has no such extended attribute.
    #[error("no such attribute")]
    NoAttribute,
    /// There is no data or no hole behind this offset.
    #[error("no such offset")]
    NoSuchOffset,
    /// A number that was never given out.
    #[error("stale inode number")]
    Stale,
    /// Nothing has this name.
    #[error("no such file or directory")]
    NotFound,
    /// Something has this name already.
    #[error("file exists")]
    Exists,
    /// A directory in which something shows.
    #[error("directory not empty")]
    NotEmpty,
    /// Nobody may do this, whoever he is.
    #[error("operation not permitted")]
    NotPermitted,
    /// A view of what cannot change.
    #[error("read-only")]
    ReadOnly,
    /// A directory of the layers below, which is not to be renamed by a redirect (W5).
    #[error("cannot be renamed without a redirect")]
    NeedsRedirect,
    /// A handle that was never given out.
    #[error("bad file handle")]
    BadHandle,
    /// The upper directory's file system says so (W7).
    #[error("the upper directory: {0}")]
    Host(#[from] Errno),
    /// A layer could not answer.
    #[error("{0}")]
    Layer(#[from] layer::Error),
    /// A file's bytes cannot be had.
    #[error("{place}: {source}")]
    Io {
        /// The layer and the path in it.
        place: String,
        /// Why not.
        source: io::Error,
    },
}

impl From<ViewError> for Error {
    fn from(error: ViewError) -> Error {
        match error {
            ViewError::Host(errno) => Error::Host(errno),
            ViewError::Layer(error) => Error::Layer(error),
        }
    }
}
