//! A path as a program inside the image would see it: symlinks followed, within the tree only.

use crate::entry::Kind;
use crate::layer::{self, LayerNo};
use crate::path::{self, TreePath};

use super::{MergedDir, Node, Union};

/// A tree in which a path can be resolved.
pub trait Tree {
    /// A directory to look into.
    type Dir: Clone;
    /// What stands under a name.
    type Node: Clone;
    /// Why something cannot be found out.
    type Error;

    /// The root.
    fn start(&self) -> Result<(Self::Dir, Self::Node), Self::Error>;

    /// What stands under a name; `None` if nothing does.
    fn look(&self, dir: &Self::Dir, name: &[u8]) -> Result<Option<Self::Node>, Self::Error>;

    /// The directory that was found under a name; `None` if it is none.
    fn go(&self, dir: &Self::Dir, name: &[u8], node: &Self::Node) -> Result<Option<Self::Dir>, Self::Error>;

    /// The symlink that was found under a name, by the layer that shows it and its target; `None` if it is none.
    fn link(&self, dir: &Self::Dir, name: &[u8], node: &Self::Node) -> Result<Option<Link>, Self::Error>;
}

/// The layer that shows a symlink, and the symlink's target.
pub type Link = (LayerNo, Vec<u8>);

/// Symlinks followed before giving up; the kernel's own limit.
const MAX_SYMLINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<N = Node> {
    /// The path with no symlink in it, but for the last component if that was not to be followed.
    pub path: TreePath,
    /// What stands there.
    pub node: N,
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
pub enum ResolveError<E = layer::Error> {
    /// Nothing shows under this path.
    #[error("{0}: no such file or directory")]
    NotFound(TreePath),
    /// A component that is not the last names no directory.
    #[error("{0}: not a directory")]
    NotADirectory(TreePath),
    /// More symlinks than the kernel would follow.
    #[error("{0}: too many levels of symbolic links")]
    TooManyLinks(TreePath),
    /// The tree could not answer.
    #[error(transparent)]
    Tree(#[from] E),
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
        resolve(self, path, last)
    }
}

impl Tree for Union {
    type Dir = MergedDir;
    type Node = Node;
    type Error = layer::Error;

    fn start(&self) -> layer::Result<(MergedDir, Node)> {
        Ok((self.root().clone(), Node::Dir(self.root().clone())))
    }

    fn look(&self, dir: &MergedDir, name: &[u8]) -> layer::Result<Option<Node>> {
        self.lookup(dir, name)
    }

    fn go(&self, _: &MergedDir, _: &[u8], node: &Node) -> layer::Result<Option<MergedDir>> {
        Ok(node.as_dir().cloned())
    }

    fn link(&self, _: &MergedDir, _: &[u8], node: &Node) -> layer::Result<Option<Link>> {
        match *node {
            Node::Leaf { layer, leaf } if self.attributes(node)?.kind == Kind::Symlink => {
                Ok(Some((layer, self.link_target(layer, leaf)?.into_owned())))
            }
            _ => Ok(None),
        }
    }
}

/// Resolves a path from the root of any tree; see [`Union::resolve`].
pub fn resolve<T: Tree>(
    tree: &T,
    path: &[u8],
    last: Last,
) -> Result<Resolved<T::Node>, ResolveError<T::Error>> {
    let must_be_dir = matches!(path.last(), Some(b'/')) || path.ends_with(b"/.");
    let last = if must_be_dir { Last::Follow } else { last };
    let mut walk = Resolution::new(tree, must_be_dir)?;
    walk.push(path);
    walk.run(last)
}

struct Resolution<'a, T: Tree> {
    tree: &'a T,
    root: (T::Dir, T::Node),
    /// The directories passed through below the root.
    dirs: Vec<(T::Dir, T::Node)>,
    path: TreePath,
    /// What stands at the end has to be a directory.
    must_be_dir: bool,
    /// Components still to come, the next one last.
    todo: Vec<Vec<u8>>,
    followed: Vec<Followed>,
}

impl<'a, T: Tree> Resolution<'a, T> {
    fn new(tree: &'a T, must_be_dir: bool) -> Result<Self, T::Error> {
        let (path, root) = (TreePath::root(), tree.start()?);
        let (todo, followed) = (Vec::new(), Vec::new());
        Ok(Resolution { tree, root, dirs: Vec::new(), path, must_be_dir, todo, followed })
    }

    fn push(&mut self, path: &[u8]) {
        let at = self.todo.len();
        self.todo.extend(path::split(path).map(<[u8]>::to_vec));
        if let Some(new) = self.todo.get_mut(at..) {
            new.reverse();
        }
    }

    fn here(&self) -> &(T::Dir, T::Node) {
        self.dirs.last().unwrap_or(&self.root)
    }

    fn run(mut self, last: Last) -> Result<Resolved<T::Node>, ResolveError<T::Error>> {
        while let Some(name) = self.todo.pop() {
            if name == b".." {
                if self.dirs.pop().is_some() {
                    self.path.pop();
                }
                continue;
            }
            let path = self.path.join(&name);
            let Some(node) = self.tree.look(&self.here().0, &name)? else {
                return Err(ResolveError::NotFound(path));
            };
            if let Some(dir) = self.tree.go(&self.here().0, &name, &node)? {
                self.dirs.push((dir, node));
                self.path = path;
                continue;
            }
            let is_last = self.todo.is_empty();
            if is_last && last == Last::Keep || !self.follow(&path, &name, &node)? {
                return match is_last && !self.must_be_dir {
                    true => Ok(Resolved { path, node, followed: self.followed }),
                    false => Err(ResolveError::NotADirectory(path)),
                };
            }
        }
        let node = self.here().1.clone();
        Ok(Resolved { node, path: self.path, followed: self.followed })
    }

    /// Puts a symlink's target in front of what is still to come; `false` if the node is none.
    fn follow(
        &mut self,
        path: &TreePath,
        name: &[u8],
        node: &T::Node,
    ) -> Result<bool, ResolveError<T::Error>> {
        let Some((layer, target)) = self.tree.link(&self.here().0, name, node)? else { return Ok(false) };
        if self.followed.len() == MAX_SYMLINKS {
            return Err(ResolveError::TooManyLinks(path.clone()));
        }
        if target.starts_with(b"/") {
            self.dirs.clear();
            self.path = TreePath::root();
        }
        self.push(&target);
        self.followed.push(Followed { path: path.clone(), layer, target });
        Ok(true)
    }
}
