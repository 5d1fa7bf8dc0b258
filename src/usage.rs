//! The room that directories take, as du(1) counts it: what shows, hard links once.

use rustc_hash::FxHashSet;

use crate::layer::{LayerNo, LeafId, Result};
use crate::path::TreePath;
use crate::union::{Node, Union};

/// How bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// As long as files are.
    Apparent,
    /// The blocks that their data needs: holes are nothing.
    Blocks,
}

/// Bytes by the layer that they are in, base first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares(Vec<(LayerNo, u64)>);

impl Shares {
    /// Bytes of one layer.
    pub fn of(layer: LayerNo, bytes: u64) -> Shares {
        Shares(if bytes == 0 { Vec::new() } else { vec![(layer, bytes)] })
    }

    fn add_all(&mut self, other: &Shares) {
        for (layer, bytes) in other.iter() {
            match self.0.binary_search_by_key(&layer, |(layer, _)| *layer) {
                Ok(at) => {
                    self.0.iter_mut().skip(at).take(1).for_each(|(_, sum)| *sum = sum.saturating_add(bytes))
                }
                Err(at) => self.0.insert(at, (layer, bytes)),
            }
        }
    }

    /// All that have any, base first.
    pub fn iter(&self) -> impl Iterator<Item = (LayerNo, u64)> {
        self.0.iter().copied()
    }

    /// The bytes of one layer, if it has any.
    pub fn get(&self, layer: LayerNo) -> Option<u64> {
        let at = self.0.binary_search_by_key(&layer, |(layer, _)| *layer).ok()?;
        self.0.get(at).map(|&(_, bytes)| bytes)
    }

    /// All that have any, the most first, of equal ones the lowest.
    pub fn largest_first(&self) -> Vec<(LayerNo, u64)> {
        let mut shares = self.0.clone();
        shares.sort_by_key(|&(layer, bytes)| (std::cmp::Reverse(bytes), layer));
        shares
    }
}

/// What there is in one place, or in several together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// Bytes of all of it.
    pub bytes: u64,
    /// Names in it, and its own.
    pub names: u64,
    /// The bytes by layer.
    pub layers: Shares,
}

impl Sum {
    /// One name, and the bytes that it brings.
    pub fn of_name(layer: LayerNo, bytes: u64) -> Sum {
        Sum { bytes, names: 1, layers: Shares::of(layer, bytes) }
    }

    /// Takes in another.
    pub fn add(&mut self, other: &Sum) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.names += other.names;
        self.layers.add_all(&other.layers);
    }
}

/// Sums up subtrees; a file that was counted once is not counted again, also under another start.
pub struct Usage<'a> {
    union: &'a Union,
    measure: Measure,
    seen: FxHashSet<(LayerNo, LeafId)>,
}

impl<'a> Usage<'a> {
    /// Nothing is counted yet.
    pub fn new(union: &'a Union, measure: Measure) -> Usage<'a> {
        Usage { union, measure, seen: FxHashSet::default() }
    }

    /// Sums up something and all below it; `tell` hears of each name behind what is in it, with its level (0 is the
    /// start). Of all sums only those on the way down are kept.
    pub fn sum<E: From<crate::layer::Error>>(
        &mut self,
        path: &TreePath,
        node: &Node,
        mut tell: impl FnMut(&TreePath, usize, bool, &Sum) -> std::result::Result<(), E>,
    ) -> std::result::Result<Sum, E> {
        let mut open: Vec<(TreePath, Sum)> = vec![(path.clone(), self.own(node)?)];
        if let Node::Dir(dir) = node {
            for walked in self.union.walk(path.clone(), dir.clone()) {
                let walked = walked?;
                close(&mut open, walked.depth, &mut tell)?;
                let own = self.own(&walked.node)?;
                match walked.node {
                    Node::Dir(_) => open.push((walked.path, own)),
                    Node::Leaf { .. } => {
                        tell(&walked.path, walked.depth, false, &own)?;
                        open.last_mut().into_iter().for_each(|(_, sum)| sum.add(&own));
                    }
                }
            }
        }
        close(&mut open, 1, &mut tell)?;
        let Some((path, sum)) = open.pop() else { return Ok(Sum::default()) };
        tell(&path, 0, node.as_dir().is_some(), &sum)?;
        Ok(sum)
    }

    /// What a name itself takes.
    fn own(&mut self, node: &Node) -> Result<Sum> {
        let nothing = Sum { names: 1, ..Sum::default() };
        let Node::Leaf { layer, leaf } = *node else { return Ok(nothing) };
        let attributes = self.union.leaf_attributes(layer, leaf)?;
        if attributes.nlink > 1 && !self.seen.insert((layer, leaf)) {
            return Ok(nothing);
        }
        let bytes = match self.measure {
            Measure::Apparent => attributes.size,
            Measure::Blocks => attributes.blocks.saturating_mul(512),
        };
        Ok(Sum::of_name(layer, bytes))
    }
}

/// Ends directories until so many are open.
fn close<E>(
    open: &mut Vec<(TreePath, Sum)>,
    depth: usize,
    tell: &mut impl FnMut(&TreePath, usize, bool, &Sum) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    while open.len() > depth {
        let Some((path, sum)) = open.pop() else { break };
        tell(&path, open.len(), true, &sum)?;
        open.last_mut().into_iter().for_each(|(_, parent)| parent.add(&sum));
    }
    Ok(())
}
