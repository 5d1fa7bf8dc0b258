//! Why a path shows what it shows: every layer's word on every component, and what became of it.

use crate::layer::{Found, LayerNo, Result};
use crate::path::TreePath;

use super::words::judge;
use super::{Member, Node, Union, Verdict, Word};

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

/// Explains a path; symlinks in it are names like any other (S6).
pub fn explain(union: &Union, path: &TreePath) -> Result<Explanation> {
    let mut words = union.root_words(Verdict::Silent);
    let mut here = TreePath::root();
    let mut steps = Vec::new();
    steps.push(Step { path: here.clone(), node: judge(&mut words), words: words.clone() });
    for name in path.components() {
        here.push(name);
        for word in &mut words {
            word.found = match word.found {
                Found::Dir { dir, .. } => union.word(Member { layer: word.layer, dir }, name)?,
                Found::Absent | Found::Whiteout | Found::Leaf(_) => Found::Absent,
            };
        }
        steps.push(Step { path: here.clone(), node: judge(&mut words), words: words.clone() });
    }
    Ok(Explanation { steps })
}
