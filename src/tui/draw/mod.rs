//! The screen: a state, drawn. All text from the image is escaped before it comes here or while it is drawn.

mod contents;
mod detail;
mod help;
mod layers;
mod style;
mod tree;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Widget};

pub use style::Theme;

use super::model::{Focus, Model};

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
    if model.help {
        help::draw(theme, buf);
    }
}

/// Keys that there are here, or what went wrong, or what is being typed.
fn footer(model: &Model<'_>, theme: Theme, buf: &mut Buffer) {
    let area = model.layout.footer;
    let keys = match (&model.contents, &model.find) {
        (Some(_), _) => "↑↓ PgUp PgDn g G move  x text/hex  q back  ? keys",
        (_, Some(find)) if find.is_typing => "type a part or *.so  ↑↓ hits  Enter go there  Esc stop",
        (_, Some(_)) => "n N hits  ↑↓ move  → ← open close  Enter look  Esc end search  ? keys",
        _ => {
            "↑↓ move  → ← open close  Enter look  Tab pane  m mode  [ ] layer  / find  e why  ? keys  q quit"
        }
    };
    match &model.message {
        Some(message) => put(buf, area, 0, message, theme.message()),
        None => put(buf, area, 0, keys, theme.faint()),
    };
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

/// Writes a text at a column of an area's first line; gives the column behind it.
fn put(buf: &mut Buffer, area: Rect, column: u16, text: &str, style: ratatui::style::Style) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() || column >= area.width {
        return column;
    }
    let room = usize::from(area.width - column);
    let (end, _) = buf.set_stringn(area.x + column, area.y, text, room, style);
    end - area.x
}

/// The lines of an area, each an area of its own.
fn rows(area: Rect) -> impl Iterator<Item = Rect> {
    area.rows()
}

fn is_focused(model: &Model<'_>, focus: Focus) -> bool {
    model.focus == focus && !model.is_typing()
}
