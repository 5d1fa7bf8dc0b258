//! The tree that shows as one tar, as `docker export` writes it: no layers, no markers, every name once.
//!
//! It is streamed: what is remembered of the tree is one listing a level, and the first name of each file that has
//! several.

mod sparse;

use std::collections::HashMap;
use std::io::{self, Write};

use crate::blob::{Ahead, Progress};
use crate::commit::{Body, Entry, FileKey, LayerTar, Member, Sides, Source, of_view};
use crate::layer;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::union::{self, Walked};
use crate::upper::{Node, OpenDir, View};

/// Why a tree could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tar cannot be written.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// Something of the tree cannot be read, or has no place in a tar.
    #[error("{path}: {source}")]
    Entry {
        /// Where.
        path: TreePath,
        /// Why not.
        source: io::Error,
    },
    /// A layer cannot answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
}

/// A tree on its way into a tar.
pub struct Export<'a, W> {
    stack: &'a Stack,
    tar: LayerTar<W>,
    ahead: Ahead,
    /// The first name of each file that may have several.
    firsts: HashMap<FileKey, Vec<u8>>,
    progress: &'a dyn Progress,
    /// Sockets, which no tar can hold.
    pub left_out: Vec<TreePath>,
}

impl<'a, W: Write> Export<'a, W> {
    /// Begins a tar; `out` should be buffered.
    pub fn new(stack: &'a Stack, out: W, progress: &'a dyn Progress) -> Export<'a, W> {
        let tar = LayerTar::new(out);
        Export { stack, tar, ahead: Ahead::default(), firsts: HashMap::new(), progress, left_out: Vec::new() }
    }

    /// Writes what stands at a path of the image, and all below it, parents first, names in the order of their bytes.
    /// In the tar `name` stands in the place of the path.
    pub fn add_tree(&mut self, path: &TreePath, node: &union::Node, name: &[u8]) -> Result<(), Error> {
        // A name of an earlier tree may stand for something else now.
        self.firsts.clear();
        self.add_node(path, node, name)?;
        let union::Node::Dir(dir) = node else { return Ok(()) };
        let cut = path.as_bytes().len();
        for walked in self.stack.union.walk(path.clone(), dir.clone()) {
            let Walked { path, node, .. } = walked?;
            let below = path.as_bytes().get(cut..).unwrap_or_default();
            let below = below.strip_prefix(b"/").unwrap_or(below);
            let slash: &[u8] = if name.is_empty() { b"" } else { b"/" };
            self.add_node(&path, &node, &[name, slash, below].concat())?;
        }
        Ok(())
    }

    fn add_node(&mut self, path: &TreePath, node: &union::Node, name: &[u8]) -> Result<(), Error> {
        let error = |source| Error::Entry { path: path.clone(), source };
        let mut entry = Entry::of_image(self.stack, node).map_err(error)?;
        // A layer's own, all of them: nothing is compared here.
        entry.xattrs = self.stack.union.xattrs(node)?.into_owned();
        self.add(path, &entry, name).map_err(error)
    }

    /// Writes the tree with an upper directory over it.
    pub fn add_view(&mut self, sides: Sides<'_>) -> Result<(), Error> {
        let view = View { upper: sides.upper, union: &sides.stack.union };
        let root = TreePath::root();
        let error = |source| Error::Entry { path: TreePath::root(), source };
        let spot = sides.upper.root_spot();
        let entry = spot.stat().map_err(io::Error::from).and_then(|stat| sides.of_upper(spot, &stat));
        self.add(&root, &entry.map_err(error)?, b"").map_err(error)?;
        let list = |dir: &OpenDir| -> io::Result<Vec<(Box<[u8]>, Node)>> {
            let mut names = view.list(dir).map_err(of_view)?;
            names.reverse();
            Ok(names)
        };
        let mut levels = vec![(root, view.root(), list(&view.root()).map_err(error)?)];
        while let Some((path, dir, names)) = levels.last_mut() {
            let Some((name, node)) = names.pop() else {
                levels.pop();
                continue;
            };
            let path = path.join(&name);
            let error = |source| Error::Entry { path: path.clone(), source };
            let entry = sides.shown(dir, &name, &node).map_err(error)?;
            self.add(&path, &entry, path.as_bytes()).map_err(error)?;
            if let Some(open) = view.enter(dir, &name, &node).map_err(of_view).map_err(error)? {
                let names = list(&open).map_err(error)?;
                levels.push((path, open, names));
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &TreePath, entry: &Entry, name: &[u8]) -> io::Result<()> {
        let target = entry.target(self.stack)?;
        let Some(mut member) = Member::new(name, &entry.attributes, target, entry.xattrs.clone()) else {
            self.left_out.push(path.clone());
            return Ok(());
        };
        if let Some(file) = entry.file {
            match self.firsts.get(&file) {
                Some(first) => {
                    member.body = Body::HardLink(first.clone());
                    return self.tar.add(&member);
                }
                None => _ = self.firsts.insert(file, name.to_vec()),
            }
        }
        if member.data_len() == 0 {
            return self.tar.add(&member);
        }
        self.progress.advance(entry.attributes.size.min(entry.attributes.blocks.saturating_mul(512)));
        if let Source::Lower(union::Node::Leaf { layer, leaf }) = entry.source {
            let (extents, blob) = self.stack.file(layer, leaf)?;
            return sparse::add(&mut self.tar, member, &extents, &self.ahead.of(blob));
        }
        entry.with_data(self.stack, |data| self.tar.add_file(&member, data))
    }

    /// Ends the tar.
    pub fn finish(self) -> io::Result<W> {
        self.tar.finish()
    }
}
