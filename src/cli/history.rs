//! `peelfs history`: the steps that made an image, each with its layer.

use std::io::Write;

use serde_json::{Value, json};

use crate::image::{HistoryEntry, Image};

use super::args::ImageArgs;
use super::output::{Output, human_size};
use super::{Outcome, Result};

/// Show the steps that made an image, each with the layer it made
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Write a JSON array of steps
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    // Layers are not read: what made them stands in the configuration.
    let image = args.image.open.opening().open(&args.image.input())?;
    let steps = steps(&image);
    let mut out = Output::new();
    if args.json {
        let array: Vec<Value> = steps.iter().map(|(entry, layer)| step_json(&image, entry, *layer)).collect();
        out.json(&array)?;
        return Ok(Outcome::Fine);
    }
    if steps.is_empty() {
        writeln!(out, "no history")?;
    }
    for (entry, layer) in &steps {
        write_step(&mut out, &image, entry, *layer)?;
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

/// All steps with their layers, and behind them layers that no step speaks of.
fn steps(image: &Image) -> Vec<(HistoryEntry, Option<usize>)> {
    let Some(config) = &image.config else {
        return (0..image.layers.len()).map(|no| (HistoryEntry::default(), Some(no))).collect();
    };
    let mut steps: Vec<_> = config.steps().map(|(entry, layer)| (entry.clone(), layer)).collect();
    let known = steps.iter().filter(|(_, layer)| layer.is_some()).count();
    steps.extend((known..image.layers.len()).map(|no| (HistoryEntry::default(), Some(no))));
    // A history may claim more layers than there are.
    for (_, layer) in &mut steps {
        *layer = layer.filter(|&no| no < image.layers.len());
    }
    steps
}

fn write_step(
    out: &mut Output,
    image: &Image,
    entry: &HistoryEntry,
    layer: Option<usize>,
) -> std::io::Result<()> {
    let size = layer.and_then(|no| image.layers.get(no)).and_then(|layer| layer.stored_size());
    let layer = layer.map_or("-".to_owned(), |no| no.to_string());
    let size = size.map(human_size).unwrap_or_default();
    let created = entry.created.as_deref().and_then(|time| time.get(..19)).unwrap_or("");
    let step = entry.created_by.as_deref().unwrap_or("");
    write!(out, "{layer:>3}  {size:>10}  {:<19}  {}", out.text(created), out.text(step))?;
    if let Some(comment) = entry.comment.as_deref().filter(|comment| !comment.is_empty()) {
        write!(out, "  # {}", out.text(comment))?;
    }
    writeln!(out)
}

fn step_json(image: &Image, entry: &HistoryEntry, layer: Option<usize>) -> Value {
    let source = layer.and_then(|no| image.layers.get(no));
    json!({
        "layer": layer,
        "diff_id": source.and_then(|source| source.diff_id.as_ref()).map(ToString::to_string),
        "stored_size": source.and_then(|source| source.stored_size()),
        "created": entry.created,
        "created_by": entry.created_by,
        "author": entry.author,
        "comment": entry.comment,
        "empty_layer": layer.is_none(),
    })
}
