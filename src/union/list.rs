//! The names of a merged directory, each once, in the order of their bytes (S23).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::layer::{Children, Found, Result};

use super::{Member, Merge, MergedDir, Node, Union};

/// One name that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The name.
    pub name: Cow<'a, [u8]>,
    /// What it names.
    pub node: Node,
    /// How many of the directory's names, hidden ones too, have been passed with this one: pass it as
    /// `skip` to go on behind this name.
    pub position: usize,
}

impl Union {
    /// Lists a directory, without the first `skip` of its members' names.
    ///
    /// Skipping costs nothing in a directory of one layer and a merge of what is skipped elsewhere.
    pub fn list(&self, dir: &MergedDir, skip: usize) -> Result<List<'_>> {
        let single = dir.members().len() == 1;
        let mut sources = Vec::with_capacity(dir.members().len());
        let mut heads = BinaryHeap::with_capacity(dir.members().len());
        for (rank, member) in dir.members().iter().enumerate() {
            let children = self.layer(member.layer)?.list(member.dir, if single { skip } else { 0 })?;
            let mut source = Source { member, children };
            heads.extend(source.head(rank));
            sources.push(source);
        }
        let mut list = List { union: self, sources, heads, position: 0 };
        if single {
            list.position = skip;
        } else {
            while list.position < skip && list.merge_next().is_some() {}
        }
        Ok(list)
    }
}

/// The iterator behind [`Union::list`].
pub struct List<'a> {
    union: &'a Union,
    sources: Vec<Source<'a>>,
    heads: BinaryHeap<Reverse<Head<'a>>>,
    position: usize,
}

struct Source<'a> {
    member: Member,
    children: Children<'a>,
}

/// The next name of one source; the topmost of equal names comes first.
struct Head<'a> {
    name: Cow<'a, [u8]>,
    rank: usize,
    found: Found,
}

impl<'a> Source<'a> {
    fn head(&mut self, rank: usize) -> Option<Reverse<Head<'a>>> {
        self.children.next().map(|(name, found)| Reverse(Head { name, rank, found }))
    }
}

impl<'a> List<'a> {
    fn pop(&mut self) -> Option<(Head<'a>, Member)> {
        let Reverse(head) = self.heads.pop()?;
        let source = self.sources.get_mut(head.rank)?;
        let member = source.member;
        self.heads.extend(source.head(head.rank));
        Some((head, member))
    }

    /// Merges all words on the next name; the node is `None` if the name does not show.
    fn merge_next(&mut self) -> Option<(Cow<'a, [u8]>, Option<Node>)> {
        let (first, member) = self.pop()?;
        let mut merge = Merge::new();
        merge.push(member.layer, self.union.links.judge(member, &first.name, first.found));
        while self.heads.peek().is_some_and(|Reverse(head)| head.name == first.name) {
            let (head, member) = self.pop()?;
            merge.push(member.layer, self.union.links.judge(member, &head.name, head.found));
        }
        self.position += 1;
        Some((first.name, merge.finish()))
    }
}

impl<'a> Iterator for List<'a> {
    type Item = Listed<'a>;

    fn next(&mut self) -> Option<Listed<'a>> {
        loop {
            let (name, node) = self.merge_next()?;
            if let Some(node) = node {
                return Some(Listed { name, node, position: self.position });
            }
        }
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head<'_> {}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.name, self.rank).cmp(&(&other.name, other.rank))
    }
}
