//! Every layer's word on every name, also on those that do not show: what is hidden, and by whom.
//!
//! A layer is hidden by the first that was put over it and hid it, as each step of a build saw its own base; the
//! merged view only says who hides it last ([`Verdict::Hidden`](super::Verdict)). What hides what, [`Merge`] says.

use crate::layer::{Error, Found, LayerNo, Result};
use crate::path::TreePath;

use super::heads::{Head, Heads};
use super::{Member, Merge, Node, Place, Union, Verdict};

/// What hides a layer's word from all that lie above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hiding {
    /// The lowest layer that does.
    pub by: LayerNo,
    /// What it has on this name, or on a directory above.
    pub found: Found,
    /// It is on a directory above.
    pub is_above: bool,
}

/// One layer's word on a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<V = Verdict> {
    /// The layer.
    pub layer: LayerNo,
    /// What it says, on its own.
    pub found: Found,
    /// What became of that.
    pub verdict: V,
}

/// What is to become of the names below one that was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// They are told of next.
    Told,
    /// They are left out.
    LeftOut,
}

impl Hiding {
    /// Whether it takes the name away; else something else stands in its place.
    pub fn deletes(&self) -> bool {
        match self.found {
            Found::Whiteout => true,
            Found::Dir { .. } => self.is_above,
            Found::Absent | Found::Leaf(_) => false,
        }
    }

    /// The word for what it did to the name.
    pub fn word(&self) -> &'static str {
        if self.deletes() { "deleted" } else { "replaced" }
    }
}

impl Union {
    /// Tells every layer's word on every name, also on those that do not show, and which layer was the first to hide
    /// it; of a name only the words of the layers that have one, top first. The root comes first, then parents before
    /// children and siblings in the order of their bytes. It keeps one listing per level, never the tree.
    pub fn tell_words<E: From<Error>>(
        &self,
        mut tell: impl FnMut(&TreePath, &[Word<Option<Hiding>>]) -> std::result::Result<Below, E>,
    ) -> std::result::Result<(), E> {
        let mut path = TreePath::root();
        let mut words = self.root_words(None);
        let mut levels: Vec<Heads<'_, Option<Hiding>>> = Vec::new();
        loop {
            find_hiding(&mut words);
            match tell(&path, &words)? {
                Below::Told if words.iter().any(|word| matches!(word.found, Found::Dir { .. })) => {
                    levels.push(self.heads_below(&words)?);
                }
                Below::Told | Below::LeftOut => path.pop(),
            }
            loop {
                let Some(level) = levels.last_mut() else { return Ok(()) };
                if let Some(name) = gather(level, &mut words)? {
                    path.push(name);
                    break;
                }
                levels.pop();
                path.pop();
            }
        }
    }

    /// The words on the root, top first.
    pub(super) fn root_words<V: Copy>(&self, verdict: V) -> Vec<Word<V>> {
        self.layers().rev().map(|(layer, own)| Word { layer, found: own.root(), verdict }).collect()
    }

    /// The names in the directories among words.
    fn heads_below(&self, words: &[Word<Option<Hiding>>]) -> Result<Heads<'_, Option<Hiding>>> {
        let mut heads = Heads::new(self);
        for (rank, word) in (0..).zip(words) {
            if let Found::Dir { dir, .. } = word.found {
                heads.push(Member { layer: word.layer, dir }, Place { rank, at: 0 }, word.verdict)?;
            }
        }
        Ok(heads)
    }
}

/// Gathers the words on the next name that any layer has one on.
fn gather<'a>(
    heads: &mut Heads<'a, Option<Hiding>>,
    words: &mut Vec<Word<Option<Hiding>>>,
) -> Result<Option<&'a [u8]>> {
    words.clear();
    while let Some(first) = heads.pop()? {
        let mut next = Some(first);
        while let Some(Head { member, found, brought: verdict, .. }) = next {
            if found != Found::Absent {
                words.push(Word { layer: member.layer, found, verdict });
            }
            next = heads.pop_equal(first.name)?;
        }
        if !words.is_empty() {
            return Ok(Some(first.name));
        }
    }
    Ok(None)
}

/// Judges the words on one name; gives what shows there.
pub(super) fn judge(words: &mut [Word]) -> Option<Node> {
    let mut merge = Merge::new();
    for word in words {
        word.verdict = match word.verdict {
            Verdict::Hidden { .. } if word.found != Found::Absent => word.verdict,
            Verdict::Hidden { .. } => Verdict::Silent,
            _ => merge.push(word.layer, word.found),
        };
    }
    merge.finish()
}

/// Finds out of each word what hides it first: what hid its directory, which it has, or something on this very name.
fn find_hiding(words: &mut [Word<Option<Hiding>>]) {
    for word in &mut *words {
        word.verdict = word.verdict.map(|hiding| Hiding { is_above: true, ..hiding });
    }
    if words.len() < 2 {
        return;
    }
    let mut nearest: Option<Word<_>> = None;
    let mut settling: Option<Word<_>> = None;
    for word in words {
        let own = [nearest, settling].into_iter().flatten().find(|above| hides(above, word));
        let own = own.map(|above| Hiding { by: above.layer, found: above.found, is_above: false });
        nearest = Some(*word);
        if settles(word) {
            settling = nearest;
        }
        word.verdict = match (own, word.verdict) {
            (Some(own), Some(above)) if above.by < own.by => Some(above),
            (own, above) => own.or(above),
        };
    }
}

/// Whether a word alone would hide another one below it.
pub(super) fn hides<V>(above: &Word<V>, below: &Word<V>) -> bool {
    let mut merge = Merge::new();
    merge.push(above.layer, above.found);
    matches!(merge.push(below.layer, below.found), Verdict::Hidden { .. })
}

fn settles<V>(word: &Word<V>) -> bool {
    let mut merge = Merge::new();
    merge.push(word.layer, word.found);
    merge.is_settled()
}
