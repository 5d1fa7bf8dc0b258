//! One directory, name by name, each compared with what the layers below the selected one have there.

use std::iter::Peekable;

use crate::entry::Kind;
use crate::layer::{DirId, EntryNo, Found, LayerNo, LeafId};
use crate::stack::Error;
use crate::union::{List, Listed, MergedDir, Node, Union};

use super::views::Views;

/// What of the image is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All layers, merged.
    Merged,
    /// The image as of the selected layer.
    UpTo,
    /// The selected layer alone, with its markers.
    Alone,
}

/// How a name compares with the layers below the selected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The selected layer has nothing to do with it.
    Same,
    /// The layers below have no such name.
    Added,
    /// They have another one, or a directory that this layer takes part in.
    Changed,
    /// They have it, and it does not show.
    Deleted,
    /// A whiteout that hides nothing.
    Whiteout,
}

impl Mark {
    /// The letter for it, that of `peelfs status`.
    pub fn letter(self) -> char {
        match self {
            Mark::Same => ' ',
            Mark::Added => 'A',
            Mark::Changed => 'C',
            Mark::Deleted => 'D',
            Mark::Whiteout => 'W',
        }
    }
}

/// A name of a directory. Small: there may be a million of them.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The name.
    pub name: &'a [u8],
    /// How it compares.
    pub mark: Mark,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// An opaque directory, where a layer is looked at alone.
    pub is_opaque: bool,
    /// The layer that has it; of a whiteout, the layer of the whiteout.
    pub layer: LayerNo,
    /// The entry there; `None` for a whiteout.
    pub entry: Option<EntryNo>,
}

impl<'a> Row<'a> {
    fn of(listed: &Listed<'a>, mark: Mark) -> Row<'a> {
        let (is_dir, entry) = match &listed.node {
            Node::Dir(dir) => (true, dir.top().dir.into()),
            Node::Leaf { leaf, .. } => (false, (*leaf).into()),
        };
        let layer = listed.node.layer();
        Row { name: listed.name, mark, is_dir, is_opaque: false, layer, entry: Some(entry) }
    }

    /// The entry, if it is anything but a directory.
    pub fn leaf(&self) -> Option<(LayerNo, LeafId)> {
        let entry = self.entry.filter(|_| !self.is_dir)?;
        Some((self.layer, LeafId(entry.0)))
    }

    /// What it is, its size and its mode, as its layer has it.
    pub fn attributes(&self, union: &Union) -> Option<crate::entry::Attributes> {
        match self.leaf() {
            Some((layer, leaf)) => union.leaf_attributes(layer, leaf).ok(),
            None => union.layer(self.layer).ok()?.attributes(self.entry?).ok()?,
        }
    }

    /// A regular file that can be looked into.
    pub fn file(&self, union: &Union) -> Option<(LayerNo, LeafId, u64)> {
        let (layer, leaf) = self.leaf()?;
        let attributes = union.leaf_attributes(layer, leaf).ok()?;
        (attributes.kind == Kind::Regular).then_some((layer, leaf, attributes.size))
    }
}

/// What is looked at, and as of which layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is looked at.
    pub mode: Mode,
    /// The selected layer.
    pub layer: LayerNo,
}

/// A directory in what is looked at, and in the layers below.
#[derive(Debug, Clone)]
pub struct Level {
    now: Now,
    below: Option<MergedDir>,
}

#[derive(Debug, Clone)]
enum Now {
    Merged(MergedDir),
    Alone(DirId),
    /// It was deleted with all that is in it.
    Gone,
}

impl Look {
    fn union<'a>(&self, views: &'a Views<'_>) -> Result<&'a Union, Error> {
        match self.mode {
            Mode::UpTo => views.up_to(self.layer),
            Mode::Merged | Mode::Alone => Ok(views.whole()),
        }
    }

    /// The root.
    pub fn root(&self, views: &Views<'_>) -> Result<Level, Error> {
        let below = views.below(self.layer)?.map(|union| union.root().clone());
        let now = match (self.mode, views.whole().layer(self.layer)?.root()) {
            (Mode::Alone, Found::Dir { dir, .. }) => Now::Alone(dir),
            (Mode::Alone, _) => Now::Gone,
            _ => Now::Merged(self.union(views)?.root().clone()),
        };
        Ok(Level { now, below })
    }

    /// A directory of a directory.
    pub fn enter(&self, views: &Views<'_>, level: &Level, row: &Row<'_>) -> Result<Option<Level>, Error> {
        if !row.is_dir {
            return Ok(None);
        }
        let below = match (&level.below, views.below(self.layer)?) {
            (Some(dir), Some(union)) => match union.lookup(dir, row.name)? {
                Some(Node::Dir(dir)) if !row.is_opaque => Some(dir),
                _ => None,
            },
            _ => None,
        };
        let now = match (&level.now, row.mark, row.entry) {
            (_, Mark::Deleted, _) | (Now::Gone, ..) => Now::Gone,
            (Now::Alone(_), _, Some(entry)) => Now::Alone(DirId(entry.0)),
            (Now::Alone(_), _, None) => Now::Gone,
            (Now::Merged(dir), ..) => match self.union(views)?.lookup(dir, row.name)? {
                Some(Node::Dir(dir)) => Now::Merged(dir),
                _ => Now::Gone,
            },
        };
        Ok(Some(Level { now, below }))
    }

    /// Lists a directory.
    pub fn list<'a>(&self, views: &'a Views<'_>, level: &Level) -> Result<Listing<'a>, Error> {
        let below_union = views.below(self.layer)?;
        let is_compared = self.mode == Mode::UpTo || matches!(level.now, Now::Gone);
        let below = match (&level.below, below_union) {
            (Some(dir), Some(union)) if is_compared => Some(union.list(dir)?.peekable()),
            _ => None,
        };
        let now = match &level.now {
            Now::Merged(dir) => Names::Merged(self.union(views)?.list(dir)?.peekable()),
            Now::Alone(dir) => Names::Alone { dir: *dir, at: 0 },
            Now::Gone => Names::None,
        };
        Ok(Listing { views, look: *self, now, below, below_union, below_dir: level.below.clone() })
    }
}

/// The iterator over a directory's names, sorted by their bytes.
pub struct Listing<'a> {
    views: &'a Views<'a>,
    look: Look,
    now: Names<'a>,
    /// What the layers below list, where what they have and nobody shows is told of.
    below: Option<Peekable<List<'a>>>,
    below_union: Option<&'a Union>,
    below_dir: Option<MergedDir>,
}

// One at a time is alive for a listing.
#[allow(clippy::large_enum_variant)]
enum Names<'a> {
    Merged(Peekable<List<'a>>),
    Alone { dir: DirId, at: u32 },
    None,
}

type Answer<'a> = Result<Option<Row<'a>>, Error>;

impl<'a> Listing<'a> {
    fn step(&mut self) -> Answer<'a> {
        match (&mut self.now, self.look.mode) {
            (Names::Alone { .. }, _) => self.step_alone(),
            (Names::None, _) => deleted(self.below.as_mut().and_then(Iterator::next).transpose()?),
            (Names::Merged(_), Mode::UpTo) => self.step_compared(),
            (Names::Merged(list), _) => {
                let Some(listed) = list.next().transpose()? else { return Ok(None) };
                let mark = self.mark_in_whole(&listed)?;
                Ok(Some(Row::of(&listed, mark)))
            }
        }
    }

    /// What the selected layer has to do with a name of the whole image.
    fn mark_in_whole(&self, listed: &Listed<'a>) -> Result<Mark, Error> {
        let is_of_layer = match &listed.node {
            Node::Leaf { layer, .. } => *layer == self.look.layer,
            Node::Dir(dir) => dir.members().iter().any(|member| member.layer == self.look.layer),
        };
        match is_of_layer {
            true => self.mark_of(listed.name),
            false => Ok(Mark::Same),
        }
    }

    /// The mark of a name that the selected layer has.
    fn mark_of(&self, name: &[u8]) -> Result<Mark, Error> {
        Ok(if self.is_below(name)? { Mark::Changed } else { Mark::Added })
    }

    fn is_below(&self, name: &[u8]) -> Result<bool, Error> {
        match (&self.below_dir, self.below_union) {
            (Some(dir), Some(union)) => Ok(union.lookup(dir, name)?.is_some()),
            _ => Ok(false),
        }
    }

    fn step_compared(&mut self) -> Answer<'a> {
        let Names::Merged(now) = &mut self.now else { return Ok(None) };
        let own = name_of(now.peek());
        let other = name_of(self.below.as_mut().and_then(Peekable::peek));
        let Some(below) = self.below.as_mut().filter(|_| other.is_some()) else {
            let Some(listed) = now.next().transpose()? else { return Ok(None) };
            return Ok(Some(Row::of(&listed, Mark::Added)));
        };
        match own.cmp(&other) {
            _ if own.is_none() => deleted(below.next().transpose()?),
            std::cmp::Ordering::Greater => deleted(below.next().transpose()?),
            std::cmp::Ordering::Less => {
                Ok(now.next().transpose()?.map(|listed| Row::of(&listed, Mark::Added)))
            }
            std::cmp::Ordering::Equal => {
                let (listed, old) = (now.next().transpose()?, below.next().transpose()?);
                Ok(listed.map(|listed| {
                    let is_same = old.is_some_and(|old| old.node == listed.node);
                    Row::of(&listed, if is_same { Mark::Same } else { Mark::Changed })
                }))
            }
        }
    }

    fn step_alone(&mut self) -> Answer<'a> {
        let Names::Alone { dir, at } = &mut self.now else { return Ok(None) };
        let layer = self.views.whole().layer(self.look.layer)?;
        let Some((name, found)) = layer.child(*dir, *at)? else { return Ok(None) };
        *at += 1;
        let own = |mark, is_dir, is_opaque, entry| Row {
            name,
            mark,
            is_dir,
            is_opaque,
            layer: self.look.layer,
            entry,
        };
        Ok(Some(match found {
            Found::Absent | Found::Whiteout if self.is_below(name)? => own(Mark::Deleted, false, false, None),
            Found::Absent | Found::Whiteout => own(Mark::Whiteout, false, false, None),
            Found::Leaf(leaf) => own(self.mark_of(name)?, false, false, Some(leaf.into())),
            Found::Dir { dir, opaque } => own(self.mark_of(name)?, true, opaque, Some(dir.into())),
        }))
    }
}

fn deleted(listed: Option<Listed<'_>>) -> Answer<'_> {
    Ok(listed.map(|listed| Row::of(&listed, Mark::Deleted)))
}

/// The next name; an error sorts first, so that it is met.
fn name_of<'a>(next: Option<&crate::layer::Result<Listed<'a>>>) -> Option<&'a [u8]> {
    next.map(|listed| listed.as_ref().map_or(&[][..], |listed| listed.name))
}

impl<'a> Iterator for Listing<'a> {
    type Item = Result<Row<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
