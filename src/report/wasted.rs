//! What does not show: the sums by reason, and the worst paths, each with the step that hid it.

use std::io::{self, Write};

use crate::text::human_size;
use crate::waste::{Reason, Waste, WastedFile, WastedPath};

use super::Report;
use super::html::{Limit, Text, percent, write_list};
use super::layers::share;
use super::page::plural;
use super::steps::bare;

/// Letters of a step, and of a path.
const STEP: usize = 160;
const PATH: usize = 240;

/// Paths that are told of, if so many are known.
const PATHS: Limit = Limit { items: super::WORST, bytes: 200_000 };

/// Versions of one path that are told.
const MOST_FILES: usize = 6;

pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let waste = &report.waste;
    if waste.hidden() == 0 {
        return writeln!(out, "<p class=\"none\">Nothing: every byte of every layer shows.</p>");
    }
    write_reasons(waste, out)?;
    writeln!(out, "<ol class=\"worst\">")?;
    let written = write_list(out, PATHS, &waste.worst, |out, path| write_path(report, out, path))?;
    writeln!(out, "</ol>")?;
    let told = waste.worst.iter().take(written).fold(0u64, |sum, path| sum.saturating_add(path.bytes));
    let others = waste.paths.saturating_sub(written as u64);
    if others > 0 {
        let bytes = human_size(waste.hidden().saturating_sub(told));
        writeln!(out, "<p class=\"note\">… and {bytes} at {} more.</p>", plural(others, "path"))?;
    }
    Ok(())
}

fn write_reasons(waste: &Waste, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul class=\"reasons\">")?;
    for reason in Reason::ALL {
        let bytes = waste.layers.iter().fold(0u64, |sum, layer| sum.saturating_add(layer.hidden.of(reason)));
        if bytes > 0 {
            let (size, part) = (human_size(bytes), percent(bytes, waste.bytes()));
            writeln!(out, "<li><b>{size}</b> {} <span>{part} of the image</span></li>", said(reason))?;
        }
    }
    writeln!(out, "</ul>")
}

fn write_path(report: &Report<'_>, out: &mut dyn Write, path: &WastedPath) -> io::Result<()> {
    let most = report.waste.worst.first().map_or(0, |worst| worst.bytes);
    let shown = [b"/", path.path.as_bytes()].concat();
    writeln!(out, "<li><b>{}</b><code>{}</code>", human_size(path.bytes), Text::back(&shown, PATH))?;
    writeln!(
        out,
        "<svg class=\"bar\" aria-hidden=\"true\"><rect width=\"{}%\" height=\"100%\"/></svg>",
        share(path.bytes, most)
    )?;
    for file in path.files.iter().take(MOST_FILES) {
        write_file(report, out, path, file)?;
    }
    if path.files.len() > MOST_FILES {
        let others = plural((path.files.len() - MOST_FILES) as u64, "version");
        writeln!(out, "<p>… and {} more</p>", others)?;
    }
    writeln!(out, "</li>")
}

fn write_file(
    report: &Report<'_>,
    out: &mut dyn Write,
    path: &WastedPath,
    file: &WastedFile,
) -> io::Result<()> {
    let chip = |no| format!("<span class=\"no {}\">{no}</span>", report.colours.class(no));
    let size = if path.files.len() > 1 { format!("{} ", human_size(file.bytes)) } else { String::new() };
    write!(out, "<p>{size}of layer {}, {} by layer {}", chip(file.layer), said(file.reason), chip(file.by))?;
    if let Some(step) = report.stack.created_by(file.by) {
        write!(out, " <code>{}</code>", Text::front(bare(step).as_bytes(), STEP))?;
    }
    writeln!(out, "</p>")
}

fn said(reason: Reason) -> &'static str {
    match reason {
        Reason::Replaced => "replaced",
        Reason::Repeated => "written again, unchanged,",
        Reason::Deleted => "deleted",
        Reason::Opaque => "in a directory made anew",
    }
}
