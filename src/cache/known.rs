//! Lines of text kept by key, one file each: `known/<SHA-256 of the key>`.

use std::io::{self, Read as _, Write as _};

use crate::digest::Digest;

use super::dir::Dir;
use super::draft::Draft;

/// The longest line, in bytes, with the newline that says that it is whole.
const MAX_LINE: u64 = 1024;

/// Lines kept, oldest out first; each takes a block and an inode.
pub const MAX_LINES: usize = 10_000;

/// The name of a key's file.
pub fn file_name(key: &str) -> String {
    Digest::of(key.as_bytes()).hex().to_owned()
}

/// Whether a text may be kept: printable ASCII, not empty and not too long.
pub fn is_line(text: &str) -> bool {
    let is_short = !text.is_empty() && (text.len() as u64) < MAX_LINE;
    is_short && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Reads a line; a file that holds anything else is an error.
pub fn read(file: impl io::Read) -> io::Result<String> {
    let mut text = String::new();
    file.take(MAX_LINE + 1).read_to_string(&mut text)?;
    match text.strip_suffix('\n').filter(|line| is_line(line)) {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "not one line of text")),
    }
}

/// Writes a line.
pub fn write(draft: &Draft, line: &str) -> io::Result<()> {
    draft.file().write_all(format!("{line}\n").as_bytes())
}

/// How many lines there are.
pub fn count(known: &Dir) -> io::Result<usize> {
    Ok(names(known)?.len())
}

/// Removes the lines least recently used until `max` are left.
pub fn trim(known: &Dir, max: usize) -> io::Result<()> {
    let names = names(known)?;
    if names.len() <= max {
        return Ok(());
    }
    let mut lines: Vec<_> =
        names.into_iter().filter_map(|name| Some((known.look(&name)?.used, name))).collect();
    lines.sort();
    let surplus = lines.len().saturating_sub(max);
    for (_, name) in lines.iter().take(surplus) {
        known.remove(name)?;
    }
    Ok(())
}

fn names(known: &Dir) -> io::Result<Vec<String>> {
    let is_hash = |name: &String| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(known.names()?.into_iter().filter(is_hash).collect())
}
