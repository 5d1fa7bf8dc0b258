//! The new image: the base's layers, the new one, and the lists that name them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::blob::Compression;
use crate::digest::{DiffId, Digest};
use crate::image::{Image, Platform};
use crate::layer::LeafId;

use super::archive::{Archive, Blob};
use super::base::BaseLayer;
use super::compress::Stored;
use super::config::{Words, config};
use super::error::Error;
use super::reference::Reference;
use super::store::{NewLayer, StoredLayer, store_layer};

/// What docker archives have beside what an OCI layout has.
const DOCKER_MANIFEST: &str = "manifest.json";

/// The form of the new image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A docker archive that is an OCI layout as well, as Docker writes them since version 25.
    Docker,
    /// An OCI layout in a tar.
    Oci,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct NewImage {
    /// In which form.
    pub form: Form,
    /// How the new layer is stored.
    pub stored: Stored,
    /// Its names.
    pub tags: Vec<Reference>,
    /// What is said of it.
    pub words: Words,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The image ID.
    pub id: Digest,
    /// The new layer.
    pub layer: StoredLayer,
}

/// A layer of the new image.
struct Layer {
    blob: Blob,
    diff_id: DiffId,
    media_type: &'static str,
}

impl NewImage {
    /// Writes the image to a file that is empty; `fill` makes the new layer.
    pub fn write(
        &self,
        file: File,
        base: &Image,
        base_layers: &[BaseLayer<'_>],
        fill: impl FnOnce(&mut NewLayer<&mut BufWriter<File>>) -> Result<(), Error>,
    ) -> Result<Written, Error> {
        let mut archive = Archive::new(file)?;
        let mut layers = copy_layers(&mut archive, base_layers)?;
        let (blob, layer) = archive.member(|out| {
            let layer = store_layer(out, self.stored, fill)?;
            Ok::<_, Error>((Blob { digest: layer.digest.clone(), size: layer.size }, layer))
        })?;
        let (diff_id, media_type) = (layer.diff_id.clone(), media_type(self.stored));
        layers.push(Arc::new(Layer { blob, diff_id, media_type }));
        let diff_ids: Vec<DiffId> = layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let config = config(base, &diff_ids, &self.words);
        let config_blob = archive.blob(&to_bytes(&config)?)?;
        let manifest = archive.blob(&to_bytes(&manifest(&config_blob, &layers))?)?;
        let index = self.index(&manifest, &platform(&config));
        archive.file("index.json", &to_bytes(&index)?)?;
        if self.form == Form::Docker {
            archive.file(DOCKER_MANIFEST, &to_bytes(&self.docker_manifest(&config_blob, &layers))?)?;
        }
        archive.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        archive.finish()?;
        Ok(Written { id: config_blob.digest, layer })
    }

    /// The list at the top: the manifest once for each name, as Docker writes it.
    fn index(&self, manifest: &Blob, platform: &Value) -> Value {
        let entry = |annotations: Option<Value>| {
            let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", manifest);
            if let Some(annotations) = annotations {
                entry.insert("annotations".into(), annotations);
            }
            entry.insert("platform".into(), platform.clone());
            Value::Object(entry)
        };
        let annotations = |tag: &Reference| {
            json!({
                "io.containerd.image.name": tag.full(),
                "org.opencontainers.image.ref.name": tag.tag(),
            })
        };
        let manifests: Vec<Value> = match &*self.tags {
            [] => vec![entry(None)],
            tags => tags.iter().map(|tag| entry(Some(annotations(tag)))).collect(),
        };
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        })
    }

    fn docker_manifest(&self, config: &Blob, layers: &[Arc<Layer>]) -> Value {
        let tags: Vec<String> = self.tags.iter().map(Reference::familiar).collect();
        let tags = if tags.is_empty() { Value::Null } else { tags.into() };
        let paths: Vec<String> = layers.iter().map(|layer| layer.blob.path()).collect();
        json!([{ "Config": config.path(), "RepoTags": tags, "Layers": paths }])
    }
}

/// Copies the base's layers as they are stored; one that it has twice is there once.
fn copy_layers(archive: &mut Archive, base: &[BaseLayer<'_>]) -> Result<Vec<Arc<Layer>>, Error> {
    let mut copied: HashMap<(&str, LeafId), Arc<Layer>> = HashMap::new();
    let mut layers = Vec::with_capacity(base.len());
    for layer in base {
        if let Some(same) = layer.file().and_then(|file| copied.get(&file)) {
            layers.push(same.clone());
            continue;
        }
        let media_type = media_type_of(layer.compression()?);
        let (blob, diff_id) = layer.copy(archive)?;
        let written = Arc::new(Layer { blob, diff_id, media_type });
        copied.extend(layer.file().map(|file| (file, written.clone())));
        layers.push(written);
    }
    Ok(layers)
}

fn manifest(config: &Blob, layers: &[Arc<Layer>]) -> Value {
    let layers: Vec<Value> =
        layers.iter().map(|layer| Value::Object(descriptor(layer.media_type, &layer.blob))).collect();
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": layers,
    })
}

fn descriptor(media_type: &str, blob: &Blob) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("mediaType".into(), media_type.into());
    object.insert("digest".into(), blob.digest.to_string().into());
    object.insert("size".into(), blob.size.into());
    object
}

/// What an image runs on, as its configuration has it.
fn platform(config: &Map<String, Value>) -> Value {
    let host = Platform::host();
    let word = |key: &str, default: &str| {
        let word = config.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
        word.unwrap_or(default).to_owned()
    };
    let mut platform = Map::new();
    platform.insert("architecture".into(), word("architecture", &host.architecture).into());
    platform.insert("os".into(), word("os", &host.os).into());
    if let Some(variant) = config.get("variant").filter(|variant| variant.is_string()) {
        platform.insert("variant".into(), variant.clone());
    }
    Value::Object(platform)
}

fn media_type(stored: Stored) -> &'static str {
    match stored {
        Stored::Plain => "application/vnd.oci.image.layer.v1.tar",
        Stored::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Stored::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
    }
}

/// The specification knows no others than these; who reads xz and bzip2 tells them by their first bytes.
fn media_type_of(compression: Option<Compression>) -> &'static str {
    match compression {
        Some(Compression::Gzip) => media_type(Stored::Gzip),
        Some(Compression::Zstd) => media_type(Stored::Zstd),
        Some(Compression::Xz | Compression::Bzip2) | None => media_type(Stored::Plain),
    }
}

fn to_bytes(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}
