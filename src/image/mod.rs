//! What an image is: its configuration and its layers, from whatever form it comes in.
//!
//! A form is recognised by content, never by name. Nothing here knows how layers merge.

mod archive;
mod catalog;
mod choose;
mod config;
mod cut;
mod docker;
mod docker_v1;
mod error;
mod history;
mod oci;
mod offer;
mod open;
mod platform;
mod what;

use std::fmt;
use std::sync::Arc;

use crate::blob::Blob;
use crate::digest::{ChainId, DiffId, Digest};
use crate::index::{Content, LayerIndex, Rejected};
use crate::tarball::{Claims, Known, Tarball};

pub use archive::{Archive, ArchiveFile};
pub use choose::Choice;
pub use config::{HistoryEntry, ImageConfig};
pub use cut::Cut;
pub use error::{Error, Missing};
pub use history::HistoryColumn;
pub use offer::Offer;
pub use open::{Input, Opening};
pub use platform::{BadPlatform, Platform};

/// An image, its layers not yet read.
#[derive(Clone)]
pub struct Image {
    /// The form it came in.
    pub format: Format,
    /// Docker's list in the archive has it, whatever other list it was found by.
    pub is_listed_for_docker: bool,
    /// Its ID: the digest of its configuration's bytes.
    pub id: Option<Digest>,
    /// The ID that the archive says it has.
    pub claimed_id: Option<Digest>,
    /// Its manifest, where the form has one with a digest.
    pub manifest: Option<ManifestRef>,
    /// Its names.
    pub tags: Vec<String>,
    /// Its configuration; layers on their own have none.
    pub config: Option<ImageConfig>,
    /// Its layers, base first.
    pub layers: Vec<LayerSource>,
    /// The tars around the layers, each with what is known of it.
    pub archives: Vec<(Arc<str>, Known)>,
    /// Members of the archive around the layers that have no place there (S2), each with the archive.
    pub rejected: Vec<(Arc<str>, Rejected)>,
}

/// The form an image comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `docker save` with a `manifest.json`.
    Docker,
    /// `docker save` before that.
    DockerV1,
    /// An OCI image layout.
    Oci,
    /// Layers without an image: tars, root file systems, directories.
    Layers,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Docker => "docker archive",
            Format::DockerV1 => "docker archive v1",
            Format::Oci => "OCI layout",
            Format::Layers => "layers",
        })
    }
}

/// A manifest and what it must hash to.
#[derive(Clone)]
pub struct ManifestRef {
    /// The digest that the index gives it.
    pub digest: Digest,
    /// Where it is.
    pub file: Option<ArchiveFile>,
}

/// One layer of an image, before it is read.
#[derive(Clone)]
pub struct LayerSource {
    /// Where it is, for messages: `ARCHIVE: MEMBER`.
    pub place: String,
    /// What it is.
    pub origin: Origin,
    /// What its bytes as they are stored must hash to.
    pub digest: Option<Digest>,
    /// How many bytes the manifest says there are.
    pub claimed_size: Option<u64>,
    /// What its uncompressed tar must hash to.
    pub diff_id: Option<DiffId>,
    /// What the manifest says it is; its bytes decide.
    pub media_type: Option<String>,
    /// What its table of contents must hash to, if it has one.
    pub toc: Option<Digest>,
}

/// A layer that has been read: its names, and where its files' bytes are.
#[derive(Clone)]
pub struct IndexedLayer {
    /// Its names.
    pub index: Arc<LayerIndex>,
    /// Its bytes.
    pub content: Arc<Content>,
    /// What is known of its tar, if it is one.
    pub known: Option<Known>,
}

impl IndexedLayer {
    /// A layer that holds nothing.
    pub fn empty() -> IndexedLayer {
        let blob: Blob = Arc::new(Vec::new());
        IndexedLayer::new(LayerIndex::empty(), Content::Tar(blob))
    }

    /// A layer of which nothing else is known.
    pub fn new(index: LayerIndex, content: Content) -> IndexedLayer {
        IndexedLayer { index: Arc::new(index), content: Arc::new(content), known: None }
    }
}

impl From<Tarball> for IndexedLayer {
    fn from(Tarball { index, tar, known }: Tarball) -> IndexedLayer {
        IndexedLayer { index, content: Arc::new(Content::Tar(tar)), known: Some(known) }
    }
}

/// What a layer comes from.
#[derive(Clone)]
pub enum Origin {
    /// A tar in an archive, perhaps compressed.
    File(ArchiveFile),
    /// What was opened turned out to be the layer itself.
    Indexed(IndexedLayer),
    /// The image names it, and it is not there.
    Missing(Missing),
}

impl LayerSource {
    /// One in the place of a layer that was left out, so that those above keep their numbers.
    pub(super) fn left_out() -> LayerSource {
        LayerSource::of(String::new(), Origin::Indexed(IndexedLayer::empty()))
    }

    /// Whether it only stands in the place of a layer: it is nowhere.
    pub fn is_left_out(&self) -> bool {
        self.place.is_empty()
    }

    /// A layer of which nothing is claimed.
    fn of(place: String, origin: Origin) -> LayerSource {
        let (digest, diff_id, toc) = (None, None, None);
        LayerSource { place, origin, digest, claimed_size: None, diff_id, media_type: None, toc }
    }

    /// A layer that is a file of an archive.
    fn file(
        place: String,
        file: ArchiveFile,
        digest: Option<Digest>,
        diff_id: Option<DiffId>,
    ) -> LayerSource {
        LayerSource { digest, diff_id, ..LayerSource::of(place, Origin::File(file)) }
    }

    /// A layer that is not in the archive.
    fn missing(missing: Missing, digest: Option<Digest>, diff_id: Option<DiffId>) -> LayerSource {
        LayerSource { digest, diff_id, ..LayerSource::of(missing.place.clone(), Origin::Missing(missing)) }
    }

    /// What the image says of its bytes.
    pub fn claims(&self) -> Claims {
        Claims { stored: self.digest.clone(), diff_id: self.diff_id.clone(), toc: self.toc.clone() }
    }

    /// What is missing, if the layer is.
    pub fn as_missing(&self) -> Option<&Missing> {
        match &self.origin {
            Origin::Missing(missing) => Some(missing),
            Origin::File(_) | Origin::Indexed(_) => None,
        }
    }

    /// The length of the layer as it is stored, in bytes; a directory has none.
    pub fn stored_size(&self) -> Option<u64> {
        match &self.origin {
            Origin::File(file) => Some(file.blob.len()),
            Origin::Indexed(layer) => layer.content.tar_len(),
            Origin::Missing(_) => None,
        }
    }
}

impl Image {
    /// Layers that belong to no image, base first.
    pub fn of_layers(layers: Vec<LayerSource>) -> Image {
        Image {
            format: Format::Layers,
            is_listed_for_docker: false,
            id: None,
            claimed_id: None,
            manifest: None,
            tags: Vec::new(),
            config: None,
            layers,
            archives: Vec::new(),
            rejected: Vec::new(),
        }
    }

    /// The layers' chain IDs, base first; `None` from the first layer on whose diff ID is not known.
    pub fn chain_ids(&self) -> Vec<Option<ChainId>> {
        let mut below: Option<ChainId> = None;
        let mut known = true;
        let chain = self.layers.iter().map(|layer| {
            let chain = layer.diff_id.as_ref().filter(|_| known).map(|id| ChainId::stack(below.as_ref(), id));
            known &= chain.is_some();
            below.clone_from(&chain);
            chain
        });
        chain.collect()
    }
}
