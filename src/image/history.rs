//! The steps that made an image, each with its layer, for people.

use std::fmt::Write as _;

use crate::text::{Lines, escape, human_size, in_utc_seconds};

use super::{HistoryEntry, Image, LayerSource};

impl Image {
    /// All steps with their layers, and behind them layers that no step speaks of.
    pub fn steps(&self) -> Vec<(HistoryEntry, Option<usize>)> {
        let Some(config) = &self.config else {
            return (0..self.layers.len()).map(|no| (HistoryEntry::default(), Some(no))).collect();
        };
        let mut steps: Vec<_> = config.steps().map(|(entry, layer)| (entry.clone(), layer)).collect();
        let known = steps.iter().filter(|(_, layer)| layer.is_some()).count();
        steps.extend((known..self.layers.len()).map(|no| (HistoryEntry::default(), Some(no))));
        // A history may claim more layers than there are.
        for (_, layer) in &mut steps {
            *layer = layer.filter(|&no| no < self.layers.len());
        }
        if self.layers.iter().any(LayerSource::is_left_out) {
            let is_there = |no: usize| self.layers.get(no).is_some_and(|layer| !layer.is_left_out());
            steps.retain(|(_, layer)| layer.is_some_and(is_there));
        }
        steps
    }

    /// The steps as a table, a line each, harmless on a terminal; a column that is empty takes no room. `paint` gives
    /// a text its colour.
    pub fn history_table(&self, paint: impl Fn(HistoryColumn, &str) -> String) -> String {
        let rows: Vec<Row> =
            self.steps().iter().map(|(entry, layer)| Row::new(self, entry, *layer)).collect();
        match rows.is_empty() {
            true => "no history\n".to_owned(),
            false => table(&rows, paint),
        }
    }
}

/// A column of the table that may have a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryColumn {
    /// The layer's number.
    Layer,
    /// The size of the layer as it is stored.
    Size,
    /// When the step was made.
    Created,
}

/// A line of the table.
struct Row {
    layer: String,
    size: String,
    created: String,
    step: String,
}

impl Row {
    fn new(image: &Image, entry: &HistoryEntry, layer: Option<usize>) -> Row {
        let text = |text: &str| escape(text.as_bytes(), Lines::Escape);
        let size = layer.and_then(|no| image.layers.get(no)).and_then(|layer| layer.stored_size());
        let command = entry.created_by.as_deref().unwrap_or_default();
        let comment = entry.comment.as_deref().filter(|comment| !comment.is_empty());
        let step = [command.to_owned(), comment.map(|comment| format!("  # {comment}")).unwrap_or_default()];
        Row {
            layer: layer.map_or("-".to_owned(), |no| no.to_string()),
            size: size.map(human_size).unwrap_or_default(),
            created: text(&in_utc_seconds(entry.created.as_deref().unwrap_or_default())),
            step: text(step.concat().trim()),
        }
    }
}

fn table(rows: &[Row], paint: impl Fn(HistoryColumn, &str) -> String) -> String {
    let width = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let gap = |width: usize| if width > 0 { "  " } else { "" };
    let (layer, size, created) = (width(|row| &row.layer), width(|row| &row.size), width(|row| &row.created));
    let mut text = String::new();
    for row in rows {
        let room = |width: usize, text: &str| " ".repeat(width.saturating_sub(text.chars().count()));
        let Row { layer: no, size: bytes, created: time, step } = row;
        let line = [
            paint(HistoryColumn::Layer, &(room(layer, no) + no)),
            gap(size).to_owned(),
            paint(HistoryColumn::Size, &(room(size, bytes) + bytes)),
            gap(created).to_owned(),
            paint(HistoryColumn::Created, &(time.clone() + &room(created, time))),
            format!("  {step}"),
        ]
        .concat();
        // A string takes all that is written to it.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
