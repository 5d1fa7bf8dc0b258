//! The page: what stands around its parts, and above them.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::text::{count, human_size};
use crate::waste::Waste;

use super::html::{Text, grouped, percent};
use super::{Report, layers, map, steps, wasted};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What lies on bytes that do not show: stripes in the colour of the paper.
const CUT: &str = "<svg class=\"defs\" aria-hidden=\"true\"><pattern id=\"cut\" width=\"5\" height=\"5\" \
    patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"2.2\" height=\"5\"/></pattern></svg>";

/// Tags that stand below the first.
const MOST_TAGS: usize = 20;

/// Letters of a name, a tag or another short text.
const SHORT: usize = 200;

pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_head(report, out)?;
    write_header(report, out)?;
    writeln!(out, "<main>")?;
    write_part(out, "layers", "Layers", |out| layers::write(report, out))?;
    write_part(out, "sizes", "Where the bytes are", |out| map::write(report, out))?;
    write_part(out, "hidden", "What nobody sees", |out| wasted::write(report, out))?;
    write_part(out, "history", "History", |out| steps::write(report, out))?;
    writeln!(out, "</main>\n<footer>peelfs {}</footer>", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

fn write_part(
    out: &mut dyn Write,
    id: &str,
    title: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    writeln!(out, "<section class=\"part\" id=\"{id}\"><h2>{title}</h2><div>")?;
    write(out)?;
    writeln!(out, "</div></section>")
}

/// No script runs and no style holds but our own, and nothing is loaded, whatever the image may bring.
fn write_head(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let [style, script] = [STYLE, SCRIPT].map(|text| STANDARD.encode(Sha256::digest(text)));
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} – peelfs report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{CUT}",
        title(report)
    )
}

fn title<'a>(report: &'a Report<'_>) -> Text<'a> {
    let tag = report.stack.image.tags.first();
    Text::front(tag.map_or(report.name, |tag| tag.as_bytes()), SHORT)
}

fn write_header(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let image = &report.stack.image;
    writeln!(out, "<header><h1>{}</h1>\n<dl class=\"facts\">", title(report))?;
    let mut fact = |label: &str, text: &str| {
        let text = Text::front(text.as_bytes(), SHORT);
        if text.to_string().is_empty() {
            Ok(())
        } else {
            writeln!(out, "<div><dt>{label}</dt><dd>{text}</dd></div>")
        }
    };
    if let Some(id) = &image.id {
        fact("ID", &id.to_string())?;
    }
    for tag in image.tags.iter().skip(1).take(MOST_TAGS) {
        fact("also", tag)?;
    }
    if let Some(others) = image.tags.len().checked_sub(MOST_TAGS + 2) {
        fact("also", &format!("… and {} more names", grouped(others as u64 + 1)))?;
    }
    if let Some(config) = &image.config {
        fact("platform", &config.platform.to_string())?;
        fact("created", &steps::time(config.created.as_deref()))?;
        fact("author", config.author.as_deref().unwrap_or_default())?;
    }
    fact("form", &image.format.to_string())?;
    // Its bytes need be no text.
    writeln!(out, "<div><dt>file</dt><dd>{}</dd></div></dl>", Text::front(report.name, SHORT))?;
    write_totals(report, out)?;
    layers::write_bar(report, out)?;
    writeln!(out, "</header>")
}

fn write_totals(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (waste, counts) = (&report.waste, report.counts);
    let image = &report.stack.image;
    let stored: Option<u64> =
        image.layers.iter().try_fold(0u64, |sum, layer| Some(sum.saturating_add(layer.stored_size()?)));
    let files = [(counts.dirs, "directory"), (counts.symlinks, "symlink"), (counts.others, "device or pipe")];
    let files = files.iter().filter(|(number, _)| *number > 0);
    let mut others: Vec<String> = files.map(|&(number, noun)| plural(number, noun)).collect();
    if others.is_empty() {
        others.push("nothing else".to_owned());
    }
    let layers = image.layers.len() as u64;
    let stored = stored.map_or_else(String::new, |stored| format!("{} as stored", human_size(stored)));
    let shown = waste.bytes().saturating_sub(waste.hidden());
    let totals = [
        (human_size(shown), "visible".to_owned(), format!("of {} in all layers", human_size(waste.bytes()))),
        (
            grouped(layers),
            count(layers, "layer").trim_start_matches(|c: char| !c.is_alphabetic()).to_owned(),
            stored,
        ),
        (
            grouped(counts.files),
            if counts.files == 1 { "file" } else { "files" }.to_owned(),
            others.join(", "),
        ),
        (human_size(waste.hidden()), "hidden".to_owned(), hidden_at(waste)),
        (efficiency(waste), "efficiency".to_owned(), "the share of bytes that shows".to_owned()),
    ];
    writeln!(out, "<ul class=\"totals\">")?;
    for (number, noun, more) in totals {
        writeln!(out, "<li><strong>{number}</strong> <em>{noun}</em> <span>{more}</span></li>")?;
    }
    writeln!(out, "</ul>")
}

fn hidden_at(waste: &Waste) -> String {
    match waste.paths {
        0 => "every byte shows".to_owned(),
        paths => format!("at {}", plural(paths, "path")),
    }
}

/// Of nothing, nothing is hidden.
fn efficiency(waste: &Waste) -> String {
    match waste.bytes() {
        0 => "100 %".to_owned(),
        bytes => percent(bytes.saturating_sub(waste.hidden()), bytes),
    }
}

/// A number in groups, with its noun.
pub fn plural(number: u64, noun: &str) -> String {
    match noun {
        "device or pipe" if number != 1 => format!("{} devices and pipes", grouped(number)),
        _ => count(number, noun).replacen(&number.to_string(), &grouped(number), 1),
    }
}
