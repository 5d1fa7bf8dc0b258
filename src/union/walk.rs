//! Every name of a subtree, parents before children, siblings in the order of their bytes.

use crate::layer::Result;
use crate::path::TreePath;

use super::{List, MergedDir, Node, Union};

/// One step of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// The path from the root of the tree.
    pub path: TreePath,
    /// What stands there.
    pub node: Node,
    /// Levels below the start of the walk, from 1.
    pub depth: usize,
}

/// The iterator behind [`Union::walk`]; it keeps one listing per level, never the tree.
pub struct Walk<'a> {
    union: &'a Union,
    path: TreePath,
    levels: Vec<List<'a>>,
    descend: Option<MergedDir>,
}

impl Union {
    /// Walks the subtree of a directory, itself not included.
    pub fn walk(&self, path: TreePath, dir: MergedDir) -> Walk<'_> {
        Walk { union: self, path, levels: Vec::new(), descend: Some(dir) }
    }
}

impl Walk<'_> {
    /// Leaves out the subtree of the directory that was given last.
    pub fn skip_children(&mut self) {
        if self.descend.take().is_some() {
            self.path.pop();
        }
    }

    fn step(&mut self) -> Result<Option<Walked>> {
        if let Some(dir) = self.descend.take() {
            self.levels.push(self.union.list(&dir)?);
        }
        while let Some(level) = self.levels.last_mut() {
            let Some(listed) = level.next().transpose()? else {
                self.levels.pop();
                self.path.pop();
                continue;
            };
            let path = self.path.join(listed.name);
            if let Node::Dir(dir) = &listed.node {
                self.path.push(listed.name);
                self.descend = Some(dir.clone());
            }
            return Ok(Some(Walked { path, node: listed.node, depth: self.levels.len() }));
        }
        Ok(None)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Walked>;

    fn next(&mut self) -> Option<Result<Walked>> {
        self.step().transpose()
    }
}
