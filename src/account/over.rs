//! What an upper directory makes of a path: its word on each component, over those of the layers.
//!
//! To the merge rule the upper is a layer above the topmost ([`Union::above`](crate::union::Union::above)): so the
//! decision is made where it is made among layers. Where it says that a directory was renamed, the layers are asked
//! for what it was before.

use crate::blob::have_same_contents;
use crate::commit::{Entry, Sides, Source};
use crate::entry::Kind;
use crate::layer::{DirId, Found, LayerNo, LeafId};
use crate::path::TreePath;
use crate::union::{self, Descents, Explanation, Node, Step};
use crate::upper::{Below, OpenDir, Redirect, Spot, View, Word};

use super::{Digests, Error};

/// What the upper has to say.
pub struct Over<'a> {
    /// The upper, and the image below it.
    pub sides: Sides<'a>,
    /// Its word on each component that was looked at, the root first.
    pub words: Vec<Word>,
    /// What it has at the path itself.
    pub own: Option<Own>,
    /// The deepest directory on the way.
    pub(super) deepest: OpenDir,
}

/// Something that the upper has.
pub struct Own {
    /// With its attributes; where it has no data of its own, the data of the layer below.
    pub entry: Entry,
    /// What became of what layers have in its place; `None` if they have nothing, and of directories.
    pub copied: Option<Copied>,
}

/// Where something in the upper comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// Its attributes were copied up, its data is still this layer's (`metacopy`).
    Metadata(LayerNo),
    /// The same, but no layer has that data: reading is an error.
    Lost,
    /// It was copied up from this layer, and its contents are still the same.
    Whole(LayerNo),
    /// It is in the place of what this layer has, and its contents are others, or were not compared.
    Replaces(LayerNo),
}

impl Over<'_> {
    /// Whether a component is where lookups end with an error: its redirect is none.
    pub fn is_broken(&self) -> bool {
        matches!(self.words.last(), Some(Word::Dir(_, Below::Unknown)))
    }

    pub(super) fn view(&self) -> View<'_> {
        view(&self.sides)
    }
}

fn view<'a>(sides: &Sides<'a>) -> View<'a> {
    View { upper: sides.upper, union: &sides.stack.union }
}

/// Asks the upper and the layers for each component of a path in which symlinks are names like any other.
pub(super) fn explain<'a>(
    sides: Sides<'a>,
    path: &TreePath,
    digests: Digests,
) -> Result<(Explanation, Over<'a>), Error> {
    let mut walk = Walk::new(sides)?;
    let mut last = None;
    for name in path.components() {
        last = Some((walk.over.deepest.clone(), name));
        walk.step(name)?;
        if walk.over.is_broken() {
            break;
        }
    }
    let Walk { mut over, steps, .. } = walk;
    over.own = match (last, over.words.last()) {
        (None, Some(Word::Dir(stat, _))) => {
            let entry = sides.of_upper(sides.upper.root_spot(), stat).map_err(Error::Upper)?;
            Some(Own { entry, copied: None })
        }
        (Some((dir, name)), Some(word)) => own(sides, &dir, name, word, digests)?,
        _ => None,
    };
    Ok((Explanation { steps }, over))
}

struct Walk<'a> {
    over: Over<'a>,
    /// The layers, where they are asked for the next component.
    layers: Descents<'a>,
    steps: Vec<Step>,
    /// The path has led to a directory so far.
    is_inside: bool,
}

impl<'a> Walk<'a> {
    fn new(sides: Sides<'a>) -> Result<Walk<'a>, Error> {
        let (union, root) = (&sides.stack.union, TreePath::root());
        let stat = sides.upper.root_spot().stat().map_err(|errno| Error::Upper(errno.into()))?;
        let word = Word::Dir(stat, Below::Same);
        let mut layers = Descents::new(union);
        let steps = vec![layers.step(&root, None, Some(found(&word)))?];
        let over = Over { sides, words: vec![word], own: None, deepest: view(&sides).root() };
        Ok(Walk { over, layers, steps, is_inside: true })
    }

    fn step(&mut self, name: &[u8]) -> Result<(), Error> {
        let sides = self.over.sides;
        let dir = self.over.deepest.clone();
        let word = match &dir.upper {
            Some(upper) if self.is_inside => {
                sides.upper.word(upper, name).map_err(|errno| Error::Upper(errno.into()))?
            }
            _ => Word::Absent,
        };
        let path = self.steps.last().map(|step| step.path.join(name)).unwrap_or_default();
        let below = match &word {
            Word::Dir(_, Below::Redirect(Redirect::Name(name))) => name.to_vec(),
            Word::Dir(_, Below::Redirect(Redirect::Path(from))) => self.move_to(from)?,
            _ => name.to_vec(),
        };
        self.steps.push(self.layers.step(&path, Some(&below), Some(found(&word)))?);
        let is_broken = matches!(word, Word::Dir(_, Below::Unknown));
        let entered = match view(&sides).merge(&dir, name, word.clone()) {
            _ if !self.is_inside || is_broken => None,
            Ok(Some(node)) => view(&sides).enter(&dir, name, &node)?,
            node => node?.and(None),
        };
        self.is_inside = entered.is_some();
        self.over.deepest = entered.unwrap_or(dir);
        self.over.words.push(word);
        Ok(())
    }

    /// Goes to the directory in which something was before it was renamed; gives its name there.
    fn move_to(&mut self, from: &TreePath) -> Result<Vec<u8>, Error> {
        self.layers = Descents::new(&self.over.sides.stack.union);
        let mut here = TreePath::root();
        self.layers.step(&here, None, None)?;
        let mut names: Vec<&[u8]> = from.components().collect();
        let last = names.pop().unwrap_or_default();
        for name in names {
            here.push(name);
            self.layers.step(&here, Some(name), None)?;
        }
        Ok(last.to_vec())
    }
}

/// The upper's word as the merge rule takes it; whose numbers mean nothing.
fn found(word: &Word) -> Found {
    match word {
        Word::Absent => Found::Absent,
        Word::Whiteout => Found::Whiteout,
        Word::Leaf(_) => Found::Leaf(LeafId(0)),
        Word::Dir(_, below) => {
            let opaque = matches!(below, Below::Nothing | Below::Unknown);
            Found::Dir { dir: DirId(0), opaque }
        }
    }
}

fn own(
    sides: Sides<'_>,
    dir: &OpenDir,
    name: &[u8],
    word: &Word,
    digests: Digests,
) -> Result<Option<Own>, Error> {
    let (Word::Leaf(stat) | Word::Dir(stat, _), Some(upper)) = (word, &dir.upper) else { return Ok(None) };
    let (view, spot) = (view(&sides), Spot::at(upper, name));
    let mut entry = sides.of_upper(spot.clone(), stat).map_err(Error::Upper)?;
    if matches!(word, Word::Dir(..)) {
        return Ok(Some(Own { entry, copied: None }));
    }
    if sides.upper.lacks_data(&spot, stat).map_err(|errno| Error::Upper(errno.into()))? {
        let copied = match view.data_below(dir, name)? {
            Some((layer, leaf)) => {
                entry.source = Source::Lower(Node::Leaf { layer, leaf });
                Copied::Metadata(layer)
            }
            None => Copied::Lost,
        };
        return Ok(Some(Own { entry, copied: Some(copied) }));
    }
    let copied = match view.lookup_below(dir, name)? {
        Some(below) if is_copy(sides, &entry, &below, digests).map_err(Error::Upper)? => {
            Some(Copied::Whole(below.layer()))
        }
        Some(below) => Some(Copied::Replaces(below.layer())),
        None => None,
    };
    Ok(Some(Own { entry, copied }))
}

/// Whether something is what stands below in its place, whatever became of its attributes.
fn is_copy(
    sides: Sides<'_>,
    own: &Entry,
    below: &union::Node,
    digests: Digests,
) -> Result<bool, std::io::Error> {
    let old = sides.of_image(below)?;
    let (new_look, old_look) = (&own.attributes, &old.attributes);
    if new_look.kind != old_look.kind {
        return Ok(false);
    }
    match new_look.kind {
        Kind::Symlink => Ok(own.target(sides.stack)? == old.target(sides.stack)?),
        Kind::CharDevice | Kind::BlockDevice => Ok(new_look.device == old_look.device),
        Kind::Regular if new_look.size != old_look.size || !digests.reads(new_look.size) => Ok(false),
        Kind::Regular => {
            own.with_data(sides.stack, |a| old.with_data(sides.stack, |b| have_same_contents(a, b)))
        }
        _ => Ok(true),
    }
}
