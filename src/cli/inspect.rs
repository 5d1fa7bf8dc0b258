//! `peelfs inspect`: what an image is made of.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::image::Image;
use crate::layer::LayerNo;
use crate::stack::Stack;

use super::args::ImageArgs;
use super::explain::created_by;
use super::output::{Output, count, human_size};
use super::{Outcome, Result};

/// Show an image's ID, tags, platform, configuration and layers
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Write JSON, with the whole configuration
    #[arg(long)]
    json: bool,
}

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

fn write_image(out: &mut Output, image: &Image) -> std::io::Result<()> {
    writeln!(out, "format    {}", image.format)?;
    if let Some(id) = &image.id {
        writeln!(out, "id        {id}")?;
    }
    if let Some(manifest) = &image.manifest {
        writeln!(out, "manifest  {}", manifest.digest)?;
    }
    for tag in &image.tags {
        writeln!(out, "tag       {}", out.text(tag))?;
    }
    let Some(config) = &image.config else { return Ok(()) };
    writeln!(out, "platform  {}", out.text(&config.platform.to_string()))?;
    for (key, value) in [("created", &config.created), ("author", &config.author)] {
        if let Some(value) = value {
            writeln!(out, "{key:<9} {}", out.text(value))?;
        }
    }
    for key in ["User", "Entrypoint", "Cmd", "WorkingDir", "Env", "Labels"] {
        let value = config.config.get(key).filter(|value| !is_empty(value));
        for line in value.map(lines).unwrap_or_default() {
            writeln!(out, "{:<9} {}", key.to_lowercase(), out.text(&line))?;
        }
    }
    Ok(())
}

fn write_layers(out: &mut Output, stack: &Stack) -> std::io::Result<()> {
    writeln!(out, "layers    {} (base first)", stack.image.layers.len())?;
    let chain_ids = stack.image.chain_ids();
    for (no, (source, chain_id)) in stack.image.layers.iter().zip(&chain_ids).enumerate() {
        writeln!(out, "layer {no}")?;
        if let Ok(layer) = stack.layer(LayerNo(no as u32)) {
            let stored = source.stored_size().map(|size| format!(", {} stored", human_size(size)));
            let (entries, data) =
                (count(layer.index.member_count(), "entry"), human_size(layer.index.data_size()));
            writeln!(out, "  size      {data} of files in {entries}{}", stored.unwrap_or_default())?;
        }
        if let Some(diff_id) = &source.diff_id {
            writeln!(out, "  diff ID   {diff_id}")?;
        }
        if let Some(chain_id) = chain_id {
            writeln!(out, "  chain ID  {chain_id}")?;
        }
        if let Some(digest) =
            source.digest.as_ref().filter(|digest| Some(*digest) != source.diff_id.as_ref().map(|id| &id.0))
        {
            writeln!(out, "  digest    {digest}")?;
        }
        if let Some(step) = created_by(stack, no) {
            writeln!(out, "  step      {}", out.text(step))?;
        }
        writeln!(out, "  from      {}", out.text(&source.place))?;
    }
    Ok(())
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
        Value::Object(values) => {
            values.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect()
        }
        value => vec![value.to_string()],
    }
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
    object.insert("created".into(), text(config.and_then(|config| config.created.clone())));
    object.insert("author".into(), text(config.and_then(|config| config.author.clone())));
    object.insert("config".into(), config.map_or(Value::Null, |config| config.config.clone()));
    let layers = (0u32..).zip(image.layers.iter().zip(image.chain_ids())).map(|(no, (source, chain_id))| {
        let layer = stack.layer(LayerNo(no))?;
        Ok(json!({
            "layer": no,
            "place": source.place,
            "diff_id": source.diff_id.as_ref().map(ToString::to_string),
            "chain_id": chain_id.as_ref().map(ToString::to_string),
            "digest": source.digest.as_ref().map(ToString::to_string),
            "media_type": source.media_type,
            "stored_size": source.stored_size(),
            "size": layer.index.data_size(),
            "entries": layer.index.member_count(),
            "rejected": layer.index.rejected().len(),
            "created_by": created_by(stack, no as usize),
        }))
    });
    object.insert("layers".into(), layers.collect::<Result<Vec<_>>>()?.into());
    Ok(Value::Object(object))
}
