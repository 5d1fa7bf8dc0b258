//! The layers, from the base up, that two images have in common: what lies in them alone is the same.

use std::sync::Arc;

use crate::commit::Source;
use crate::digest::DiffId;
use crate::image::IndexedLayer;
use crate::layer::LayerNo;
use crate::stack::Stack;
use crate::tarball::Known;
use crate::union::{self, MergedDir};
use crate::upper::OpenDir;

use super::Side;
use super::side::Folder;

/// How many layers two trees have in common.
#[derive(Debug, Clone, Copy)]
pub struct Shared(u32);

impl Shared {
    /// None, whatever the images say.
    pub const NOTHING: Shared = Shared(0);

    /// Those of two trees. A layer is the same if it has the same diff ID; of a plain tar, which is not hashed to
    /// be opened, it is the one that the image says.
    pub fn of(a: &Side, b: &Side) -> Shared {
        let (Some(a), Some(b)) = (a.stack(), b.stack()) else { return Shared::NOTHING };
        let pairs = a.layers().iter().zip(b.layers()).enumerate();
        let same = pairs.take_while(|(no, (left, right))| {
            Arc::ptr_eq(&left.index, &right.index)
                || is_read_alike(left, right)
                    && diff_id(a, *no, left)
                        .is_some_and(|id| diff_id(b, *no, right).is_some_and(|other| *id == *other))
        });
        Shared(u32::try_from(same.count()).unwrap_or(0))
    }

    fn holds(self, layer: LayerNo) -> bool {
        layer.0 < self.0
    }

    /// Whether all in two directories must be the same.
    pub fn is_same_dir(self, a: &Folder, b: &Folder) -> bool {
        let (Some(a), Some(b)) = (of_layers(a), of_layers(b)) else { return false };
        a == b && a.members().iter().all(|member| self.holds(member.layer))
    }

    /// Whether two things are one and the same file of a layer.
    pub fn is_same_leaf(self, a: &Source, b: &Source) -> bool {
        match (a, b) {
            (Source::Lower(a @ union::Node::Leaf { layer, .. }), Source::Lower(b)) => {
                a == b && self.holds(*layer)
            }
            _ => false,
        }
    }
}

/// A directory that has nothing but layers in it.
fn of_layers(folder: &Folder) -> Option<&MergedDir> {
    match folder {
        Folder::Union(dir) => Some(dir),
        Folder::View(OpenDir { upper: None, lower }) => lower.as_ref(),
        Folder::View(_) | Folder::Host(_) => None,
    }
}

/// Whether the names of the same layer get the same numbers.
fn is_read_alike(a: &IndexedLayer, b: &IndexedLayer) -> bool {
    match (&a.known, &b.known) {
        (Some(Known::Listed { toc, .. }), Some(Known::Listed { toc: other, .. })) => toc == other,
        (Some(Known::Listed { .. }), _) | (_, Some(Known::Listed { .. })) => false,
        (Some(_), Some(_)) => true,
        _ => false,
    }
}

fn diff_id<'a>(stack: &'a Stack, no: usize, layer: &'a IndexedLayer) -> Option<&'a DiffId> {
    match &layer.known {
        Some(Known::Compressed { digests, .. }) => Some(&digests.diff_id),
        _ => stack.image.layers.get(no)?.diff_id.as_ref(),
    }
}
