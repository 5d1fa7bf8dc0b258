//! The merge rule: layers' words on one name, top layer first, folded into what shows (S20–S22).
//!
//! Nobody else knows what opaque means. Lookup, listing and `explain` all push facts in here.

use crate::layer::{Found, LayerNo};

use super::{Member, MergedDir, Node};

/// What became of one layer's word on a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The layer says nothing.
    Silent,
    /// The name shows from here.
    Shown,
    /// The directory takes part in the one that shows.
    Merged,
    /// A whiteout: the name is gone from here down.
    Hides,
    /// A layer above settled the name first.
    Hidden {
        /// The layer that settled it.
        by: LayerNo,
    },
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Silent => "silent",
            Verdict::Shown => "shown",
            Verdict::Merged => "merged",
            Verdict::Hides => "hides",
            Verdict::Hidden { .. } => "hidden",
        }
    }

    /// The layer that settled the name first, where that was another one.
    pub fn by(self) -> Option<LayerNo> {
        match self {
            Verdict::Hidden { by } => Some(by),
            _ => None,
        }
    }
}

/// The fold over the layers' words on one name.
#[derive(Debug, Default)]
pub struct Merge {
    dir: Option<MergedDir>,
    leaf: Option<Node>,
    settled_by: Option<LayerNo>,
}

impl Merge {
    /// Before any layer was asked.
    pub fn new() -> Merge {
        Merge::default()
    }

    /// Takes the word of the next layer, which lies below all before it.
    pub fn push(&mut self, layer: LayerNo, found: Found) -> Verdict {
        if found == Found::Absent {
            return Verdict::Silent;
        }
        if let Some(by) = self.settled_by {
            return Verdict::Hidden { by };
        }
        match found {
            Found::Absent => Verdict::Silent,
            Found::Whiteout => {
                self.settled_by = Some(layer);
                Verdict::Hides
            }
            Found::Leaf(leaf) => {
                self.settled_by = Some(layer);
                match &self.dir {
                    // S21: a file under a directory never shows, and cuts the stack.
                    Some(dir) => Verdict::Hidden { by: dir.top().layer },
                    None => {
                        self.leaf = Some(Node::Leaf { layer, leaf });
                        Verdict::Shown
                    }
                }
            }
            Found::Dir { dir, opaque } => {
                if opaque {
                    self.settled_by = Some(layer);
                }
                let member = Member { layer, dir };
                match &mut self.dir {
                    Some(merged) => {
                        merged.push(member);
                        Verdict::Merged
                    }
                    None => {
                        self.dir = Some(MergedDir::of(member));
                        Verdict::Shown
                    }
                }
            }
        }
    }

    /// Whether no layer further down can change the answer.
    pub fn is_settled(&self) -> bool {
        self.settled_by.is_some()
    }

    /// What shows; `None` when nothing does.
    pub fn finish(self) -> Option<Node> {
        self.leaf.or(self.dir.map(Node::Dir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{DirId, LeafId};

    const LEAF: Found = Found::Leaf(LeafId(7));
    const DIR: Found = Found::Dir { dir: DirId(3), opaque: false };
    const OPAQUE: Found = Found::Dir { dir: DirId(3), opaque: true };

    /// Pushes words top first into layers 9, 8, 7, …; gives what shows and each verdict.
    fn merge(words: &[Found]) -> (Option<Node>, Vec<Verdict>) {
        let mut merge = Merge::new();
        let verdicts = (0..=9).rev().zip(words).map(|(no, &word)| merge.push(LayerNo(no), word)).collect();
        (merge.finish(), verdicts)
    }

    fn members(node: Option<Node>) -> Vec<u32> {
        match node {
            Some(Node::Dir(dir)) => dir.members().iter().map(|member| member.layer.0).collect(),
            other => panic!("not a directory: {other:?}"),
        }
    }

    #[test]
    fn s20_the_first_word_decides() {
        use Verdict::*;
        let hidden = Hidden { by: LayerNo(8) };
        let leaf = Some(Node::Leaf { layer: LayerNo(8), leaf: LeafId(7) });
        assert_eq!(merge(&[]), (None, vec![]));
        assert_eq!(merge(&[Found::Absent]), (None, vec![Silent]));
        assert_eq!(merge(&[Found::Absent, LEAF, LEAF, DIR]), (leaf, vec![Silent, Shown, hidden, hidden]));
        assert_eq!(merge(&[Found::Absent, Found::Whiteout, LEAF]), (None, vec![Silent, Hides, hidden]));
    }

    #[test]
    fn s20_directories_merge_until_something_ends_them() {
        use Verdict::*;
        let (node, verdicts) = merge(&[DIR, Found::Absent, DIR, Found::Whiteout, DIR]);
        assert_eq!(members(node), [9, 7]);
        assert_eq!(verdicts, [Shown, Silent, Merged, Hides, Hidden { by: LayerNo(6) }]);
        let (node, verdicts) = merge(&[DIR, OPAQUE, DIR]);
        assert_eq!(members(node), [9, 8]);
        assert_eq!(verdicts, [Shown, Merged, Hidden { by: LayerNo(8) }]);
    }

    #[test]
    fn s21_a_file_between_directories_cuts_the_stack() {
        let (node, verdicts) = merge(&[DIR, LEAF, DIR]);
        assert_eq!(members(node), [9]);
        let hidden = |by| Verdict::Hidden { by: LayerNo(by) };
        assert_eq!(verdicts, [Verdict::Shown, hidden(9), hidden(8)]);
    }
}
