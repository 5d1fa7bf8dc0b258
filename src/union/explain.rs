//! Why a path shows what it shows: every layer's word on every component, and what became of it.

use crate::layer::{Found, LayerNo, Result};
use crate::path::TreePath;

use super::words::{hides, judge};
use super::{Hiding, Member, Node, Union, Verdict, Word};

/// The decision on one component of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The path up to and with this component.
    pub path: TreePath,
    /// All layers' words, top first; silent layers too.
    pub words: Vec<Word>,
    /// What shows.
    pub node: Option<Node>,
}

/// The whole decision: the root first, the path itself last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// One step a component.
    pub steps: Vec<Step>,
}

/// Why nothing shows at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing<'a> {
    /// What layers have there, or would, one above hides.
    HiddenBy(LayerNo),
    /// A component on the way is something else than a directory.
    NotADirectory(&'a Step),
    /// No layer has it.
    Nowhere,
}

impl Explanation {
    /// Why nothing shows at the path; `None` if something does.
    pub fn missing(&self) -> Option<Missing<'_>> {
        let last = self.steps.last().filter(|last| last.node.is_none())?;
        let reached = self.steps.iter().rfind(|step| step.node.is_some());
        if let Some(step) = reached.filter(|step| matches!(step.node, Some(Node::Leaf { .. }))) {
            return Some(Missing::NotADirectory(step));
        }
        let by = last.words.iter().filter_map(|word| match word.verdict {
            Verdict::Hides => Some(word.layer),
            Verdict::Hidden { by } => Some(by),
            _ => None,
        });
        Some(by.max().map_or(Missing::Nowhere, Missing::HiddenBy))
    }

    /// The first of the layers above one that hid what this has at the path, and how; [`Missing::HiddenBy`] says which
    /// hides it last.
    pub fn first_to_hide(&self, layer: LayerNo) -> Option<Hiding> {
        // Of one layer's words that on the path itself is meant.
        let hiding = self.steps.iter().enumerate().rev().flat_map(|(no, step)| {
            let own = step.words.iter().find(|word| word.layer == layer);
            let above = step.words.iter().filter(move |word| word.layer > layer);
            let hiding =
                own.into_iter().flat_map(move |own| above.clone().filter(move |word| hides(word, own)));
            let is_above = no + 1 < self.steps.len();
            hiding.map(move |word| Hiding { by: word.layer, found: word.found, is_above })
        });
        hiding.min_by_key(|hiding| hiding.by)
    }
}

/// All layers on their way down one path, each on its own, and what is put over them.
#[derive(Clone)]
pub struct Descents<'a> {
    union: &'a Union,
    /// The layers' words on the last component, top first.
    words: Vec<Word>,
}

impl<'a> Descents<'a> {
    /// At the root.
    pub fn new(union: &'a Union) -> Descents<'a> {
        Descents { union, words: union.root_words(Verdict::Silent) }
    }

    /// Takes all one component further; `None` is the root, from which the way begins. What is put over the layers has
    /// its word first, as the layer [`Union::above`]; its IDs mean nothing to the union. The path is that of the step.
    pub fn step(&mut self, path: &TreePath, name: Option<&[u8]>, above: Option<Found>) -> Result<Step> {
        for word in &mut self.words {
            word.found = match (name, word.found) {
                (None, found) => found,
                (Some(name), Found::Dir { dir, .. }) => {
                    self.union.word(Member { layer: word.layer, dir }, name)?
                }
                (Some(_), Found::Absent | Found::Whiteout | Found::Leaf(_)) => Found::Absent,
            };
        }
        let above = above.map(|found| Word { layer: self.union.above(), found, verdict: Verdict::Silent });
        let mut words: Vec<Word> = above.into_iter().chain(self.words.drain(..)).collect();
        let node = judge(&mut words);
        self.words.extend(words.iter().skip(usize::from(above.is_some())));
        Ok(Step { path: path.clone(), words, node })
    }
}

/// Explains a path; symlinks in it are names like any other (S6).
pub fn explain(union: &Union, path: &TreePath) -> Result<Explanation> {
    let mut descents = Descents::new(union);
    let mut here = TreePath::root();
    let mut steps = vec![descents.step(&here, None, None)?];
    for name in path.components() {
        here.push(name);
        steps.push(descents.step(&here, Some(name), None)?);
    }
    Ok(Explanation { steps })
}
