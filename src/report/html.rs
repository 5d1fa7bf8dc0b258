//! Text of an image as text of a page: nothing in it is a tag, moves what stands beside it, or is without end.

use std::fmt;
use std::io::{self, Write};

use crate::text::{Lines, escape};

/// Writes bytes that are a name, or text, from an image.
pub struct Text<'a> {
    bytes: &'a [u8],
    most: usize,
    keeps: End,
}

/// The end of a long text that is kept.
#[derive(Clone, Copy)]
enum End {
    Front,
    Back,
}

impl<'a> Text<'a> {
    /// A text, its end left out behind so many characters.
    pub fn front(bytes: &'a [u8], most: usize) -> Text<'a> {
        Text { bytes, most, keeps: End::Front }
    }

    /// A path, its beginning left out before so many characters: its last names say most.
    pub fn back(bytes: &'a [u8], most: usize) -> Text<'a> {
        Text { bytes, most, keeps: End::Back }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = escape(self.cut(), Lines::Escape);
        let length = text.chars().count();
        let left_out = length.saturating_sub(self.most);
        match self.keeps {
            _ if left_out == 0 => write_escaped(f, text.chars()),
            End::Front => {
                write_escaped(f, text.chars().take(self.most.saturating_sub(1)))?;
                f.write_str("…")
            }
            End::Back => {
                f.write_str("…")?;
                write_escaped(f, text.chars().skip(left_out + 1))
            }
        }
    }
}

impl<'a> Text<'a> {
    /// More bytes than are shown in any case are not looked at: a character has four at most.
    fn cut(&self) -> &'a [u8] {
        let most = self.most.saturating_add(1).saturating_mul(4);
        let from = self.bytes.len().saturating_sub(most);
        let part = match self.keeps {
            End::Front => self.bytes.get(..most),
            End::Back => self.bytes.get(from..),
        };
        part.unwrap_or(self.bytes)
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, characters: impl Iterator<Item = char>) -> fmt::Result {
    for character in characters {
        match character {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&#39;")?,
            character => fmt::Write::write_char(f, character)?,
        }
    }
    Ok(())
}

/// How much of a list is told.
#[derive(Clone, Copy)]
pub struct Limit {
    /// Items at most.
    pub items: usize,
    /// Bytes of the page that they take at most.
    pub bytes: usize,
}

/// Writes items, each whole, until they are too many or too long together; how many it wrote.
pub fn write_list<T>(
    out: &mut dyn Write,
    limit: Limit,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut dyn Write, T) -> io::Result<()>,
) -> io::Result<usize> {
    let (mut written, mut room, mut item_text) = (0, limit.bytes, Vec::new());
    for item in items.into_iter().take(limit.items) {
        item_text.clear();
        write(&mut item_text, item)?;
        let Some(left) = room.checked_sub(item_text.len()) else { break };
        out.write_all(&item_text)?;
        (written, room) = (written + 1, left);
    }
    Ok(written)
}

/// A share as a percentage, with as many digits as say something.
pub fn percent(part: u64, whole: u64) -> String {
    let share = ratio(part, whole) * 100.0;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        _ if share < 0.1 => "< 0.1 %".to_owned(),
        // What is not all does not read so.
        _ if part < whole && share > 99.9 => "> 99.9 %".to_owned(),
        _ if share < 99.95 => format!("{share:.1} %"),
        _ => "100 %".to_owned(),
    }
}

/// A share from 0 to 1; 0 of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A number whose digits stand in groups.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_harmless_in_tags_and_attributes() {
        for (bytes, most, shown) in [
            (&b"<b a='1' c=\"2\">&"[..], 99, "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;"),
            ("a\u{202e}b\u{2028}\n\x1b".as_bytes(), 99, "a\\u{202e}b\\u{2028}\\n\\u{1b}"),
            (b"\xff<", 99, "\\xff&lt;"),
            (b"abcdef", 6, "abcdef"),
            (b"abcdefg", 6, "abcde…"),
        ] {
            assert_eq!(Text::front(bytes, most).to_string(), shown);
        }
        assert_eq!(Text::back(b"usr/lib/<x>", 6).to_string(), "…b/&lt;x&gt;");
    }

    #[test]
    fn a_list_ends_before_it_is_too_long() {
        let items = ["abc", "de", "f"];
        for (items_most, bytes, shown) in
            [(9, 9, "abcdef"), (2, 9, "abcde"), (9, 5, "abcde"), (9, 4, "abc"), (9, 2, "")]
        {
            let (limit, mut out) = (Limit { items: items_most, bytes }, Vec::new());
            let written =
                write_list(&mut out, limit, items, |out, item| out.write_all(item.as_bytes())).unwrap();
            assert_eq!(out, shown.as_bytes());
            assert_eq!(items[..written].concat(), shown);
        }
    }

    #[test]
    fn shares_and_numbers_read_well() {
        for (part, whole, text) in [
            (0, 0, "0 %"),
            (1, 1_000_000, "< 0.1 %"),
            (1, 3, "33.3 %"),
            (999_999, 1_000_000, "> 99.9 %"),
            (7, 7, "100 %"),
        ] {
            assert_eq!(percent(part, whole), text);
        }
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
