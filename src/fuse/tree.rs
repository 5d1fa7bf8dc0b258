//! What is mounted: a tree that can be written, or one that cannot.

use std::sync::Arc;

use crate::fs::{Filesystem, WritableFilesystem};

/// A tree to be mounted.
#[derive(Clone)]
pub enum Tree {
    /// An image as it is.
    ReadOnly(Arc<Filesystem>),
    /// An image with an upper directory.
    Writable(Arc<WritableFilesystem>),
}

impl Tree {
    /// The image's own tree, whatever lies over it.
    pub fn lower(&self) -> &Filesystem {
        match self {
            Tree::ReadOnly(fs) => fs,
            Tree::Writable(fs) => fs.lower(),
        }
    }

    /// To be called when nobody uses the mount any more.
    pub fn clean_up(&self) {
        if let Tree::Writable(fs) = self {
            fs.upper().clean_up();
        }
    }
}
