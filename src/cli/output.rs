//! The only stdout: names from an image are hostile, and a reader may go away.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde_json::{Map, Value};

/// Buffered stdout that knows whether a person or a program reads it.
pub struct Output {
    out: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
}

/// What becomes of newlines in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They are ours.
    Keep,
    /// They are someone's name.
    Escape,
}

impl Output {
    pub fn new() -> Output {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        Output { out: BufWriter::with_capacity(64 * 1024, stdout.lock()), is_terminal }
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
        let text = serde_json::to_string_pretty(value)?;
        for piece in text.split_inclusive(is_hostile_in_json) {
            match piece.chars().next_back().filter(|&last| is_hostile_in_json(last)) {
                Some(hostile) => {
                    let plain = piece.strip_suffix(hostile).unwrap_or_default();
                    write!(self, "{plain}\\u{:04x}", u32::from(hostile))?;
                }
                None => self.write_all(piece.as_bytes())?,
            }
        }
        self.write_all(b"\n")?;
        self.flush()
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

/// Makes bytes from an image harmless: control and bidirectional characters, and what is no UTF-8, as
/// escapes. A backslash stays one, so that commands can be copied; `--json` tells it from an escape.
pub fn escape(bytes: &[u8], lines: Lines) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' if lines == Lines::Keep => text.push('\n'),
                character if is_hostile(character) => text.extend(character.escape_default()),
                character => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Characters that move the cursor, change colours or reorder what stands beside them.
fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
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

/// A value of any bytes: text that can be printed as it is, everything else in hexadecimal, as getfattr
/// has it.
pub fn printable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(is_hostile) => text.to_owned(),
        _ => format!("0x{}", hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number with its noun: `1 layer`, `2 layers`, `1 directory`, `2 directories`.
pub fn count(n: u64, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) => format!("{n} {noun}s"),
    }
}

/// A size for people: `1.2 MiB`.
pub fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"");
    while size >= 1023.95 {
        let Some(next) = units.next() else { break };
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_escaped() {
        for (name, escaped) in [
            (&b"plain \xc3\xa9"[..], "plain \u{e9}"),
            (b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            (b"a\nb\\377", "a\\nb\\377"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("gnp.\u{202e}exe".as_bytes(), "gnp.\\u{202e}exe"),
        ] {
            assert_eq!(escape(name, Lines::Escape), escaped);
        }
        assert_eq!(escape(b"a\nb", Lines::Keep), "a\nb");
    }

    #[test]
    fn values_are_text_or_hexadecimal() {
        for (bytes, shown) in [
            (&b""[..], ""),
            (b"sys\\tem \xc3\xa9", "sys\\tem \u{e9}"),
            (b"\x01\0\0\x02", "0x01000002"),
            (b"\xff", "0xff"),
            ("a\u{202e}".as_bytes(), "0x61e280ae"),
        ] {
            assert_eq!(printable(bytes), shown);
        }
    }

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (1_610_612_736, "1.5 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(human_size(bytes), text);
        }
    }

    #[test]
    fn numbers_have_the_right_noun() {
        assert_eq!([count(1, "layer"), count(0, "layer")], ["1 layer", "0 layers"]);
        assert_eq!([count(1, "entry"), count(2, "entry")], ["1 entry", "2 entries"]);
    }

    #[test]
    fn names_that_are_no_utf8_keep_their_bytes_in_json() {
        let mut object = Map::new();
        put_name(&mut object, "path", b"a\xff");
        assert_eq!(Value::Object(object).to_string(), "{\"path\":\"a\u{fffd}\",\"path_hex\":\"61ff\"}");
    }
}
