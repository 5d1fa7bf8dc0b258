//! Where the bytes are: the pictures, and the numbers of the layers that are in them.

use std::io::{self, Write};

use super::Report;
use super::html::{Limit, grouped, write_list};
use super::treemap;
use super::views::Views;

/// Names on all pictures together.
const MOST_NAMES: usize = 2500;

/// Bytes that all pictures may take of the page. Names of an image's choice may be long, and deep.
const MOST_BYTES: usize = 800_000;

/// Layers whose numbers stand above the pictures; Docker makes 127 at most.
const LEGEND: Limit = Limit { items: 130, bytes: 20_000 };

pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    if report.root.sum.bytes == 0 {
        return writeln!(out, "<p class=\"none\">No file that shows has any bytes.</p>");
    }
    writeln!(
        out,
        "<p class=\"note\">Each area is a name, as large as its bytes and in the colour of the layer that most of them \
         are in. Choose a directory to look into it.</p>\n<div class=\"map\" id=\"map\">"
    )?;
    write_legend(report, out)?;
    out.write_all(&pictures(report)?)?;
    writeln!(out, "<p class=\"said\" aria-live=\"polite\"></p></div>")
}

/// The layers that any of it is in, base first.
fn write_legend(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<p class=\"legend\"><span>From layer</span>")?;
    let layers: Vec<_> = report.root.sum.layers.iter().collect();
    let written = write_list(out, LEGEND, &layers, |out, (no, _)| {
        write!(out, " <span class=\"no {}\" data-y=\"{no}\">{no}</span>", report.colours.class(*no))
    })?;
    match layers.len() - written {
        0 => writeln!(out, "</p>"),
        others => writeln!(out, " <span>… and {} more</span></p>", grouped(others as u64)),
    }
}

/// As many pictures as there is room for.
fn pictures(report: &Report<'_>) -> io::Result<Vec<u8>> {
    let mut most_names = MOST_NAMES;
    loop {
        let mut text = Vec::new();
        treemap::write(&mut text, &Views::of(&report.root, most_names), &report.colours)?;
        // The root's own picture is there in any case, and not large.
        if text.len() <= MOST_BYTES || most_names == 0 {
            return Ok(text);
        }
        most_names /= 2;
    }
}
