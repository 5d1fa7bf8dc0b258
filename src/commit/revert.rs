//! Forgetting changes: what the upper has at a path is removed, and the image's own shows again.
//!
//! That works wherever the upper's directory shows what the image has below it. In one that was made anew or
//! renamed the image's own cannot be had by removing things, and the error says what to revert instead.

use std::io;

use crate::path::TreePath;
use crate::stack::Stack;
use crate::union;
use crate::upper::{Below, OpenDir, Redirect, Spot, Upper, View, Word};

use super::entry::{Sides, of_view};
use super::error::Error;

/// What came of reverting a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reverted {
    /// The upper had something to say of it.
    pub had_changes: bool,
    /// Where renamed directories that are gone now came from, and what there still is deleted.
    pub still_deleted: Vec<TreePath>,
}

/// A directory on the way to a path.
struct Level {
    path: TreePath,
    open: OpenDir,
    /// What the image has there, if it is a directory.
    base: Option<union::MergedDir>,
}

/// Forgets what changed at a path and below it.
pub fn revert(sides: Sides<'_>, path: &TreePath) -> Result<Reverted, Error> {
    Revert { sides, view: View { upper: sides.upper, union: &sides.stack.union }, path }.run()
}

/// Forgets everything.
pub fn revert_all(upper: &Upper, stack: &Stack) -> Result<(), Error> {
    let root = TreePath::root();
    let names = upper.list(upper.root()).map_err(|errno| entry_error(&root, errno.into()))?;
    for (name, _) in names {
        let removed = upper.remove_all(&Spot::at(upper.root(), &name));
        removed.map_err(|errno| entry_error(&root.join(&name), errno.into()))?;
    }
    upper.look_like_root(stack).map_err(|errno| entry_error(&root, errno.into()))
}

struct Revert<'a> {
    sides: Sides<'a>,
    view: View<'a>,
    path: &'a TreePath,
}

impl Revert<'_> {
    fn run(&self) -> Result<Reverted, Error> {
        let name = self.path.components().last().unwrap_or_default();
        let levels = self.levels()?;
        let Some(level) = levels.last() else { return Ok(Reverted::default()) };
        let base = self.base_of(level, name)?;
        let below = self.view.lookup_below(&level.open, name).map_err(|error| self.error(of_view(error)))?;
        let word = self.word(level, name)?;
        let is_there = !matches!(word, Word::Absent);
        if !is_there && base.is_none() && below.is_none() {
            return Err(Error::NothingThere(self.path.clone()));
        }
        if below != base {
            return Err(self.no_way(&levels));
        }
        let Some(dir) = level.open.upper.as_ref().filter(|_| is_there) else {
            return Ok(Reverted::default());
        };
        let mut origins = Vec::new();
        self.origins(level, name, word, &mut origins)?;
        self.sides.upper.remove_all(&Spot::at(dir, name)).map_err(|errno| self.error(errno.into()))?;
        self.prune(&levels)?;
        let mut still_deleted = Vec::new();
        for origin in origins {
            if self.is_deleted(&origin)? {
                still_deleted.push(origin);
            }
        }
        Ok(Reverted { had_changes: true, still_deleted })
    }

    /// The directories on the way, the root first.
    fn levels(&self) -> Result<Vec<Level>, Error> {
        let base = Some(self.sides.stack.union.root().clone());
        let mut levels = vec![Level { path: TreePath::root(), open: self.view.root(), base }];
        let mut components = self.path.components().peekable();
        while let (Some(name), Some(_), Some(level)) = (components.next(), components.peek(), levels.last()) {
            let path = level.path.join(name);
            let base = self.base_of(level, name)?;
            let node = self.view.lookup(&level.open, name).map_err(|error| self.error(of_view(error)))?;
            let Some(node) = node else {
                return Err(match base {
                    Some(_) => {
                        Error::RevertInstead { path: self.path.clone(), why: "is deleted", instead: path }
                    }
                    None => Error::NothingThere(self.path.clone()),
                });
            };
            let open =
                self.view.enter(&level.open, name, &node).map_err(|error| self.error(of_view(error)))?;
            let Some(open) = open else {
                return Err(match base {
                    Some(union::Node::Dir(_)) => {
                        let why = "is no directory any more";
                        Error::RevertInstead { path: self.path.clone(), why, instead: path }
                    }
                    _ => Error::NothingThere(self.path.clone()),
                });
            };
            let base = base.as_ref().and_then(union::Node::as_dir).cloned();
            levels.push(Level { path, open, base });
        }
        Ok(levels)
    }

    fn base_of(&self, level: &Level, name: &[u8]) -> Result<Option<union::Node>, Error> {
        match &level.base {
            Some(dir) => Ok(self.sides.stack.union.lookup(dir, name)?),
            None => Ok(None),
        }
    }

    fn word(&self, level: &Level, name: &[u8]) -> Result<Word, Error> {
        match &level.open.upper {
            Some(dir) => self.sides.upper.word(dir, name).map_err(|errno| self.error(errno.into())),
            None => Ok(Word::Absent),
        }
    }

    /// The topmost directory that does not show what the image has there.
    fn no_way(&self, levels: &[Level]) -> Error {
        let apart = levels.iter().find(|level| level.base != level.open.lower);
        let Some(level) = apart else { return self.error(io::ErrorKind::NotFound.into()) };
        let why = match level.open.lower {
            Some(_) => "was another directory, and was renamed",
            None => "was made anew",
        };
        Error::RevertInstead { path: self.path.clone(), why, instead: level.path.clone() }
    }

    /// Where renamed directories came from: the one that is removed, and those in it.
    fn origins(
        &self,
        level: &Level,
        name: &[u8],
        word: Word,
        origins: &mut Vec<TreePath>,
    ) -> Result<(), Error> {
        let mut todo = vec![(level.open.clone(), Box::from(name), word)];
        while let Some((dir, name, word)) = todo.pop() {
            let Word::Dir(_, below) = &word else { continue };
            origins.extend(self.origin(&dir, below)?);
            let read = |error| self.error(of_view(error));
            let Some(node) = self.view.merge(&dir, &name, word).map_err(read)? else { continue };
            let Some(open) = self.view.enter(&dir, &name, &node).map_err(read)? else { continue };
            let Some(upper) = &open.upper else { continue };
            let names = self.sides.upper.list(upper).map_err(|errno| self.error(errno.into()))?;
            let dirs = names.into_iter().filter(|(_, word)| matches!(word, Word::Dir(..)));
            todo.extend(dirs.map(|(name, word)| (open.clone(), name, word)));
        }
        Ok(())
    }

    /// Where a directory was before it was renamed.
    fn origin(&self, dir: &OpenDir, below: &Below) -> Result<Option<TreePath>, Error> {
        Ok(match (below, &dir.lower) {
            (Below::Redirect(Redirect::Path(path)), _) => Some(path.clone()),
            (Below::Redirect(Redirect::Name(name)), Some(lower)) => {
                Some(self.sides.stack.union.path_of(lower.top())?.join(name))
            }
            _ => None,
        })
    }

    /// Whether the image has something at a path, and the upper whites it out.
    fn is_deleted(&self, path: &TreePath) -> Result<bool, Error> {
        let is_in_image = self.sides.stack.union.lookup_path(path)?.is_some();
        let mut open = Some(self.view.root());
        let read = |error| self.error(of_view(error));
        for name in path.components() {
            let Some(dir) = open else { return Ok(false) };
            match self.view.lookup(&dir, name).map_err(read)? {
                None => return Ok(is_in_image),
                Some(node) => open = self.view.enter(&dir, name, &node).map_err(read)?,
            }
        }
        Ok(false)
    }

    /// Removes directories on the way that were only copied up: they are empty, and look like the image's but for
    /// their time, which what was in them has changed.
    fn prune(&self, levels: &[Level]) -> Result<(), Error> {
        let parents = levels.iter().zip(levels.iter().skip(1)).rev();
        for (parent, level) in parents {
            let (Some(dir), Some(own), Some(base)) = (&parent.open.upper, &level.open.upper, &level.base)
            else {
                return Ok(());
            };
            let at_level = |source| entry_error(&level.path, source);
            let is_empty = self.sides.upper.list(own).map_err(|errno| at_level(errno.into()))?.is_empty();
            if !is_empty || level.open.lower.as_ref() != Some(base) || !self.looks_the_same(level, base)? {
                return Ok(());
            }
            let name = level.path.components().last().unwrap_or_default();
            let removed = self.sides.upper.remove_all(&Spot::at(dir, name));
            removed.map_err(|errno| at_level(errno.into()))?;
        }
        self.restore_root()
    }

    fn looks_the_same(&self, level: &Level, base: &union::MergedDir) -> Result<bool, Error> {
        let Some(own) = &level.open.upper else { return Ok(true) };
        let look = || {
            let spot = Spot::of(own.clone());
            let stat = spot.stat()?;
            let new = self.sides.of_upper(spot, &stat)?;
            Ok(new.looks_like(&self.sides.of_image(&union::Node::Dir(base.clone()))?))
        };
        look().map_err(|source| entry_error(&level.path, source))
    }

    /// An upper with nothing in it any more is as one that was never written to.
    fn restore_root(&self) -> Result<(), Error> {
        let upper = self.sides.upper;
        let is_empty = upper.list(upper.root()).map_err(|errno| self.error(errno.into()))?.is_empty();
        match is_empty {
            true => revert_all(upper, self.sides.stack),
            false => Ok(()),
        }
    }

    fn error(&self, source: io::Error) -> Error {
        entry_error(self.path, source)
    }
}

fn entry_error(path: &TreePath, source: io::Error) -> Error {
    Error::Entry { path: path.clone(), source }
}
