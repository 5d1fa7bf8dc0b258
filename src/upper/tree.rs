//! Paths in the tree that shows, with symlinks followed.

use crate::entry::Kind;
use crate::union::{self, Link, Tree};

use super::{Node, OpenDir, Spot, View, ViewError, kind};

impl Tree for View<'_> {
    type Dir = OpenDir;
    type Node = Node;
    type Error = ViewError;

    fn start(&self) -> Result<(OpenDir, Node), ViewError> {
        let stat = self.upper.root_spot().stat()?;
        let node = Node::Dir { upper: Some(stat), lower: Some(self.union.root().clone()) };
        Ok((self.root(), node))
    }

    fn look(&self, dir: &OpenDir, name: &[u8]) -> Result<Option<Node>, ViewError> {
        self.lookup(dir, name)
    }

    fn go(&self, dir: &OpenDir, name: &[u8], node: &Node) -> Result<Option<OpenDir>, ViewError> {
        self.enter(dir, name, node)
    }

    fn link(&self, dir: &OpenDir, name: &[u8], node: &Node) -> Result<Option<Link>, ViewError> {
        match (node, &dir.upper) {
            (Node::Upper(stat), Some(upper)) if kind(stat) == Kind::Symlink => {
                Ok(Some((self.union.above(), Spot::at(upper, name).link_target()?)))
            }
            (&Node::Lower(layer, leaf), _) => {
                Ok(self.union.link(self.union.root(), name, &union::Node::Leaf { layer, leaf })?)
            }
            _ => Ok(None),
        }
    }
}
