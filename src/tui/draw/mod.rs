//! The screen: a state, drawn. All text from the image is escaped before it comes here or while it is drawn.

mod contents;
mod detail;
mod help;
mod layers;
mod style;
mod tree;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, Widget};

pub use style::Theme;

use super::model::{Focus, Model};
use super::wrap::columns;

/// Columns between two hints.
const GAP: usize = 2;

/// Draws all of it.
pub fn draw(model: &Model<'_>, theme: Theme, buf: &mut Buffer) {
    if let Some(contents) = &model.contents {
        contents::draw(contents, theme, buf);
    } else {
        layers::draw(model, theme, buf);
        tree::draw(model, theme, buf);
        detail::draw(model, theme, buf);
    }
    footer(model, theme, buf);
    if let Some(first) = model.help {
        help::draw(first, theme, buf);
    }
}

/// Keys that there are here, those that are needed most first, and how to get away and know more.
fn hints(model: &Model<'_>) -> (&'static [&'static str], &'static str) {
    match (&model.contents, &model.find) {
        _ if model.help.is_some() => (&["↑↓ scroll"], "any other key closes the list of keys"),
        (Some(_), _) => (&["↑↓ move", "x text/hex", "← → scroll", "g G start, end"], "q back  ? keys"),
        (_, Some(find)) if find.is_typing => {
            (&["↑↓ hits", "Enter go there", "type a part or *.so"], "Esc end search")
        }
        (_, Some(_)) => (&["n N hits", "↑↓ move", "→ ← open close", "Enter look"], "q end search  ? keys"),
        _ => (
            &[
                "↑↓ move",
                "→ ← open close",
                "Enter look",
                "/ find",
                "[ ] layer",
                "m mode",
                "e why",
                "Tab pane",
            ],
            "q quit  ? keys",
        ),
    }
}

/// What went wrong, or keys: on the right what is always to be seen, on the left what there is room for.
fn footer(model: &Model<'_>, theme: Theme, buf: &mut Buffer) {
    let area = model.layout.footer;
    if let Some(message) = &model.message {
        put(buf, area, 0, message, theme.message());
        return;
    }
    let (hints, last) = hints(model);
    let right = area.width.saturating_sub(columns(last) as u16);
    let mut column = 0;
    for hint in hints {
        if usize::from(column) + columns(hint) + GAP > right.into() {
            break;
        }
        column = put(buf, area, column, hint, theme.faint()) + GAP as u16;
    }
    put(buf, area, right, last, theme.faint());
}

/// A pane's frame with its title; gives the room in it.
fn frame(title: &str, is_focused: bool, theme: Theme, area: Rect, buf: &mut Buffer) -> Rect {
    let block = Block::bordered().border_style(theme.frame(is_focused));
    let inner = block.inner(area);
    block.render(area, buf);
    let top = Rect {
        x: area.x + 2.min(area.width),
        width: area.width.saturating_sub(4),
        height: area.height.min(1),
        ..area
    };
    put(buf, top, 0, &format!(" {title} "), theme.title(is_focused));
    inner
}

/// A word on the right of a pane's lower edge, on where in it one is.
fn note(text: &str, theme: Theme, area: Rect, buf: &mut Buffer) {
    let text = format!(" {text} ");
    let width = columns(&text) as u16;
    if area.height > 1 && area.width > width + 4 {
        let bottom = Rect { x: area.right() - width - 2, y: area.bottom() - 1, width, height: 1 };
        put(buf, bottom, 0, &text, theme.faint());
    }
}

/// Writes a text at a column of an area's first line; gives the column behind it. Where there is no room for all of
/// it, that is to be seen.
fn put(buf: &mut Buffer, area: Rect, column: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() || column >= area.width {
        return column;
    }
    let room = usize::from(area.width - column);
    let (x, y) = (area.x + column, area.y);
    // Who has fewer bytes than there are columns need not be measured.
    if text.len() <= room || columns(text) <= room {
        return buf.set_stringn(x, y, text, room, style).0 - area.x;
    }
    let (end, _) = buf.set_stringn(x, y, text, room - 1, style);
    buf.set_stringn(end, y, "…", 1, style).0 - area.x
}

/// The lines of an area, each an area of its own.
fn rows(area: Rect) -> impl Iterator<Item = Rect> {
    area.rows()
}

fn is_focused(model: &Model<'_>, focus: Focus) -> bool {
    model.focus == focus && !model.is_typing()
}
