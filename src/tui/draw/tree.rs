//! The tree, or the hits of a search while it is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::account::Tone;
use crate::entry::Kind;
use crate::text::{Lines, count, escape, human_size, shown_path};

use super::super::find::Find;
use super::super::listing::{Mark, Mode, Row};
use super::super::model::{Focus, Model};
use super::super::wrap::end_of;
use super::{Theme, frame, is_focused, note, put, rows};

/// Columns from which on sizes and layers are shown.
const WIDE: u16 = 34;

/// Columns that they take.
const FACTS: u16 = 15;

/// Columns beside the path of a hit, and the slash behind a directory.
const FACTS_AND_MARK: usize = FACTS as usize + 3;

pub fn draw(model: &Model<'_>, theme: Theme, buf: &mut Buffer) {
    let look = model.look();
    let what = match look.mode {
        Mode::Merged => "merged".to_owned(),
        Mode::UpTo => format!("as of layer {}", look.layer),
        Mode::Alone => format!("layer {} alone", look.layer),
    };
    let title = format!("{} · {what}", model.title);
    let focused = is_focused(model, Focus::Tree);
    let area = frame(&title, focused, theme, model.layout.tree, buf);
    position(model, theme, buf);
    if let Some(find) = &model.find {
        put(
            buf,
            Rect { height: area.height.min(1), ..area },
            0,
            &input(find, model.look().mode),
            Style::new(),
        );
        if find.is_typing {
            let below =
                Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area };
            return hits(model, find, theme, below, buf);
        }
    }
    let skipped = u16::from(model.find.is_some()).min(area.height);
    let area = Rect { y: area.y + skipped, height: area.height - skipped, ..area };
    let (first, cursor) = (model.tree.first, model.tree.cursor());
    for (number, (line, entry)) in rows(area).zip(model.tree.lines(first, area.height.into())).enumerate() {
        let marker = match (entry.row.is_dir, entry.is_open) {
            (true, true) => "▾ ",
            (true, false) => "▸ ",
            (false, _) => "  ",
        };
        let before = format!("{}{marker}", "  ".repeat(entry.depth.min(40)));
        let name = escape(entry.row.name, Lines::Escape);
        row(model, theme, line, &entry.row, (&before, &name), buf);
        if first + number == cursor {
            buf.set_style(line, theme.cursor(focused));
        }
    }
    if model.tree.is_empty() {
        put(buf, area, 0, "nothing here", theme.faint());
    }
}

/// Which line the cursor is on, of how many.
fn position(model: &Model<'_>, theme: Theme, buf: &mut Buffer) {
    let typed = model.find.as_ref().filter(|find| find.is_typing);
    let (at, len, sign) = match typed {
        Some(find) => (find.at, find.len(), ""),
        None => (model.tree.cursor(), model.tree.len(), if model.tree.is_listed() { "" } else { "+" }),
    };
    if len > 0 {
        note(&format!("{}/{len}{sign}", at + 1), theme, model.layout.tree, buf);
    }
}

/// The text that is searched for, and how far that is; where there may be more to find, if nothing was.
fn input(find: &Find<'_>, mode: Mode) -> String {
    let text = escape(find.text.as_bytes(), Lines::Escape);
    let caret = if find.is_typing { "▏" } else { "" };
    let state = find.search.as_ref().map(|search| {
        let at = if find.is_empty() { 0 } else { find.at + 1 };
        let hits = format!("{at}/{}", search.hits.len());
        match (search.is_done(), search.is_full()) {
            (_, true) => format!("{hits}, and more"),
            (true, _) => {
                let names = count(search.looked_at, "name");
                let is_missing = search.hits.is_empty() && mode == Mode::Merged;
                format!(
                    "{hits} of {names}{}",
                    if is_missing { " that show; Esc 2: deleted ones, too" } else { "" }
                )
            }
            (false, _) => format!("{hits}, {} so far …", count(search.looked_at, "name")),
        }
    });
    format!("/{text}{caret}  {}", state.unwrap_or_default())
}

fn hits(model: &Model<'_>, find: &Find<'_>, theme: Theme, area: Rect, buf: &mut Buffer) {
    let found = find.search.as_ref().map(|search| &*search.hits).unwrap_or_default();
    for (line, (no, hit)) in rows(area).zip(found.iter().enumerate().skip(find.first)) {
        // What tells one from another stands at the end.
        let path =
            end_of(&shown_path(hit.path.as_bytes()), usize::from(line.width).saturating_sub(FACTS_AND_MARK));
        row(model, theme, line, &hit.row, ("", &path), buf);
        if no == find.at {
            buf.set_style(line, theme.cursor(true));
        }
    }
}

/// A name with its mark before it and facts behind it.
fn row(
    model: &Model<'_>,
    theme: Theme,
    line: Rect,
    row: &Row<'_>,
    (before, name): (&str, &str),
    buf: &mut Buffer,
) {
    let union = model.views.whole();
    let attributes = row.attributes(union);
    let facts_width = if line.width >= WIDE { FACTS } else { 0 };
    let left = Rect { width: line.width - facts_width, ..line };
    let column = put(buf, left, 0, &format!("{} ", row.mark.letter()), theme.mark(row.mark));
    let column = put(buf, left, column, before, theme.faint());
    let style = match (row.mark, row.is_dir) {
        (Mark::Same, true) => theme.directory(),
        (mark, _) => theme.mark(mark),
    };
    let target = row.leaf().filter(|_| attributes.is_some_and(|a| a.kind == Kind::Symlink));
    let target = target.and_then(|(layer, leaf)| union.link_target(layer, leaf).ok());
    let behind = match (row, attributes) {
        (Row { entry: None, .. }, _) => " (whiteout)".to_owned(),
        (Row { is_opaque: true, .. }, _) => "/ (opaque)".to_owned(),
        (Row { is_dir: true, .. }, _) => "/".to_owned(),
        (_, Some(a)) if a.kind == Kind::Symlink => {
            format!(" -> {}", escape(&target.unwrap_or_default(), Lines::Escape))
        }
        (_, Some(a)) if a.kind != Kind::Regular => format!(" ({})", a.kind.name()),
        _ => String::new(),
    };
    let column = put(buf, left, column, name, style);
    put(buf, left, column, &behind, theme.faint());
    if facts_width > 0 {
        let size = attributes.filter(|a| a.kind == Kind::Regular).map(|a| human_size(a.size));
        let right = Rect { x: left.right(), width: facts_width, ..line };
        let column = put(buf, right, 0, &format!("{:>11}", size.unwrap_or_default()), Style::new());
        put(buf, right, column, &format!("{:>4}", format!("L{}", row.layer)), theme.tone(Tone::Layer));
    }
}
