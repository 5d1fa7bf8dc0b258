//! The contents of a file: a window of it as text or in hexadecimal, whatever its length.
//!
//! Only what is shown is read, and a line that does not end is broken.

use std::io;

use crate::fs::read_extents;
use crate::layer::{LayerNo, LeafId};
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::{Lines, escape};

use super::wrap::columns;

/// Bytes of a line after which it is broken.
const LONGEST: usize = 512;

/// Bytes that a line of hexadecimal shows.
const HEX: u64 = 16;

/// Bytes by which text is told from what is none.
const SAMPLE: usize = 4096;

/// How contents are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines of text.
    Text,
    /// Bytes.
    Hex,
}

/// A file that is looked into.
pub struct Contents<'a> {
    stack: &'a Stack,
    /// Its path.
    pub path: TreePath,
    /// The layer whose version it is.
    pub layer: LayerNo,
    leaf: LeafId,
    /// Its length.
    pub size: u64,
    /// How it is shown.
    pub form: Form,
    /// The offset of the first line.
    pub top: u64,
    width: usize,
    height: usize,
    /// The first column.
    pub left: usize,
    /// The lines from there on, with the offset at which each begins.
    pub lines: Vec<(u64, String)>,
}

impl<'a> Contents<'a> {
    /// Opens a file at its beginning.
    pub fn open(
        stack: &'a Stack,
        path: TreePath,
        (layer, leaf, size): (LayerNo, LeafId, u64),
        (width, height): (usize, usize),
    ) -> io::Result<Contents<'a>> {
        let (form, top, left, lines) = (Form::Text, 0, 0, Vec::new());
        let mut contents = Contents { stack, path, layer, leaf, size, form, top, width, height, left, lines };
        let sample = contents.read(0, SAMPLE)?;
        if is_binary(&sample) {
            contents.form = Form::Hex;
        }
        contents.fill()?;
        Ok(contents)
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let read = self.stack.with_file(self.layer, self.leaf, |extents, source| {
            read_extents(extents, self.size, source, offset, &mut bytes)
        })?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Reads what is shown.
    fn fill(&mut self) -> io::Result<()> {
        let bytes = self.read(self.top, self.height.max(1) * LONGEST)?;
        let pieces = match self.form {
            Form::Text => text_lines(&bytes),
            Form::Hex => bytes.chunks(HEX as usize).collect(),
        };
        let (mut at, mut lines) = (self.top, Vec::new());
        for piece in pieces.into_iter().take(self.height) {
            let text = match self.form {
                Form::Text => text_line(piece),
                Form::Hex => hex_line(at, piece),
            };
            lines.push((at, text));
            at += piece.len() as u64;
        }
        self.lines = lines;
        Ok(())
    }

    /// Shows so many columns and lines from now on.
    pub fn resize(&mut self, (width, height): (usize, usize)) -> io::Result<()> {
        self.width = width;
        if self.height == height {
            return Ok(());
        }
        self.height = height;
        self.fill()
    }

    /// Scrolls to the right by half of what is shown, as long as a line reaches beyond that.
    pub fn scroll_right(&mut self) {
        if self.lines.iter().any(|(_, line)| columns(line) > self.left + self.width) {
            self.left += self.half_width();
        }
    }

    /// Scrolls back to the left; `false` if there is nothing.
    pub fn scroll_left(&mut self) -> bool {
        let has_any = self.left > 0;
        self.left = self.left.saturating_sub(self.half_width());
        has_any
    }

    fn half_width(&self) -> usize {
        (self.width / 2).max(1)
    }

    /// Shows it as text, or in hexadecimal.
    pub fn toggle(&mut self) -> io::Result<()> {
        self.form = match self.form {
            Form::Text => Form::Hex,
            Form::Hex => Form::Text,
        };
        self.left = 0;
        if self.form == Form::Hex {
            self.top -= self.top % HEX;
        }
        self.fill()
    }

    /// Moves by lines.
    pub fn step(&mut self, lines: isize) -> io::Result<()> {
        for _ in 0..lines.unsigned_abs().min(self.height.max(1)) {
            let top = if lines < 0 { self.line_before(self.top)? } else { self.line_behind()? };
            if top == self.top {
                break;
            }
            self.top = top;
            if lines > 0 {
                self.fill()?;
            }
        }
        self.fill()
    }

    /// Moves by screens.
    pub fn page(&mut self, back: bool) -> io::Result<()> {
        let lines = self.height.saturating_sub(1).max(1) as isize;
        self.step(if back { -lines } else { lines })
    }

    /// Moves by half a screen.
    pub fn half_page(&mut self, back: bool) -> io::Result<()> {
        let lines = (self.height / 2).max(1) as isize;
        self.step(if back { -lines } else { lines })
    }

    /// Shows the beginning.
    pub fn go_to_start(&mut self) -> io::Result<()> {
        self.top = 0;
        self.fill()
    }

    /// Shows the end.
    pub fn go_to_end(&mut self) -> io::Result<()> {
        self.top = match self.form {
            Form::Hex => self.size.div_ceil(HEX).saturating_mul(HEX),
            Form::Text => self.size,
        };
        self.step(-(self.height.max(1) as isize))
    }

    /// The offset of the second line; that of the first if all of the rest is in sight.
    fn line_behind(&self) -> io::Result<u64> {
        match self.lines.get(1) {
            Some((next, _)) if self.lines.len() >= self.height => Ok(*next),
            _ => Ok(self.top),
        }
    }

    /// The offset of the line before an offset.
    fn line_before(&self, at: u64) -> io::Result<u64> {
        if self.form == Form::Hex {
            return Ok(at.saturating_sub(HEX));
        }
        let from = at.saturating_sub(LONGEST as u64);
        let bytes = self.read(from, (at - from) as usize)?;
        let before = bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default();
        let newline = before.iter().rposition(|&byte| byte == b'\n');
        Ok(from + newline.map_or(0, |newline| newline as u64 + 1))
    }
}

/// Lines with their ends; those that are too long, broken.
fn text_lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').flat_map(|line| line.chunks(LONGEST)).collect()
}

/// A line as a terminal may be given it.
fn text_line(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut text = String::new();
    for (no, piece) in line.split(|&byte| byte == b'\t').enumerate() {
        if no > 0 {
            let width = 8 - columns(&text) % 8;
            text.extend(std::iter::repeat_n(' ', width));
        }
        text.push_str(&escape(piece, Lines::Escape));
    }
    text
}

/// As `hexdump -C` writes it.
fn hex_line(at: u64, bytes: &[u8]) -> String {
    let mut text = format!("{at:08x} ");
    for no in 0..HEX as usize {
        let gap = if no % 8 == 0 { " " } else { "" };
        let byte = bytes.get(no).map_or("  ".to_owned(), |byte| format!("{byte:02x}"));
        text.push_str(&format!("{gap}{byte} "));
    }
    let shown = bytes.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' });
    text.push_str(&format!(" |{}|", shown.collect::<String>()));
    text
}

/// Whether a file is better shown in hexadecimal.
fn is_binary(sample: &[u8]) -> bool {
    let chunks = sample.utf8_chunks();
    let invalid: usize = chunks.map(|chunk| chunk.invalid().len()).sum();
    sample.contains(&0) || invalid * 10 > sample.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_escaped_and_broken() {
        assert_eq!(text_line(b"a\tb\x1b[2J\r\n"), "a       b\\u{1b}[2J\\r");
        assert_eq!(text_lines(&[b'x'; 1200]).iter().map(|l| l.len()).collect::<Vec<_>>(), [512, 512, 176]);
        assert_eq!(
            hex_line(16, b"ab\x1b"),
            "00000010  61 62 1b                                          |ab.|"
        );
    }
}
