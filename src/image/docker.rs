//! What `docker save` writes: `manifest.json` with configurations and layers by path (Docker image
//! specification v1.2, "Combined Image JSON + Filesystem Changeset Format").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::digest::{Algorithm, Digest};

use super::archive::Archive;
use super::config::ImageConfig;
use super::error::Error;
use super::offer::Offer;
use super::{Format, Image, LayerSource};

/// Where the images of an archive are listed.
pub const MANIFEST: &str = "manifest.json";

/// One image of `manifest.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
    #[serde(default)]
    layer_sources: Option<BTreeMap<String, LayerOrigin>>,
}

/// Where a layer that is not in the archive can be had.
#[derive(Debug, Clone, Deserialize)]
struct LayerOrigin {
    #[serde(default)]
    urls: Option<Vec<String>>,
}

/// The images of `manifest.json`; `None` if there is no such file or it is no such list.
pub fn items(archive: &Archive) -> Result<Option<Vec<Item>>, Error> {
    let Some(bytes) = archive.bytes(MANIFEST)? else { return Ok(None) };
    // A root file system may hold a file of this name that means something else.
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Array(items)) if items.iter().all(|item| item.get("Layers").is_some()) => {
            archive.parse(MANIFEST, &bytes).map(Some)
        }
        _ => Ok(None),
    }
}

/// An image of `manifest.json` with its configuration.
pub struct DockerImage {
    item: Item,
    config_bytes: Vec<u8>,
    config: ImageConfig,
}

impl DockerImage {
    /// Reads the configuration that an item names.
    pub fn open(archive: &Archive, item: Item) -> Result<DockerImage, Error> {
        let missing = || Error::Missing {
            place: archive.place(MANIFEST),
            what: format!("the configuration {}", item.config.escape_debug()),
            hint: String::new(),
        };
        let config_bytes = archive.bytes(&item.config)?.ok_or_else(missing)?;
        let config = ImageConfig::parse(&config_bytes)
            .map_err(|source| Error::Json { place: archive.place(&item.config), source })?;
        Ok(DockerImage { item, config_bytes, config })
    }

    /// Its ID: the digest of its configuration.
    pub fn id(&self) -> Digest {
        Digest::of(&self.config_bytes)
    }

    /// Its names.
    pub fn tags(&self) -> Vec<String> {
        self.item.repo_tags.clone().unwrap_or_default()
    }

    /// What it offers.
    pub fn offer(&self) -> Offer {
        let platform = Some(self.config.platform.clone()).filter(|platform| !platform.is_unknown());
        Offer {
            tags: self.tags(),
            id: Some(self.id()),
            manifest: None,
            platform,
            group: self.id().to_string(),
        }
    }

    /// The image with its layers.
    pub fn read(self, archive: &Archive) -> Result<Image, Error> {
        let paths = self.item.layers.as_deref().unwrap_or_default();
        let mut layers = Vec::with_capacity(paths.len());
        for (no, path) in paths.iter().enumerate() {
            let diff_id = self.config.diff_ids.get(no).cloned();
            let Some(file) = archive.file(path)? else {
                let key = diff_id.map(|id| id.to_string()).unwrap_or_default();
                let origin = self.item.layer_sources.as_ref().and_then(|sources| sources.get(&key));
                let urls = origin.and_then(|origin| origin.urls.clone()).unwrap_or_default();
                return Err(Error::Missing {
                    place: archive.place(MANIFEST),
                    what: format!("layer {no} of {} ({})", paths.len(), path.escape_debug()),
                    hint: foreign_hint(&urls, origin.is_some()),
                });
            };
            let digest = digest_in_path(path);
            layers.push(LayerSource::file(archive.place(path), file, digest, diff_id));
        }
        Ok(Image {
            format: Format::Docker,
            id: Some(self.id()),
            claimed_id: digest_in_path(&self.item.config),
            manifest: None,
            tags: self.tags(),
            config: Some(self.config),
            layers,
        })
    }
}

/// What is known of a layer that its manifest marks as not to be distributed.
pub fn foreign_hint(urls: &[String], is_foreign: bool) -> String {
    match urls {
        [] if is_foreign => "; it is non-distributable and has to be fetched from its vendor".to_owned(),
        [] => String::new(),
        [url, ..] => format!("; it is non-distributable and has to be fetched from {}", url.escape_debug()),
    }
}

/// The digest that a path is made of: `blobs/sha256/HEX`, `HEX.json`, `sha256:HEX`.
///
/// A layer's directory in the older form is named by something else (`ID/layer.tar`): no digest.
fn digest_in_path(path: &str) -> Option<Digest> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = ["json", "tar", "tar.gz"].iter().find_map(|end| file.strip_suffix(end)?.strip_suffix('.'));
    let hex = stem.unwrap_or(file);
    let hex = hex.strip_prefix("sha256:").unwrap_or(hex);
    // A layer file outside `blobs` may be named after its diff ID or its compressed digest.
    let is_named_by_content =
        file.ends_with(".json") || file.starts_with("sha256:") || path.starts_with("blobs/");
    is_named_by_content.then(|| format!("{}:{hex}", Algorithm::Sha256.name()).parse().ok()).flatten()
}
