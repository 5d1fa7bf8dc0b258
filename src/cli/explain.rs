//! `peelfs explain`: which layer shows a path, layer by layer, and why.

use std::ffi::OsString;
use std::io::Write;

use serde_json::{Map, Value, json};

use crate::layer::{EntryNo, Found, LayerNo};
use crate::path::{self, TreePath};
use crate::stack::Stack;
use crate::text::{human_size, shown_path};
use crate::union::{Explanation, Last, Missing, ResolveError, Step, Verdict, Word, explain};

use super::args::{ImageArgs, path_bytes};
use super::entry::Shown;
use super::output::{Output, put_name};
use super::{Outcome, Result};

/// Explain which layer shows a path, layer by layer, and why
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// The path; symlinks on the way to its last component are followed
    path: OsString,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let path = physical(&stack, path_bytes(&args.path))?;
    let explanation = explain(&stack.union, &path)?;
    let mut out = Output::new();
    let report = Report { stack: &stack, explanation: &explanation };
    if args.json {
        out.json(&report.json(path_bytes(&args.path))?)?;
        return Ok(Outcome::Fine);
    }
    report.write(&mut out, path_bytes(&args.path))?;
    out.flush()?;
    Ok(Outcome::Fine)
}

/// The path with symlinks in its parents resolved, as far as there is anything to resolve; a loop leads
/// nowhere that could be explained, nor does `..` behind nothing.
fn physical(stack: &Stack, path: &[u8]) -> Result<TreePath> {
    let parts: Vec<&[u8]> = path::split(path).collect();
    let is_up = |part: &&[u8]| **part == *b"..";
    let longest = parts.len() - usize::from(!parts.last().is_none_or(is_up));
    for known in (0..=longest).rev() {
        let (parents, rest) = parts.split_at(known);
        match stack.union.resolve(&parents.join(&b'/'), Last::Follow) {
            Ok(resolved) => {
                let name = [resolved.path.as_bytes(), b"/", &rest.join(&b'/')].concat();
                return Ok(TreePath::from_name(&name)?);
            }
            Err(ResolveError::NotFound(_) | ResolveError::NotADirectory(_))
                if !parts.iter().skip(known.saturating_sub(1)).any(is_up) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(TreePath::root())
}

struct Report<'a> {
    stack: &'a Stack,
    explanation: &'a Explanation,
}

impl Report<'_> {
    fn write(&self, out: &mut Output, asked: &[u8]) -> Result<()> {
        let Some(last) = self.explanation.steps.last() else { return Ok(()) };
        let plain: Vec<&[u8]> = path::split(asked).collect();
        if plain.join(&b'/') != last.path.as_bytes() {
            writeln!(out, "{} is {}", shown_path(&plain.join(&b'/')), shown_path(last.path.as_bytes()))?;
        }
        let in_the_way = match self.explanation.missing() {
            Some(Missing::NotADirectory(step)) => Some(step),
            _ => None,
        };
        for step in &self.explanation.steps {
            if step.path == last.path || decides(step) || Some(step) == in_the_way {
                self.write_step(out, step)?;
            }
        }
        self.write_conclusion(out, last)
    }

    fn write_step(&self, out: &mut Output, step: &Step) -> Result<()> {
        writeln!(out, "{}", shown_path(step.path.as_bytes()))?;
        for word in step.words.iter().filter(|word| word.verdict != Verdict::Silent) {
            let found = self.found(word)?;
            writeln!(out, "  layer {:<3} {found:<34} {}", word.layer.0, verdict(word))?;
        }
        if step.words.iter().all(|word| word.verdict == Verdict::Silent) {
            writeln!(out, "  no layer has it")?;
        }
        Ok(())
    }

    fn write_conclusion(&self, out: &mut Output, last: &Step) -> Result<()> {
        let conclusion = match (&last.node, self.explanation.missing()) {
            (Some(node), _) => {
                let shown = Shown::of(&self.stack.union, node)?;
                let layers: Vec<String> = shown.layers.iter().map(u32::to_string).collect();
                let what = match layers.len() {
                    1 => format!("shown from layer {}", layers.join("")),
                    _ => format!("merged from layers {}", layers.join(", ")),
                };
                format!("{what}{}", self.made_by(out, shown.layers.first().copied()))
            }
            (None, Some(Missing::HiddenBy(layer))) => {
                format!("not there: hidden by layer {}{}", layer.0, self.made_by(out, Some(layer.0)))
            }
            (None, Some(Missing::NotADirectory(step))) => {
                format!("not there: {} is no directory", shown_path(step.path.as_bytes()))
            }
            (None, Some(Missing::Nowhere) | None) => "not there: no layer has it".to_owned(),
        };
        writeln!(out, "=> {conclusion}")?;
        Ok(())
    }

    /// The step that made a layer, in brackets.
    fn made_by(&self, out: &Output, layer: Option<u32>) -> String {
        let step = layer.and_then(|layer| self.stack.created_by(LayerNo(layer)));
        step.map(|step| format!(" ({})", out.text(step))).unwrap_or_default()
    }

    /// A layer's word, in words.
    fn found(&self, word: &Word) -> Result<String> {
        let layer = self.stack.union.layer(word.layer)?;
        let entry: EntryNo = match word.found {
            Found::Absent => return Ok("-".into()),
            Found::Whiteout => return Ok("whiteout".into()),
            Found::Dir { dir, .. } => dir.into(),
            Found::Leaf(leaf) => {
                let attributes = self.stack.union.leaf_attributes(word.layer, leaf)?;
                return Ok(format!(
                    "{}, {:04o}, {}",
                    attributes.kind.name(),
                    attributes.mode,
                    human_size(attributes.size)
                ));
            }
        };
        let opaque = matches!(word.found, Found::Dir { opaque: true, .. });
        let implied = if layer.attributes(entry)?.is_none() { ", implied" } else { "" };
        Ok(format!("directory{}{implied}", if opaque { ", opaque" } else { "" }))
    }

    fn json(&self, asked: &[u8]) -> Result<Value> {
        let mut object = Map::new();
        put_name(&mut object, "asked", asked);
        if let Some(last) = self.explanation.steps.last() {
            put_name(&mut object, "path", last.path.as_bytes());
            let shown = last.node.as_ref().map(|node| Shown::of(&self.stack.union, node)).transpose()?;
            object.insert(
                "shown".into(),
                shown.map_or(Value::Null, |s| Value::Object(s.json(last.path.as_bytes()))),
            );
        }
        let steps =
            self.explanation.steps.iter().map(|step| self.step_json(step)).collect::<Result<Vec<_>>>()?;
        object.insert("steps".into(), steps.into());
        Ok(Value::Object(object))
    }

    fn step_json(&self, step: &Step) -> Result<Value> {
        let mut object = Map::new();
        put_name(&mut object, "path", step.path.as_bytes());
        let words = step.words.iter().map(|word| {
            let (found, opaque) = match word.found {
                Found::Absent => ("absent", None),
                Found::Whiteout => ("whiteout", None),
                Found::Leaf(leaf) => (self.stack.union.leaf_attributes(word.layer, leaf)?.kind.name(), None),
                Found::Dir { opaque, .. } => ("directory", Some(opaque)),
            };
            let (verdict, by) = match word.verdict {
                Verdict::Silent => ("silent", None),
                Verdict::Shown => ("shown", None),
                Verdict::Merged => ("merged", None),
                Verdict::Hides => ("hides", None),
                Verdict::Hidden { by } => ("hidden", Some(by.0)),
            };
            let mut word = json!({ "layer": word.layer.0, "found": found, "verdict": verdict });
            if let Some(object) = word.as_object_mut() {
                object.extend(opaque.map(|opaque| ("opaque".to_owned(), opaque.into())));
                object.extend(by.map(|by| ("by".to_owned(), by.into())));
            }
            Ok(word)
        });
        object.insert("layers".into(), words.collect::<Result<Vec<_>>>()?.into());
        Ok(Value::Object(object))
    }
}

/// Whether something happens at a component on the way: a layer is cut off there.
fn decides(step: &Step) -> bool {
    step.words.iter().any(|word| matches!(word.verdict, Verdict::Hides | Verdict::Hidden { .. }))
}

fn verdict(word: &Word) -> String {
    match (word.verdict, word.found) {
        (Verdict::Silent, _) => String::new(),
        (Verdict::Shown, Found::Dir { opaque: true, .. }) => "shown; nothing below shows in it".into(),
        (Verdict::Shown, _) => "shown".into(),
        (Verdict::Merged, Found::Dir { opaque: true, .. }) => "merged in; nothing below shows in it".into(),
        (Verdict::Merged, _) => "merged in".into(),
        (Verdict::Hides, _) => "hides the name in all layers below".into(),
        (Verdict::Hidden { by }, _) => format!("hidden by layer {by}"),
    }
}
