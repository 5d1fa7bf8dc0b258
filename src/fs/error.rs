//! What can go wrong for a program that uses the tree, in the words of POSIX.

use std::io;

use crate::layer;

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
