//! The OCI image layout (image-spec, image-layout.md): `index.json` and `blobs/ALGORITHM/HEX`.
//!
//! Indexes nest; Docker's schema-2 manifests and lists have the same form and are read alike.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::digest::{DiffId, Digest};

use super::archive::Archive;
use super::config::{Configs, ImageConfig};
use super::docker::foreign_hint;
use super::error::{Error, Missing};
use super::offer::Offer;
use super::platform::Platform;
use super::{Format, Image, LayerSource, ManifestRef};

/// The top index.
pub const INDEX: &str = "index.json";

/// The file that marks a layout; some tools forget it.
pub const LAYOUT: &str = "oci-layout";

/// Where everything else is.
const BLOBS: &str = "blobs";

/// Indexes within indexes; real ones have two or three.
const MAX_DEPTH: usize = 8;

/// Descriptors followed in one layout, whatever it claims.
const MAX_DESCRIPTORS: usize = 10_000;

/// A descriptor (descriptor.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    urls: Option<Vec<String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    platform: Option<Platform>,
}

/// An index (image-index.md) or a manifest (manifest.md): whichever has the one list or the other.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    /// Docker's schema 1 has this instead.
    #[serde(default)]
    fs_layers: Option<IgnoredAny>,
}

/// What tells an index from other files of its name.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "manifests")]
    _manifests: IgnoredAny,
}

/// An image of a layout.
pub struct OciImage {
    /// Its manifest's digest.
    pub digest: Digest,
    /// Its configuration's digest, as the manifest has it.
    pub config_digest: Digest,
    /// Docker's list in the archive has it, too.
    pub is_listed_for_docker: bool,
    path: String,
    context: Context,
    document: Rc<Document>,
}

/// The images of a layout.
#[derive(Default)]
pub struct Layout {
    /// Those whose manifest is there.
    pub images: Vec<OciImage>,
    /// Those that an index names and whose manifest is not there.
    pub missing: Vec<(Option<Platform>, Digest)>,
    /// Indexes and manifests that were read: each is once, however often it is named.
    documents: HashMap<Digest, Option<Rc<Document>>>,
    seen: usize,
}

impl Layout {
    /// Reads a layout; `None` if the archive is none.
    pub fn read(archive: &Archive) -> Result<Option<Layout>, Error> {
        let Some(bytes) = archive.list_bytes(INDEX)? else { return Ok(None) };
        let is_index = serde_json::from_slice::<Probe>(&bytes).is_ok();
        if !is_index || archive.file(LAYOUT)?.is_none() && !archive.is_dir(BLOBS) {
            return Ok(None);
        }
        let index: Document = archive.parse(INDEX, &bytes)?;
        let mut layout = Layout::default();
        for descriptor in index.manifests.unwrap_or_default() {
            layout.follow(archive, INDEX, &descriptor, &Context::default())?;
        }
        Ok(Some(layout))
    }

    /// Reads what a descriptor names: an index, whose own descriptors follow, or a manifest.
    fn follow(
        &mut self,
        archive: &Archive,
        from: &str,
        descriptor: &Descriptor,
        context: &Context,
    ) -> Result<(), Error> {
        if is_attestation(descriptor) {
            return Ok(());
        }
        let digest = archive.digest(from, &descriptor.digest)?;
        let path = blob_path(&digest);
        self.seen += 1;
        if context.depth > MAX_DEPTH || self.seen > MAX_DESCRIPTORS {
            return Err(Error::Unsupported {
                place: archive.place(&path),
                what: "indexes nested without end",
            });
        }
        let context = context.enter(descriptor);
        let Some(document) = self.document(archive, &digest, &path)? else {
            self.missing.push((context.platform, digest));
            return Ok(());
        };
        if document.fs_layers.is_some() {
            return Err(Error::Unsupported {
                place: archive.place(&path),
                what: "a Docker schema 1 manifest",
            });
        }
        for inner in document.manifests.iter().flatten() {
            self.follow(archive, &path, inner, &context)?;
        }
        match (&document.config, &document.layers) {
            (Some(config), Some(layers)) if is_image(config, layers) => {
                let config_digest = archive.digest(&path, &config.digest)?;
                let is_listed_for_docker = false;
                self.add(OciImage { digest, config_digest, is_listed_for_docker, path, context, document });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn document(
        &mut self,
        archive: &Archive,
        digest: &Digest,
        path: &str,
    ) -> Result<Option<Rc<Document>>, Error> {
        if let Some(document) = self.documents.get(digest) {
            return Ok(document.clone());
        }
        let document = archive.json::<Document>(path)?.map(Rc::new);
        self.documents.insert(digest.clone(), document.clone());
        Ok(document)
    }

    /// The same manifest under several names is one image.
    fn add(&mut self, image: OciImage) {
        match self.images.iter_mut().find(|known| known.digest == image.digest) {
            Some(known) => known.context.names.extend(image.context.names),
            None => self.images.push(image),
        }
    }
}

/// What the descriptors on the way to a manifest say of it.
#[derive(Debug, Clone, Default)]
struct Context {
    /// The image's names; the outermost descriptor that has one gives it.
    names: Vec<String>,
    platform: Option<Platform>,
    depth: usize,
}

impl Context {
    fn enter(&self, descriptor: &Descriptor) -> Context {
        let names =
            if self.names.is_empty() { Vec::from_iter(name_of(descriptor)) } else { self.names.clone() };
        let platform = descriptor.platform.clone().filter(|platform| !platform.is_unknown());
        Context { names, platform: platform.or_else(|| self.platform.clone()), depth: self.depth + 1 }
    }
}

impl OciImage {
    /// Its names.
    pub fn tags(&self) -> &[String] {
        &self.context.names
    }

    /// Gives it the names that another list in the archive has for it.
    pub fn rename(&mut self, names: Vec<String>) {
        self.context.names = names;
    }

    /// What it offers.
    pub fn offer(&self, configs: &mut Configs<'_>) -> Result<Offer, Error> {
        let platform = match &self.context.platform {
            Some(platform) => Some(platform.clone()),
            None => {
                let path = blob_path(&self.config_digest);
                configs.head(&path, self.config_digest.algorithm())?.and_then(|head| head.platform)
            }
        };
        Ok(Offer {
            tags: self.tags().to_vec(),
            id: Some(self.config_digest.clone()),
            manifest: Some(self.digest.clone()),
            platform,
            group: self.tags().first().cloned().unwrap_or_default(),
        })
    }

    /// The image with its layers.
    pub fn read(self, archive: &Archive) -> Result<Image, Error> {
        let missing = |what: String, hint| Missing { place: archive.place(&self.path), what, hint };
        let config_path = blob_path(&self.config_digest);
        let config = ImageConfig::read(archive, &config_path)?
            .ok_or_else(|| missing(format!("the configuration {}", self.config_digest), String::new()))?;
        let id = Configs::new(archive).head(&config_path, self.config_digest.algorithm())?;
        let descriptors = self.document.layers.as_deref().unwrap_or_default();
        let mut layers = Vec::with_capacity(descriptors.len());
        for (no, descriptor) in descriptors.iter().enumerate() {
            let digest = archive.digest(&self.path, &descriptor.digest)?;
            let path = blob_path(&digest);
            let diff_id: Option<DiffId> = config.diff_ids.get(no).cloned();
            let mut layer = match archive.file(&path)? {
                Some(file) => LayerSource::file(archive.place(&path), file, Some(digest), diff_id),
                None => {
                    let urls = descriptor.urls.clone().unwrap_or_default();
                    let what = format!("layer {no} of {} ({digest})", descriptors.len());
                    let hint = foreign_hint(&urls, is_foreign(&descriptor.media_type));
                    LayerSource::missing(missing(what, hint), Some(digest), diff_id)
                }
            };
            layer.media_type = Some(descriptor.media_type.clone());
            layer.claimed_size = descriptor.size;
            layer.toc = toc_of(&layer.place, descriptor);
            layers.push(layer);
        }
        Ok(Image {
            format: Format::Oci,
            is_listed_for_docker: self.is_listed_for_docker,
            id: id.map(|head| head.digest),
            claimed_id: Some(self.config_digest),
            manifest: Some(ManifestRef { digest: self.digest, file: archive.file(&self.path)? }),
            tags: self.context.names,
            config: Some(config),
            layers,
            archives: Vec::new(),
            rejected: Vec::new(),
        })
    }
}

/// The path of a blob (image-layout.md, "Blobs").
fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

/// The name that an index gives an image: the full one where containerd wrote it, else the tag.
fn name_of(descriptor: &Descriptor) -> Option<String> {
    let annotations = descriptor.annotations.as_ref()?;
    let name = annotations.get("io.containerd.image.name");
    name.or_else(|| annotations.get("org.opencontainers.image.ref.name")).cloned()
}

/// The annotations that a layer's table of contents has its digest in: eStargz's, and zstd:chunked's, now and before.
const TOC_DIGESTS: [&str; 3] = [
    "containerd.io/snapshot/stargz/toc.digest",
    "io.github.containers.zstd-chunked.manifest-checksum",
    "io.containers.zstd-chunked.manifest-checksum",
];

/// The digest of a layer's table of contents.
fn toc_of(place: &str, descriptor: &Descriptor) -> Option<Digest> {
    let annotations = descriptor.annotations.as_ref()?;
    let text = TOC_DIGESTS.iter().find_map(|name| annotations.get(*name))?;
    let digest = text.parse().inspect_err(|error| tracing::warn!("{place}: table of contents: {error}"));
    digest.ok()
}

/// What buildx adds beside images: provenance and lists of packages, no file system.
fn is_attestation(descriptor: &Descriptor) -> bool {
    let annotation = descriptor.annotations.as_ref().and_then(|all| all.get("vnd.docker.reference.type"));
    let is_unknown = |platform: &Platform| platform.os == "unknown" && platform.architecture == "unknown";
    annotation.is_some_and(|kind| kind == "attestation-manifest")
        || descriptor.platform.as_ref().is_some_and(is_unknown)
}

/// Whether a manifest is an image's; signatures and other artifacts have the same form.
fn is_image(config: &Descriptor, layers: &[Descriptor]) -> bool {
    let is_config = config.media_type.is_empty()
        || config.media_type.contains("image.config")
        || config.media_type.contains("container.image");
    let is_layer = |layer: &Descriptor| {
        let media_type = &layer.media_type;
        media_type.is_empty() || media_type.contains("image.layer") || media_type.contains("image.rootfs")
    };
    is_config && (layers.is_empty() || layers.iter().any(is_layer))
}

fn is_foreign(media_type: &str) -> bool {
    media_type.contains("foreign") || media_type.contains("nondistributable")
}
