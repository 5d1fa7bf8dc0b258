//! The way to a member through its own layer, symlinks that stand earlier followed (S6).

use crate::path::{self, BadName};

use super::inode::{Content, Inodes};
use super::node::{NodeNo, Nodes, ROOT, State};
use super::reject::Reason;

/// Symlinks followed on the way to one member; the kernel's own limit.
const MAX_SYMLINKS: usize = 40;

/// Components that symlinks add to the way to one member: real layers have dozens, and a member of 512
/// bytes must not cost the 80,000 that the kernel's limits for symlinks and their targets allow.
const MAX_LINKED: usize = 512;

/// A walk from the root, component by component.
pub struct Way {
    /// Where it is.
    pub dir: NodeNo,
    /// The length of the path of `dir` with a slash behind each component, in bytes.
    pub len: usize,
    /// What is still to come, the next component last.
    todo: Vec<Box<[u8]>>,
    links: usize,
    /// Components that symlinks added.
    linked: usize,
}

/// One step of a walk.
pub enum Step {
    /// Into a directory, or on towards a symlink's target.
    Moved,
    /// There is nothing under this name.
    Missing(Box<[u8]>),
    /// The way is at its end.
    Done,
}

impl Way {
    /// A walk along a path whose components are clean.
    pub fn new(path: &[u8]) -> Way {
        let mut way = Way { dir: ROOT, len: 0, todo: Vec::new(), links: 0, linked: 0 };
        way.push(path);
        way
    }

    /// Takes the next step; `..`, which only a symlink's target can hold, stays within the root.
    pub fn step(&mut self, nodes: &Nodes, inodes: &Inodes) -> Result<Step, Reason> {
        let Some(component) = self.todo.pop() else { return Ok(Step::Done) };
        if *component == *b".." {
            self.leave(nodes);
            return Ok(Step::Moved);
        }
        let Some(node) = nodes.child(self.dir, &component) else { return Ok(Step::Missing(component)) };
        match nodes.state(node) {
            State::Directory { .. } => self.enter(node, &component),
            State::Leaf { inode } => match inodes.get(inode).map(|inode| &inode.content) {
                Some(Content::Symlink { target }) => self.follow(target)?,
                _ => return Err(Reason::Parent),
            },
            State::Gone => return Ok(Step::Missing(component)),
            State::PendingLink | State::Whiteout => return Err(Reason::Parent),
        }
        Ok(Step::Moved)
    }

    /// Goes into a directory of the one it is in.
    pub fn enter(&mut self, node: NodeNo, name: &[u8]) {
        self.dir = node;
        self.len += name.len() + 1;
    }

    fn leave(&mut self, nodes: &Nodes) {
        if self.dir != ROOT {
            self.len -= nodes.name(self.dir).len() + 1;
            self.dir = nodes.parent(self.dir);
        }
    }

    /// S2: where a name leads must be a path that could be made, however short the name is.
    pub fn check_len(&self, name: &[u8]) -> Result<(), Reason> {
        match self.len + name.len() <= path::MAX_PATH {
            true => Ok(()),
            false => Err(BadName::LongName.into()),
        }
    }

    fn follow(&mut self, target: &[u8]) -> Result<(), Reason> {
        self.links += 1;
        self.linked += path::split(target).count();
        if self.links > MAX_SYMLINKS || self.linked > MAX_LINKED {
            return Err(Reason::SymlinkLoop);
        }
        // What is made on the way must be a name that could be made.
        let too_long = |component: &[u8]| component.len() > path::MAX_COMPONENT;
        if path::split(target).any(too_long) {
            return Err(Reason::Parent);
        }
        if target.starts_with(b"/") {
            (self.dir, self.len) = (ROOT, 0);
        }
        self.push(target);
        Ok(())
    }

    fn push(&mut self, path: &[u8]) {
        let at = self.todo.len();
        self.todo.extend(path::split(path).map(Box::from));
        if let Some(new) = self.todo.get_mut(at..) {
            new.reverse();
        }
    }
}
