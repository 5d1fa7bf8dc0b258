//! `peelfs history`: the steps that made an image, each with its layer.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::image::{HistoryEntry, Image};
use crate::text::{human_size, in_utc, in_utc_seconds};

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
    let steps = steps(&image);
    let mut out = if args.json { Output::new() } else { Output::paged() };
    if args.json {
        let array: Vec<Value> = steps.iter().map(|(entry, layer)| step_json(&image, entry, *layer)).collect();
        out.json(&array)?;
        return Ok(Outcome::Fine);
    }
    if steps.is_empty() {
        writeln!(out, "no history")?;
    }
    let rows: Vec<Row> = steps.iter().map(|(entry, layer)| Row::new(&out, &image, entry, *layer)).collect();
    write_table(&mut out, &rows)?;
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

/// A line of the table.
struct Row {
    layer: String,
    size: String,
    created: String,
    step: String,
}

impl Row {
    fn new(out: &Output, image: &Image, entry: &HistoryEntry, layer: Option<usize>) -> Row {
        let size = layer.and_then(|no| image.layers.get(no)).and_then(|layer| layer.stored_size());
        let command = entry.created_by.as_deref().unwrap_or_default();
        let comment = entry.comment.as_deref().filter(|comment| !comment.is_empty());
        let step = [command.to_owned(), comment.map(|comment| format!("  # {comment}")).unwrap_or_default()];
        Row {
            layer: layer.map_or("-".to_owned(), |no| no.to_string()),
            size: size.map(human_size).unwrap_or_default(),
            created: out.text(&in_utc_seconds(entry.created.as_deref().unwrap_or_default())),
            step: out.text(step.concat().trim()),
        }
    }
}

/// Writes the rows in columns; one that is empty in all of them takes no room.
fn write_table(out: &mut Output, rows: &[Row]) -> io::Result<()> {
    let width = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let gap = |width: usize| if width > 0 { "  " } else { "" };
    let (layer, size, created) = (width(|row| &row.layer), width(|row| &row.size), width(|row| &row.created));
    for row in rows {
        let line = format!(
            "{:>layer$}{}{:>size$}{}{:<created$}  {}",
            out.paint(Style::Layer, &row.layer),
            gap(size),
            out.paint(Style::Size, &row.size),
            gap(created),
            out.paint(Style::Time, &row.created),
            row.step,
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
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
