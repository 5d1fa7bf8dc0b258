//! The names of several layers' directories as one list: in the order of their bytes, and of equal ones the topmost
//! layer's first.

use smallvec::SmallVec;

use crate::layer::{Found, Result};

use super::{Member, Place, Union};

/// What is still to come of a list; `V` is what each directory brings along.
pub struct Heads<'a, V> {
    union: &'a Union,
    /// The next name of each directory, the one to be given next standing last.
    heads: SmallVec<[Head<'a, V>; 8]>,
}

/// A name of one layer's directory.
#[derive(Clone, Copy)]
pub struct Head<'a, V> {
    pub name: &'a [u8],
    /// What the layer says of it; as it is given out, links that lead nowhere are left out of that (S5).
    pub found: Found,
    pub place: Place,
    pub member: Member,
    pub brought: V,
}

impl<V> Head<'_, V> {
    fn key(&self) -> (&[u8], u32) {
        (self.name, self.place.rank)
    }
}

impl<'a, V: Copy> Heads<'a, V> {
    /// Of no directory yet.
    pub fn new(union: &'a Union) -> Heads<'a, V> {
        Heads { union, heads: SmallVec::new() }
    }

    /// Takes in a directory from a place on; its rank is counted from the top.
    pub fn push(&mut self, member: Member, place: Place, brought: V) -> Result<()> {
        if let Some((name, found)) = self.union.layer(member.layer)?.child(member.dir, place.at)? {
            let head = Head { name, found, place, member, brought };
            let at = self.heads.partition_point(|other| other.key() > head.key());
            self.heads.insert(at, head);
        }
        Ok(())
    }

    /// The next name.
    pub fn pop(&mut self) -> Result<Option<Head<'a, V>>> {
        let Some(head) = self.heads.pop() else { return Ok(None) };
        self.push(head.member, Place { at: head.place.at + 1, ..head.place }, head.brought)?;
        let found = self.union.links.judge(head.member, head.name, head.found);
        Ok(Some(Head { found, ..head }))
    }

    /// The next name if it is this one.
    pub fn pop_equal(&mut self, name: &[u8]) -> Result<Option<Head<'a, V>>> {
        match self.heads.last() {
            Some(head) if head.name == name => self.pop(),
            _ => Ok(None),
        }
    }

    /// Leaves out what is still to come.
    pub fn clear(&mut self) {
        self.heads.clear();
    }
}
