//! `peelfs history`: the steps that made an image, each with its layer.

use std::io::Write;

use serde_json::{Value, json};

use crate::image::{HistoryColumn, HistoryEntry, Image};
use crate::text::in_utc;

use super::args::ImageArgs;
use super::output::Output;
use super::style::Style;
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
    let image = args.image.opening().open(&args.image.input())?;
    let mut out = if args.json { Output::new() } else { Output::paged() };
    if args.json {
        let steps = image.steps();
        let array: Vec<Value> = steps.iter().map(|(entry, layer)| step_json(&image, entry, *layer)).collect();
        out.json(&array)?;
        return Ok(Outcome::Fine);
    }
    let table = image.history_table(|column, text| {
        let style = match column {
            HistoryColumn::Layer => Style::Layer,
            HistoryColumn::Size => Style::Size,
            HistoryColumn::Created => Style::Time,
        };
        out.paint(style, text).to_string()
    });
    out.write_all(table.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Fine)
}

fn step_json(image: &Image, entry: &HistoryEntry, layer: Option<usize>) -> Value {
    let source = layer.and_then(|no| image.layers.get(no));
    json!({
        "layer": layer,
        "diff_id": source.and_then(|source| source.diff_id.as_ref()).map(ToString::to_string),
        "stored_size": source.and_then(|source| source.stored_size()),
        "created": entry.created.as_deref().map(in_utc),
        "created_by": entry.created_by,
        "author": entry.author,
        "comment": entry.comment,
        "empty_layer": layer.is_none(),
    })
}
