//! Hard links whose target lies in a lower layer (S5).
//!
//! Some builders write them. Which entry such a link names depends on the stack, not on the layer, so
//! it is found out when the layers are stacked; the layers' own indexes never change.

use rustc_hash::FxHashMap;

use crate::layer::{Found, LayerNo, LeafId, Result};

use super::{Node, Union, merge_roots};

/// What became of each link into lower layers.
#[derive(Debug, Default)]
pub struct ForeignLinks {
    /// `None`: the target is nowhere, the link is rejected (S2).
    sources: FxHashMap<(LayerNo, LeafId), Option<(LayerNo, LeafId)>>,
}

impl ForeignLinks {
    /// Looks up the target of every such link in the merged view of the layers below its own.
    pub fn resolve(union: &Union) -> Result<ForeignLinks> {
        let mut links = ForeignLinks::default();
        for (no, layer) in union.layers() {
            if layer.foreign_links().is_empty() {
                continue;
            }
            let below = union.layers.get(..no.0 as usize).unwrap_or_default();
            let root = merge_roots(below);
            for link in layer.foreign_links() {
                let target = match &root {
                    Some(root) => union.lookup_from(root.clone(), &link.target)?,
                    None => None,
                };
                let source = match target {
                    Some(Node::Leaf { layer, leaf }) => links.follow(layer, leaf),
                    Some(Node::Dir(_)) | None => None,
                };
                links.sources.insert((no, link.leaf), source);
            }
        }
        Ok(links)
    }

    /// Where a target's contents are; the target may be such a link itself.
    fn follow(&self, layer: LayerNo, leaf: LeafId) -> Option<(LayerNo, LeafId)> {
        self.sources.get(&(layer, leaf)).copied().unwrap_or(Some((layer, leaf)))
    }

    /// A layer's word with rejected links left out.
    pub fn judge(&self, layer: LayerNo, found: Found) -> Found {
        match found {
            Found::Leaf(leaf) if self.is_rejected(layer, leaf) => Found::Absent,
            found => found,
        }
    }

    /// The entry whose contents a link shows; `None` for anything but a resolved link.
    pub fn source(&self, layer: LayerNo, leaf: LeafId) -> Option<(LayerNo, LeafId)> {
        self.sources.get(&(layer, leaf)).copied().flatten()
    }

    /// The links whose target is nowhere.
    pub fn rejected(&self) -> impl Iterator<Item = (LayerNo, LeafId)> {
        self.sources.iter().filter(|(_, source)| source.is_none()).map(|(&link, _)| link)
    }

    fn is_rejected(&self, layer: LayerNo, leaf: LeafId) -> bool {
        !self.sources.is_empty() && self.sources.get(&(layer, leaf)).is_some_and(Option::is_none)
    }
}
