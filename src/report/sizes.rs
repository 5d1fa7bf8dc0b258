//! The sizes of directories: one walk of what shows, of which only what is large is kept.

use rustc_hash::FxHashSet;

use crate::entry::Kind;
use crate::layer::{self, LayerNo, LeafId};
use crate::stack::Stack;
use crate::union::Node;
use crate::usage::Sum;
use crate::waste::stored;

/// What has less than one part in so many of all bytes is not kept by name.
const PARTS: u64 = 10_000;

/// Names of one directory that are kept; in a picture of more none could be told from the other.
const MOST_NAMES: usize = 100;

/// Levels that are kept; no path of a program's has so many.
const MOST_LEVELS: usize = 48;

/// A name that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// The name; none at the root.
    pub name: Box<[u8]>,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// What is in it: bytes of files, hard links once, at their first name; holes not at all.
    pub sum: Sum,
    /// Names in it that are kept, the largest first.
    pub children: Vec<Part>,
    /// What else is in it.
    pub rest: Sum,
}

/// How many there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Regular files, by name.
    pub files: u64,
    /// Directories, without the root.
    pub dirs: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Devices, pipes and sockets.
    pub others: u64,
}

/// Sums up what shows; `bytes` is what there will be in all.
pub fn sizes(stack: &Stack, bytes: u64) -> Result<(Part, Counts), layer::Error> {
    let union = &stack.union;
    let targets = union.linked_from_above().collect();
    let root = Part { is_dir: true, ..Part::default() };
    let mut walk = Walk {
        stack,
        least: (bytes / PARTS).max(1),
        targets,
        seen: FxHashSet::default(),
        counts: Counts::default(),
        open: vec![root],
    };
    for walked in union.walk(crate::path::TreePath::root(), union.root().clone()) {
        let walked = walked?;
        walk.close(walked.depth);
        let name = walked.path.components().last().unwrap_or_default();
        walk.take(name, &walked.node)?;
    }
    walk.close(1);
    let root = walk.open.pop().map(settle).unwrap_or_default();
    Ok((root, walk.counts))
}

struct Walk<'a> {
    stack: &'a Stack,
    /// Bytes that a name must have to be kept.
    least: u64,
    /// Files that links of other layers name.
    targets: FxHashSet<(LayerNo, LeafId)>,
    /// Files of several names that have been counted.
    seen: FxHashSet<(LayerNo, LeafId)>,
    counts: Counts,
    /// The directories on the way to where the walk is, the root first.
    open: Vec<Part>,
}

impl Walk<'_> {
    /// Closes directories until so many are open.
    fn close(&mut self, depth: usize) {
        while self.open.len() > depth.max(1) {
            let Some(dir) = self.open.pop() else { return };
            self.put(settle(dir));
        }
    }

    fn take(&mut self, name: &[u8], node: &Node) -> Result<(), layer::Error> {
        let Node::Leaf { layer, leaf } = *node else {
            self.counts.dirs += 1;
            let sum = Sum { names: 1, ..Sum::default() };
            self.open.push(Part { name: name.into(), is_dir: true, sum, ..Part::default() });
            return Ok(());
        };
        let (bytes, layer) = self.measure(layer, leaf)?;
        let sum = Sum::of_name(layer, bytes);
        // Most are small: those need no name.
        match bytes >= self.least {
            true => self.put(Part { name: name.into(), sum, ..Part::default() }),
            false => self.put_small(&sum),
        }
        Ok(())
    }

    /// The bytes that a name brings, and the layer that they are in.
    fn measure(&mut self, layer: LayerNo, leaf: LeafId) -> Result<(u64, LayerNo), layer::Error> {
        let union = &self.stack.union;
        let attributes = union.leaf_attributes(layer, leaf)?;
        match attributes.kind {
            Kind::Regular => self.counts.files += 1,
            Kind::Symlink => self.counts.symlinks += 1,
            _ => self.counts.others += 1,
        }
        let source = union.leaf_source(layer, leaf);
        let is_shared = attributes.nlink > 1 || source != (layer, leaf) || self.targets.contains(&source);
        let bytes = stored(&attributes);
        let is_news = !is_shared || bytes == 0 || self.seen.insert(source);
        Ok((if is_news { bytes } else { 0 }, source.0))
    }

    fn put(&mut self, child: Part) {
        let is_kept = child.sum.bytes >= self.least && self.open.len() <= MOST_LEVELS;
        let Some(dir) = self.open.last_mut() else { return };
        dir.sum.add(&child.sum);
        match is_kept {
            true => dir.children.push(child),
            false => dir.rest.add(&child.sum),
        }
    }

    fn put_small(&mut self, sum: &Sum) {
        if let Some(dir) = self.open.last_mut() {
            dir.sum.add(sum);
            dir.rest.add(sum);
        }
    }
}

/// Puts the largest first, and keeps no more than can be told apart.
fn settle(mut dir: Part) -> Part {
    dir.children.sort_by(|a, b| b.sum.bytes.cmp(&a.sum.bytes).then_with(|| a.name.cmp(&b.name)));
    let kept = dir.children.len().min(MOST_NAMES);
    for child in dir.children.split_off(kept) {
        dir.rest.add(&child.sum);
    }
    dir.children.shrink_to_fit();
    dir
}
