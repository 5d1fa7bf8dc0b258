//! The layers as bars: what each brings, and how much of that a higher one hides.

use std::io::{self, Write};

use crate::layer::LayerNo;
use crate::text::human_size;
use crate::waste::LayerWaste;

use super::Report;
use super::html::{Text, percent, ratio};
use super::page::plural;
use super::steps::bare;

/// Letters of a step that stand beside a layer; the history has all of it.
const STEP: usize = 300;

/// All layers in one bar, below the totals.
pub fn write_bar(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let all = report.waste.bytes();
    if all == 0 {
        return Ok(());
    }
    writeln!(out, "<div class=\"all\" role=\"img\" aria-label=\"The layers, base first, by size\">")?;
    for (no, layer) in numbered(report).filter(|(_, layer)| layer.bytes > 0) {
        let title =
            format!("layer {no} · {} · {} hidden", human_size(layer.bytes), human_size(layer.hidden.total()));
        let colour = report.colours.class(no);
        write!(
            out,
            "<i class=\"{colour}\" style=\"flex-grow:{}\" title=\"{title}\">",
            share(layer.bytes, all)
        )?;
        write!(out, "<u style=\"width:{}%\"></u>", share(layer.hidden.total(), layer.bytes))?;
        // A number that does not fit would be cut in the middle.
        writeln!(out, "{}</i>", if layer.bytes > all / 30 { no.to_string() } else { String::new() })?;
    }
    writeln!(out, "</div>")
}

pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    if report.stack.image.layers.is_empty() {
        return writeln!(out, "<p class=\"none\">The image has no layers.</p>");
    }
    writeln!(out, "<ol class=\"layers\">")?;
    let largest = report.waste.layers.iter().map(|layer| layer.bytes).max().unwrap_or(0);
    for (no, layer) in numbered(report) {
        write_layer(report, out, no, layer, largest)?;
    }
    writeln!(out, "</ol>")?;
    writeln!(
        out,
        "<p class=\"note\">Base first. Bars are bytes of files, hard links once; <i class=\"key\"></i> is what a higher \
         layer hides.</p>"
    )
}

fn write_layer(
    report: &Report<'_>,
    out: &mut dyn Write,
    no: LayerNo,
    layer: &LayerWaste,
    largest: u64,
) -> io::Result<()> {
    let hidden = layer.hidden.total();
    let colour = report.colours.class(no);
    writeln!(out, "<li data-y=\"{no}\"><span class=\"no {colour}\">{no}</span>")?;
    match report.stack.created_by(no) {
        Some(step) => {
            writeln!(out, "<code title=\"{0}\">{0}</code>", Text::front(bare(step).as_bytes(), STEP))?
        }
        None => writeln!(out, "<code class=\"none\">no step is known</code>")?,
    }
    writeln!(
        out,
        "<span class=\"bar\"><i class=\"{colour}\" style=\"width:{}%\"><u style=\"width:{}%\"></u></i></span>",
        share(layer.bytes, largest),
        share(hidden, layer.bytes),
    )?;
    writeln!(out, "<b>{}</b>", human_size(layer.bytes))?;
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
