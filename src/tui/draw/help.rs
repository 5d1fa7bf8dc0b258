//! The list of keys, over everything else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use crate::account::Tone;

use super::super::keys::HELP;
use super::super::listing::Mark;
use super::{Theme, frame, note, put, rows};

/// What the letters before names say.
const MARKS: [(Mark, &str); 4] = [
    (Mark::Added, "added by the selected layer"),
    (Mark::Changed, "changed by it, or a directory it has a part in"),
    (Mark::Deleted, "deleted by it"),
    (Mark::Whiteout, "a whiteout that hides nothing"),
];

/// Columns that keys take.
const KEYS: usize = 18;

pub fn draw(first: usize, theme: Theme, buf: &mut Buffer) {
    let screen = Rect { height: buf.area.height.saturating_sub(1), ..buf.area };
    let lines = HELP.len() + 1 + MARKS.len();
    let (width, height) = (70.min(screen.width), (lines as u16 + 2).min(screen.height));
    let outer = Rect::new((screen.width - width) / 2, (screen.height - height) / 2, width, height);
    Clear.render(outer, buf);
    let area = frame("Keys · any other closes this", true, theme, outer, buf);
    let first = first.min(lines.saturating_sub(area.height.into()));
    if lines > area.height.into() {
        note(&format!("{}-{}/{lines}", first + 1, first + usize::from(area.height)), theme, outer, buf);
    }
    let plain = theme.tone(Tone::Plain);
    let keys = HELP.iter().map(|&(keys, what)| (keys.to_owned(), theme.bar(), what));
    let marks = MARKS.iter().map(|&(mark, what)| (mark.letter().to_string(), theme.mark(mark), what));
    let between = [(String::new(), plain, "")];
    for (line, (left, style, right)) in rows(area).zip(keys.chain(between).chain(marks).skip(first)) {
        let column = put(buf, line, 1, &format!("{left:<KEYS$}"), style);
        put(buf, line, column, right, plain);
    }
}
