//! The list of keys, over everything else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::super::keys::HELP;
use super::super::listing::Mark;
use super::{Theme, frame, put, rows};

/// What the letters before names say.
const MARKS: [(Mark, &str); 4] = [
    (Mark::Added, "added by the selected layer"),
    (Mark::Changed, "changed by it, or a directory it has a part in"),
    (Mark::Deleted, "deleted by it"),
    (Mark::Whiteout, "a whiteout that hides nothing"),
];

pub fn draw(theme: Theme, buf: &mut Buffer) {
    let screen = buf.area;
    let (width, height) = (68.min(screen.width), (HELP.len() as u16 + 7).min(screen.height));
    let area = Rect::new((screen.width - width) / 2, (screen.height - height) / 2, width, height);
    Clear.render(area, buf);
    let mut lines = rows(frame("Keys", true, theme, area, buf));
    for ((keys, what), line) in HELP.iter().zip(lines.by_ref()) {
        let column = put(buf, line, 1, &format!("{keys:<18}"), theme.bar());
        put(buf, line, column, what, theme.tone(crate::account::Tone::Plain));
    }
    for ((mark, what), line) in MARKS.iter().zip(lines.skip(1)) {
        let column = put(buf, line, 1, &format!("{:<18}", mark.letter()), theme.mark(*mark));
        put(buf, line, column, what, theme.tone(crate::account::Tone::Plain));
    }
}
