//! What changed, as `docker diff` tells it: `A` added, `C` changed, `D` deleted.
//!
//! A directory is changed if its mode, owner or attributes are, or anything in it; that its time is another is no
//! change. What is in a directory that is gone is not told, what is in a new one is.

use crate::path::TreePath;

use super::changes::{Depth, How, Step, Visitor, walk};
use super::entry::Sides;
use super::error::Error;
use super::links::Links;

/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The image has nothing there.
    Added,
    /// The image has something else there, or other things in it.
    Changed,
    /// Nothing is there any more.
    Deleted,
}

impl Change {
    /// The letter for it.
    pub fn letter(self) -> char {
        match self {
            Change::Added => 'A',
            Change::Changed => 'C',
            Change::Deleted => 'D',
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Changed => "changed",
            Change::Deleted => "deleted",
        }
    }
}

/// Tells all changes, parents before what is in them, names of a directory in the order of their bytes.
pub fn changes(
    sides: Sides<'_>,
    mut tell: impl FnMut(Change, &TreePath) -> std::io::Result<()>,
) -> Result<(), Error> {
    let mut told = Telling { tell: &mut tell, waiting: Vec::new() };
    walk(sides, Depth::All(&Links::default()), &mut told)
}

struct Telling<'a> {
    tell: &'a mut dyn FnMut(Change, &TreePath) -> std::io::Result<()>,
    /// The directories on the way that have not been told of: they will be, if anything in them is.
    waiting: Vec<Option<TreePath>>,
}

impl Telling<'_> {
    fn tell(&mut self, change: Change, path: &TreePath) -> Result<(), Error> {
        for parent in self.waiting.iter_mut().filter_map(Option::take) {
            (self.tell)(Change::Changed, &parent)?;
        }
        Ok((self.tell)(change, path)?)
    }

    fn tell_how(&mut self, how: How, path: &TreePath) -> Result<bool, Error> {
        let change = match how {
            How::Added => Change::Added,
            How::Changed => Change::Changed,
            How::Touched | How::Same => return Ok(false),
        };
        self.tell(change, path)?;
        Ok(true)
    }
}

impl Visitor for Telling<'_> {
    fn enter(&mut self, dir: Step<'_>) -> Result<(), Error> {
        // Of the root nothing is told.
        let is_told = dir.path.is_root() || self.tell_how(dir.how, dir.path)?;
        self.waiting.push((!is_told).then(|| dir.path.clone()));
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Error> {
        self.waiting.pop();
        Ok(())
    }

    fn leaf(&mut self, leaf: Step<'_>) -> Result<(), Error> {
        self.tell_how(leaf.how, leaf.path).map(drop)
    }

    fn gone(&mut self, path: &TreePath, _is_needed: bool) -> Result<(), Error> {
        self.tell(Change::Deleted, path)
    }
}
