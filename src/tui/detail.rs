//! What is told of the selected name: its versions, or why it shows.

use crate::account::{Account, Content, Digests, Line, Span, Tone};
use crate::entry::Kind;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::{Lines, escape, human_size, mode, shown_path, timestamp};
use crate::union::Verdict;

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
    /// The lines.
    pub lines: Vec<Line>,
    /// The first line that is shown.
    pub first: usize,
}

impl Detail {
    /// Nothing yet.
    pub fn new() -> Detail {
        Detail { about: About::Versions, of: None, lines: Vec::new(), first: 0 }
    }

    /// Tells the other.
    pub fn toggle(&mut self) {
        self.about = match self.about {
            About::Versions => About::Why,
            About::Why => About::Versions,
        };
    }

    /// Tells of a path, if that is not what is told.
    pub fn tell(&mut self, stack: &Stack, path: &TreePath) {
        let of = (path.clone(), self.about);
        if self.of.as_ref() != Some(&of) {
            self.lines = lines(stack, path, self.about).unwrap_or_else(|error| {
                vec![vec![Span {
                    tone: Tone::Hidden,
                    text: escape(error.to_string().as_bytes(), Lines::Escape),
                }]]
            });
            self.of = Some(of);
            self.first = 0;
        }
    }

    /// Moves by lines; the last ones stay in sight.
    pub fn step(&mut self, lines: isize, height: usize) {
        let last = self.lines.len().saturating_sub(height);
        self.first = self.first.saturating_add_signed(lines).min(last);
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
    match about {
        About::Why => Ok(account.lines()?),
        About::Versions => versions(&account),
    }
}

fn versions(account: &Account<'_>) -> Result<Vec<Line>, crate::account::Error> {
    let span = |tone, text: String| Span { tone, text };
    let mut lines = vec![vec![span(Tone::Title, shown_path(account.path().as_bytes()))]];
    let words = account.explanation.steps.last().map(|step| &*step.words).unwrap_or_default();
    for word in words {
        let layer = span(Tone::Layer, format!("layer {:<3}", word.layer.0));
        if word.verdict == Verdict::Hides {
            lines.push(vec![layer, span(Tone::Marker, " whiteout: gone from here down".into())]);
            continue;
        }
        let Some(version) = account.versions.iter().find(|version| version.layer == word.layer) else {
            continue;
        };
        let (tone, verdict) = match version.verdict {
            Verdict::Hidden { by } => (Tone::Hidden, format!("hidden by layer {by}")),
            Verdict::Merged => (Tone::Shown, "merged".into()),
            _ => (Tone::Shown, "shown".into()),
        };
        let text = match &version.attributes {
            None => " implied directory".to_owned(),
            Some(a) => {
                let size = if a.kind == Kind::Regular { human_size(a.size) } else { String::new() };
                let owner = format!("{}:{}", a.uid, a.gid);
                format!(" {} {owner:<7} {size:>9} {}", mode(a.kind, a.mode), timestamp(a.mtime))
            }
        };
        let target = version.target.as_ref().map(|target| format!(" -> {}", escape(target, Lines::Escape)));
        lines.push(vec![
            layer,
            span(tone, format!(" {verdict:<19}")),
            span(Tone::Plain, text),
            span(Tone::Plain, target.unwrap_or_default()),
        ]);
    }
    lines.push(account.conclusion()?);
    Ok(lines)
}
