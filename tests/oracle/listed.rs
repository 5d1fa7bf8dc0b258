//! The images of an archive that was unpacked, or of a layout, found without the program: whoever reads
//! the specifications would follow their JSON like this.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What the configurations of images are.
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// One image.
pub struct Listed {
    /// What chooses it among the others: an ID, a manifest's digest or a name.
    pub choice: String,
    /// Its layers as they are stored, base first; some may be missing.
    pub layers: Vec<PathBuf>,
}

/// All images in a directory, each once: of a layout, and if it is none, of `docker save`, new or old.
pub fn images(dir: &Path) -> Vec<Listed> {
    let mut found = BTreeMap::new();
    if let Some(index) = json(&dir.join("index.json")) {
        list(&index["manifests"]).iter().for_each(|descriptor| follow(dir, descriptor, &mut found));
    }
    if found.is_empty() {
        let items = json(&dir.join("manifest.json")).unwrap_or_default();
        found.extend(list(&items).iter().map(|item| saved(dir, item)));
    }
    if found.is_empty() {
        found.extend(saved_before_1_10(dir));
    }
    found.into_iter().map(|(choice, layers)| Listed { choice, layers }).collect()
}

/// Goes through an index, nested ones too, to the manifests of images that are there.
fn follow(dir: &Path, descriptor: &Value, found: &mut BTreeMap<String, Vec<PathBuf>>) {
    let digest = text(&descriptor["digest"]);
    let is_attestation = !descriptor["annotations"]["vnd.docker.reference.type"].is_null();
    let Some(manifest) = json(&blob(dir, digest)).filter(|_| !is_attestation) else { return };
    if manifest["manifests"].is_array() {
        list(&manifest["manifests"]).iter().for_each(|descriptor| follow(dir, descriptor, found));
    } else if is_of_image(&manifest) {
        let layers = list(&manifest["layers"]).iter().map(|layer| blob(dir, text(&layer["digest"])));
        found.insert(digest.to_owned(), layers.collect());
    }
}

/// Whether a manifest is of an image; signatures and the like have configurations that say so, and layers
/// that do not.
fn is_of_image(manifest: &Value) -> bool {
    let is_tar = |layer: &Value| text(&layer["mediaType"]).contains(".tar");
    CONFIGS.contains(&text(&manifest["config"]["mediaType"])) && list(&manifest["layers"]).iter().all(is_tar)
}

/// One item of `manifest.json`.
fn saved(dir: &Path, item: &Value) -> (String, Vec<PathBuf>) {
    let config = text(&item["Config"]).trim_start_matches("blobs/sha256/").trim_start_matches("sha256:");
    let layers = list(&item["Layers"]).iter().map(|layer| dir.join(text(layer)));
    (config.trim_end_matches(".json").to_owned(), layers.collect())
}

/// Images by name in `repositories`, each with its topmost layer, which names the one below.
fn saved_before_1_10(dir: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let Some(Value::Object(repositories)) = json(&dir.join("repositories")) else { return Vec::new() };
    let tags = repositories.into_iter().flat_map(|(name, tags)| match tags {
        Value::Object(tags) => tags.into_iter().map(|(tag, top)| (format!("{name}:{tag}"), top)).collect(),
        _ => Vec::new(),
    });
    tags.map(|(tag, top)| {
        let mut next = Some(text(&top).to_owned());
        let mut layers = Vec::new();
        while let Some(id) = next {
            layers.insert(0, dir.join(&id).join("layer.tar"));
            let config = json(&dir.join(&id).join("json")).unwrap_or_default();
            next = config["parent"].as_str().map(str::to_owned);
        }
        (tag, layers)
    })
    .collect()
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn blob(dir: &Path, digest: &str) -> PathBuf {
    dir.join("blobs").join(digest.replacen(':', "/", 1))
}
