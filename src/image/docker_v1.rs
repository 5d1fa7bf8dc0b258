//! What `docker save` wrote before it had a `manifest.json` (Docker image specification v1.0, v1.1): each
//! layer's own `json` names its parent, and `repositories` names the top layers.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::archive::Archive;
use super::config::{HistoryEntry, ImageConfig};
use super::error::{Error, Missing};
use super::offer::Offer;
use super::platform::Platform;
use super::{Format, Image, LayerSource};

/// Where the names of images are.
const REPOSITORIES: &str = "repositories";

/// Layers in a chain of parents; more is a loop or an attack: overlayfs takes 500.
const MAX_PARENTS: usize = 10_000;

/// One layer's `json`.
#[derive(Debug, Clone, Default, Deserialize)]
struct V1Layer {
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    container_config: Option<ContainerConfig>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerConfig {
    #[serde(default)]
    cmd: Option<Vec<String>>,
}

/// An image: the ID of its top layer, and its names.
pub struct V1Image {
    top: String,
    tags: Vec<String>,
}

/// The images of an archive in this form; none if it has another.
pub fn images(archive: &Archive) -> Result<Vec<V1Image>, Error> {
    let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if let Some(bytes) = archive.list_bytes(REPOSITORIES)?
        && let Ok(repositories) = serde_json::from_slice::<BTreeMap<String, BTreeMap<String, String>>>(&bytes)
    {
        for (name, tags) in repositories {
            for (tag, id) in tags {
                images.entry(id).or_default().push(format!("{name}:{tag}"));
            }
        }
    }
    if images.is_empty() {
        images = tops(archive)?.into_iter().map(|id| (id, Vec::new())).collect();
    }
    let mut known = Vec::new();
    for (top, tags) in images {
        if archive.file(&json_path(&top))?.is_some() {
            known.push(V1Image { top, tags });
        }
    }
    Ok(known)
}

/// Layers that are no other layer's parent.
fn tops(archive: &Archive) -> Result<Vec<String>, Error> {
    let mut tops = Vec::new();
    let mut parents = HashSet::new();
    for id in archive.top_names() {
        if archive.file(&format!("{id}/layer.tar"))?.is_some()
            && let Some(bytes) = archive.bytes(&json_path(&id))?
            && let Ok(layer) = serde_json::from_slice::<V1Layer>(&bytes)
        {
            parents.extend(layer.parent);
            tops.push(id);
        }
    }
    tops.retain(|id| !parents.contains(id));
    Ok(tops)
}

fn json_path(id: &str) -> String {
    format!("{id}/json")
}

impl V1Image {
    /// What it offers.
    pub fn offer(&self) -> Offer {
        let id = format!("sha256:{}", self.top).parse().ok();
        Offer { tags: self.tags.clone(), id, manifest: None, platform: None, group: self.top.clone() }
    }

    /// The image with its layers, read from the top one down.
    pub fn read(self, archive: &Archive) -> Result<Image, Error> {
        let mut layers = Vec::new();
        let mut history = Vec::new();
        let mut config = ImageConfig::default();
        let mut next = Some(self.top);
        while let Some(id) = next {
            let missing = |what: &str| Missing {
                place: archive.name.to_string(),
                what: format!("{} of layer {}", what, id.escape_debug()),
                hint: String::new(),
            };
            if layers.len() >= MAX_PARENTS {
                return Err(Error::Unsupported {
                    place: archive.place(&json_path(&id)),
                    what: "a loop of parents",
                });
            }
            let layer: V1Layer = archive.json(&json_path(&id))?.ok_or_else(|| missing("the json"))?;
            let path = format!("{id}/layer.tar");
            let file = archive.file(&path)?.ok_or_else(|| missing("the tar"))?;
            if layers.is_empty() {
                config = config_of(&layer);
            }
            layers.push(LayerSource::file(archive.place(&path), file, None, None));
            next = layer.parent.clone().filter(|parent| !parent.is_empty());
            history.push(history_of(layer));
        }
        layers.reverse();
        history.reverse();
        config.history = history;
        let format = Format::DockerV1;
        Ok(Image {
            format,
            is_listed_for_docker: true,
            id: None,
            claimed_id: None,
            manifest: None,
            tags: self.tags,
            config: Some(config),
            layers,
            archives: Vec::new(),
            rejected: Vec::new(),
        })
    }
}

fn config_of(layer: &V1Layer) -> ImageConfig {
    ImageConfig {
        created: layer.created.clone(),
        author: layer.author.clone(),
        platform: Platform {
            os: layer.os.clone().unwrap_or_default(),
            architecture: layer.architecture.clone().unwrap_or_default(),
            variant: None,
        },
        config: layer.config.clone(),
        diff_ids: Vec::new(),
        history: Vec::new(),
        json: Box::default(),
    }
}

fn history_of(layer: V1Layer) -> HistoryEntry {
    let command = layer.container_config.and_then(|config| config.cmd).map(|cmd| cmd.join(" "));
    HistoryEntry {
        created: layer.created,
        created_by: command,
        author: layer.author,
        comment: layer.comment,
        empty_layer: false,
    }
}
