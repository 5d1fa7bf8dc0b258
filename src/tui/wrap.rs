//! Texts and the columns that they take: wide characters take two, some take none.

use ratatui::text::Span as Text;

use crate::account::{Line, Span, Tone};

/// Lines that one is broken into at most: the end of what is longer is left out, and said to be.
const MAX_LINES: usize = 32;

/// By how much lines are indented that go on from the one before.
const INDENT: usize = 4;

/// Columns that a text takes.
pub fn columns(text: &str) -> usize {
    Text::raw(text).width()
}

/// A text without its first columns. Where half of a wide character would stand, there is a space.
pub fn without_columns(text: &str, count: usize) -> String {
    let mut skipped = 0;
    let mut rest = text.chars();
    while skipped < count {
        let Some(character) = rest.next() else { return String::new() };
        skipped += columns_of(character);
    }
    format!("{}{}", " ".repeat(skipped - count), rest.as_str())
}

/// The end of a text that takes no more than so many columns, with a sign before it if there is more.
pub fn end_of(text: &str, room: usize) -> String {
    let width = columns(text);
    match width <= room {
        true => text.to_owned(),
        false => format!("…{}", without_columns(text, width + 1 - room.max(1))),
    }
}

fn columns_of(character: char) -> usize {
    columns(character.encode_utf8(&mut [0; 4]))
}

/// Breaks a line so that nothing of it is wider than so many columns, between words if that does.
pub fn wrap(line: &Line, width: usize) -> Vec<Line> {
    let width = width.max(INDENT * 2);
    let mut lines = vec![Line::new()];
    let mut column = 0;
    for span in line {
        for word in span.text.split_inclusive(' ') {
            let needed = columns(word.trim_end_matches(' '));
            if column > INDENT && column + needed > width && needed <= width - INDENT {
                column = next_line(&mut lines);
            }
            for character in word.chars() {
                let needed = columns_of(character);
                if column + needed > width {
                    if character == ' ' {
                        continue;
                    }
                    column = next_line(&mut lines);
                }
                if lines.len() > MAX_LINES {
                    lines.truncate(MAX_LINES);
                    push(&mut lines, span, '…');
                    return lines;
                }
                push(&mut lines, span, character);
                column += needed;
            }
        }
    }
    lines
}

/// Begins a line; gives the column where it goes on.
fn next_line(lines: &mut Vec<Line>) -> usize {
    lines.push(vec![Span { tone: Tone::Plain, text: " ".repeat(INDENT) }]);
    INDENT
}

/// Adds a character in a span's tone to the last line.
fn push(lines: &mut [Line], span: &Span, character: char) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut().filter(|last| last.tone == span.tone) {
        Some(last) => last.text.push(character),
        None => line.push(Span { tone: span.tone, text: character.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        let line = vec![Span { tone: Tone::Title, text: text.to_owned() }];
        let text = |line: &Line| line.iter().map(|span| &*span.text).collect::<String>();
        wrap(&line, width).iter().map(|line| text(line).trim_end().to_owned()).collect()
    }

    #[test]
    fn lines_are_broken_between_words_or_where_they_must_be() {
        assert_eq!(wrapped("one line", 20), ["one line"]);
        assert_eq!(wrapped("=> shown from layer 0", 14), ["=> shown from", "    layer 0"]);
        assert_eq!(wrapped("x 0123456789abcdef", 10), ["x 01234567", "    89abcd", "    ef"]);
        assert_eq!(wrapped("四四四四四四四", 9), ["四四四四", "    四四", "    四"]);
        assert_eq!(wrapped("", 0), [""]);
        let long = wrapped(&"x".repeat(10_000), 10);
        assert_eq!(long.len(), MAX_LINES);
        assert!(long.last().unwrap().ends_with('…'));
    }

    #[test]
    fn texts_lose_columns_and_not_characters() {
        assert_eq!(without_columns("四x", 1), " x");
        assert_eq!(without_columns("四x", 2), "x");
        assert_eq!(without_columns("四x", 9), "");
        assert_eq!(end_of("/usr/lib/libc.so", 8), "…libc.so");
        assert_eq!(end_of("libc.so", 7), "libc.so");
        assert_eq!(end_of("/四四", 3), "…四");
    }
}
