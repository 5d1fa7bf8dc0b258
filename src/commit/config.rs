//! The configuration of the new image: the base's, with one layer and one step more.
//!
//! What is not known here stays as it stands there, in its place.

use serde_json::{Map, Value, json};

use crate::digest::DiffId;
use crate::image::{HistoryEntry, Image, ImageConfig, Platform};

/// What made the new layer, as its step in the history says.
const CREATED_BY: &str = "peelfs commit";

/// What is said of the new image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// When it was made, in RFC 3339.
    pub created: String,
    /// Who made it; nobody says so, if it is not said who.
    pub author: Option<String>,
    /// What was done.
    pub message: Option<String>,
}

/// The configuration of an image with one layer more; `diff_ids` are those of all its layers.
pub fn config(base: &Image, diff_ids: &[DiffId], words: &Words) -> Map<String, Value> {
    let mut config = base_config(base);
    config.insert("created".into(), words.created.clone().into());
    if let Some(author) = &words.author {
        config.insert("author".into(), author.clone().into());
    }
    let ids: Vec<String> = diff_ids.iter().map(DiffId::to_string).collect();
    let mut rootfs = match config.get_mut("rootfs").map(Value::take) {
        Some(Value::Object(rootfs)) => rootfs,
        _ => Map::new(),
    };
    rootfs.entry("type").or_insert("layers".into());
    rootfs.insert("diff_ids".into(), ids.into());
    config.insert("rootfs".into(), rootfs.into());
    add_step(&mut config, diff_ids.len().saturating_sub(1), words);
    config
}

/// The base's own, as it stands there; one that is made of what is known, if there is none.
fn base_config(base: &Image) -> Map<String, Value> {
    let Some(config) = &base.config else { return minimal(&ImageConfig::default()) };
    match serde_json::from_slice(&config.json) {
        Ok(Value::Object(object)) => object,
        _ => minimal(config),
    }
}

fn minimal(config: &ImageConfig) -> Map<String, Value> {
    let known = Some(&config.platform).filter(|platform| !platform.os.is_empty());
    let Platform { os, architecture, variant } = known.cloned().unwrap_or_else(Platform::host);
    let mut object = Map::new();
    object.insert("architecture".into(), architecture.into());
    if let Some(variant) = variant {
        object.insert("variant".into(), variant.into());
    }
    object.insert("os".into(), os.into());
    if let Some(author) = &config.author {
        object.insert("author".into(), author.clone().into());
    }
    let run = if config.config.is_object() { config.config.clone() } else { json!({}) };
    object.insert("config".into(), run);
    object.insert("rootfs".into(), json!({}));
    let history = config.history.iter().map(step_json).collect();
    object.insert("history".into(), Value::Array(history));
    object
}

fn step_json(step: &HistoryEntry) -> Value {
    let mut object = Map::new();
    let words = [
        ("created", &step.created),
        ("created_by", &step.created_by),
        ("author", &step.author),
        ("comment", &step.comment),
    ];
    for (key, word) in words {
        if let Some(word) = word {
            object.insert(key.into(), word.clone().into());
        }
    }
    if step.empty_layer {
        object.insert("empty_layer".into(), true.into());
    }
    Value::Object(object)
}

/// Adds the new layer's step. Layers of the base that no step speaks of get one each: a history tells its layers
/// by counting.
fn add_step(config: &mut Map<String, Value>, base_layers: usize, words: &Words) {
    let mut steps = match config.get_mut("history").map(Value::take) {
        Some(Value::Array(steps)) => steps,
        _ => Vec::new(),
    };
    let made_none = |step: &&Value| step.get("empty_layer").and_then(Value::as_bool) == Some(true);
    let known = steps.iter().filter(|step| !made_none(step)).count();
    steps.extend((known..base_layers).map(|_| json!({ "comment": "a layer without a history" })));
    steps.push(step_json(&HistoryEntry {
        created: Some(words.created.clone()),
        created_by: Some(CREATED_BY.to_owned()),
        author: words.author.clone(),
        comment: words.message.clone(),
        empty_layer: false,
    }));
    config.insert("history".into(), steps.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn base(json: &str) -> Image {
        let mut image = Image::of_layers(Vec::new());
        image.config = Some(ImageConfig::parse(json.as_bytes()).unwrap());
        image
    }

    fn words() -> Words {
        let (author, message) = (Some("me".to_owned()), Some("fix".to_owned()));
        Words { created: "2024-01-02T03:04:05Z".to_owned(), author, message }
    }

    fn ids(n: usize) -> Vec<DiffId> {
        (0..n).map(|no| DiffId(Digest::of(no.to_string().as_bytes()))).collect()
    }

    #[test]
    fn what_is_not_known_stays_in_its_place() {
        let image = base(
            r#"{"zeta":[1,2.5,null],"created":"then","rootfs":{"type":"layers","diff_ids":[],"x":1},
                "os":"plan9","history":[{"created_by":"a","y":2},{"empty_layer":true}],"config":{"Env":["A=1"],"q":{}}}"#,
        );
        let ids = ids(2);
        let expected = json!({
            "zeta": [1, 2.5, null],
            "created": "2024-01-02T03:04:05Z",
            "rootfs": { "type": "layers", "diff_ids": [ids[0].to_string(), ids[1].to_string()], "x": 1 },
            "os": "plan9",
            "history": [
                { "created_by": "a", "y": 2 },
                { "empty_layer": true },
                { "created": "2024-01-02T03:04:05Z", "created_by": "peelfs commit", "author": "me", "comment": "fix" },
            ],
            "config": { "Env": ["A=1"], "q": {} },
            "author": "me",
        });
        // As text: the order counts.
        assert_eq!(Value::Object(config(&image, &ids, &words())).to_string(), expected.to_string());
    }

    #[test]
    fn layers_without_a_configuration_get_one_with_a_step_for_each() {
        let config = config(&Image::of_layers(Vec::new()), &ids(3), &words());
        let steps: Vec<&str> = config["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["comment"].as_str().unwrap())
            .collect();
        assert_eq!(steps, ["a layer without a history", "a layer without a history", "fix"]);
        assert_eq!(config["os"], "linux");
        let parsed = ImageConfig::parse(&serde_json::to_vec(&config).unwrap()).unwrap();
        assert_eq!(parsed.diff_ids, ids(3));
    }
}
