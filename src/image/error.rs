//! What a person with a bad image needs to hear: which archive, which member, what is wrong there.

use std::io;
use std::path::{Path, PathBuf};

use crate::blob::{DecodeError, SpoolError};
use crate::digest::BadDigest;
use crate::index::DirectoryError;
use crate::layer::LayerNo;
use crate::tar::{self, Problem};
use crate::tarball::{self, Mismatch};

use super::offer::{Listing, Offer};
use super::what::describe;

/// Why an image could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or directory cannot be read.
    #[error("{}: {source}{}", .path.display(), stdin_hint(.path))]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// Why it could not be.
        source: io::Error,
    },
    /// The bytes are nothing that an image or a layer can be.
    #[error(
        "{place}: {what}; expected an image archive (docker save, OCI), a layer tar, \
         a root filesystem tar, any of them compressed, or a directory"
    )]
    Unrecognised {
        /// The file.
        place: String,
        /// What it looks like.
        what: &'static str,
    },
    /// What an image names as a layer is none.
    #[error("{place}: {what}; expected a layer tar, as it is or compressed")]
    NotALayer {
        /// The archive, and the member.
        place: String,
        /// What it looks like.
        what: &'static str,
    },
    /// A tar is damaged.
    #[error("{place}: {source}")]
    Tar {
        /// The archive, and the member that is the tar.
        place: String,
        /// Where and how.
        source: tar::Error,
    },
    /// A compressed stream could not be decoded.
    #[error("{place}: {source}")]
    Decode {
        /// The archive, and the member that is compressed.
        place: String,
        /// Where and how.
        source: DecodeError,
    },
    /// A compressed stream could not be decoded to a file.
    #[error("{place}: {source}")]
    Spool {
        /// The archive, and the member that is compressed.
        place: String,
        /// Where and how.
        source: SpoolError,
    },
    /// A layer is not what the image says it is.
    #[error("{place}: {source}; `peelfs verify` lists all that is wrong, --no-verify looks anyway")]
    Mismatch {
        /// The archive, and the member.
        place: String,
        /// What was claimed, and what was found.
        source: Mismatch,
    },
    /// A member cannot be read.
    #[error("{place}: {source}")]
    Read {
        /// The archive and the member.
        place: String,
        /// Why not.
        source: io::Error,
    },
    /// An unpacked layer directory cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A manifest, a configuration or an index is not what it must be.
    #[error("{place}: {source}")]
    Json {
        /// The archive and the member.
        place: String,
        /// Where and how.
        source: serde_json::Error,
    },
    /// A descriptor names its blob by something else than a digest.
    #[error("{place}: {source}")]
    Digest {
        /// The archive and the member.
        place: String,
        /// What stands there.
        source: BadDigest,
    },
    /// Something that a manifest names is not in the archive.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The archive is of a format that is known and not read.
    #[error("{place}: {what}")]
    Unsupported {
        /// The archive and the member.
        place: String,
        /// What it is.
        what: &'static str,
    },
    /// A layer was asked for that the image does not have.
    #[error("no layer {no}: the top one of {count} is {}", count.saturating_sub(1))]
    NoSuchLayer {
        /// The layer.
        no: LayerNo,
        /// How many there are.
        count: usize,
    },
    /// The archive holds several images and nothing says which is meant.
    #[error("{place}: {} images; choose one with --image TAG|ID{}:\n{}", .offers.len(), platform_hint(.offers), Listing(.offers))]
    Ambiguous {
        /// The archive.
        place: String,
        /// The images.
        offers: Vec<Offer>,
    },
    /// No image of the archive is the one asked for.
    #[error("{place}: no image `{wanted}`; there are:\n{}", Listing(.offers))]
    NoSuchImage {
        /// The archive.
        place: String,
        /// What was asked for.
        wanted: String,
        /// The images.
        offers: Vec<Offer>,
    },
    /// No image of the archive is for the platform asked for, or for this machine's.
    #[error("{place}: no image for {wanted}{}; there are:\n{}", default_hint(*.asked), Listing(.offers))]
    NoSuchPlatform {
        /// The archive.
        place: String,
        /// What was asked for.
        wanted: String,
        /// Whether someone asked for it; else it is this machine's.
        asked: bool,
        /// The images.
        offers: Vec<Offer>,
    },
    /// The archive has the form of an image archive and no image in it.
    #[error("{0}: an image archive with no image in it")]
    NoImage(String),
}

/// Several platforms under one name are told apart by `--platform`.
fn platform_hint(offers: &[Offer]) -> &'static str {
    let mut platforms = offers.iter().filter_map(|offer| offer.platform.as_ref());
    let first = platforms.next();
    if platforms.any(|platform| Some(platform) != first) { " or --platform OS/ARCH" } else { "" }
}

/// Who asked for no platform is told how to.
fn default_hint(asked: bool) -> &'static str {
    if asked { "" } else { ", this machine's platform (choose with --platform OS/ARCH)" }
}

/// A name that stands for standard input elsewhere.
fn stdin_hint(path: &Path) -> &'static str {
    if path == Path::new("-") { "; standard input is not read" } else { "" }
}

/// Something that a manifest names and that is not in the archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what} is not in the archive{hint}")]
pub struct Missing {
    /// The archive, and the member that names it.
    pub place: String,
    /// What is named.
    pub what: String,
    /// What is known of where else it is.
    pub hint: String,
}

impl Error {
    /// The error of a file that could be anything.
    pub(super) fn of_tar(place: &str, error: tarball::Error) -> Error {
        Error::of(place, error, |place, what| Error::Unrecognised { place, what })
    }

    /// The error of a file that an image says is a layer.
    pub fn of_layer(place: &str, error: tarball::Error) -> Error {
        Error::of(place, error, |place, what| Error::NotALayer { place, what })
    }

    fn of(place: &str, error: tarball::Error, no_tar: fn(String, &'static str) -> Error) -> Error {
        let place = place.to_owned();
        match error {
            tarball::Error::Tar { source, start } => match is_no_tar(&source, &start) {
                true => no_tar(place, describe(&start)),
                false => Error::Tar { place, source },
            },
            tarball::Error::Decode(source) => Error::Decode { place, source },
            tarball::Error::Spool(source) => Error::Spool { place, source },
            tarball::Error::Mismatch(source) => Error::Mismatch { place, source },
            tarball::Error::Read(source) => Error::Read { place, source },
        }
    }

    /// Whether the image is damaged; else it is not one, or not the one that was asked for.
    pub fn is_damage(&self) -> bool {
        match self {
            Error::NotALayer { .. }
            | Error::Tar { .. }
            | Error::Decode { .. }
            | Error::Spool { source: SpoolError::Decode(_), .. }
            | Error::Mismatch { .. }
            | Error::Read { .. }
            | Error::Json { .. }
            | Error::Digest { .. }
            | Error::Missing(_) => true,
            Error::Open { .. }
            | Error::Unrecognised { .. }
            | Error::Spool { source: SpoolError::Write { .. } | SpoolError::NoSpace { .. }, .. }
            | Error::Directory(_)
            | Error::Unsupported { .. }
            | Error::Ambiguous { .. }
            | Error::NoSuchLayer { .. }
            | Error::NoSuchImage { .. }
            | Error::NoSuchPlatform { .. }
            | Error::NoImage(_) => false,
        }
    }
}

/// Tells a file that never was a tar from a damaged one: there, the very first block is no header.
fn is_no_tar(error: &tar::Error, start: &[u8]) -> bool {
    let is_first = error.offset == 0 && error.member.is_none();
    let is_no_header = matches!(
        error.problem,
        Problem::Checksum | Problem::Truncated { .. } | Problem::LoneZeroBlock | Problem::NoMembers
    );
    is_first && is_no_header && start.get(257..262) != Some(b"ustar")
}
