//! Why nothing could be kept: which layer or which name, and what is wrong there.

use std::io;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::layer;
use crate::path::TreePath;

/// Why a change could not be told, kept or forgotten.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The new image cannot be written.
    #[error("{}: {source}", .path.display())]
    Output {
        /// Where it was to go.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is written cannot be.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// A layer of the base cannot be copied.
    #[error("{place}: {source}")]
    Base {
        /// The layer.
        place: String,
        /// Why not.
        source: io::Error,
    },
    /// A layer of the base is not what the image says.
    #[error("{place}: {what}: found {found}, expected {claimed} (--no-verify takes it as it is)")]
    Mismatch {
        /// The layer.
        place: String,
        /// Which digest.
        what: &'static str,
        /// What the image says.
        claimed: Digest,
        /// What it is.
        found: Digest,
    },
    /// A file's data or attributes cannot be read.
    #[error("{path}: {source}")]
    Entry {
        /// Which.
        path: TreePath,
        /// Why not.
        source: io::Error,
    },
    /// Neither the image nor the upper has such a path.
    #[error("{0}: no such file or directory, in the image or over it")]
    NothingThere(TreePath),
    /// The image's own cannot be had by removing what the upper has at a path.
    #[error("{path}: {instead} {why}; to have the image's own again, revert {instead}")]
    RevertInstead {
        /// The path.
        path: TreePath,
        /// What is the matter with what is to be reverted instead.
        why: &'static str,
        /// What that is.
        instead: TreePath,
    },
    /// A layer cannot answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
}
