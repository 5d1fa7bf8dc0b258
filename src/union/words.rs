//! Every layer's word on every name, also on those that do not show: what is hidden, and by whom.
//!
//! A layer is hidden by the first that was put over it and hid it, as each step of a build saw its own base; the
//! merged view only says who hides it last ([`Verdict::Hidden`](super::Verdict)). What hides what, [`Merge`] says.

use smallvec::SmallVec;

use crate::layer::{Error, Found, LayerNo, Result};
use crate::path::TreePath;

use super::{Member, Merge, Union, Verdict};

/// What hides a layer's word from all that lie above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hiding {
    /// The lowest layer that does.
    pub by: LayerNo,
    /// Its word, on this name or on a directory above.
    pub word: Found,
    /// It is on a directory above.
    pub is_above: bool,
}

/// One layer's word on a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    /// The layer.
    pub layer: LayerNo,
    /// Its word, never [`Found::Absent`].
    pub found: Found,
    /// What hides it, if anything does.
    pub hidden: Option<Hiding>,
}

/// The words on one name, top first.
type Words = SmallVec<[Spoken; 4]>;

impl Union {
    /// Tells all words on every name, top first: the root, then parents before children and siblings in the order
    /// of their bytes. It keeps one listing per level, never the tree.
    pub fn tell_words<E: From<Error>>(
        &self,
        mut tell: impl FnMut(&TreePath, &[Spoken]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut path = TreePath::root();
        let roots = self.layers().rev().map(|(layer, own)| (layer, own.root()));
        let mut words: Words = roots.map(|(layer, found)| Spoken { layer, found, hidden: None }).collect();
        find_hiding(&mut words);
        tell(&path, &words)?;
        let mut levels = vec![self.level(&words)?];
        while let Some(level) = levels.last_mut() {
            let Some(name) = self.next_words(level, &mut words)? else {
                levels.pop();
                path.pop();
                continue;
            };
            path.push(name);
            tell(&path, &words)?;
            match words.iter().any(|word| matches!(word.found, Found::Dir { .. })) {
                true => levels.push(self.level(&words)?),
                false => path.pop(),
            }
        }
        Ok(())
    }

    /// The directories among words, to be read together.
    fn level(&self, words: &[Spoken]) -> Result<Level<'_>> {
        let mut level = Level::new();
        for (rank, word) in words.iter().enumerate() {
            if let Found::Dir { dir, .. } = word.found {
                let member = Member { layer: word.layer, dir };
                let hidden = word.hidden.map(|hiding| Hiding { is_above: true, ..hiding });
                self.put(&mut level, Source { member, rank, hidden }, 0)?;
            }
        }
        Ok(level)
    }

    fn put<'a>(&'a self, level: &mut Level<'a>, source: Source, place: u32) -> Result<()> {
        let Source { member, .. } = source;
        if let Some((name, found)) = self.layer(member.layer)?.child(member.dir, place)? {
            let head = Head { name, found, place, source };
            let at = level.partition_point(|other| other.key() > head.key());
            level.insert(at, head);
        }
        Ok(())
    }

    /// Gathers the words on the next name.
    fn next_words<'a>(&'a self, level: &mut Level<'a>, words: &mut Words) -> Result<Option<&'a [u8]>> {
        loop {
            let Some(name) = level.last().map(|head| head.name) else { return Ok(None) };
            words.clear();
            while let Some(head) = level.pop_if(|head| head.name == name) {
                let Source { member, hidden, .. } = head.source;
                self.put(level, head.source, head.place + 1)?;
                let found = self.links.judge(member, name, head.found);
                if found != Found::Absent {
                    words.push(Spoken { layer: member.layer, found, hidden });
                }
            }
            if !words.is_empty() {
                find_hiding(words);
                return Ok(Some(name));
            }
        }
    }
}

/// The next name of each directory, the one to be told next standing last.
type Level<'a> = Vec<Head<'a>>;

/// One layer's directory among those that are read together.
#[derive(Clone, Copy)]
struct Source {
    member: Member,
    /// Counted from the top.
    rank: usize,
    hidden: Option<Hiding>,
}

struct Head<'a> {
    name: &'a [u8],
    found: Found,
    place: u32,
    source: Source,
}

impl Head<'_> {
    /// The topmost of equal names comes first.
    fn key(&self) -> (&[u8], usize) {
        (self.name, self.source.rank)
    }
}

/// Finds out of each word what on this very name hides it, unless what hides its directory came before.
fn find_hiding(words: &mut [Spoken]) {
    if words.len() < 2 {
        return;
    }
    let mut nearest: Option<Spoken> = None;
    let mut settling: Option<Spoken> = None;
    for word in words {
        let own = [nearest, settling].into_iter().flatten().find(|above| hides(above, word));
        let own = own.map(|above| Hiding { by: above.layer, word: above.found, is_above: false });
        nearest = Some(*word);
        if settles(word) {
            settling = nearest;
        }
        word.hidden = match (own, word.hidden) {
            (Some(own), Some(above)) if above.by < own.by => Some(above),
            (own, above) => own.or(above),
        };
    }
}

fn hides(above: &Spoken, below: &Spoken) -> bool {
    let mut merge = Merge::new();
    merge.push(above.layer, above.found);
    matches!(merge.push(below.layer, below.found), Verdict::Hidden { .. })
}

fn settles(word: &Spoken) -> bool {
    let mut merge = Merge::new();
    merge.push(word.layer, word.found);
    merge.is_settled()
}
