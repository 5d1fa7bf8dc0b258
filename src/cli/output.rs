//! The only stdout: names from an image are hostile, and a reader may go away.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::os::fd::AsFd;

use serde_json::{Map, Value};

use crate::text::{Lines, escape, hex, is_hostile};

use super::pager::Pager;
use super::style::{self, Painted, Style};

/// Bytes that are written at a time.
const BUFFER: usize = 64 * 1024;

/// Bytes that a pipe is asked to hold, if there may be many: what anyone may ask for
/// (`/proc/sys/fs/pipe-max-size`). Writer and reader then wait for each other less often.
const PIPE: usize = 1024 * 1024;

/// Buffered stdout that knows whether a person or a program reads it.
pub struct Output {
    out: BufWriter<To>,
    is_terminal: bool,
    is_coloured: bool,
}

/// Where it goes.
enum To {
    /// Past the buffer of the standard library, which writes line by line, even what has no lines.
    Stdout(StdoutLock<'static>),
    Pager(Pager),
}

impl Output {
    pub fn new() -> Output {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        Output::to(To::Stdout(stdout.lock()), is_terminal)
    }

    /// For the bytes of files, which may be many.
    pub fn bulk() -> Output {
        // Whatever it says: it may be no pipe, or the user's pipes hold too much already.
        _ = rustix::pipe::fcntl_setpipe_size(io::stdout().as_fd(), PIPE);
        Output::new()
    }

    /// For what may be long and is meant to be read: through a pager, if a person reads it.
    pub fn paged() -> Output {
        let is_terminal = io::stdout().is_terminal();
        match is_terminal.then(Pager::start).flatten() {
            Some(pager) => Output::to(To::Pager(pager), is_terminal),
            None => Output::new(),
        }
    }

    fn to(to: To, is_terminal: bool) -> Output {
        let is_coloured = style::is_on(is_terminal);
        Output { out: BufWriter::with_capacity(BUFFER, to), is_terminal, is_coloured }
    }

    /// A text in its style, if there are colours; what is painted is harmless already.
    pub fn paint<T: fmt::Display>(&self, style: Style, text: T) -> Painted<T> {
        Painted::new(self.is_coloured, style, text)
    }

    /// A name in its style: its bytes for a program, escaped for a person.
    pub fn painted_name<'a>(&self, style: Style, name: &'a [u8]) -> Cow<'a, [u8]> {
        let name = self.name(name);
        match self.is_coloured && style != Style::Plain {
            true => style.wrap(&name).into(),
            false => name,
        }
    }

    /// Whether there are colours.
    pub fn is_coloured(&self) -> bool {
        self.is_coloured
    }

    /// Whether a person reads it.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// A name: its bytes for a program, escaped for a person.
    pub fn name<'a>(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        match self.is_terminal {
            true => Cow::Owned(escape(name, Lines::Escape).into_bytes()),
            false => Cow::Borrowed(name),
        }
    }

    /// A text from an image that stands within a line: never more than one, and nothing that a terminal
    /// would obey.
    pub fn text(&self, text: &str) -> String {
        escape(text.as_bytes(), Lines::Escape)
    }

    /// Writes a value as indented JSON; hostile characters as escapes, which mean the same there.
    pub fn json(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        self.json_text(&serde_json::to_string_pretty(value)?)?;
        self.write_all(b"\n")?;
        self.flush()
    }

    /// Writes the beginning of an object on a line, all but the brace at its end.
    pub fn open_json(&mut self, object: &Map<String, Value>) -> io::Result<()> {
        let text = serde_json::to_string(object)?;
        self.json_text(text.strip_suffix('}').unwrap_or(&text))
    }

    fn json_text(&mut self, text: &str) -> io::Result<()> {
        for piece in text.split_inclusive(is_hostile_in_json) {
            match piece.chars().next_back().filter(|&last| is_hostile_in_json(last)) {
                Some(hostile) => {
                    let plain = piece.strip_suffix(hostile).unwrap_or_default();
                    write!(self, "{plain}\\u{:04x}", u32::from(hostile))?;
                }
                None => self.write_all(piece.as_bytes())?,
            }
        }
        Ok(())
    }
}

/// A JSON array that is written element by element, and never held.
#[derive(Debug, Default)]
pub struct JsonArray {
    has_any: bool,
}

impl JsonArray {
    /// Writes the next element.
    pub fn push(&mut self, out: &mut Output, value: &impl serde::Serialize) -> io::Result<()> {
        out.write_all(if self.has_any { b",\n  " } else { b"[\n  " })?;
        self.has_any = true;
        // As deep as it would stand in the whole.
        out.json_text(&serde_json::to_string_pretty(value)?.replace('\n', "\n  "))
    }

    /// Writes the end.
    pub fn end(self, out: &mut Output) -> io::Result<()> {
        out.write_all(if self.has_any { b"\n]\n" } else { b"[]\n" })
    }
}

impl Write for To {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            To::Stdout(stdout) => Ok(rustix::io::write(stdout.as_fd(), buf)?),
            To::Pager(pager) => pager.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            To::Stdout(_) => Ok(()),
            To::Pager(pager) => pager.flush(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.out.write(buf).map_err(of_stdout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(of_stdout)
    }
}

/// Names the place; the kind stays, by which a reader that went away is told from a full disk.
fn of_stdout(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("stdout: {error}"))
}

/// Those that `serde_json` leaves as they are; the newlines are the ones between lines.
fn is_hostile_in_json(character: char) -> bool {
    character != '\n' && is_hostile(character)
}

/// Puts a name into a JSON object: as a string, and where that would lose bytes, as hexadecimal too.
pub fn put_name(object: &mut Map<String, Value>, key: &str, name: &[u8]) {
    object.insert(key.to_owned(), String::from_utf8_lossy(name).into());
    if std::str::from_utf8(name).is_err() {
        object.insert(format!("{key}_hex"), hex(name).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_utf8_keep_their_bytes_in_json() {
        let mut object = Map::new();
        put_name(&mut object, "path", b"a\xff");
        assert_eq!(Value::Object(object).to_string(), "{\"path\":\"a\u{fffd}\",\"path_hex\":\"61ff\"}");
    }
}
