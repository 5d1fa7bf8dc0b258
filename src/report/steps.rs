//! The history: every step, whether it made a layer or not.

use std::io::{self, Write};

use crate::image::HistoryEntry;
use crate::layer::LayerNo;
use crate::text::{human_size, in_utc_seconds};

use super::Report;
use super::html::{Limit, Text, grouped, write_list};
use super::page::plural;

/// Steps that are told; no tool makes so many.
const STEPS: Limit = Limit { items: 600, bytes: 400_000 };

/// Letters of one; a file that is written by a step stands in it.
const STEP: usize = 2000;

/// Letters of a time or a name.
const SHORT: usize = 120;

pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(config) = report.stack.image.config.as_ref().filter(|config| !config.history.is_empty()) else {
        return writeln!(out, "<p class=\"none\">The image has no history.</p>");
    };
    writeln!(out, "<ol class=\"steps\">")?;
    let written = write_list(out, STEPS, config.steps(), |out, (step, layer)| {
        // A history may claim more layers than there are.
        let layer = layer.filter(|&no| no < report.stack.image.layers.len());
        write_step(report, out, step, layer.map(|no| LayerNo(no as u32)))
    })?;
    writeln!(out, "</ol>")?;
    match config.history.len().saturating_sub(written) {
        0 => Ok(()),
        others => writeln!(out, "<p class=\"note\">… and {} more.</p>", plural(others as u64, "step")),
    }
}

fn write_step(
    report: &Report<'_>,
    out: &mut dyn Write,
    step: &HistoryEntry,
    layer: Option<LayerNo>,
) -> io::Result<()> {
    let created = time(step.created.as_deref());
    let command = step.created_by.as_deref().unwrap_or_default();
    match layer {
        Some(no) => write!(out, "<li><span class=\"no {}\">{no}</span>", report.colours.class(no))?,
        None => write!(out, "<li class=\"empty\"><span class=\"no\">–</span>")?,
    }
    write!(out, "<code>{}</code>", Text::front(command.as_bytes(), STEP))?;
    let size =
        layer.and_then(|no| report.waste.layers.get(no.0 as usize)).map(|layer| human_size(layer.bytes));
    write!(out, "<b>{}</b>", size.unwrap_or_default())?;
    let texts =
        [&*created, step.comment.as_deref().unwrap_or_default(), step.author.as_deref().unwrap_or_default()];
    let texts = texts.iter().filter(|text| !text.is_empty());
    let mut texts: Vec<String> = texts.map(|text| Text::front(text.as_bytes(), SHORT).to_string()).collect();
    if command.chars().nth(STEP).is_some() {
        let bytes = human_size(command.len() as u64);
        texts.push(format!("the first {} letters of {bytes}", grouped(STEP as u64 - 1)));
    }
    writeln!(out, "<span class=\"more\">{}</span></li>", texts.join(" · "))
}

/// A time that was set: what tools write that set none says nothing.
pub fn time(created: Option<&str>) -> String {
    match in_utc_seconds(created.unwrap_or_default()) {
        never if never == "0001-01-01T00:00:00Z" => String::new(),
        time => time,
    }
}

/// A step without what Docker's older builder put around each.
pub fn bare(step: &str) -> &str {
    let step = step.strip_prefix("/bin/sh -c ").unwrap_or(step);
    let step = step.strip_prefix("#(nop) ").unwrap_or(step);
    step.strip_suffix("# buildkit").unwrap_or(step).trim()
}
