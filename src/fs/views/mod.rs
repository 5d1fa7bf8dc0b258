//! Views of an image beside its tree, in `/.peelfs`: each layer alone, the image as of each layer, and what each
//! layer changed.
//!
//! A view is a [`Filesystem`] of fewer layers, made when it is first entered, or some names of one. Its numbers are
//! those that it gives itself, with the view's own above them; so nothing is kept of these either (S24).

mod alone;
mod diff;
pub(super) mod facts;
mod fixed;
mod number;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::entry::{Attributes, Kind, Time, Xattr};
use crate::image::{Cut, Image};
use crate::layer::LayerNo;
use crate::stack::{self, Stack};
use crate::union::Member;

use super::inode::Target;
use super::merged::{self, MergedDirs};
use super::{DirEntry, Error, Filesystem, InodeNo, Result, Seek};

use alone::Alone;
use diff::Diff;
use fixed::Fixed;
use number::{Part, View};

/// The directory's name in the root.
pub const NAME: &[u8] = b".peelfs";

/// The views of an image that have been entered.
pub struct Views {
    upto: Box<[OnceLock<Arc<Filesystem>>]>,
    diffs: Box<[OnceLock<Arc<Diff>>]>,
    history: OnceLock<Box<[u8]>>,
    /// Held by who makes one of them: it is made once.
    making: Mutex<()>,
}

/// Something that a view shows.
enum Shown<'a> {
    /// Around the views.
    Fixed(Fixed<'a>),
    /// In a layer alone.
    Alone(Alone<'a>),
    /// In a tree of fewer layers, or in some names of one.
    Tree(Arc<Filesystem>, Option<(Arc<Diff>, Part)>),
}

/// The same with its numbers: the view's and the one in it.
pub struct Seen<'a> {
    fs: &'a Filesystem,
    view: View,
    inner: InodeNo,
    shown: Shown<'a>,
}

impl Views {
    /// None has been entered yet.
    pub fn new(stack: &Stack) -> Views {
        let layers = stack.layers().len();
        Views {
            upto: (0..layers).map(|_| OnceLock::new()).collect(),
            diffs: (0..layers).map(|_| OnceLock::new()).collect(),
            history: OnceLock::new(),
            making: Mutex::new(()),
        }
    }

    /// The image as of a layer.
    fn upto(&self, fs: &Filesystem, no: LayerNo) -> Result<Arc<Filesystem>> {
        let place = self.upto.get(no.0 as usize).ok_or(Error::Stale)?;
        self.made(place, || Ok(Arc::new(Filesystem::of_view(fs.stack.cut(Cut::UpTo(no)).map_err(broken)?))))
    }

    /// What a layer changed.
    fn diff(&self, fs: &Filesystem, no: LayerNo) -> Result<Arc<Diff>> {
        let place = self.diffs.get(no.0 as usize).ok_or(Error::Stale)?;
        if let Some(diff) = place.get() {
            return Ok(diff.clone());
        }
        let new = self.upto(fs, no)?;
        let old = match no.0.checked_sub(1) {
            Some(below) => self.upto(fs, LayerNo(below))?,
            None => {
                let nothing = Stack::new(Image::of_layers(Vec::new()), Vec::new()).map_err(broken)?;
                Arc::new(Filesystem::of_view(nothing))
            }
        };
        self.made(place, || Ok(Arc::new(Diff::of(no, old, new)?)))
    }

    fn made<T>(&self, place: &OnceLock<Arc<T>>, make: impl FnOnce() -> Result<Arc<T>>) -> Result<Arc<T>> {
        if let Some(made) = place.get() {
            return Ok(made.clone());
        }
        let _making = self.making.lock();
        match place.get() {
            Some(made) => Ok(made.clone()),
            None => {
                let made = make()?;
                Ok(place.get_or_init(|| made).clone())
            }
        }
    }

    /// The steps that made the image, as `peelfs history` prints them.
    fn history(&self, fs: &Filesystem) -> &[u8] {
        self.history
            .get_or_init(|| fs.stack.image.history_table(|_, text| text.to_owned()).into_bytes().into())
    }

    /// What everything around the views shows as its time: the newest in the image.
    fn time(&self, fs: &Filesystem) -> Time {
        fs.stack.union.layers().map(|(_, layer)| layer.newest_mtime()).max().unwrap_or_default()
    }
}

/// Layers that stacked once stack again, but for an index that was damaged meanwhile.
fn broken(error: stack::Error) -> Error {
    match error {
        stack::Error::Layer(error) => Error::Layer(error),
        error => Error::Io { place: "views".to_owned(), source: std::io::Error::other(error.to_string()) },
    }
}

impl Filesystem {
    /// A tree of fewer layers.
    fn of_view(stack: Stack) -> Filesystem {
        Filesystem { stack, merged: MergedDirs::new(merged::FEW), views: None }
    }

    /// Whether there are views.
    pub fn has_views(&self) -> bool {
        self.views.is_some()
    }

    /// Whether a name in a directory is the views', whatever the image has there.
    pub fn is_views(&self, parent: InodeNo, name: &[u8]) -> bool {
        parent == InodeNo::ROOT && self.views.is_some() && name == NAME
    }

    /// The view that a number is of; `None` for the tree itself.
    pub(super) fn seen(&self, ino: InodeNo) -> Result<Option<Seen<'_>>> {
        let Some((view, inner)) = View::of(ino) else { return Ok(None) };
        let views = self.views.as_deref().ok_or(Error::Stale)?;
        let shown = match view {
            View::Fixed => Shown::Fixed(Fixed { fs: self, views, no: inner.0 }),
            View::Layer(no) => {
                self.stack.layer(no)?;
                Shown::Alone(Alone { fs: self, no })
            }
            View::UpTo(no) => Shown::Tree(views.upto(self, no)?, None),
            View::Diff(no, part) => {
                let diff = views.diff(self, no)?;
                Shown::Tree(diff.base(part).clone(), Some((diff, part)))
            }
        };
        Ok(Some(Seen { fs: self, view, inner, shown }))
    }

    /// The same of the directory that a name is looked for in; the name may be the views' own.
    pub(super) fn seen_at(&self, parent: InodeNo, name: &[u8]) -> Result<Option<Seen<'_>>> {
        if !self.is_views(parent, name) {
            return self.seen(parent);
        }
        // As if it were looked for from within.
        let Some(mut seen) = self.seen(Fixed::root())? else { return Ok(None) };
        seen.inner = InodeNo(0);
        Ok(Some(seen))
    }

    /// What views give as further extended attributes: nothing without them. Linux has attributes of this kind for
    /// files and directories alone.
    pub fn facts(&self, ino: InodeNo) -> Result<Vec<Xattr>> {
        if self.views.is_none() {
            return Ok(Vec::new());
        }
        match self.seen(ino)? {
            Some(seen) => seen.facts(),
            None => self.own_facts(ino),
        }
    }

    fn own_facts(&self, ino: InodeNo) -> Result<Vec<Xattr>> {
        let union = &self.stack.union;
        let (layer, path) = match self.target(ino)? {
            Target::Leaf(layer, leaf) if self.kind(layer, leaf)? == Kind::Regular => {
                (layer, self.stack.layer(layer)?.index.path(leaf.into())?)
            }
            Target::Leaf(..) => return Ok(Vec::new()),
            Target::Root | Target::Dir(_) => {
                let (top, bottom) = self.directory(ino, |named| Ok((named.dir.top(), named.dir.bottom())))?;
                (top.layer, union.path_of(bottom)?)
            }
        };
        Ok(facts::of(&self.stack, layer, Some(&path))?)
    }

    /// The value of one of them.
    pub(super) fn fact(&self, ino: InodeNo, name: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.views.is_none() || !facts::is_fact(name) {
            return Ok(None);
        }
        let found = self.facts(ino)?.into_iter().find(|fact| *fact.name == *name);
        Ok(found.map(|fact| fact.value.into_vec()))
    }

    /// The names of all extended attributes, each with a NUL behind it.
    pub fn xattr_names(&self, ino: InodeNo) -> Result<Vec<u8>> {
        Ok(names(&self.xattrs(ino)?, &self.facts(ino)?))
    }
}

/// Names of attributes and of facts, each once.
pub(super) fn names(xattrs: &[Xattr], facts: &[Xattr]) -> Vec<u8> {
    let is_other = |xattr: &&Xattr| !facts.iter().any(|fact| fact.name == xattr.name);
    let all = xattrs.iter().filter(is_other).chain(facts);
    all.flat_map(|xattr| xattr.name.iter().copied().chain([0])).collect()
}

impl Seen<'_> {
    fn number(&self, inner: InodeNo) -> InodeNo {
        self.view.number(inner)
    }

    /// What a name in it is.
    pub fn lookup(&self, name: &[u8]) -> Result<Option<(InodeNo, Attributes)>> {
        let ino = match &self.shown {
            Shown::Fixed(_) if self.inner == InodeNo(0) => Some(Fixed::root()),
            Shown::Fixed(fixed) => fixed.lookup(name)?,
            Shown::Alone(alone) => alone.lookup(self.inner, name)?.map(|inner| self.number(inner)),
            Shown::Tree(fs, part) => {
                let found = fs.lookup_where(self.inner, name, |dir, node| match part {
                    Some((diff, part)) => diff.holds(*part, dir, name, node),
                    None => Ok(true),
                })?;
                return Ok(found.map(|(inner, attributes)| (self.number(inner), attributes)));
            }
        };
        ino.map(|ino| Ok((ino, self.fs.attributes(ino)?))).transpose()
    }

    /// Its attributes.
    pub fn attributes(&self) -> Result<Attributes> {
        match &self.shown {
            Shown::Fixed(fixed) => fixed.attributes(),
            Shown::Alone(alone) => alone.attributes(self.inner),
            Shown::Tree(fs, _) => fs.attributes(self.inner),
        }
    }

    /// A symlink's target.
    pub fn readlink<'b>(&self) -> Result<Cow<'b, [u8]>> {
        let target = match &self.shown {
            Shown::Fixed(_) => return Err(Error::Invalid),
            Shown::Alone(alone) => match alone.target(self.inner)? {
                alone::Target::Leaf(ino) => alone.fs.readlink(ino)?.into_owned(),
                _ => return Err(Error::Invalid),
            },
            Shown::Tree(fs, _) => fs.readlink(self.inner)?.into_owned(),
        };
        Ok(Cow::Owned(target))
    }

    /// Reads a file at a byte offset.
    pub fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        match &self.shown {
            Shown::Fixed(fixed) => fixed.read(offset, buf),
            Shown::Alone(alone) => match alone.target(self.inner)? {
                alone::Target::Dir(_) => Err(Error::IsADirectory),
                alone::Target::Leaf(ino) => alone.fs.read(ino, offset, buf),
                alone::Target::Marker => Ok(0),
            },
            Shown::Tree(fs, _) => fs.read(self.inner, offset, buf),
        }
    }

    /// The next data or hole at or after an offset.
    pub fn seek(&self, offset: u64, whence: Seek) -> Result<u64> {
        let len = match &self.shown {
            Shown::Fixed(fixed) => fixed.text_len()?.ok_or(Error::IsADirectory)?,
            Shown::Alone(alone) => match alone.target(self.inner)? {
                alone::Target::Dir(_) => return Err(Error::IsADirectory),
                alone::Target::Leaf(ino) => return alone.fs.seek(ino, offset, whence),
                alone::Target::Marker => 0,
            },
            Shown::Tree(fs, _) => return fs.seek(self.inner, offset, whence),
        };
        match whence {
            _ if offset >= len => Err(Error::NoSuchOffset),
            Seek::Data => Ok(offset),
            Seek::Hole => Ok(len),
        }
    }

    /// Lists it from a position, 0 at first, until `add` says that it has no room.
    pub fn readdir(&self, position: u64, add: &mut dyn FnMut(&DirEntry<'_>) -> bool) -> Result<()> {
        let mut give = |entry: &DirEntry<'_>| {
            let is_above = self.inner == InodeNo::ROOT && entry.name == b"..";
            let ino = if is_above { Fixed::above(self.view) } else { self.number(entry.ino) };
            add(&DirEntry { ino, ..*entry })
        };
        match &self.shown {
            Shown::Fixed(fixed) => fixed.readdir(position, add),
            Shown::Alone(alone) => alone.readdir(self.inner, position, &mut give),
            Shown::Tree(fs, part) => {
                let keep = |dir: &_, listed: &crate::union::Listed<'_>| match part {
                    Some((diff, part)) => diff.holds(*part, dir, listed.name, &listed.node),
                    None => Ok(true),
                };
                fs.readdir_where(self.inner, position, keep, &mut give)
            }
        }
    }

    /// Its extended attributes.
    pub fn xattrs<'b>(&self) -> Result<Cow<'b, [Xattr]>> {
        let xattrs = match &self.shown {
            Shown::Fixed(_) => Vec::new(),
            Shown::Alone(alone) => alone.xattrs(self.inner)?.into_owned(),
            Shown::Tree(fs, _) => fs.xattrs(self.inner)?.into_owned(),
        };
        Ok(Cow::Owned(xattrs))
    }

    fn facts(&self) -> Result<Vec<Xattr>> {
        match &self.shown {
            Shown::Fixed(_) => Ok(Vec::new()),
            Shown::Alone(alone) => alone.facts(self.inner),
            Shown::Tree(fs, _) => fs.own_facts(self.inner),
        }
    }

    /// Each layer's word on a name in it.
    pub fn tell_lookup(&self, name: &[u8]) -> Result<String> {
        match &self.shown {
            Shown::Tree(fs, None) => fs.own_lookup_words(self.inner, name),
            _ => {
                let found = if self.lookup(name)?.is_some() { "shown" } else { "ENOENT" };
                Ok(format!("a view → {found}"))
            }
        }
    }

    /// Where it comes from.
    pub fn tell_source(&self) -> Result<String> {
        match &self.shown {
            Shown::Fixed(_) => Ok("the image".to_owned()),
            Shown::Alone(alone) => Ok(format!("layer {}", alone.no)),
            Shown::Tree(fs, _) => fs.own_source_words(self.inner),
        }
    }

    /// Its path from the root of the mount.
    pub fn path(&self) -> Result<Vec<u8>> {
        let (place, path) = match &self.shown {
            Shown::Fixed(fixed) => return Ok(fixed.path()),
            Shown::Alone(alone) => (format!("layers/{}", alone.no), alone.path(self.inner)?),
            Shown::Tree(fs, _) => (place(self.view), fs.own_path(self.inner)?),
        };
        let path = [NAME, b"/", place.as_bytes(), b"/", &path].concat();
        Ok(path.strip_suffix(b"/").map(<[u8]>::to_vec).unwrap_or(path))
    }
}

/// Where a view stands in `/.peelfs`.
fn place(view: View) -> String {
    match view {
        View::Fixed => String::new(),
        View::Layer(no) => format!("layers/{no}"),
        View::UpTo(no) => format!("upto/{no}"),
        View::Diff(no, part) => {
            let name = Part::ALL.iter().find(|(_, other)| *other == part).map_or("", |(name, _)| name);
            format!("diff/{no}/{name}")
        }
    }
}

impl Filesystem {
    /// The path of an inode from the root, for people; of several names of a file its first.
    pub fn path(&self, ino: InodeNo) -> Result<Vec<u8>> {
        match self.seen(ino)? {
            Some(seen) => seen.path(),
            None => self.own_path(ino),
        }
    }

    fn own_path(&self, ino: InodeNo) -> Result<Vec<u8>> {
        let union = &self.stack.union;
        let path = match self.target(ino)? {
            Target::Root => return Ok(Vec::new()),
            Target::Leaf(layer, leaf) => self.stack.layer(layer)?.index.path(leaf.into())?,
            Target::Dir(Member { layer, dir }) => union.path_of(Member { layer, dir })?,
        };
        Ok(path.as_bytes().to_vec())
    }
}
