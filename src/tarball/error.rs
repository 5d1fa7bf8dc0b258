//! What can be wrong with a tar that is opened.

use std::io;

use crate::blob::{DecodeError, ReadAt, SpoolError};
use crate::digest::Digest;
use crate::tar;

/// What of a tar's beginning is kept to say what else it may be, in bytes: some file systems' magic numbers
/// stand this far in.
pub const START: usize = 65_608;

/// Why a tar could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is damaged, or no tar at all.
    #[error("{source}")]
    Tar {
        /// Where and how.
        source: tar::Error,
        /// What it begins with.
        start: Vec<u8>,
    },
    /// Its compressed stream is damaged.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Its stream could not be spooled.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// It is not what was claimed.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It cannot be read.
    #[error("{0}")]
    Read(io::Error),
}

/// A digest that is not the one that was claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: found {found}, expected {expected}")]
pub struct Mismatch {
    /// Which digest.
    pub what: &'static str,
    /// What the bytes have.
    pub found: Digest,
    /// What was claimed.
    pub expected: Digest,
}

impl Error {
    /// A plain tar's error.
    pub fn tar(source: tar::Error, tar: &dyn ReadAt) -> Error {
        let mut start = vec![0; START];
        // What it begins with only helps to say what it is.
        let n = tar.read_at(0, &mut start).unwrap_or(0);
        start.truncate(n);
        Error::Tar { source, start }
    }
}

impl From<io::Error> for Error {
    /// An error of the stream has been dressed up as one of reading.
    fn from(error: io::Error) -> Error {
        match error.downcast::<DecodeError>() {
            Ok(decode) => Error::Decode(decode),
            Err(error) => Error::Read(error),
        }
    }
}
