//! The history: every step, whether it made a layer or not.

use std::io::{self, Write};

use crate::image::HistoryEntry;
use crate::layer::LayerNo;
use crate::text::{human_size, in_utc_seconds};

use super::Report;
use super::html::Text;

/// Steps that are told; no tool makes so many.
const MOST_STEPS: usize = 600;

/// Letters of one; a file that is written by a step stands in it.
const STEP: usize = 2000;

/// Letters of a time or a name.
const SHORT: usize = 120;

pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(config) = report.stack.image.config.as_ref().filter(|config| !config.history.is_empty()) else {
        return writeln!(out, "<p class=\"none\">The image has no history.</p>");
    };
    writeln!(out, "<ol class=\"steps\">")?;
    for (step, layer) in config.steps().take(MOST_STEPS) {
        // A history may claim more layers than there are.
        let layer = layer.filter(|&no| no < report.stack.image.layers.len());
        write_step(report, out, step, layer.map(|no| LayerNo(no as u32)))?;
    }
    writeln!(out, "</ol>")?;
    let left_out = config.history.len().saturating_sub(MOST_STEPS);
    if left_out > 0 {
        writeln!(out, "<p class=\"note\">And {left_out} more.</p>")?;
    }
    Ok(())
}

fn write_step(
    report: &Report<'_>,
    out: &mut dyn Write,
    step: &HistoryEntry,
    layer: Option<LayerNo>,
) -> io::Result<()> {
    let created = in_utc_seconds(step.created.as_deref().unwrap_or_default());
    let command = step.created_by.as_deref().unwrap_or_default();
    match layer {
        Some(no) => write!(out, "<li><span class=\"no {}\">{no}</span>", report.colours.class(no))?,
        None => write!(out, "<li class=\"empty\"><span class=\"no\">–</span>")?,
    }
    write!(out, "<code>{}</code>", Text::front(command.as_bytes(), STEP))?;
    let size =
        layer.and_then(|no| report.waste.layers.get(no.0 as usize)).map(|layer| human_size(layer.bytes));
    write!(out, "<b>{}</b>", size.unwrap_or_default())?;
    let texts = [Some(&*created), step.comment.as_deref(), step.author.as_deref()];
    let texts = texts.into_iter().flatten().filter(|text| !text.is_empty());
    let texts: Vec<String> = texts.map(|text| Text::front(text.as_bytes(), SHORT).to_string()).collect();
    writeln!(out, "<span class=\"more\">{}</span></li>", texts.join(" · "))
}

/// A step without what Docker's older builder put around each.
pub fn bare(step: &str) -> &str {
    let step = step.strip_prefix("/bin/sh -c ").unwrap_or(step);
    let step = step.strip_prefix("#(nop) ").unwrap_or(step);
    step.strip_suffix("# buildkit").unwrap_or(step).trim()
}
