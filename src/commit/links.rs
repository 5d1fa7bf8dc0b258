//! Files of the upper with several names, which a layer holds all or none of: a name that the image still shows
//! would be another file.

use std::collections::HashMap;

use crate::path::TreePath;
use crate::union;

use super::changes::{Depth, How, Step, Visitor, walk};
use super::entry::{FileKey, Sides};
use super::error::Error;

/// What is known of files before they are written.
#[derive(Debug, Default)]
pub struct Links {
    files: HashMap<FileKey, Names>,
    /// Bytes that may be in the layer, at most.
    pub bytes: u64,
}

/// The names of one file.
#[derive(Debug)]
struct Names {
    /// What the image has under the first one that is the same there.
    same_as: Option<union::Node>,
    /// Some name of it must be in the layer.
    is_needed: bool,
}

impl Links {
    /// Looks at all files with several names.
    pub fn find(sides: Sides<'_>) -> Result<Links, Error> {
        let mut links = Links::default();
        walk(sides, Depth::Linked, &mut links)?;
        Ok(links)
    }

    /// Whether all names of a file must be in the layer.
    pub fn must_hold(&self, file: FileKey) -> bool {
        self.files.get(&file).is_some_and(|names| names.is_needed)
    }
}

impl Visitor for Links {
    fn enter(&mut self, _dir: Step<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn leaf(&mut self, leaf: Step<'_>) -> Result<(), Error> {
        let Some(file) = leaf.entry.file else { return Ok(()) };
        let names = self.files.entry(file).or_insert_with(|| {
            self.bytes += leaf.entry.attributes.size;
            Names { same_as: None, is_needed: false }
        });
        let same = leaf.base.filter(|_| leaf.how == How::Same);
        // Files of the image that are one file now are no longer what they were.
        let is_other = names.same_as.is_some() && names.same_as != same;
        names.is_needed |= leaf.is_needed || is_other;
        names.same_as = names.same_as.take().or(same);
        Ok(())
    }

    fn gone(&mut self, _path: &TreePath, _is_needed: bool) -> Result<(), Error> {
        Ok(())
    }

    fn passed_over(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}
