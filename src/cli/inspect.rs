//! `peelfs inspect`: what an image is made of.

use std::fmt::Display;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::digest::ChainId;
use crate::image::{Image, ImageConfig, LayerSource, Origin};
use crate::index::LayerIndex;
use crate::layer::LayerNo;
use crate::stack::Stack;
use crate::text::{count, human_size, in_utc};

use super::args::ImageArgs;
use super::output::Output;
use super::{Outcome, Result};

/// Show an image's ID, tags, platform, configuration and layers
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Write JSON, with all of the configuration that docker inspect calls Config
    #[arg(long)]
    json: bool,
}

/// What is shown of the configuration, by the words that a Dockerfile has for it.
const FIELDS: [(&str, &str); 10] = [
    ("user", "User"),
    ("entrypoint", "Entrypoint"),
    ("cmd", "Cmd"),
    ("workdir", "WorkingDir"),
    ("env", "Env"),
    ("label", "Labels"),
    ("expose", "ExposedPorts"),
    ("volume", "Volumes"),
    ("stopsignal", "StopSignal"),
    ("healthcheck", "Healthcheck"),
];

/// As wide as `healthcheck`, the longest label.
const LABEL_WIDTH: usize = 11;

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let mut out = Output::new();
    if args.json {
        out.json(&json(&stack)?)?;
    } else {
        write_image(&mut out, &stack.image)?;
        write_layers(&mut out, &stack)?;
        out.flush()?;
    }
    Ok(Outcome::Fine)
}

fn write_image(out: &mut Output, image: &Image) -> io::Result<()> {
    write_line(out, "format", image.format)?;
    if let Some(id) = &image.id {
        write_line(out, "id", id)?;
    }
    if let Some(manifest) = &image.manifest {
        write_line(out, "manifest", &manifest.digest)?;
    }
    for tag in &image.tags {
        write_line(out, "tag", tag)?;
    }
    image.config.as_ref().map_or(Ok(()), |config| write_config(out, config))
}

fn write_config(out: &mut Output, config: &ImageConfig) -> io::Result<()> {
    write_line(out, "platform", &config.platform)?;
    if let Some(created) = &config.created {
        write_line(out, "created", in_utc(created))?;
    }
    if let Some(author) = &config.author {
        write_line(out, "author", author)?;
    }
    for (label, key) in FIELDS {
        let value = config.config.get(key).filter(|value| !is_empty(value));
        for line in value.map(lines).unwrap_or_default() {
            write_line(out, label, line)?;
        }
    }
    Ok(())
}

fn write_layers(out: &mut Output, stack: &Stack) -> io::Result<()> {
    let layers = layers(&stack.image);
    write_line(out, "layers", format!("{} (base first)", layers.len()))?;
    for (no, source, chain_id) in layers {
        writeln!(out, "layer {no}")?;
        if let Ok(layer) = stack.layer(no) {
            write_line(out, "  size", size(source, &layer.index))?;
        }
        if let Some(diff_id) = &source.diff_id {
            write_line(out, "  diff ID", diff_id)?;
        }
        if let Some(chain_id) = chain_id {
            write_line(out, "  chain ID", chain_id)?;
        }
        if let Some(digest) =
            source.digest.as_ref().filter(|digest| Some(*digest) != source.diff_id.as_ref().map(|id| &id.0))
        {
            write_line(out, "  digest", digest)?;
        }
        if let Some(step) = stack.created_by(no) {
            write_line(out, "  step", step)?;
        }
        write_line(out, "  from", &source.place)?;
    }
    Ok(())
}

/// The layers that are there, each with its number and its chain ID.
fn layers(image: &Image) -> Vec<(LayerNo, &LayerSource, Option<ChainId>)> {
    let all = (0..).map(LayerNo).zip(image.layers.iter().zip(image.chain_ids()));
    let layers = all.map(|(no, (source, chain_id))| (no, source, chain_id));
    layers.filter(|(_, source, _)| !source.is_left_out()).collect()
}

/// What is in a layer, and how much room it takes where it lies.
fn size(source: &LayerSource, index: &LayerIndex) -> String {
    let (entries, data) = (count(index.member_count(), "entry"), human_size(index.data_size()));
    let stored = source.stored_size().map(human_size);
    // A file that is the layer itself may be compressed as a whole; what is known is its tar's length.
    let form = if matches!(source.origin, Origin::Indexed(..)) { "as a tar" } else { "stored" };
    let stored = stored.map(|size| format!(", {size} {form}"));
    format!("{data} of files in {entries}{}", stored.unwrap_or_default())
}

/// A label and what it names; values stand below each other.
fn write_line(out: &mut Output, label: &str, value: impl Display) -> io::Result<()> {
    writeln!(out, "{label:<LABEL_WIDTH$}  {}", out.text(&value.to_string()))
}

/// A value of the configuration, one line for each of its parts.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values)
            if values.iter().all(|value| value.as_str().is_some_and(|v| v.contains('='))) =>
        {
            values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Value::Object(values) => values.iter().map(|(key, value)| named(key, value)).collect(),
        value => vec![value.to_string()],
    }
}

/// `key=value`; of what is only a set of names (ports, volumes), the name.
fn named(key: &str, value: &Value) -> String {
    if is_empty(value) && !value.is_string() { key.to_owned() } else { format!("{key}={}", plain(value)) }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn json(stack: &Stack) -> Result<Value> {
    let image = &stack.image;
    let config = image.config.as_ref();
    let text = |value: Option<String>| value.map_or(Value::Null, Value::String);
    let mut object = Map::new();
    object.insert("format".into(), image.format.to_string().into());
    object.insert("id".into(), text(image.id.as_ref().map(ToString::to_string)));
    object.insert("manifest".into(), text(image.manifest.as_ref().map(|m| m.digest.to_string())));
    object.insert("tags".into(), image.tags.clone().into());
    object.insert("platform".into(), text(config.map(|config| config.platform.to_string())));
    object.insert("created".into(), text(config.and_then(|config| config.created.as_deref().map(in_utc))));
    object.insert("author".into(), text(config.and_then(|config| config.author.clone())));
    object.insert("config".into(), config.map_or(Value::Null, |config| config.config.clone()));
    let layers = layers(image).into_iter().map(|(no, source, chain_id)| {
        let layer = stack.layer(no)?;
        Ok(json!({
            "layer": no.0,
            "place": source.place,
            "diff_id": source.diff_id.as_ref().map(ToString::to_string),
            "chain_id": chain_id.as_ref().map(ToString::to_string),
            "digest": source.digest.as_ref().map(ToString::to_string),
            "media_type": source.media_type,
            "stored_size": source.stored_size(),
            "size": layer.index.data_size(),
            "members": layer.index.member_count(),
            "rejected": layer.index.rejected().len(),
            "created_by": stack.created_by(no),
        }))
    });
    object.insert("layers".into(), layers.collect::<Result<Vec<_>>>()?.into());
    Ok(Value::Object(object))
}
