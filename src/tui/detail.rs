//! What is told of the selected name: its versions, or why it shows.

use crate::account::{Account, Content, Digests, Line, Span, Tone, Version};
use crate::entry::{Attributes, Kind};
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::{Lines, escape, human_size, mode, short_time, shown_path};
use crate::union::Verdict;

use super::wrap::wrap;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Every layer's version.
    Versions,
    /// Every layer's word, on every component.
    Why,
}

/// The pane.
pub struct Detail {
    /// What is told.
    pub about: About,
    /// Of what; `None` before anything was selected.
    of: Option<(TreePath, About)>,
    /// All of it, as lines of any length.
    told: Vec<Line>,
    /// The columns that the lines are broken for.
    width: usize,
    /// The lines.
    pub lines: Vec<Line>,
    /// The first line that is shown.
    pub first: usize,
}

impl Detail {
    /// Nothing yet.
    pub fn new() -> Detail {
        Detail { about: About::Versions, of: None, told: Vec::new(), width: 0, lines: Vec::new(), first: 0 }
    }

    /// Tells the other.
    pub fn toggle(&mut self) {
        self.about = match self.about {
            About::Versions => About::Why,
            About::Why => About::Versions,
        };
    }

    /// The path that is told of.
    pub fn path(&self) -> String {
        self.of.as_ref().map(|(path, _)| shown_path(path.as_bytes())).unwrap_or_default()
    }

    /// Tells of a path in lines of so many columns, if that is not what is told.
    pub fn tell(&mut self, stack: &Stack, path: &TreePath, width: usize) {
        let of = (path.clone(), self.about);
        if self.of.as_ref() != Some(&of) {
            self.told = lines(stack, path, self.about).unwrap_or_else(|error| {
                let text = escape(error.to_string().as_bytes(), Lines::Escape);
                vec![vec![Span { tone: Tone::Hidden, text }]]
            });
            self.of = Some(of);
            self.first = 0;
        } else if self.width == width {
            return;
        }
        self.width = width;
        self.lines = self.told.iter().flat_map(|line| wrap(line, width)).collect();
    }

    /// Keeps the last lines in sight, not what is behind them.
    pub fn keep_in_sight(&mut self, height: usize) {
        self.first = self.first.min(self.lines.len().saturating_sub(height));
    }

    /// Moves by lines; the last ones stay in sight.
    pub fn step(&mut self, lines: isize, height: usize) {
        self.first = self.first.saturating_add_signed(lines);
        self.keep_in_sight(height);
    }
}

impl Default for Detail {
    fn default() -> Detail {
        Detail::new()
    }
}

fn lines(stack: &Stack, path: &TreePath, about: About) -> Result<Vec<Line>, crate::account::Error> {
    let mut account = Account::at(stack, path, Digests::None)?;
    // Files are not read for this, and need not be said not to have been.
    for version in &mut account.versions {
        version.content = Content::None;
    }
    let mut lines = match about {
        About::Why => account.lines()?,
        About::Versions => versions(&account),
    };
    // What it comes to stands first, where little room is enough to see it.
    let conclusion = match about {
        About::Why => lines.pop().unwrap_or_default(),
        About::Versions => account.conclusion()?,
    };
    lines.insert(0, conclusion);
    Ok(lines)
}

/// The versions of what stands at a path, top first, with what hides some of them; in columns.
fn versions(account: &Account<'_>) -> Vec<Line> {
    let words = account.explanation.steps.last().map(|step| &*step.words).unwrap_or_default();
    let version_of = |layer| account.versions.iter().find(|version| version.layer == layer);
    let attributes = || account.versions.iter().filter_map(|version| version.attributes.as_ref());
    let owners = attributes().map(|a| owner(a).len()).max().unwrap_or_default();
    let sizes = attributes().map(|a| size(a).len()).max().unwrap_or_default();
    let verdicts = words.iter().filter_map(|word| version_of(word.layer));
    let verdicts = verdicts.map(|version| verdict(version).1.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for word in words {
        let layer = Span { tone: Tone::Layer, text: format!("layer {:<3} ", word.layer.0) };
        if word.verdict == Verdict::Hides {
            let text = "whiteout: gone from here down".into();
            lines.push(vec![layer, Span { tone: Tone::Marker, text }]);
            continue;
        }
        let Some(version) = version_of(word.layer) else { continue };
        let (tone, verdict) = verdict(version);
        let mut text = match &version.attributes {
            None => "implied directory".to_owned(),
            Some(a) => {
                let (mode, owner, size, time) =
                    (mode(a.kind, a.mode), owner(a), size(a), short_time(a.mtime));
                format!("{mode} {owner:<owners$} {size:>sizes$} {time}")
            }
        };
        if let Some(target) = &version.target {
            text.push_str(&format!(" -> {}", escape(target, Lines::Escape)));
        }
        let verdict = Span { tone, text: format!("{verdict:<verdicts$}  ") };
        lines.push(vec![layer, verdict, Span { tone: Tone::Plain, text }]);
    }
    lines
}

fn verdict(version: &Version) -> (Tone, String) {
    match version.verdict {
        Verdict::Hidden { by } => (Tone::Hidden, format!("hidden by layer {by}")),
        Verdict::Merged => (Tone::Shown, "merged".into()),
        _ => (Tone::Shown, "shown".into()),
    }
}

fn owner(attributes: &Attributes) -> String {
    format!("{}:{}", attributes.uid, attributes.gid)
}

fn size(attributes: &Attributes) -> String {
    if attributes.kind == Kind::Regular { human_size(attributes.size) } else { String::new() }
}
