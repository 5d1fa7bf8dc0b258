//! The directories of the cache, held open.

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use super::dir::{DIR_MODE, Dir};
use super::draft::Draft;

/// The directory of this format version.
pub const VERSION: &str = "v1";

/// The name by which backup programs know a cache (bford.info/cachedir).
pub const TAG: &str = "CACHEDIR.TAG";

/// What such a file of ours holds. It says also that a directory is ours to remove.
pub const TAG_TEXT: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
    # What peelfs found out about layers. It may be removed at any time.\n";

/// The directories of the cache, held open: a mount may come to stand over their paths.
#[derive(Debug)]
pub struct Rooms {
    /// The cache directory itself, in which other things may be.
    pub top: Dir,
    /// `v1`.
    pub version: Arc<Dir>,
    /// `v1/layers`.
    pub layers: Arc<Dir>,
    /// `v1/known`.
    pub known: Arc<Dir>,
}

impl Rooms {
    /// Opens what is there.
    pub fn open(path: &Path) -> io::Result<Rooms> {
        let top = Dir::at(path)?;
        let version = Arc::new(top.dir(VERSION)?);
        let layers = version.dir("layers")?.into();
        let known = version.dir("known")?.into();
        Ok(Rooms { top, version, layers, known })
    }

    /// Makes what is missing, with the parents of the cache directory.
    pub fn make(path: &Path) -> io::Result<Rooms> {
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(path)?;
        let top = Dir::at(path)?;
        let version = Arc::new(top.make_dir(VERSION)?);
        let layers = version.make_dir("layers")?.into();
        let known = version.make_dir("known")?.into();
        if version.look(TAG).is_none() {
            let mut tag = Draft::new(version.clone())?;
            tag.file().write_all(TAG_TEXT)?;
            tag.publish(TAG)?;
        }
        Ok(Rooms { top, version, layers, known })
    }
}
