//! The merged view: layers, base first, seen as one tree.
//!
//! Pure: it does no I/O of its own and knows neither errno nor tar. What a layer cannot answer comes
//! back as the layer's own error.

mod dump;
mod explain;
mod heads;
mod link;
mod list;
mod resolve;
mod rule;
mod walk;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::entry::{Attributes, Kind, Time, Xattr};
use crate::layer::{DirId, EntryNo, Error, Found, Layer, LayerNo, LeafId, Result};
use crate::path::TreePath;

pub use dump::dump;
pub use explain::{Descents, Explanation, Missing, Step, explain};
pub use list::{List, Listed, Place};
pub use resolve::{Followed, Last, Link, ResolveError, Resolved, Tree, resolve};
pub use rule::Verdict;
pub use walk::{Walk, Walked};
pub use words::{Below, Hiding, Word};

use link::ForeignLinks;
use rule::Merge;

/// One layer's part in a merged directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Member {
    /// The layer.
    pub layer: LayerNo,
    /// Its directory.
    pub dir: DirId,
}

/// A directory as the tree shows it: one or more layers' directories of the same path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedDir {
    top: Member,
    /// Most directories are in few layers: those need no memory of their own.
    rest: SmallVec<[Member; 3]>,
}

impl MergedDir {
    /// A directory of one layer.
    pub fn of(top: Member) -> MergedDir {
        MergedDir { top, rest: SmallVec::new() }
    }

    /// Takes in a member below all others.
    fn push(&mut self, member: Member) {
        self.rest.push(member);
    }

    /// The topmost member.
    pub fn top(&self) -> Member {
        self.top
    }

    /// The bottommost member: it identifies the directory, whatever is stacked on it later (S24).
    pub fn bottom(&self) -> Member {
        self.rest.last().copied().unwrap_or(self.top)
    }

    /// All members, top first.
    pub fn members(&self) -> Members<'_> {
        Members(self)
    }
}

/// The members of a merged directory, top first.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a>(&'a MergedDir);

impl<'a> Members<'a> {
    /// How many; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        1 + self.0.rest.len()
    }

    /// One of them, counted from the top.
    pub fn get(&self, rank: usize) -> Option<Member> {
        self.iter().nth(rank)
    }

    /// One after the other, top first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Member> + use<'a> {
        std::iter::once(self.0.top).chain(self.0.rest.iter().copied())
    }
}

/// What the tree shows under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Anything that is not a directory.
    Leaf {
        /// The layer that shows it.
        layer: LayerNo,
        /// The entry there.
        leaf: LeafId,
    },
    /// A directory.
    Dir(MergedDir),
}

impl Node {
    /// The layer that decides how the node looks, before S4 is considered.
    pub fn layer(&self) -> LayerNo {
        match self {
            Node::Leaf { layer, .. } => *layer,
            Node::Dir(dir) => dir.top().layer,
        }
    }

    /// The directory, if it is one.
    pub fn as_dir(&self) -> Option<&MergedDir> {
        match self {
            Node::Dir(dir) => Some(dir),
            Node::Leaf { .. } => None,
        }
    }
}

/// A stack of layers seen as one tree.
pub struct Union {
    layers: Vec<Arc<dyn Layer>>,
    root: MergedDir,
    links: ForeignLinks,
}

impl Union {
    /// Stacks layers, base first; at least one. Hard links into lower layers are resolved here (S5).
    pub fn new(layers: Vec<Arc<dyn Layer>>) -> Result<Union> {
        let root = merge_roots(&layers).ok_or(Error::NoLayers)?;
        let mut union = Union { layers, root, links: ForeignLinks::default() };
        ForeignLinks::resolve(&mut union)?;
        Ok(union)
    }

    /// The root directory (S25).
    pub fn root(&self) -> &MergedDir {
        &self.root
    }

    /// The layers with their numbers, base first.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = (LayerNo, &dyn Layer)> {
        numbered(&self.layers)
    }

    /// The number of what is put over all layers, as if it were one more.
    pub fn above(&self) -> LayerNo {
        LayerNo(u32::try_from(self.layers.len()).unwrap_or(u32::MAX))
    }

    /// One layer.
    pub fn layer(&self, no: LayerNo) -> Result<&dyn Layer> {
        let layer = self.layers.get(no.0 as usize);
        layer.map(|layer| &**layer).ok_or(Error::NoLayer(no))
    }

    /// What shows under `name` in `dir`; `None` if nothing does (S20).
    pub fn lookup(&self, dir: &MergedDir, name: &[u8]) -> Result<Option<Node>> {
        self.lookup_telling(dir, name, |_| {})
    }

    /// The same; tells each layer's word that was asked for, top first.
    pub fn lookup_telling(
        &self,
        dir: &MergedDir,
        name: &[u8],
        mut tell: impl FnMut(Word),
    ) -> Result<Option<Node>> {
        let mut merge = Merge::new();
        for member in dir.members().iter() {
            let found = self.layer(member.layer)?.find(member.dir, name)?;
            let found = self.links.judge(member, name, found);
            let verdict = merge.push(member.layer, found);
            tell(Word { layer: member.layer, found, verdict });
            if merge.is_settled() {
                break;
            }
        }
        Ok(merge.finish())
    }

    /// One layer's word on a name, whatever others say: links that lead nowhere are left out of it (S5).
    pub fn word(&self, dir: Member, name: &[u8]) -> Result<Found> {
        Ok(self.links.judge(dir, name, self.layer(dir.layer)?.find(dir.dir, name)?))
    }

    /// What shows at a path, symlinks not followed (S6).
    pub fn lookup_path(&self, path: &TreePath) -> Result<Option<Node>> {
        self.lookup_from(self.root.clone(), path)
    }

    fn lookup_from(&self, root: MergedDir, path: &TreePath) -> Result<Option<Node>> {
        let mut node = Node::Dir(root);
        for name in path.components() {
            let Node::Dir(dir) = &node else { return Ok(None) };
            match self.lookup(dir, name)? {
                Some(next) => node = next,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// The merged directory that a layer's directory takes part in, found again by its path.
    ///
    /// `None` if the directory does not show.
    pub fn merged(&self, member: Member) -> Result<Option<MergedDir>> {
        let path = self.path_of(member)?;
        match self.lookup_path(&path)? {
            Some(Node::Dir(dir)) if dir.members().iter().any(|other| other == member) => Ok(Some(dir)),
            _ => Ok(None),
        }
    }

    /// The path of a layer's directory.
    pub fn path_of(&self, member: Member) -> Result<TreePath> {
        let layer = self.layer(member.layer)?;
        let mut names: Vec<Cow<'_, [u8]>> = Vec::new();
        let mut dir = member.dir;
        while let Some((parent, name)) = layer.parent(dir)? {
            names.push(name);
            dir = parent;
        }
        let mut path = TreePath::root();
        for name in names.iter().rev() {
            path.push(name);
        }
        Ok(path)
    }

    /// Attributes of a node (S8, S22, S24).
    pub fn attributes(&self, node: &Node) -> Result<Attributes> {
        match node {
            Node::Leaf { layer, leaf } => self.leaf_attributes(*layer, *leaf),
            Node::Dir(dir) => self.dir_attributes(dir),
        }
    }

    /// Attributes of a leaf; of a link into a lower layer those of its target, with its own `nlink` (S5).
    pub fn leaf_attributes(&self, layer: LayerNo, leaf: LeafId) -> Result<Attributes> {
        let missing = || Error::NoEntry(leaf.into());
        match self.links.source(layer, leaf) {
            None => self.layer(layer)?.attributes(leaf.into())?.ok_or_else(missing),
            Some((layer_below, target)) => {
                let own = self.layer(layer)?.attributes(leaf.into())?.ok_or_else(missing)?;
                let source = self.layer(layer_below)?.attributes(target.into())?.ok_or_else(missing)?;
                Ok(Attributes { nlink: own.nlink, ..source })
            }
        }
    }

    /// Attributes of a directory: those of its topmost explicit member (S4, S22).
    pub fn dir_attributes(&self, dir: &MergedDir) -> Result<Attributes> {
        for member in dir.members().iter() {
            if let Some(attributes) = self.layer(member.layer)?.attributes(member.dir.into())? {
                return Ok(attributes);
            }
        }
        Ok(implied(self.layer(dir.top().layer)?.newest_mtime()))
    }

    /// Attributes of a layer's own directory, whatever other layers say of it (S4).
    pub fn own_dir_attributes(&self, layer: LayerNo, dir: EntryNo) -> Result<Attributes> {
        let layer = self.layer(layer)?;
        Ok(layer.attributes(dir)?.unwrap_or_else(|| implied(layer.newest_mtime())))
    }

    /// Extended attributes of a node (S8, S22).
    pub fn xattrs(&self, node: &Node) -> Result<Cow<'_, [Xattr]>> {
        match node {
            Node::Leaf { layer, leaf } => self.leaf_xattrs(*layer, *leaf),
            Node::Dir(dir) => self.dir_xattrs(dir),
        }
    }

    /// Extended attributes of a leaf.
    pub fn leaf_xattrs(&self, layer: LayerNo, leaf: LeafId) -> Result<Cow<'_, [Xattr]>> {
        let (layer, leaf) = self.leaf_source(layer, leaf);
        self.layer(layer)?.xattrs(leaf.into())
    }

    /// Extended attributes of a directory: those of its topmost explicit member (S4, S22).
    pub fn dir_xattrs(&self, dir: &MergedDir) -> Result<Cow<'_, [Xattr]>> {
        for member in dir.members().iter() {
            let layer = self.layer(member.layer)?;
            if layer.attributes(member.dir.into())?.is_some() {
                return layer.xattrs(member.dir.into());
            }
        }
        Ok(Cow::Borrowed(&[]))
    }

    /// A symlink's target.
    pub fn link_target(&self, layer: LayerNo, leaf: LeafId) -> Result<Cow<'_, [u8]>> {
        let (layer, leaf) = self.leaf_source(layer, leaf);
        self.layer(layer)?.link_target(leaf)
    }

    /// Hard links whose target is nowhere: they are not in the tree (S5).
    pub fn rejected_links(&self) -> impl Iterator<Item = (LayerNo, LeafId)> {
        self.links.rejected()
    }

    /// Files whose contents links of other layers show (S5).
    pub fn linked_from_above(&self) -> impl Iterator<Item = (LayerNo, LeafId)> {
        self.links.targets()
    }

    /// Where a leaf's contents are: itself, but for links into lower layers (S5).
    pub fn leaf_source(&self, layer: LayerNo, leaf: LeafId) -> (LayerNo, LeafId) {
        self.links.source(layer, leaf).unwrap_or((layer, leaf))
    }
}

/// What an implied directory shows where no layer has it explicitly (S4).
fn implied(mtime: Time) -> Attributes {
    Attributes {
        kind: Kind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        blocks: 0,
        device: Default::default(),
        nlink: 1,
        mtime,
        atime: mtime,
        ctime: mtime,
    }
}

/// The root of a stack; `None` without layers.
fn merge_roots(layers: &[Arc<dyn Layer>]) -> Option<MergedDir> {
    let mut merge = Merge::new();
    for (no, layer) in numbered(layers).rev() {
        merge.push(no, layer.root());
    }
    match merge.finish() {
        Some(Node::Dir(root)) => Some(root),
        _ => None,
    }
}

fn numbered(layers: &[Arc<dyn Layer>]) -> impl DoubleEndedIterator<Item = (LayerNo, &dyn Layer)> {
    let numbers = 0..u32::try_from(layers.len()).unwrap_or(u32::MAX);
    numbers.map(LayerNo).zip(layers.iter().map(|layer| &**layer))
}
