//! The names of a merged directory, each once, in the order of their bytes (S23).
//!
//! A list can be left behind any name and taken up there again: what is remembered of it is one number, not a
//! list.

use smallvec::SmallVec;

use crate::layer::{Found, Result};

use super::{Member, Merge, MergedDir, Node, Union};

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
        let mut list = List { union: self, heads: SmallVec::new() };
        for (rank, member) in (0..).zip(dir.members().iter()) {
            list.push(member, Place { rank, at: 0 })?;
        }
        Ok(list)
    }

    /// Lists a directory behind a name; behind a place where none stands there is nothing.
    pub fn list_behind(&self, dir: &MergedDir, place: Place) -> Result<List<'_>> {
        let mut list = List { union: self, heads: SmallVec::new() };
        let Some(own) = dir.members().get(place.rank as usize) else { return Ok(list) };
        if dir.members().len() == 1 {
            list.push(own, Place { at: place.at.saturating_add(1), ..place })?;
            return Ok(list);
        }
        let Some((name, _)) = self.layer(own.layer)?.child(own.dir, place.at)? else { return Ok(list) };
        for (rank, member) in (0..).zip(dir.members().iter()) {
            let at = self.layer(member.layer)?.place_behind(member.dir, name)?;
            list.push(member, Place { rank, at })?;
        }
        Ok(list)
    }
}

/// The iterator behind [`Union::list`].
pub struct List<'a> {
    union: &'a Union,
    /// The next name of each member, the one to be given next standing last.
    heads: SmallVec<[Head<'a>; 8]>,
}

/// The next name of one member.
struct Head<'a> {
    name: &'a [u8],
    found: Found,
    place: Place,
    member: Member,
}

impl Head<'_> {
    /// The topmost of equal names comes first.
    fn key(&self) -> (&[u8], u32) {
        (self.name, self.place.rank)
    }
}

impl<'a> List<'a> {
    /// Takes in a member's name at a place, if one stands there.
    fn push(&mut self, member: Member, place: Place) -> Result<()> {
        if let Some((name, found)) = self.union.layer(member.layer)?.child(member.dir, place.at)? {
            let head = Head { name, found, place, member };
            let at = self.heads.partition_point(|other| other.key() > head.key());
            self.heads.insert(at, head);
        }
        Ok(())
    }

    /// The next name, whether it shows or not, with one member's word on it.
    fn pop(&mut self) -> Result<Option<Head<'a>>> {
        let Some(head) = self.heads.pop() else { return Ok(None) };
        self.push(head.member, Place { at: head.place.at + 1, ..head.place })?;
        Ok(Some(head))
    }

    /// Merges all words on the next name that shows.
    fn step(&mut self) -> Result<Option<Listed<'a>>> {
        while let Some(first) = self.pop()? {
            let mut merge = Merge::new();
            merge.push(first.member.layer, self.judge(&first));
            while self.heads.last().is_some_and(|next| next.name == first.name) {
                let Some(next) = self.pop()? else { break };
                merge.push(next.member.layer, self.judge(&next));
            }
            if let Some(node) = merge.finish() {
                return Ok(Some(Listed { name: first.name, node, place: first.place }));
            }
        }
        Ok(None)
    }

    fn judge(&self, head: &Head<'_>) -> Found {
        self.union.links.judge(head.member, head.name, head.found)
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
