//! What `docker save` writes: `manifest.json` with configurations and layers by path (Docker image
//! specification v1.2, "Combined Image JSON + Filesystem Changeset Format").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::digest::{Algorithm, DiffId, Digest};

use super::archive::Archive;
use super::config::{ConfigHead, Configs, ImageConfig};
use super::error::{Error, Missing};
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

/// What tells the list from other files of its name.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "Layers")]
    _layers: IgnoredAny,
}

/// The images of `manifest.json`; `None` if there is no such file or it is no such list.
pub fn items(archive: &Archive) -> Result<Option<Vec<Item>>, Error> {
    let Some(bytes) = archive.list_bytes(MANIFEST)? else { return Ok(None) };
    // A root file system may hold a file of this name that means something else.
    match serde_json::from_slice::<Vec<Probe>>(&bytes) {
        Ok(items) if !items.is_empty() => archive.parse(MANIFEST, &bytes).map(Some),
        _ => Ok(None),
    }
}

/// One image of `manifest.json`.
pub struct DockerImage {
    item: Item,
    head: ConfigHead,
}

impl DockerImage {
    /// Looks at the configuration that an item names.
    pub fn open(archive: &Archive, item: Item, configs: &mut Configs<'_>) -> Result<DockerImage, Error> {
        let head = configs.head(&item.config, Algorithm::Sha256)?;
        let head = head.ok_or_else(|| missing_config(archive, &item))?;
        Ok(DockerImage { item, head })
    }

    /// Its ID: the digest of its configuration.
    pub fn id(&self) -> &Digest {
        &self.head.digest
    }

    /// Its names.
    pub fn tags(&self) -> Vec<String> {
        self.item.repo_tags.clone().unwrap_or_default()
    }

    /// What it offers.
    pub fn offer(&self) -> Offer {
        Offer {
            tags: self.tags(),
            id: Some(self.id().clone()),
            manifest: None,
            platform: self.head.platform.clone(),
            group: self.id().to_string(),
        }
    }

    /// The image with its layers.
    pub fn read(self, archive: &Archive) -> Result<Image, Error> {
        let config = ImageConfig::read(archive, &self.item.config)?;
        let config = config.ok_or_else(|| missing_config(archive, &self.item))?;
        let paths = self.item.layers.as_deref().unwrap_or_default();
        let layers = paths.iter().enumerate().map(|(no, path)| {
            let diff_id = config.diff_ids.get(no).cloned();
            let digest = digest_in_path(path);
            match archive.file(path)? {
                Some(file) => Ok(LayerSource::file(archive.place(path), file, digest, diff_id)),
                None => {
                    let missing = self.item.missing_layer(archive, no, path, diff_id.as_ref());
                    Ok(LayerSource::missing(missing, digest, diff_id))
                }
            }
        });
        let layers = layers.collect::<Result<_, Error>>()?;
        Ok(Image {
            format: Format::Docker,
            is_listed_for_docker: true,
            id: Some(self.id().clone()),
            claimed_id: digest_in_path(&self.item.config),
            manifest: None,
            tags: self.tags(),
            config: Some(config),
            layers,
            archives: Vec::new(),
            rejected: Vec::new(),
        })
    }
}

impl Item {
    fn missing_layer(&self, archive: &Archive, no: usize, path: &str, diff_id: Option<&DiffId>) -> Missing {
        let key = diff_id.map(DiffId::to_string).unwrap_or_default();
        let origin = self.layer_sources.as_ref().and_then(|sources| sources.get(&key));
        let urls = origin.and_then(|origin| origin.urls.clone()).unwrap_or_default();
        let of = self.layers.as_ref().map_or(0, Vec::len);
        Missing {
            place: archive.place(MANIFEST),
            what: format!("layer {no} of {of} ({})", path.escape_debug()),
            hint: foreign_hint(&urls, origin.is_some()),
        }
    }
}

fn missing_config(archive: &Archive, item: &Item) -> Missing {
    let what = format!("the configuration {}", item.config.escape_debug());
    Missing { place: archive.place(MANIFEST), what, hint: String::new() }
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
