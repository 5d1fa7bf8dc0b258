//! Every name of every layer, also of those that layers above hide: what each layer says of it, and what became of that.
//!
//! The same words as those of [`super::explain()`], for all paths, one after the other.

use crate::layer::{DirId, Found, Result};
use crate::path::TreePath;

use super::explain::{Descent, from_the_top};
use super::{Member, Merge, Union, Word};

/// A name that some layer has a word on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Every {
    /// The path from the root of the tree.
    pub path: TreePath,
    /// The words of the layers that have one, top first.
    pub words: Vec<Word>,
    /// Levels below the root, from 1.
    pub depth: usize,
}

/// The iterator behind [`Union::every`]; it keeps one place per level and layer, never the tree.
pub struct EveryWalk<'a> {
    union: &'a Union,
    path: TreePath,
    levels: Vec<Vec<Head<'a>>>,
    descend: Option<Vec<Descent>>,
}

/// Where one layer is in one directory.
struct Head<'a> {
    descent: Descent,
    dir: DirId,
    place: u32,
    next: Option<(&'a [u8], Found)>,
}

impl Union {
    /// Walks the names of all layers, parents before children, siblings in the order of their bytes.
    pub fn every(&self) -> Result<EveryWalk<'_>> {
        let mut merge = Merge::new();
        let mut roots = from_the_top(self);
        for root in &mut roots {
            let found = self.layer(root.layer)?.root();
            root.take(&mut merge, found);
        }
        Ok(EveryWalk { union: self, path: TreePath::root(), levels: Vec::new(), descend: Some(roots) })
    }
}

impl<'a> EveryWalk<'a> {
    /// Leaves out what is below the name that was given last.
    pub fn skip_children(&mut self) {
        if self.descend.take().is_some() {
            self.path.pop();
        }
    }

    fn enter(&self, descents: Vec<Descent>) -> Result<Vec<Head<'a>>> {
        let heads = descents.into_iter().filter_map(|descent| Some((descent, descent.dir?)));
        let first = |(descent, dir): (Descent, DirId)| {
            let next = self.union.layer(descent.layer)?.child(dir, 0)?;
            Ok(Head { descent, dir, place: 0, next })
        };
        heads.map(first).collect()
    }

    /// The words on the first name of a directory that was not given yet.
    fn take(union: &'a Union, heads: &mut [Head<'a>]) -> Result<Option<Taken<'a>>> {
        let Some(name) = heads.iter().filter_map(|head| Some(head.next?.0)).min() else { return Ok(None) };
        let mut taken = Taken { name, words: Vec::new(), below: Vec::new() };
        let mut merge = Merge::new();
        for head in heads {
            let Some((_, found)) = head.next.filter(|(own, _)| *own == name) else { continue };
            let layer = head.descent.layer;
            let found = union.links.judge(Member { layer, dir: head.dir }, name, found);
            let mut below = head.descent;
            let word = below.take(&mut merge, found);
            if found != Found::Absent {
                taken.words.push(word);
            }
            taken.below.extend(below.dir.map(|_| below));
            head.place += 1;
            head.next = union.layer(layer)?.child(head.dir, head.place)?;
        }
        Ok(Some(taken))
    }

    fn step(&mut self) -> Result<Option<Every>> {
        if let Some(descents) = self.descend.take() {
            let heads = self.enter(descents)?;
            self.levels.push(heads);
        }
        while let Some(heads) = self.levels.last_mut() {
            let Some(taken) = EveryWalk::take(self.union, heads)? else {
                self.levels.pop();
                self.path.pop();
                continue;
            };
            let (path, depth) = (self.path.join(taken.name), self.levels.len());
            if !taken.below.is_empty() {
                self.path.push(taken.name);
                self.descend = Some(taken.below);
            }
            if !taken.words.is_empty() {
                return Ok(Some(Every { path, words: taken.words, depth }));
            }
        }
        Ok(None)
    }
}

/// What layers say of one name, and those that have a directory there.
struct Taken<'a> {
    name: &'a [u8],
    words: Vec<Word>,
    below: Vec<Descent>,
}

impl Iterator for EveryWalk<'_> {
    type Item = Result<Every>;

    fn next(&mut self) -> Option<Result<Every>> {
        self.step().transpose()
    }
}
