//! An image with its layers read and stacked: what every command starts from.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use crate::blob::{Blob, BlockCache, LayerFile, ReadAt, have_same_contents};
use crate::digest::{Algorithm, Digest};
use crate::entry::Extent;
use crate::image::{self, Cut, Image, IndexedLayer, Input, LayerSource, Opening, Origin};
use crate::index::{Extents, Reason, Rejected, XattrUse};
use crate::layer::{self, Layer, LayerNo, LeafId};
use crate::union::Union;

/// Layers in a stack; overlayfs has the same limit.
const MAX_LAYERS: usize = 500;

/// Why a stack could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The image cannot be opened.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// More layers than any program would stack.
    #[error("{0} layers; no more than {MAX_LAYERS} can be stacked")]
    TooManyLayers(usize),
    /// An index contradicts itself.
    #[error("layers do not stack: {0}")]
    Layer(#[from] layer::Error),
    /// Members that are not in the tree, where every one must be (`--strict`, S2).
    #[error(
        "{place}: member {}, offset {}: {} ({count} of the image's members have no place in its tree)",
        .first.name.escape_ascii(), .first.offset, .first.reason
    )]
    Rejected {
        /// The layer of the first one.
        place: String,
        /// The first one.
        first: Rejected,
        /// How many there are.
        count: usize,
    },
}

/// An image seen as one tree.
pub struct Stack {
    /// What the image says of itself.
    pub image: Image,
    /// The tree.
    pub union: Union,
    layers: Vec<IndexedLayer>,
    blocks: Option<Arc<BlockCache>>,
}

impl Stack {
    /// Opens an image, reads all its layers, and stacks them.
    pub fn open(opening: &Opening, input: &Input) -> Result<Stack, Error> {
        let image = opening.open(input)?;
        if image.layers.len() > MAX_LAYERS {
            return Err(Error::TooManyLayers(image.layers.len()));
        }
        // Before the work of reading the others.
        if let Some(missing) = image.layers.iter().find_map(LayerSource::as_missing) {
            return Err(image::Error::from(missing.clone()).into());
        }
        let layers = index_all(opening, &image.layers)?;
        let stack = Stack::new(image, layers)?;
        Ok(Stack { blocks: Some(opening.tars.blocks.clone()), ..stack })
    }

    /// Opens an image if none of its layers has to be decoded for that; `None` if one has.
    pub fn recall(opening: &Opening, input: &Input) -> Result<Option<Stack>, Error> {
        let image = opening.open(input)?;
        if image.layers.len() > MAX_LAYERS {
            return Err(Error::TooManyLayers(image.layers.len()));
        }
        let layer_of = |layer| match opening.recall(layer)? {
            None if opening.cost(layer) == 0 => opening.read(layer).map(Some),
            known => Ok(known),
        };
        let layers = image.layers.iter().map(layer_of).collect::<Result<Option<_>, _>>()?;
        layers.map(|layers| Stack::new(image, layers)).transpose()
    }

    /// Stacks layers that have been read, base first.
    pub fn new(image: Image, mut layers: Vec<IndexedLayer>) -> Result<Stack, Error> {
        if layers.is_empty() {
            layers.push(IndexedLayer::empty());
        }
        let indexes = layers.iter().map(|layer| layer.index.clone() as Arc<dyn Layer>);
        let union = Union::new(indexes.collect())?;
        Ok(Stack { image, union, layers, blocks: None })
    }

    /// The same with fewer layers; nothing is read again.
    pub fn cut(&self, cut: Cut) -> Result<Stack, Error> {
        let mut layers = self.layers.clone();
        cut.apply(&mut layers, IndexedLayer::empty)?;
        // An image of no layers has one here.
        let image = self.image.clone();
        let image = if image.layers.is_empty() { image } else { image.cut(cut)? };
        Ok(Stack { blocks: self.blocks.clone(), ..Stack::new(image, layers)? })
    }

    /// The command that made a layer, if the image's history has it.
    pub fn created_by(&self, no: LayerNo) -> Option<&str> {
        let step = self.image.config.as_ref()?.step_of(no.0 as usize)?;
        step.created_by.as_deref().filter(|command| !command.is_empty())
    }

    /// The layers, base first; an image of none has one that is empty.
    pub fn layers(&self) -> &[IndexedLayer] {
        &self.layers
    }

    /// The decoded blocks of its layers and their archives, if it was opened from any.
    pub fn blocks(&self) -> Option<&BlockCache> {
        self.blocks.as_deref()
    }

    /// One layer.
    pub fn layer(&self, no: LayerNo) -> Result<&IndexedLayer, layer::Error> {
        self.layers.get(no.0 as usize).ok_or(layer::Error::NoLayer(no))
    }

    /// Where a layer is, for messages.
    pub fn place(&self, no: LayerNo) -> &str {
        self.image.layers.get(no.0 as usize).map_or("", |layer| &layer.place)
    }

    /// Does something with a file's extents, and the blob that they lie in.
    pub fn with_file<T>(
        &self,
        layer: LayerNo,
        leaf: LeafId,
        act: impl FnOnce(&[Extent], &dyn ReadAt) -> io::Result<T>,
    ) -> io::Result<T> {
        let (layer, leaf) = self.union.leaf_source(layer, leaf);
        let IndexedLayer { index, content, .. } = self.layer(layer).map_err(io::Error::other)?;
        let extents = index.extents(leaf).map_err(io::Error::other)?;
        content.with_file(index, leaf, |source| act(&extents, source))
    }

    /// A file's extents, and the blob that they lie in.
    pub fn file(&self, layer: LayerNo, leaf: LeafId) -> io::Result<(Extents<'_>, Blob)> {
        let (layer, leaf) = self.union.leaf_source(layer, leaf);
        let IndexedLayer { index, content, .. } = self.layer(layer).map_err(io::Error::other)?;
        Ok((index.extents(leaf).map_err(io::Error::other)?, content.of_file(index, leaf)?))
    }

    /// Whether a regular file holds what another one of the same size does, of whatever image.
    pub fn has_same_contents(
        &self,
        file: (LayerNo, LeafId),
        other: &Stack,
        other_file: (LayerNo, LeafId),
        size: u64,
    ) -> io::Result<bool> {
        self.with_file(file.0, file.1, |extents, source| {
            let mut own = LayerFile::new(extents, size, source);
            other.with_file(other_file.0, other_file.1, |extents, source| {
                have_same_contents(&mut own, &mut LayerFile::new(extents, size, source))
            })
        })
    }

    /// The digest of a regular file's contents.
    pub fn digest(&self, layer: LayerNo, leaf: LeafId) -> io::Result<Digest> {
        let size = self.union.leaf_attributes(layer, leaf).map_err(io::Error::other)?.size;
        self.with_file(layer, leaf, |extents, source| {
            let file = LayerFile::new(extents, size, source);
            Digest::of_reader(Algorithm::Sha256, file).map(|(digest, _)| digest)
        })
    }

    /// Members that are not in the tree, layer by layer, base first (S2, S5).
    pub fn rejected(&self) -> Result<Vec<(LayerNo, Rejected)>, layer::Error> {
        let mut rejected = Vec::new();
        for (no, layer) in (0..).map(LayerNo).zip(&self.layers) {
            rejected.extend(layer.index.rejected().iter().map(|rejected| (no, rejected.clone())));
        }
        for (no, leaf) in self.union.rejected_links() {
            let name = self.layer(no)?.index.path(leaf.into())?.as_bytes().into();
            rejected.push((no, Rejected { offset: 0, name, reason: Reason::LinkToNothing }));
        }
        rejected.sort_by_key(|(no, rejected)| (*no, rejected.offset));
        Ok(rejected)
    }

    /// Refuses an image with members that are not in the tree (`--strict`, S2).
    pub fn check_strict(&self) -> Result<(), Error> {
        let rejected = self.rejected()?;
        let count = rejected.len();
        match rejected.into_iter().next() {
            None => Ok(()),
            Some((no, first)) => Err(Error::Rejected { place: self.place(no).to_owned(), first, count }),
        }
    }

    /// How far extended attributes are used in any layer.
    pub fn xattr_use(&self) -> XattrUse {
        self.layers.iter().map(|layer| layer.index.xattr_use()).max().unwrap_or(XattrUse::None)
    }
}

/// A layer, once someone has it.
type Slot = Mutex<Option<Result<IndexedLayer, image::Error>>>;

/// Reads all layers, several at a time; a layer that an image has twice is read once.
fn index_all(opening: &Opening, sources: &[LayerSource]) -> Result<Vec<IndexedLayer>, image::Error> {
    let same_as = repeats(sources);
    let slots: Vec<Slot> = sources.iter().map(|_| Mutex::new(None)).collect();
    let mut work: Vec<(&LayerSource, &Slot)> = Vec::new();
    for ((i, same), job) in same_as.iter().enumerate().zip(sources.iter().zip(&slots)) {
        work.extend((i == *same).then_some(job));
    }
    for_each(&work, |(source, slot)| *slot.lock() = opening.recall(source).transpose());
    work.retain(|(_, slot)| slot.lock().is_none());
    // The largest first: whoever comes last should not have the longest way.
    work.sort_by_key(|(source, _)| std::cmp::Reverse(source.stored_size()));
    opening.expect(work.iter().map(|(source, _)| *source));
    for_each(&work, |(source, slot)| *slot.lock() = Some(opening.read(source)));
    let mut layers: Vec<IndexedLayer> = Vec::with_capacity(sources.len());
    for (slot, same) in slots.into_iter().zip(same_as) {
        match slot.into_inner() {
            Some(layer) => layers.push(layer?),
            None => layers.extend(layers.get(same).cloned()),
        }
    }
    Ok(layers)
}

/// For each layer the first that is the same.
fn repeats(sources: &[LayerSource]) -> Vec<usize> {
    let mut first_of: HashMap<(&str, LeafId), usize> = HashMap::new();
    let firsts = sources.iter().enumerate().map(|(i, source)| match &source.origin {
        Origin::File(file) => *first_of.entry((&*file.archive, file.leaf)).or_insert(i),
        Origin::Indexed(_) | Origin::Missing(_) => i,
    });
    firsts.collect()
}

/// Does work on all items, as many at a time as there are processors.
fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(item);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(run);
        }
        run();
    });
}
