//! Why a path shows what it shows: every layer's word on every component, and what became of it.

use crate::layer::{DirId, Found, LayerNo, Result};
use crate::path::TreePath;

use super::{Member, Merge, Node, Union, Verdict};

/// What one layer says of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The layer.
    pub layer: LayerNo,
    /// What it says, on its own.
    pub found: Found,
    /// What became of that.
    pub verdict: Verdict,
}

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
}

/// One layer's way down the path, on its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descent {
    pub layer: LayerNo,
    pub dir: Option<DirId>,
    /// The layer above that cut this one off on the way.
    pub hidden_by: Option<LayerNo>,
}

impl Descent {
    /// Takes the layer one component further, where it says this; `merge` has heard the layers above.
    pub fn take(&mut self, merge: &mut Merge, found: Found) -> Word {
        let verdict = match self.hidden_by {
            Some(by) if found != Found::Absent => Verdict::Hidden { by },
            Some(_) => Verdict::Silent,
            None => merge.push(self.layer, found),
        };
        if let Verdict::Hidden { by } = verdict {
            self.hidden_by = Some(by);
        }
        self.dir = match found {
            Found::Dir { dir, .. } => Some(dir),
            _ => None,
        };
        Word { layer: self.layer, found, verdict }
    }
}

/// All layers on their way down one path, each on its own, and what is put over them.
#[derive(Clone)]
pub struct Descents<'a> {
    union: &'a Union,
    layers: Vec<Descent>,
}

impl<'a> Descents<'a> {
    /// Before anything was looked for.
    pub fn new(union: &'a Union) -> Descents<'a> {
        Descents { union, layers: from_the_top(union) }
    }

    /// Takes all one component further, `None` being the root. What is put over the layers has its word first, as
    /// the layer [`Union::above`]; its IDs mean nothing to the union. The path is that of the step.
    pub fn step(&mut self, path: &TreePath, name: Option<&[u8]>, above: Option<Found>) -> Result<Step> {
        let mut merge = Merge::new();
        let mut words = Vec::with_capacity(self.layers.len() + 1);
        if let Some(found) = above {
            let layer = self.union.above();
            words.push(Word { layer, found, verdict: merge.push(layer, found) });
        }
        for descent in &mut self.layers {
            let layer = self.union.layer(descent.layer)?;
            let found = match (name, descent.dir) {
                (None, _) => layer.root(),
                (Some(name), Some(dir)) => {
                    let member = Member { layer: descent.layer, dir };
                    self.union.links.judge(member, name, layer.find(dir, name)?)
                }
                (Some(_), None) => Found::Absent,
            };
            words.push(descent.take(&mut merge, found));
        }
        Ok(Step { path: path.clone(), words, node: merge.finish() })
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

/// All layers, top first, before they were asked for anything.
pub(super) fn from_the_top(union: &Union) -> Vec<Descent> {
    union.layers().rev().map(|(layer, _)| Descent { layer, dir: None, hidden_by: None }).collect()
}
