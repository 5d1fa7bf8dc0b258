//! `peelfs diff --patch`: the lines of a text file that changed, as patch(1) takes them.

use std::io::{self, Read, Write};
use std::time::Duration;

use similar::TextDiff;

use crate::commit::Entry;
use crate::compare::{Change, Difference, Side, What};
use crate::entry::Kind;
use crate::text::{Lines, escape};

use super::output::Output;
use super::style::Style;

/// What is longer is not compared line by line.
const MAX_TEXT: u64 = 1024 * 1024;

/// After this the lines of one file need not be the fewest.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one side has.
enum Text {
    Nothing,
    Lines(Vec<u8>),
    Binary,
}

/// Writes what changed in a file, if it is one on either side and its contents are not the same.
pub fn write_patch(out: &mut Output, old: &Side, new: &Side, difference: &Difference) -> io::Result<()> {
    let has_others = match difference.change {
        Change::Added | Change::Deleted => true,
        Change::Changed => difference.what.iter().any(|what| matches!(what, What::Content | What::Type)),
        Change::Renamed(_) => false,
    };
    if !has_others {
        return Ok(());
    }
    let (a, b) = (text(old, difference.old.as_ref())?, text(new, difference.new.as_ref())?);
    // In a patch a name with a newline would be a line of it, whoever reads.
    let path = escape(difference.path.as_bytes(), Lines::Escape);
    let name = |prefix: &str, text: &Text| match text {
        Text::Nothing => "/dev/null".to_owned(),
        _ => format!("{prefix}/{path}"),
    };
    let (a_name, b_name) = (name("a", &a), name("b", &b));
    let (a, b) = match (a, b) {
        (Text::Nothing, Text::Nothing) => return Ok(()),
        (Text::Binary, _) | (_, Text::Binary) => {
            return writeln!(out, "Binary files {a_name} and {b_name} differ");
        }
        (a, b) => (a.lines(), b.lines()),
    };
    let mut config = TextDiff::configure();
    let diff = config.timeout(PATIENCE).diff_lines(&a[..], &b[..]);
    let mut patch = Vec::new();
    diff.unified_diff().header(&a_name, &b_name).to_writer(&mut patch)?;
    patch.split_inclusive(|&byte| byte == b'\n').try_for_each(|line| write_line(out, line))
}

impl Text {
    fn lines(self) -> Vec<u8> {
        match self {
            Text::Lines(lines) => lines,
            Text::Nothing | Text::Binary => Vec::new(),
        }
    }
}

fn text(side: &Side, entry: Option<&Entry>) -> io::Result<Text> {
    let Some(entry) = entry.filter(|entry| entry.attributes.kind == Kind::Regular) else {
        return Ok(Text::Nothing);
    };
    if entry.attributes.size > MAX_TEXT {
        return Ok(Text::Binary);
    }
    let mut data = Vec::new();
    // A file of the host may have grown.
    side.with_data(entry, |file| file.take(MAX_TEXT + 1).read_to_end(&mut data))?;
    let is_binary = data.contains(&0) || data.len() as u64 > MAX_TEXT;
    Ok(if is_binary { Text::Binary } else { Text::Lines(data) })
}

/// A line in its colour; for a person nothing in it that a terminal would obey, but tabs.
fn write_line(out: &mut Output, line: &[u8]) -> io::Result<()> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let style = match line.first() {
        Some(b'+') => Style::Added,
        Some(b'-') => Style::Deleted,
        Some(b'@') => Style::Layer,
        _ => Style::Plain,
    };
    let parts: Vec<Vec<u8>> =
        line.split(|&byte| byte == b'\t').map(|part| out.name(part).into_owned()).collect();
    let line = parts.join(&b'\t');
    let line = if out.is_coloured() && style != Style::Plain { style.wrap(&line) } else { line };
    out.write_all(&line)?;
    out.write_all(b"\n")
}
