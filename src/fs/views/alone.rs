//! One layer alone, its markers as the names that they have in a tar, whatever form they had in the layer.

use crate::entry::{Attributes, Kind, Xattr};
use crate::fs::{DirEntry, Error, Filesystem, InodeNo, Result};
use crate::index::{OPAQUE_MARKER, WHITEOUT_PREFIX};
use crate::layer::{DirId, EntryNo, Found, Layer, LayerNo, LeafId};
use crate::path::MAX_COMPONENT;
use crate::union::{Member, MergedDir};

use super::facts;

/// What the upper half of a number says: a member of the layer, a whiteout, an opaque directory's marker.
const MEMBER: u64 = 1;
const OF_WHITEOUT: u64 = 2;
const OF_OPAQUE: u64 = 3;

/// The positions before the names: two dots and the opaque marker.
const FIRST: u64 = 3;

/// One layer of a tree.
#[derive(Clone, Copy)]
pub struct Alone<'a> {
    /// The tree.
    pub fs: &'a Filesystem,
    /// The layer.
    pub no: LayerNo,
}

/// What stands behind a number.
pub enum Target {
    /// A directory.
    Dir(DirId),
    /// Anything else, with its number in the tree.
    Leaf(InodeNo),
    /// A marker.
    Marker,
}

impl<'a> Alone<'a> {
    /// What a number stands for.
    pub fn target(&self, inner: InodeNo) -> Result<Target> {
        let union = &self.fs.stack().union;
        let entry = inner.0 as u32;
        match inner.0 >> 32 {
            0 if inner == InodeNo::ROOT => Ok(Target::Dir(DirId(0))),
            MEMBER => Ok(match union.layer(self.no)?.kind(EntryNo(entry))? {
                Kind::Directory => Target::Dir(DirId(entry)),
                _ => Target::Leaf(InodeNo::new(self.no, EntryNo(entry))),
            }),
            OF_WHITEOUT | OF_OPAQUE => Ok(Target::Marker),
            _ => Err(Error::Stale),
        }
    }

    /// The attributes of what stands behind a number.
    pub fn attributes(&self, inner: InodeNo) -> Result<Attributes> {
        match self.target(inner)? {
            Target::Dir(dir) => Ok(self.fs.stack().union.dir_attributes(&self.merged(dir))?),
            Target::Leaf(ino) => self.fs.attributes(ino),
            Target::Marker => Ok(super::fixed::file(0, self.fs.stack().union.layer(self.no)?.newest_mtime())),
        }
    }

    /// The extended attributes.
    pub fn xattrs(&self, inner: InodeNo) -> Result<std::borrow::Cow<'a, [Xattr]>> {
        match self.target(inner)? {
            Target::Dir(dir) => Ok(self.fs.stack().union.dir_xattrs(&self.merged(dir))?),
            Target::Leaf(ino) => self.fs.xattrs(ino),
            Target::Marker => Ok(std::borrow::Cow::Borrowed(&[])),
        }
    }

    /// What a view says of it.
    pub fn facts(&self, inner: InodeNo) -> Result<Vec<Xattr>> {
        let stack = self.fs.stack();
        match self.target(inner)? {
            Target::Dir(dir) => {
                let path = stack.union.path_of(Member { layer: self.no, dir })?;
                Ok(facts::of(stack, self.no, Some(&path))?)
            }
            Target::Leaf(ino) => self.fs.facts(ino),
            Target::Marker => Ok(facts::of(stack, self.no, None)?),
        }
    }

    /// What a name in a directory is.
    pub fn lookup(&self, parent: InodeNo, name: &[u8]) -> Result<Option<InodeNo>> {
        let dir = self.dir(parent)?;
        let found = self.fs.stack().union.word(Member { layer: self.no, dir }, name)?;
        if let Some(ino) = number(found) {
            return Ok(Some(ino));
        }
        if name == OPAQUE_MARKER {
            return Ok(self.is_opaque(dir)?.then(|| marker(OF_OPAQUE, dir.0)));
        }
        let Some(hidden) = name.strip_prefix(WHITEOUT_PREFIX) else { return Ok(None) };
        self.whiteout(dir, hidden)
    }

    /// The number of the marker that hides a name.
    fn whiteout(&self, dir: DirId, hidden: &[u8]) -> Result<Option<InodeNo>> {
        let stack = self.fs.stack();
        if stack.union.word(Member { layer: self.no, dir }, hidden)? != Found::Whiteout {
            return Ok(None);
        }
        let index = &stack.layer(self.no)?.index;
        let place = index.place_behind(dir, hidden)?.saturating_sub(1);
        Ok(Some(marker(OF_WHITEOUT, index.name_no(dir, place)?.0)))
    }

    /// Lists a directory from a position.
    pub fn readdir(
        &self,
        parent: InodeNo,
        position: u64,
        add: &mut dyn FnMut(&DirEntry<'_>) -> bool,
    ) -> Result<()> {
        let dir = self.dir(parent)?;
        let mut give = |ino, name: &[u8], next| -> Result<bool> {
            Ok(add(&DirEntry { ino, name, attributes: self.attributes(ino)?, next }))
        };
        for (next, name, ino) in [(1, &b"."[..], parent), (2, b"..", self.above(dir)?)] {
            if position < next && give(ino, name, next)? {
                return Ok(());
            }
        }
        if position < FIRST && self.is_opaque(dir)? && give(marker(OF_OPAQUE, dir.0), OPAQUE_MARKER, FIRST)? {
            return Ok(());
        }
        let index = &self.fs.stack().layer(self.no)?.index;
        let first = u32::try_from(position.saturating_sub(FIRST)).unwrap_or(u32::MAX);
        for place in first..u32::MAX {
            let Some((name, _)) = index.child(dir, place)? else { break };
            let next = FIRST + u64::from(place) + 1;
            let is_full = match self.fs.stack().union.word(Member { layer: self.no, dir }, name)? {
                Found::Absent => false,
                // No tar could have it by that name.
                Found::Whiteout if name.len() + WHITEOUT_PREFIX.len() > MAX_COMPONENT => false,
                Found::Whiteout => {
                    let ino = marker(OF_WHITEOUT, index.name_no(dir, place)?.0);
                    give(ino, &[WHITEOUT_PREFIX, name].concat(), next)?
                }
                found => number(found).map_or(Ok(false), |ino| give(ino, name, next))?,
            };
            if is_full {
                break;
            }
        }
        Ok(())
    }

    /// The path of what stands behind a number, for people.
    pub fn path(&self, inner: InodeNo) -> Result<Vec<u8>> {
        let union = &self.fs.stack().union;
        match self.target(inner)? {
            Target::Dir(dir) => Ok(union.path_of(Member { layer: self.no, dir })?.as_bytes().to_vec()),
            Target::Leaf(ino) => {
                let leaf = EntryNo(ino.0 as u32);
                Ok(self.fs.stack().layer(self.no)?.index.path(leaf)?.as_bytes().to_vec())
            }
            Target::Marker => Ok(WHITEOUT_PREFIX.to_vec()),
        }
    }

    fn dir(&self, inner: InodeNo) -> Result<DirId> {
        match self.target(inner)? {
            Target::Dir(dir) => Ok(dir),
            Target::Leaf(_) | Target::Marker => Err(Error::NotADirectory),
        }
    }

    fn above(&self, dir: DirId) -> Result<InodeNo> {
        let above = self.fs.stack().union.layer(self.no)?.parent(dir)?;
        Ok(above.map_or(InodeNo::ROOT, |(above, _)| member(above.into())))
    }

    fn merged(&self, dir: DirId) -> MergedDir {
        MergedDir::of(Member { layer: self.no, dir })
    }

    fn is_opaque(&self, dir: DirId) -> Result<bool> {
        let layer = self.fs.stack().union.layer(self.no)?;
        let found = match layer.parent(dir)? {
            Some((above, name)) => layer.find(above, &name)?,
            None => layer.root(),
        };
        Ok(matches!(found, Found::Dir { opaque: true, .. }))
    }
}

/// The number of what a layer has under a name; a marker has another one.
fn number(found: Found) -> Option<InodeNo> {
    match found {
        Found::Absent | Found::Whiteout => None,
        Found::Leaf(LeafId(entry)) | Found::Dir { dir: DirId(entry), .. } => Some(member(EntryNo(entry))),
    }
}

fn member(entry: EntryNo) -> InodeNo {
    if entry.0 == 0 { InodeNo::ROOT } else { InodeNo(MEMBER << 32 | u64::from(entry.0)) }
}

fn marker(of: u64, no: u32) -> InodeNo {
    InodeNo(of << 32 | u64::from(no))
}
