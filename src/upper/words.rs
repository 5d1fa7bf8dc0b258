//! The upper's word on a name, in words.

use crate::text::{Lines, escape, shown_path};

use super::{Below, Redirect, Word, kind};

impl Word {
    /// What people are told of it, escaped.
    pub fn text(&self) -> String {
        match self {
            Word::Absent => "–".to_owned(),
            Word::Whiteout => "whiteout".to_owned(),
            Word::Leaf(stat) => kind(stat).name().to_owned(),
            Word::Dir(_, Below::Same) => "directory".to_owned(),
            Word::Dir(_, Below::Nothing) => "directory, opaque".to_owned(),
            Word::Dir(_, Below::Redirect(from)) => format!("directory, redirected here from {}", from.text()),
            Word::Dir(_, Below::Unknown) => "directory, its redirect none".to_owned(),
        }
    }
}

impl Redirect {
    /// The same of where something was before: a path, or a name in the same directory.
    pub fn text(&self) -> String {
        match self {
            Redirect::Path(path) => shown_path(path.as_bytes()),
            Redirect::Name(name) => escape(name, Lines::Escape),
        }
    }
}
