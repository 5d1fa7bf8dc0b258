//! What of an image nobody sees: bytes of a layer that a higher one replaces, deletes or writes again.
//!
//! One walk over all words of all layers; nothing is remembered of a file but where several names lead to it, and
//! contents are read only where a file of the same length replaces another.

mod links;
mod measure;
mod worst;

use std::io;

use crate::layer::{self, LayerNo};
use crate::path::TreePath;
use crate::stack::Stack;

pub use measure::stored;

/// Why bytes do not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Something else stands in its place, or in the place of a directory that it is in.
    Replaced,
    /// The same contents stand in its place: only mode, owner, times or attributes changed, if anything.
    Repeated,
    /// It was deleted, or a directory that it is in.
    Deleted,
    /// A directory that it is in was made anew: an opaque one.
    Opaque,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 4] = [Reason::Replaced, Reason::Repeated, Reason::Deleted, Reason::Opaque];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Replaced => "replaced",
            Reason::Repeated => "repeated",
            Reason::Deleted => "deleted",
            Reason::Opaque => "opaque",
        }
    }
}

/// Bytes by the reason that they do not show for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hidden([u64; 4]);

impl Hidden {
    /// Those of one reason.
    pub fn of(&self, reason: Reason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, &bytes| sum.saturating_add(bytes))
    }

    fn add(&mut self, reason: Reason, bytes: u64) {
        if let Some(sum) = self.0.get_mut(reason as usize) {
            *sum = sum.saturating_add(bytes);
        }
    }
}

/// One layer's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerWaste {
    /// Bytes of its files: hard links once, holes not at all.
    pub bytes: u64,
    /// Those of them that do not show.
    pub hidden: Hidden,
    /// Bytes of layers below that do not show because of this one, which was the first to hide them.
    pub hides: Hidden,
}

/// A file of one layer that does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WastedFile {
    /// The layer that it is in.
    pub layer: LayerNo,
    /// Its bytes.
    pub bytes: u64,
    /// The layer that hid it.
    pub by: LayerNo,
    /// How.
    pub reason: Reason,
}

/// A path with files that do not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WastedPath {
    /// The path.
    pub path: TreePath,
    /// The bytes of all of them together.
    pub bytes: u64,
    /// The files, top first. One of several names is told of once, at the first.
    pub files: Vec<WastedFile>,
}

/// What does not show of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waste {
    /// Layer by layer, base first.
    pub layers: Vec<LayerWaste>,
    /// The paths with the most bytes, the worst first.
    pub worst: Vec<WastedPath>,
    /// How many paths there are that have any.
    pub paths: u64,
}

impl Waste {
    /// Measures an image, and keeps so many of the worst paths.
    pub fn of(stack: &Stack, top: usize) -> Result<Waste, Error> {
        measure::measure(stack, top)
    }

    /// The bytes of the files of all layers.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.bytes))
    }

    /// Those that do not show.
    pub fn hidden(&self) -> u64 {
        self.hidden_by_reason().total()
    }

    /// Those that do not show, by reason.
    pub fn hidden_by_reason(&self) -> Hidden {
        let mut hidden = Hidden::default();
        for (layer, reason) in self.layers.iter().flat_map(|layer| Reason::ALL.map(|reason| (layer, reason)))
        {
            hidden.add(reason, layer.hidden.of(reason));
        }
        hidden
    }

    /// The share that does not show, from 0 to 1; 0 if there are no bytes at all.
    pub fn share(&self) -> f64 {
        match self.bytes() {
            0 => 0.0,
            bytes => self.hidden() as f64 / bytes as f64,
        }
    }

    /// The share that shows, from 0 to 1.
    pub fn efficiency(&self) -> f64 {
        1.0 - self.share()
    }
}

/// Why it could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A layer could not answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
    /// A file could not be compared with what replaces it.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: TreePath,
        /// Why not.
        source: io::Error,
    },
}
