//! A file that is looked into, over the whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::{human_size, shown_path};

use super::super::contents::{Contents, Form};
use super::super::wrap::without_columns;
use super::{Theme, frame, put, rows};

pub fn draw(contents: &Contents<'_>, theme: Theme, buf: &mut Buffer) {
    let area = Rect { height: buf.area.height.saturating_sub(1), ..buf.area };
    let form = match contents.form {
        Form::Text => "text",
        Form::Hex => "hexadecimal",
    };
    let column = match contents.left {
        0 => String::new(),
        left => format!(" · from column {}", left + 1),
    };
    let percent = contents.top.saturating_mul(100) / contents.size.max(1);
    let title = format!(
        "{} · layer {} · {} · {form} · {percent} %{column}",
        shown_path(contents.path.as_bytes()),
        contents.layer,
        human_size(contents.size),
    );
    let inner = frame(&title, true, theme, area, buf);
    for (row, (_, line)) in rows(inner).zip(&contents.lines) {
        put(buf, row, 0, &without_columns(line, contents.left), Style::new());
    }
    if contents.size == 0 {
        put(buf, inner, 0, "empty", theme.faint());
    }
}
