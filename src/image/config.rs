//! The image configuration (image-spec, config.md; Docker image specification v1.2).

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::digest::{Algorithm, DiffId, Digest};

use super::archive::Archive;
use super::error::Error;
use super::platform::Platform;

/// What an image's configuration says of it. What tools leave out is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageConfig {
    /// When the image was made, as it stands there (RFC 3339).
    pub created: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// What it runs on.
    pub platform: Platform,
    /// How to run it: `Env`, `Cmd`, `Entrypoint` and the rest, as they stand there.
    pub config: Value,
    /// The layers' diff IDs, base first.
    pub diff_ids: Vec<DiffId>,
    /// The steps that made the image, first to last.
    pub history: Vec<HistoryEntry>,
    /// All of it, as it stands there; empty where it was put together from the layers' own.
    pub json: Box<[u8]>,
}

/// One step that made an image.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct HistoryEntry {
    /// When, as it stands there.
    #[serde(default)]
    pub created: Option<String>,
    /// The command.
    #[serde(default)]
    pub created_by: Option<String>,
    /// Who.
    #[serde(default)]
    pub author: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub comment: Option<String>,
    /// Whether the step changed no file and so made no layer.
    #[serde(default)]
    pub empty_layer: bool,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    author: Option<String>,
    // Flattened, all that is not known here would be kept.
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    rootfs: Option<RootFs>,
    #[serde(default)]
    history: Option<Vec<HistoryEntry>>,
}

#[derive(Default, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

impl ImageConfig {
    /// Reads a configuration. A diff ID that is no digest is an error.
    pub fn parse(json: &[u8]) -> serde_json::Result<ImageConfig> {
        let raw: Raw = serde_json::from_slice(json)?;
        let diff_ids = raw.rootfs.unwrap_or_default().diff_ids.unwrap_or_default();
        let diff_ids = diff_ids.iter().map(|id| id.parse().map(DiffId)).collect::<Result<_, _>>();
        Ok(ImageConfig {
            created: raw.created,
            author: raw.author.filter(|author| !author.is_empty()),
            platform: Platform { os: raw.os, architecture: raw.architecture, variant: raw.variant },
            config: raw.config,
            diff_ids: diff_ids.map_err(serde::de::Error::custom)?,
            history: raw.history.unwrap_or_default(),
            json: json.into(),
        })
    }

    /// Reads the configuration at a path of an archive; `None` if there is nothing.
    pub fn read(archive: &Archive, path: &str) -> Result<Option<ImageConfig>, Error> {
        let Some(bytes) = archive.bytes(path)? else { return Ok(None) };
        let config = ImageConfig::parse(&bytes);
        config.map(Some).map_err(|source| Error::Json { place: archive.place(path), source })
    }

    /// The history with each step's layer, counted from 0; steps that made none have none.
    pub fn steps(&self) -> impl Iterator<Item = (&HistoryEntry, Option<usize>)> {
        let mut next = 0;
        self.history.iter().map(move |entry| {
            let layer = (!entry.empty_layer).then(|| {
                next += 1;
                next - 1
            });
            (entry, layer)
        })
    }

    /// Forgets all steps behind the one that made the last of so many layers, and their layers.
    pub(super) fn cut(&mut self, layers: usize) {
        let last = self.steps().position(|(_, layer)| layer.is_some_and(|no| no + 1 == layers));
        self.history.truncate(last.map_or(usize::MAX, |last| last + 1));
        self.diff_ids.truncate(layers);
        // It would speak of layers that are not there.
        self.json = Box::default();
    }

    /// The step that made a layer, counted from 0.
    pub fn step_of(&self, layer: usize) -> Option<&HistoryEntry> {
        self.steps().find(|(_, of)| *of == Some(layer)).map(|(entry, _)| entry)
    }
}

/// What of a configuration is needed to choose an image.
#[derive(Debug, Clone)]
pub struct ConfigHead {
    /// The digest of its bytes.
    pub digest: Digest,
    /// What the image runs on, if it says.
    pub platform: Option<Platform>,
}

/// The configurations of an archive, each looked at once: many images may name the same one.
pub struct Configs<'a> {
    archive: &'a Archive,
    heads: HashMap<String, Option<ConfigHead>>,
}

impl<'a> Configs<'a> {
    /// Those of an archive.
    pub fn new(archive: &'a Archive) -> Configs<'a> {
        Configs { archive, heads: HashMap::new() }
    }

    /// The configuration at a path; `None` if there is nothing.
    pub fn head(&mut self, path: &str, algorithm: Algorithm) -> Result<Option<ConfigHead>, Error> {
        if let Some(head) = self.heads.get(path) {
            return Ok(head.clone());
        }
        let head = match self.archive.bytes(path)? {
            None => None,
            Some(bytes) => {
                let platform: Platform = self.archive.parse(path, &bytes)?;
                let platform = Some(platform).filter(|platform| !platform.is_unknown());
                let digest = Digest::of_reader(algorithm, &*bytes);
                let digest =
                    digest.map_err(|source| Error::Read { place: self.archive.place(path), source })?.0;
                Some(ConfigHead { digest, platform })
            }
        };
        self.heads.insert(path.to_owned(), head.clone());
        Ok(head)
    }
}
