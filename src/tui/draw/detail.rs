//! What is told of the selected name.

use ratatui::buffer::Buffer;

use super::super::detail::About;
use super::super::model::{Focus, Model};
use super::{Theme, frame, is_focused, note, put, rows};

pub fn draw(model: &Model<'_>, theme: Theme, buf: &mut Buffer) {
    let area = model.layout.detail;
    if area.is_empty() {
        return;
    }
    let title = match model.detail.about {
        About::Versions => "Versions",
        About::Why => "Why",
    };
    let title = format!("{title} · {}", model.detail.path());
    let outer = area;
    let area = frame(&title, is_focused(model, Focus::Detail), theme, outer, buf);
    let (first, lines) = (model.detail.first, model.detail.lines.len());
    let last = lines.min(first + usize::from(area.height));
    if last - first.min(last) < lines {
        note(&format!("{}-{last}/{lines}", first + 1), theme, outer, buf);
    }
    for (row, line) in rows(area).zip(model.detail.lines.iter().skip(model.detail.first)) {
        let mut column = 0;
        for span in line {
            column = put(buf, row, column, &span.text, theme.tone(span.tone));
        }
    }
}
