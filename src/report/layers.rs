//! The layers as bars: what each brings, and how much of that a higher one hides.

use std::io::{self, Write};

use crate::layer::LayerNo;
use crate::text::human_size;
use crate::waste::LayerWaste;

use super::Report;
use super::html::{Limit, Text, percent, ratio, write_list};
use super::page::plural;
use super::steps::bare;

/// Letters of a step that stand beside a layer; the history has all of it.
const STEP: usize = 300;

/// Layers that are told of, base first; Docker makes 127 at most.
const LAYERS: Limit = Limit { items: 250, bytes: 300_000 };

/// The least part of the bar, in percent, that has its number in it, and that can be seen.
const LEAST_LABEL: f64 = 3.0;
const LEAST_PART: f64 = 0.15;

/// All layers in one bar, below the totals. A stack has no more than 500 (`stack.rs`).
pub fn write_bar(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let all = report.waste.bytes();
    if all == 0 {
        return Ok(());
    }
    let layers: Vec<_> = numbered(report).filter(|(_, layer)| layer.bytes > 0).collect();
    let widths: Vec<f64> =
        layers.iter().map(|(_, layer)| (ratio(layer.bytes, all) * 100.0).max(LEAST_PART)).collect();
    let scale = 100.0 / widths.iter().sum::<f64>();
    let mut x = 0.0;
    // Gaps would be all that is seen of very many.
    let many = if layers.len() > 60 { " many" } else { "" };
    writeln!(
        out,
        "<svg class=\"all{many}\" role=\"img\" aria-label=\"The layers, base first, by size\" width=\"100%\" height=\"34\">"
    )?;
    for (&(no, layer), width) in layers.iter().zip(widths) {
        let width = width * scale;
        let span = Span { x, width, hidden: ratio(layer.hidden.total(), layer.bytes) };
        let (size, hidden) = (human_size(layer.bytes), human_size(layer.hidden.total()));
        write!(out, "<g class=\"l {}\" data-y=\"{no}\">", report.colours.class(no))?;
        write!(out, "<title>layer {no} · {size} · {hidden} hidden</title>")?;
        span.write(out)?;
        let seen = width * (1.0 - span.hidden);
        if seen >= LEAST_LABEL {
            write!(out, "<text x=\"{:.2}%\" y=\"21\">{no}</text>", x + seen / 2.0)?;
        }
        writeln!(out, "</g>")?;
        x += width;
    }
    writeln!(out, "</svg>")
}

/// A part of a bar, in percent of its width, and the share of it, behind, that does not show.
struct Span {
    x: f64,
    width: f64,
    hidden: f64,
}

impl Span {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Span { x, width, hidden } = *self;
        write!(out, "<rect x=\"{x:.2}%\" width=\"{width:.2}%\" height=\"100%\"/>")?;
        if hidden > 0.0 {
            let (from, cut) = (x + width * (1.0 - hidden), width * hidden);
            write!(out, "<rect class=\"cut\" x=\"{from:.2}%\" width=\"{cut:.2}%\" height=\"100%\"/>")?;
        }
        Ok(())
    }
}

pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let layers = &report.waste.layers;
    if report.stack.image.layers.is_empty() {
        return writeln!(out, "<p class=\"none\">The image has no layers.</p>");
    }
    let largest = layers.iter().map(|layer| layer.bytes).max().unwrap_or(0);
    writeln!(out, "<ol class=\"layers\">")?;
    let written = write_list(out, LAYERS, numbered(report), |out, (no, layer)| {
        write_layer(report, out, no, layer, largest)
    })?;
    writeln!(out, "</ol>")?;
    let others = layers.iter().skip(written);
    let bytes = others.clone().fold(0u64, |sum, layer| sum.saturating_add(layer.bytes));
    if others.len() > 0 {
        let others = plural(others.len() as u64, "layer");
        writeln!(out, "<p class=\"note\">… and {others} more above, with {}.</p>", human_size(bytes))?;
    }
    let hidden = match report.waste.hidden() {
        0 => "",
        _ => {
            "; <svg class=\"key\" aria-hidden=\"true\"><rect width=\"100%\" height=\"100%\"/>\
              <rect class=\"cut\" width=\"100%\" height=\"100%\"/></svg> is what a higher layer hides"
        }
    };
    writeln!(out, "<p class=\"note\">Base first. Bars are bytes of files, hard links once{hidden}.</p>")
}

fn write_layer(
    report: &Report<'_>,
    out: &mut dyn Write,
    no: LayerNo,
    layer: &LayerWaste,
    largest: u64,
) -> io::Result<()> {
    let colour = report.colours.class(no);
    writeln!(out, "<li data-y=\"{no}\"><span class=\"no {colour}\" data-y=\"{no}\">{no}</span>")?;
    match report.stack.created_by(no) {
        Some(step) => {
            writeln!(out, "<code title=\"{0}\">{0}</code>", Text::front(bare(step).as_bytes(), STEP))?
        }
        None => writeln!(out, "<code class=\"none\">no step is known</code>")?,
    }
    write!(out, "<svg class=\"bar l {colour}\" aria-hidden=\"true\">")?;
    if layer.bytes > 0 {
        let width = (ratio(layer.bytes, largest) * 100.0).max(LEAST_PART);
        Span { x: 0.0, width, hidden: ratio(layer.hidden.total(), layer.bytes) }.write(out)?;
    }
    writeln!(out, "</svg><b>{}</b>", human_size(layer.bytes))?;
    writeln!(out, "<span class=\"more\">{}</span></li>", more(report, no, layer))
}

/// What else there is to say of a layer.
fn more(report: &Report<'_>, no: LayerNo, layer: &LayerWaste) -> String {
    let hidden = layer.hidden.total();
    let mut parts = Vec::new();
    if hidden > 0 {
        parts.push(format!("<mark>{} hidden</mark> ({})", human_size(hidden), percent(hidden, layer.bytes)));
    }
    if layer.hides.total() > 0 {
        parts.push(format!("hides {} below", human_size(layer.hides.total())));
    }
    if let Ok(indexed) = report.stack.layer(no) {
        parts.push(plural(indexed.index.member_count(), "entry"));
    }
    if let Some(stored) = report.stack.image.layers.get(no.0 as usize).and_then(|source| source.stored_size())
    {
        parts.push(format!("{} stored", human_size(stored)));
    }
    parts.join(" · ")
}

fn numbered<'a>(report: &'a Report<'_>) -> impl Iterator<Item = (LayerNo, &'a LayerWaste)> {
    (0..).map(LayerNo).zip(&report.waste.layers)
}

/// A share of a bar, in percent, as the style sheet takes it.
pub fn share(part: u64, whole: u64) -> String {
    format!("{:.2}", ratio(part, whole) * 100.0)
}
