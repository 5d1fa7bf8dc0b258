//! A path as a program inside the image would see it: symlinks followed, within the tree only.

use crate::entry::Kind;
use crate::layer::{self, LayerNo};
use crate::path::{self, TreePath};

use super::{MergedDir, Node, Union};

/// Symlinks followed before giving up; the kernel's own limit.
const MAX_SYMLINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The path with no symlink in it, but for the last component if that was not to be followed.
    pub path: TreePath,
    /// What stands there.
    pub node: Node,
    /// The symlinks that were followed, in this order.
    pub followed: Vec<Followed>,
}

/// A symlink on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Where it stands.
    pub path: TreePath,
    /// The layer that shows it.
    pub layer: LayerNo,
    /// Where it leads.
    pub target: Vec<u8>,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nothing shows under this path.
    #[error("{0}: no such file or directory")]
    NotFound(TreePath),
    /// A component that is not the last names no directory.
    #[error("{0}: not a directory")]
    NotADirectory(TreePath),
    /// More symlinks than the kernel would follow.
    #[error("{0}: too many levels of symbolic links")]
    TooManyLinks(TreePath),
    /// A layer could not answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
}

/// Whether a symlink in the last component is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// As stat(2) does.
    Follow,
    /// As lstat(2) does.
    Keep,
}

impl Union {
    /// Resolves a path from the root; `.`, `..` and `//` are as in any path, `..` stays in the tree.
    pub fn resolve(&self, path: &[u8], last: Last) -> Result<Resolved, ResolveError> {
        let must_be_dir = matches!(path.last(), Some(b'/')) || path.ends_with(b"/.");
        let last = if must_be_dir { Last::Follow } else { last };
        let mut walk = Resolution::new(self);
        walk.push(path);
        let resolved = walk.run(last)?;
        if must_be_dir && resolved.node.as_dir().is_none() {
            return Err(ResolveError::NotADirectory(resolved.path));
        }
        Ok(resolved)
    }
}

struct Resolution<'a> {
    union: &'a Union,
    /// The directories passed through, the root first.
    dirs: Vec<MergedDir>,
    path: TreePath,
    /// Components still to come, the next one last.
    todo: Vec<Vec<u8>>,
    followed: Vec<Followed>,
}

impl<'a> Resolution<'a> {
    fn new(union: &'a Union) -> Self {
        let dirs = vec![union.root().clone()];
        Resolution { union, dirs, path: TreePath::root(), todo: Vec::new(), followed: Vec::new() }
    }

    fn push(&mut self, path: &[u8]) {
        let at = self.todo.len();
        self.todo.extend(path::split(path).map(<[u8]>::to_vec));
        if let Some(new) = self.todo.get_mut(at..) {
            new.reverse();
        }
    }

    fn here(&self) -> &MergedDir {
        self.dirs.last().unwrap_or(self.union.root())
    }

    fn run(mut self, last: Last) -> Result<Resolved, ResolveError> {
        while let Some(name) = self.todo.pop() {
            if name == b".." {
                if self.dirs.len() > 1 {
                    self.dirs.pop();
                    self.path.pop();
                }
                continue;
            }
            let path = self.path.join(&name);
            match self.union.lookup(self.here(), &name)? {
                None => return Err(ResolveError::NotFound(path)),
                Some(Node::Dir(dir)) => {
                    self.dirs.push(dir);
                    self.path = path;
                }
                Some(node) if self.todo.is_empty() && last == Last::Keep => {
                    return Ok(Resolved { path, node, followed: self.followed });
                }
                Some(node) => match self.follow(&path, &node)? {
                    true => {}
                    false if self.todo.is_empty() => {
                        return Ok(Resolved { path, node, followed: self.followed });
                    }
                    false => return Err(ResolveError::NotADirectory(path)),
                },
            }
        }
        let node = Node::Dir(self.here().clone());
        Ok(Resolved { node, path: self.path, followed: self.followed })
    }

    /// Puts a symlink's target in front of what is still to come; `false` if the node is none.
    fn follow(&mut self, path: &TreePath, node: &Node) -> Result<bool, ResolveError> {
        let Node::Leaf { layer, leaf } = *node else { return Ok(false) };
        if self.union.attributes(node)?.kind != Kind::Symlink {
            return Ok(false);
        }
        if self.followed.len() == MAX_SYMLINKS {
            return Err(ResolveError::TooManyLinks(path.clone()));
        }
        let target = self.union.link_target(layer, leaf)?;
        self.followed.push(Followed { path: path.clone(), layer, target: target.to_vec() });
        if target.starts_with(b"/") {
            self.dirs.truncate(1);
            self.path = TreePath::root();
        }
        self.push(&target);
        Ok(true)
    }
}
