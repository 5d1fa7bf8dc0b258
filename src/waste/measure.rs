//! The walk: every file of every layer, once.

use std::io;

use crate::entry::{Attributes, Kind};
use crate::layer::{Found, LayerNo, LeafId};
use crate::path::TreePath;
use crate::stack::Stack;
use crate::union::{Below, Hiding, Word};

use super::links::Links;
use super::worst::Worst;
use super::{Error, LayerWaste, Reason, Waste, WastedFile, WastedPath};

pub fn measure(stack: &Stack, top: usize) -> Result<Waste, Error> {
    let layers = vec![LayerWaste::default(); stack.union.layers().count()];
    let links = Links::new(stack.union.linked_from_above());
    let mut measuring = Measuring { stack, layers, links, worst: Worst::new(top), files: Vec::new() };
    stack.union.tell_words(|path, words| measuring.take(path, words).map(|()| Below::Told))?;
    Ok(measuring.finish())
}

struct Measuring<'a> {
    stack: &'a Stack,
    layers: Vec<LayerWaste>,
    links: Links,
    worst: Worst,
    /// Those that do not show at the path that is looked at.
    files: Vec<WastedFile>,
}

impl Measuring<'_> {
    fn take(&mut self, path: &TreePath, words: &[Word<Option<Hiding>>]) -> Result<(), Error> {
        self.files.clear();
        let mut is_open = false;
        for word in words {
            if let Found::Leaf(leaf) = word.found {
                is_open |= self.take_leaf(path, word, leaf)?;
            }
        }
        match is_open {
            true => self.links.wait(path, &self.files),
            false => self.worst.offer(path, &self.files),
        }
        Ok(())
    }

    /// Counts a file of a layer; `true` if other names will tell whether it shows.
    fn take_leaf(
        &mut self,
        path: &TreePath,
        word: &Word<Option<Hiding>>,
        leaf: LeafId,
    ) -> Result<bool, Error> {
        let union = &self.stack.union;
        let attributes = union.leaf_attributes(word.layer, leaf)?;
        let source = union.leaf_source(word.layer, leaf);
        let is_foreign = source != (word.layer, leaf);
        let bytes = stored(&attributes);
        if bytes == 0 {
            return Ok(false);
        }
        if attributes.nlink <= 1 && !is_foreign && !self.links.is_target(source) {
            self.count(word.layer, bytes);
            if let Some(hiding) = &word.verdict {
                let reason = self.reason(path, (word.layer, leaf), &attributes, hiding)?;
                self.add(WastedFile { layer: word.layer, bytes, by: hiding.by, reason });
            }
            return Ok(false);
        }
        if self.links.see(source) {
            self.count(source.0, bytes);
        }
        let Some(hiding) = &word.verdict else {
            self.links.show(source);
            return Ok(false);
        };
        if !self.links.is_news(source, hiding) {
            return Ok(false);
        }
        let reason = self.reason(path, source, &attributes, hiding)?;
        let file = WastedFile { layer: source.0, bytes, by: hiding.by, reason };
        Ok(self.links.hide(source, file, path))
    }

    fn count(&mut self, layer: LayerNo, bytes: u64) {
        if let Some(layer) = self.layers.get_mut(layer.0 as usize) {
            layer.bytes = layer.bytes.saturating_add(bytes);
        }
    }

    fn add(&mut self, file: WastedFile) {
        add_to(&mut self.layers, &file);
        self.files.push(file);
    }

    fn reason(
        &self,
        path: &TreePath,
        file: (LayerNo, LeafId),
        attributes: &Attributes,
        hiding: &Hiding,
    ) -> Result<Reason, Error> {
        Ok(match hiding.found {
            Found::Whiteout => Reason::Deleted,
            Found::Dir { .. } if hiding.is_above => Reason::Opaque,
            Found::Leaf(above) if !hiding.is_above => {
                match self.is_repeated(file, attributes, (hiding.by, above)) {
                    Ok(true) => Reason::Repeated,
                    Ok(false) => Reason::Replaced,
                    Err(source) => return Err(Error::Read { path: path.clone(), source }),
                }
            }
            Found::Leaf(_) | Found::Dir { .. } | Found::Absent => Reason::Replaced,
        })
    }

    /// Whether what hides a file has the same contents.
    fn is_repeated(
        &self,
        file: (LayerNo, LeafId),
        attributes: &Attributes,
        above: (LayerNo, LeafId),
    ) -> io::Result<bool> {
        let stack = self.stack;
        let other = stack.union.leaf_attributes(above.0, above.1).map_err(io::Error::other)?;
        if other.kind != Kind::Regular || other.size != attributes.size {
            return Ok(false);
        }
        if stack.union.leaf_source(above.0, above.1) == file {
            return Ok(true);
        }
        stack.has_same_contents(file, stack, above, attributes.size)
    }

    fn finish(mut self) -> Waste {
        for WastedPath { path, files, .. } in self.links.finish(&mut self.layers) {
            self.worst.offer(&path, &files);
        }
        let (paths, worst) = self.worst.finish();
        Waste { layers: self.layers, worst, paths }
    }
}

/// Counts a file with the layer that it is in, and with the one that hides it.
pub fn add_to(layers: &mut [LayerWaste], file: &WastedFile) {
    if let Some(own) = layers.get_mut(file.layer.0 as usize) {
        own.hidden.add(file.reason, file.bytes);
    }
    if let Some(by) = layers.get_mut(file.by.0 as usize) {
        by.hides.add(file.reason, file.bytes);
    }
}

/// The bytes that a file takes in its layer.
pub fn stored(attributes: &Attributes) -> u64 {
    match attributes.kind {
        Kind::Regular => attributes.size.min(attributes.blocks.saturating_mul(512)),
        _ => 0,
    }
}
