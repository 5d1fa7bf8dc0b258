//! What an upper directory says and does, in the words that a traced mount has for it.

use crate::entry::Kind;
use crate::layer::{LayerNo, Result};
use crate::text::{human_size, layers, shown_path};
use crate::union::MergedDir;
use crate::upper::{Below, Word};

use super::{Account, Copied, Own};

impl Account<'_> {
    /// `layer 2`, or `the upper`.
    pub(super) fn who(&self, layer: LayerNo) -> String {
        match self.is_upper(layer) {
            true => "the upper".to_owned(),
            false => format!("layer {layer}"),
        }
    }

    /// The same before a column.
    pub(super) fn column(&self, layer: LayerNo) -> String {
        match self.is_upper(layer) {
            true => "  upper       ".to_owned(),
            false => format!("  layer {:<6}", layer.0),
        }
    }

    /// `layers 1, 0`, `the upper and layer 0`, `the upper`: what takes part, top first.
    pub(super) fn parts(&self, numbers: impl IntoIterator<Item = LayerNo>) -> String {
        let (uppers, below): (Vec<LayerNo>, Vec<LayerNo>) =
            numbers.into_iter().partition(|&layer| self.is_upper(layer));
        let lower = (!below.is_empty()).then(|| layers(below.iter().map(|layer| layer.0)));
        match (uppers.is_empty(), lower) {
            (true, lower) => lower.unwrap_or_default(),
            (false, None) => "the upper".to_owned(),
            (false, Some(lower)) => format!("the upper and {lower}"),
        }
    }

    /// The upper's word on a component.
    pub(super) fn upper_word(&self, no: usize) -> Option<&Word> {
        self.over.as_ref()?.words.get(no)
    }

    /// Whether that must be told though nothing is hidden by it.
    pub(super) fn upper_matters(&self, no: usize) -> bool {
        matches!(self.upper_word(no), Some(Word::Dir(_, Below::Redirect(_) | Below::Unknown)))
    }

    /// The upper's word in words, with what is told of the attributes of the path itself.
    pub(super) fn upper_text(&self, no: usize) -> Result<String> {
        let text = self.upper_word(no).map(Word::text).unwrap_or_default();
        let is_last = no + 1 == self.explanation.steps.len();
        Ok(match self.own().filter(|_| is_last) {
            Some(Own { entry, .. }) if entry.attributes.kind != Kind::Directory => {
                let attributes = &entry.attributes;
                let size = match attributes.kind {
                    Kind::Regular => format!(", {}", human_size(attributes.size)),
                    _ => String::new(),
                };
                format!("{}, {:04o}{size}", attributes.kind.name(), attributes.mode)
            }
            _ => text,
        })
    }

    /// Where a thing of the upper comes from, to be put behind what is said of it.
    pub(super) fn origin(&self) -> Option<String> {
        Some(match self.own()?.copied? {
            Copied::Metadata(layer) => format!("copied up from layer {layer} without its data"),
            Copied::Lost => "copied up without its data, which no layer has".to_owned(),
            Copied::Whole(layer) => format!("copied up from layer {layer}"),
            Copied::Replaces(layer) => format!("in the place of what layer {layer} has"),
        })
    }

    /// What comes of a file of the upper.
    pub(super) fn upper_conclusion(&self) -> String {
        let origin = self.origin().map(|origin| format!(", {origin}")).unwrap_or_default();
        format!("shown from the upper{origin}")
    }

    /// What comes of a directory that the upper has a part in.
    pub(super) fn upper_dir_conclusion(&self, dir: &MergedDir) -> String {
        let parts = self.parts(dir.members().iter().map(|member| member.layer));
        let verb = if dir.members().len() > 1 { "merged" } else { "shown" };
        let moved = match self.over.as_ref().and_then(|over| over.words.last()) {
            Some(Word::Dir(_, Below::Redirect(from))) => format!(", redirected here from {}", from.text()),
            _ => String::new(),
        };
        format!("{verb} from {parts}{moved}")
    }

    /// Why a lookup is an error, where it is one.
    pub(super) fn broken(&self) -> Option<String> {
        let over = self.over.as_ref().filter(|over| over.is_broken())?;
        let at = self.explanation.steps.get(over.words.len().checked_sub(1)?)?;
        Some(format!("not there: the redirect of {} is none (EINVAL)", shown_path(at.path.as_bytes())))
    }
}
