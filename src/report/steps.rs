//! The history: every step, whether it made a layer or not.

use std::io::{self, Write};

use crate::image::HistoryEntry;
use crate::layer::LayerNo;
use crate::text::{Lines, escape, human_size, in_utc_seconds};

use super::Report;
use super::html::{Limit, Text, write_list};
use super::page::plural;

/// Steps that are told; no tool makes so many.
const STEPS: Limit = Limit { items: 600, bytes: 400_000 };

/// Letters of one; a file that is written by a step stands in it.
const STEP: usize = 2000;

/// Lines of one.
const MOST_LINES: usize = 60;

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
    let command = bare(step.created_by.as_deref().unwrap_or_default());
    match layer {
        Some(no) => write!(out, "<li><span class=\"no {}\">{no}</span>", report.colours.class(no))?,
        None => write!(out, "<li class=\"empty\"><span class=\"no\">–</span>")?,
    }
    write!(out, "<code>")?;
    let is_whole = write_command(out, command)?;
    write!(out, "</code>")?;
    let size =
        layer.and_then(|no| report.waste.layers.get(no.0 as usize)).map(|layer| human_size(layer.bytes));
    write!(out, "<b>{}</b>", size.unwrap_or_default())?;
    let texts =
        [&*created, step.comment.as_deref().unwrap_or_default(), step.author.as_deref().unwrap_or_default()];
    let texts = texts.iter().filter(|text| !text.is_empty());
    let mut texts: Vec<String> = texts.map(|text| Text::front(text.as_bytes(), SHORT).to_string()).collect();
    if !is_whole {
        texts.push(format!("the beginning of {}", human_size(command.len() as u64)));
    }
    writeln!(out, "<span class=\"more\">{}</span></li>", texts.join(" · "))
}

/// Writes a command on lines as its Dockerfile had it; whether that is all of it.
fn write_command(out: &mut dyn Write, command: &str) -> io::Result<bool> {
    let mut left = STEP;
    for (no, line) in lines(command).enumerate() {
        if no >= MOST_LINES || left == 0 {
            write!(out, "\n  …")?;
            return Ok(false);
        }
        write!(out, "{}{}", if no > 0 { "\n  " } else { "" }, Text::front(line.as_bytes(), left))?;
        match left.checked_sub(escape(line.as_bytes(), Lines::Escape).chars().count()) {
            Some(rest) => left = rest,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Where a command went on in another line, builders leave the space that stood before it there.
fn lines(command: &str) -> impl Iterator<Item = &str> {
    let lines = command.split(['\t', '\n']).flat_map(|line| line.split("   "));
    lines.map(str::trim).filter(|line| !line.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(command: &str) -> (String, bool) {
        let mut out = Vec::new();
        let is_whole = write_command(&mut out, command).unwrap();
        (String::from_utf8(out).unwrap(), is_whole)
    }

    #[test]
    fn commands_stand_on_lines_as_they_were_written() {
        for (command, shown) in [
            ("set -eux; \t\tapt-get update; \trm -rf /x", "set -eux;\n  apt-get update;\n  rm -rf /x"),
            ("apk add     a  b     && rm c", "apk add\n  a  b\n  &amp;&amp; rm c"),
            ("<<EOF\n<b>\nEOF", "&lt;&lt;EOF\n  &lt;b&gt;\n  EOF"),
            ("", ""),
        ] {
            assert_eq!(written(command), (shown.to_owned(), true));
        }
        assert_eq!(bare("RUN x # buildkit"), "RUN x");
    }

    #[test]
    fn long_commands_end_and_say_so() {
        let (many_lines, is_whole) = written(&"a\n".repeat(100));
        assert_eq!((many_lines.lines().count(), is_whole), (MOST_LINES + 1, false));
        let (long, is_whole) = written(&"\u{202e}".repeat(5000));
        assert!(!is_whole && long.ends_with('…') && long.len() <= STEP + 3, "{}", long.len());
        let (long, is_whole) = written(&["a".repeat(1500), "b".repeat(1500)].join("\n"));
        assert!(!is_whole && long.ends_with("b…") && long.len() < STEP + 9);
        assert!(written(&"a".repeat(STEP)).1 && !written(&"\u{202e}".repeat(STEP / 2)).1);
    }
}
