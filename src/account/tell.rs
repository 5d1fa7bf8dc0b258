//! An account in words: the decision on each component, the steps behind the layers, the versions, the conclusion.

use crate::entry::Kind;
use crate::layer::{EntryNo, Found, LayerNo, Result};
use crate::path;
use crate::text::{Lines, escape, human_size, mode, shown_path, timestamp};
use crate::union::{Missing, Node, Step, Verdict, Word};
use crate::upper;

use super::{Account, Content, Version};

/// What a piece of a line is about, for whoever has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// A path, or a title.
    Title,
    /// A layer's number.
    Layer,
    /// Something that shows.
    Shown,
    /// Something that does not.
    Hidden,
    /// A marker: a whiteout, an opaque directory.
    Marker,
    /// What is there for completeness.
    Faint,
}

/// A piece of a line: text that a terminal can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it is about.
    pub tone: Tone,
    /// The text, escaped.
    pub text: String,
}

/// A line, without its end.
pub type Line = Vec<Span>;

fn span(tone: Tone, text: impl Into<String>) -> Span {
    Span { tone, text: text.into() }
}

fn title(text: impl Into<String>) -> Line {
    vec![span(Tone::Title, text)]
}

/// Columns that a layer's word takes.
const WORD_WIDTH: usize = 30;

impl Account<'_> {
    /// All of it; the last line says what a lookup would find.
    pub fn lines(&self) -> Result<Vec<Line>> {
        let mut lines = self.followed_lines();
        let last = self.explanation.steps.len().saturating_sub(1);
        for (no, step) in self.explanation.steps.iter().enumerate() {
            if no == last || decides(step) || self.is_in_the_way(step) || self.upper_matters(no) {
                lines.extend(self.step_lines(no, step)?);
            } else if no > 0 {
                lines.push(self.on_the_way(step));
            }
        }
        lines.extend(self.layer_lines());
        lines.extend(self.version_lines());
        lines.extend(self.near_line());
        lines.extend(self.target_line());
        lines.push(self.conclusion()?);
        Ok(lines)
    }

    fn followed_lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for link in &self.followed {
            lines.push(vec![
                span(Tone::Title, shown_path(link.path.as_bytes())),
                span(Tone::Plain, " is a symlink of "),
                span(Tone::Layer, self.who(link.layer)),
                span(Tone::Plain, format!(" to {}", escape(&link.target, Lines::Escape))),
            ]);
        }
        let path = self.path();
        let asked = path::split(&self.asked).collect::<Vec<_>>().join(&b'/');
        if asked != path.as_bytes() && !self.is_broken() {
            let text = format!("{} is {}", shown_path(&asked), shown_path(path.as_bytes()));
            lines.push(vec![span(Tone::Plain, text)]);
        }
        lines
    }

    fn is_in_the_way(&self, step: &Step) -> bool {
        matches!(self.explanation.missing(), Some(Missing::NotADirectory(other)) if other == step)
    }

    /// A component, and below it each layer's word, top first; layers that are silent next to each other take a line.
    fn step_lines(&self, no: usize, step: &Step) -> Result<Vec<Line>> {
        let mut lines = vec![title(shown_path(step.path.as_bytes()))];
        if step.words.iter().all(|word| word.verdict == Verdict::Silent) {
            lines.push(vec![span(Tone::Faint, format!("  {}", self.nobody()))]);
            return Ok(lines);
        }
        let mut silent: Vec<LayerNo> = Vec::new();
        let mut is_settled = false;
        for word in &step.words {
            if self.is_upper(word.layer) {
                lines.push(self.upper_line(no, word, step.node.is_some())?);
                is_settled |= settles(word);
                continue;
            }
            if word.verdict == Verdict::Silent {
                silent.push(word.layer);
                continue;
            }
            lines.extend(silence(&silent).filter(|_| !is_settled));
            silent.clear();
            lines.push(self.word_line(word, step.node.is_some())?);
            is_settled |= settles(word);
        }
        lines.extend(silence(&silent).filter(|_| !is_settled));
        Ok(lines)
    }

    fn word_line(&self, word: &Word, shows: bool) -> Result<Line> {
        let (tone, verdict) = self.verdict(word, shows);
        let found = self.found(word)?;
        let of_word = match word.found {
            Found::Whiteout | Found::Dir { opaque: true, .. } => Tone::Marker,
            _ => Tone::Plain,
        };
        Ok(vec![
            span(Tone::Layer, self.column(word.layer)),
            span(of_word, format!("{found:<WORD_WIDTH$}")),
            span(tone, format!(" → {verdict}")),
        ])
    }

    /// The upper's word, which comes first and is told though it is silent.
    fn upper_line(&self, no: usize, word: &Word, shows: bool) -> Result<Line> {
        if word.verdict == Verdict::Silent {
            return Ok(vec![span(Tone::Faint, format!("{}–", self.column(word.layer)))]);
        }
        let (tone, verdict) = match self.upper_word(no) {
            Some(upper::Word::Dir(_, upper::Below::Unknown)) => {
                (Tone::Hidden, "an error (EINVAL)".to_owned())
            }
            _ => self.verdict(word, shows),
        };
        let of_word = match word.found {
            Found::Leaf(_) => Tone::Plain,
            _ if verdict == "shown" => Tone::Plain,
            _ => Tone::Marker,
        };
        let is_last = no + 1 == self.explanation.steps.len();
        let origin = self.origin().filter(|_| is_last).map(|origin| format!("; {origin}"));
        Ok(vec![
            span(Tone::Layer, self.column(word.layer)),
            span(of_word, format!("{:<WORD_WIDTH$}", self.upper_text(no)?)),
            span(tone, format!(" → {verdict}{}", origin.unwrap_or_default())),
        ])
    }

    /// What became of a word; `shows` if something shows at its path.
    fn verdict(&self, word: &Word, shows: bool) -> (Tone, String) {
        match (word.verdict, word.found) {
            (Verdict::Silent, _) => (Tone::Faint, String::new()),
            (Verdict::Shown, Found::Dir { opaque: true, .. }) => {
                (Tone::Shown, "shown; nothing below shows in it, the search ends here".into())
            }
            (Verdict::Shown, Found::Dir { .. }) => (Tone::Shown, "shown".into()),
            (Verdict::Shown, _) => (Tone::Shown, "shown, the search ends here".into()),
            (Verdict::Merged, Found::Dir { opaque: true, .. }) => {
                (Tone::Shown, "merged in; nothing below shows in it, the search ends here".into())
            }
            (Verdict::Merged, _) => (Tone::Shown, "merged in".into()),
            (Verdict::Hides, _) if shows => {
                (Tone::Hidden, "hides what is below, the search ends here".into())
            }
            (Verdict::Hides, _) => (Tone::Hidden, "hidden, the search ends here".into()),
            (Verdict::Hidden { by }, _) => (Tone::Hidden, format!("hidden by {}", self.who(by))),
        }
    }

    fn nobody(&self) -> &'static str {
        match self.over {
            Some(_) => "neither the upper nor any layer has it",
            None => "no layer has it",
        }
    }

    /// A layer's word, in words.
    fn found(&self, word: &Word) -> Result<String> {
        let union = &self.stack.union;
        Ok(match word.found {
            Found::Absent => "–".to_owned(),
            Found::Whiteout => "whiteout".to_owned(),
            Found::Dir { dir, opaque } => {
                let is_implied = union.layer(word.layer)?.attributes(EntryNo::from(dir))?.is_none();
                let opaque = if opaque { ", opaque" } else { "" };
                format!("directory{opaque}{}", if is_implied { ", implied" } else { "" })
            }
            Found::Leaf(leaf) => {
                let attributes = union.leaf_attributes(word.layer, leaf)?;
                let size = match attributes.kind {
                    Kind::Regular => format!(", {}", human_size(attributes.size)),
                    _ => String::new(),
                };
                format!("{}, {:04o}{size}", attributes.kind.name(), attributes.mode)
            }
        })
    }

    /// The steps that made the layers which have a say on the path itself, or hide something on the way, each told once.
    fn layer_lines(&self) -> Vec<Line> {
        let mut deciding: Vec<LayerNo> = Vec::new();
        for step in self.explanation.steps.iter().skip(1) {
            let is_last = self.explanation.steps.last() == Some(step);
            for word in &step.words {
                match word.verdict {
                    Verdict::Hides => deciding.push(word.layer),
                    Verdict::Hidden { by } => deciding.push(by),
                    _ => {}
                }
                if is_last && word.verdict != Verdict::Silent {
                    deciding.push(word.layer);
                }
            }
        }
        let layers =
            (0..self.stack.layers().len() as u32).rev().map(LayerNo).filter(|no| deciding.contains(no));
        let steps: Vec<Line> = layers
            .filter_map(|no| {
                let step = escape(self.stack.created_by(no)?.as_bytes(), Lines::Escape);
                Some(vec![span(Tone::Layer, format!("  layer {:<6}", no.0)), span(Tone::Plain, step)])
            })
            .collect();
        let heading = (!steps.is_empty()).then(|| title("made by"));
        heading.into_iter().chain(steps).collect()
    }

    /// All versions of what is not simply a directory.
    fn version_lines(&self) -> Vec<Line> {
        if self.versions.iter().all(|version| version.kind == Kind::Directory) {
            return Vec::new();
        }
        let lines = self.versions.iter().map(|version| self.version_line(version));
        std::iter::once(title("versions")).chain(lines).collect()
    }

    fn version_line(&self, version: &Version) -> Line {
        let mut line = vec![span(Tone::Layer, self.column(version.layer))];
        let text = match &version.attributes {
            None => "implied directory".to_owned(),
            Some(a) => {
                let size = if a.kind == Kind::Regular { human_size(a.size) } else { String::new() };
                format!("{} {}:{} {size:>10}  {}", mode(a.kind, a.mode), a.uid, a.gid, timestamp(a.mtime))
            }
        };
        line.push(span(Tone::Plain, text));
        if let Some(target) = &version.target {
            line.push(span(Tone::Plain, format!("  -> {}", escape(target, Lines::Escape))));
        }
        match &version.content {
            Content::Digest(digest) => {
                line.push(span(Tone::Faint, format!("  {digest}")));
                if let Some(other) = self.same_below(version) {
                    line.push(span(Tone::Plain, format!("  as in layer {other}")));
                }
            }
            Content::NotRead => line.push(span(Tone::Faint, "  not read (--digest)")),
            Content::None => {}
        }
        line.push(match version.is_shown() {
            true => span(Tone::Shown, "  shown"),
            false => span(Tone::Hidden, format!("  hidden: IMAGE@{} has it", version.layer)),
        });
        line
    }

    /// The nearest layer below that has the same contents.
    fn same_below(&self, version: &Version) -> Option<LayerNo> {
        let mut below = self.versions.iter().filter(|other| other.layer < version.layer);
        below.find(|other| other.content == version.content).map(|other| other.layer)
    }

    fn near_line(&self) -> Option<Line> {
        let names: Vec<String> = self.near.iter().map(|path| shown_path(path)).collect();
        (!names.is_empty()).then(|| vec![span(Tone::Plain, format!("near it: {}", names.join(", ")))])
    }

    fn target_line(&self) -> Option<Line> {
        Some(match self.target.as_ref()? {
            Ok(target) => vec![span(
                Tone::Plain,
                format!("leads to {}, of {}", shown_path(target.path.as_bytes()), self.who(target.layer)),
            )],
            Err(error) => {
                vec![span(
                    Tone::Hidden,
                    format!("leads nowhere: {}", escape(error.as_bytes(), Lines::Escape)),
                )]
            }
        })
    }

    /// A component on the way at which nothing is decided.
    fn on_the_way(&self, step: &Step) -> Line {
        let members = step.words.iter().filter(|word| word.verdict != Verdict::Silent);
        let layers: Vec<LayerNo> = members.map(|word| word.layer).collect();
        let text = match &*layers {
            [] => format!("  {}", self.nobody()),
            [only] => format!("  in {}", self.who(*only)),
            layers => format!("  merged from {}", self.parts(layers.iter().copied())),
        };
        vec![span(Tone::Title, shown_path(step.path.as_bytes())), span(Tone::Faint, text)]
    }

    /// What a lookup would find, and by whose doing.
    pub fn conclusion(&self) -> Result<Line> {
        let made_by = |layer: LayerNo| {
            let step = self.stack.created_by(layer);
            step.map(|step| format!(" ({})", escape(step.as_bytes(), Lines::Escape))).unwrap_or_default()
        };
        if let Some(text) = self.broken() {
            return Ok(vec![span(Tone::Hidden, format!("=> {text}"))]);
        }
        let (tone, text) = match (self.node(), self.explanation.missing()) {
            (Some(Node::Leaf { layer, .. }), _) if self.is_upper(*layer) => {
                (Tone::Shown, self.upper_conclusion())
            }
            (Some(Node::Dir(dir)), _) if self.is_upper(dir.top().layer) => {
                (Tone::Shown, self.upper_dir_conclusion(dir))
            }
            (Some(Node::Leaf { layer, .. }), _) => {
                (Tone::Shown, format!("shown from layer {layer}{}", made_by(*layer)))
            }
            (Some(Node::Dir(dir)), _) => {
                let parts = self.parts(dir.members().iter().map(|member| member.layer));
                let verb = if dir.members().len() > 1 { "merged" } else { "shown" };
                (Tone::Shown, format!("{verb} from {parts}{}", made_by(dir.top().layer)))
            }
            (None, Some(Missing::HiddenBy(layer))) => {
                let first = self.first_to_hide();
                let (verb, by) = first.map_or(("hidden", layer), |hiding| (hiding.word(), hiding.by));
                let text = format!("not there: {verb} by {}{}", self.who(by), made_by(by));
                let too = format!("; {} hides it, too{}", self.who(layer), made_by(layer));
                (Tone::Hidden, if by == layer { text } else { text + &too })
            }
            (None, Some(Missing::NotADirectory(step))) => {
                (Tone::Hidden, format!("not there: {} is no directory", shown_path(step.path.as_bytes())))
            }
            (None, Some(Missing::Nowhere) | None) => (Tone::Hidden, format!("not there: {}", self.nobody())),
        };
        Ok(vec![span(tone, format!("=> {text}"))])
    }
}

/// Layers next to each other that say nothing, top first.
fn silence(layers: &[LayerNo]) -> Option<Line> {
    let text = match layers {
        [] => return None,
        [only] => format!("  layer {:<6}–", only.0),
        [first, .., last] => format!("  layer {:<6}–", format!("{first}-{last}")),
    };
    Some(vec![span(Tone::Faint, text)])
}

/// Whether something happens at a component on the way: a layer is cut off there.
fn decides(step: &Step) -> bool {
    step.words.iter().any(|word| matches!(word.verdict, Verdict::Hides | Verdict::Hidden { .. }))
}

/// Whether no layer below this word has a say.
fn settles(word: &Word) -> bool {
    match (word.verdict, word.found) {
        (Verdict::Silent, _) => false,
        (Verdict::Merged, Found::Dir { opaque, .. }) => opaque,
        (Verdict::Shown, Found::Dir { opaque, .. }) => opaque,
        _ => true,
    }
}
