//! The names of a merged directory, each once, in the order of their bytes (S23).
//!
//! A list can be left behind any name and taken up there again: what is remembered of it is one number, not a
//! list.

use crate::layer::Result;

use super::heads::Heads;
use super::{Merge, MergedDir, Node, Union};

/// One name that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The name.
    pub name: &'a [u8],
    /// What it names.
    pub node: Node,
    /// Where the name stands, to go on behind it.
    pub place: Place,
}

/// Where a name of a merged directory stands: the topmost member that has a word on it, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The member, counted from the top.
    pub rank: u32,
    /// The name's place among the member's.
    pub at: u32,
}

impl Union {
    /// Lists a directory.
    pub fn list(&self, dir: &MergedDir) -> Result<List<'_>> {
        let mut heads = Heads::new(self);
        for (rank, member) in (0..).zip(dir.members().iter()) {
            heads.push(member, Place { rank, at: 0 }, ())?;
        }
        Ok(List { heads })
    }

    /// Lists a directory behind a name; behind a place where none stands there is nothing.
    pub fn list_behind(&self, dir: &MergedDir, place: Place) -> Result<List<'_>> {
        let mut heads = Heads::new(self);
        let Some(own) = dir.members().get(place.rank as usize) else { return Ok(List { heads }) };
        if dir.members().len() == 1 {
            heads.push(own, Place { at: place.at.saturating_add(1), ..place }, ())?;
            return Ok(List { heads });
        }
        let Some((name, _)) = self.layer(own.layer)?.child(own.dir, place.at)? else {
            return Ok(List { heads });
        };
        for (rank, member) in (0..).zip(dir.members().iter()) {
            let at = self.layer(member.layer)?.place_behind(member.dir, name)?;
            heads.push(member, Place { rank, at }, ())?;
        }
        Ok(List { heads })
    }
}

/// The iterator behind [`Union::list`].
pub struct List<'a> {
    heads: Heads<'a, ()>,
}

impl<'a> List<'a> {
    /// Merges all words on the next name that shows.
    fn step(&mut self) -> Result<Option<Listed<'a>>> {
        while let Some(first) = self.heads.pop()? {
            let mut merge = Merge::new();
            merge.push(first.member.layer, first.found);
            while let Some(next) = self.heads.pop_equal(first.name)? {
                merge.push(next.member.layer, next.found);
            }
            if let Some(node) = merge.finish() {
                return Ok(Some(Listed { name: first.name, node, place: first.place }));
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for List<'a> {
    type Item = Result<Listed<'a>>;

    fn next(&mut self) -> Option<Result<Listed<'a>>> {
        let listed = self.step();
        if listed.is_err() {
            // Without one of its members the directory would be another one.
            self.heads.clear();
        }
        listed.transpose()
    }
}
