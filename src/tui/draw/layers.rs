//! The layers: number, size, a bar, and the step that made each.

use ratatui::buffer::Buffer;

use crate::layer::LayerNo;
use crate::text::{Lines, escape, human_size};

use super::super::model::{Focus, Model};
use super::{Theme, frame, is_focused, note, put, rows};

/// What a builder writes before a command of a Dockerfile.
const SHELL: [&str; 2] = ["/bin/sh -c #(nop) ", "/bin/sh -c "];

/// Characters of a step that may be shown.
const LONGEST: usize = 1024;

pub fn draw(model: &Model<'_>, theme: Theme, buf: &mut Buffer) {
    let focused = is_focused(model, Focus::Layers);
    let title = format!("Layers {}", model.views.len());
    let area = frame(&title, focused, theme, model.layout.layers, buf);
    if model.views.len() > usize::from(area.height) {
        note(&format!("{}/{}", model.look().layer.0 + 1, model.views.len()), theme, model.layout.layers, buf);
    }
    for (line, no) in rows(area).zip((0..model.views.len()).skip(model.first_layer)) {
        let no = LayerNo(no as u32);
        let size = human_size(model.views.size(no).unwrap_or_default());
        let mut column = put(buf, line, 0, &format!("{:>2} ", no.0), theme.tone(crate::account::Tone::Layer));
        column = put(buf, line, column, &format!("{size:>10} "), theme.bar());
        put(buf, line, column, &step(model, no), ratatui::style::Style::new());
        if no == model.look().layer {
            buf.set_style(line, theme.cursor(focused));
        }
    }
}

/// The step that made a layer, in a line.
fn step(model: &Model<'_>, no: LayerNo) -> String {
    let Some(step) = model.views.stack.created_by(no) else {
        return escape(model.views.stack.place(no).as_bytes(), Lines::Escape);
    };
    // Whatever its length, some of it is shown.
    let start: String = step.chars().take(LONGEST).collect();
    let words = start.split_whitespace().collect::<Vec<_>>().join(" ");
    let short = SHELL.iter().find_map(|shell| words.strip_prefix(shell)).unwrap_or(&words);
    escape(short.trim().as_bytes(), Lines::Escape)
}
