//! Hard links whose target lies in a lower layer (S5).
//!
//! Some builders write them. Which entry such a link names depends on the stack, not on the layer, so
//! it is found out when the layers are stacked; the layers' own indexes never change.

use std::collections::HashSet;

use rustc_hash::FxHashMap;

use crate::layer::{Found, LayerNo, LeafId, Result};

use super::{Member, Node, Union, merge_roots};

/// Where a link's contents are; `None`: the target is nowhere, the link is rejected (S2).
type Source = Option<(LayerNo, LeafId)>;

/// What became of each link into lower layers.
#[derive(Debug, Default)]
pub struct ForeignLinks {
    sources: FxHashMap<(LayerNo, LeafId), Source>,
    /// Names that are hidden if the link there is rejected.
    whiteouts: HashSet<(Member, Box<[u8]>)>,
}

impl ForeignLinks {
    /// Looks up the target of every such link in the merged view of the layers below its own, base first:
    /// what became of the links in that view must be known by then.
    pub fn resolve(union: &mut Union) -> Result<()> {
        for no in (0..).map(LayerNo).take(union.layers.len()) {
            for (leaf, source) in sources(union, no)? {
                union.links.sources.insert((no, leaf), source);
            }
            let whiteouts = union.layer(no)?.link_whiteouts().to_vec().into_iter();
            union.links.whiteouts.extend(whiteouts.map(|(dir, name)| (Member { layer: no, dir }, name)));
        }
        Ok(())
    }

    /// A layer's word on a name with rejected links left out; a whiteout beside one stays (S10).
    pub fn judge(&self, dir: Member, name: &[u8], found: Found) -> Found {
        match found {
            Found::Leaf(leaf) if self.is_rejected(dir.layer, leaf) => {
                match self.whiteouts.contains(&(dir, name.into())) {
                    true => Found::Whiteout,
                    false => Found::Absent,
                }
            }
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

    /// The entries whose contents links show.
    pub fn targets(&self) -> impl Iterator<Item = (LayerNo, LeafId)> {
        self.sources.values().copied().flatten()
    }

    fn is_rejected(&self, layer: LayerNo, leaf: LeafId) -> bool {
        !self.sources.is_empty() && self.sources.get(&(layer, leaf)).is_some_and(Option::is_none)
    }
}

/// The links of one layer, each with its source.
fn sources(union: &Union, no: LayerNo) -> Result<Vec<(LeafId, Source)>> {
    let links = union.layer(no)?.foreign_links();
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let below = merge_roots(union.layers.get(..no.0 as usize).unwrap_or_default());
    let source = |target| -> Result<Source> {
        match below.clone().map(|root| union.lookup_from(root, target)).transpose()? {
            Some(Some(Node::Leaf { layer, leaf })) => Ok(Some(union.leaf_source(layer, leaf))),
            Some(Some(Node::Dir(_)) | None) | None => Ok(None),
        }
    };
    links.iter().map(|link| Ok((link.leaf, source(&link.target)?))).collect()
}
