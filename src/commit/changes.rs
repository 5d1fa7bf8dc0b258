//! What differs between the image and the upper over it, name by name.
//!
//! Two questions are answered in one walk: what changed, as a user sees it, and what a layer must say so that
//! it shows over the image what the upper shows. They part where a directory hides the image's own: all in it
//! must be in the layer, changed or not.

use std::io;

use crate::index::WHITEOUT_PREFIX;
use crate::path::TreePath;
use crate::union::{self, MergedDir};
use crate::upper::{Node, OpenDir, View};

use super::entry::{Entry, Sides, of_view};
use super::error::Error;
use super::links::Links;

/// How something compares with what the image has in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The image has nothing there.
    Added,
    /// The image has something else there.
    Changed,
    /// The image has such a directory there, of another time.
    Touched,
    /// The image has the same there.
    Same,
}

/// Something that shows in the merged tree.
pub struct Step<'a> {
    /// Where.
    pub path: &'a TreePath,
    /// What.
    pub entry: Entry,
    /// What the image has there.
    pub base: Option<union::Node>,
    /// How the two compare.
    pub how: How,
    /// It must be in the layer, however they compare.
    pub is_needed: bool,
    /// It is a directory, and nothing of the image's own may show in it.
    pub hides: bool,
}

/// Who hears of the differences. Names of a directory come sorted by their bytes, between its beginning and its
/// end; directories that turn out to hold no difference come too.
pub trait Visitor {
    /// A directory; what follows is in it.
    fn enter(&mut self, dir: Step<'_>) -> Result<(), Error>;

    /// The end of the directory.
    fn leave(&mut self) -> Result<(), Error>;

    /// Anything else.
    fn leaf(&mut self, leaf: Step<'_>) -> Result<(), Error>;

    /// A name of the image's that is gone; `is_needed` if nothing else in the layer hides it.
    fn gone(&mut self, path: &TreePath, is_needed: bool) -> Result<(), Error>;

    /// Something with so many bytes that was not asked for.
    fn passed_over(&mut self, bytes: u64) {
        let _ = bytes;
    }
}

/// How much is to be found out.
#[derive(Clone, Copy)]
pub enum Depth<'a> {
    /// Only of files that have several names in the upper.
    Linked,
    /// Everything; files that must be in the layer for the sake of their other names are known.
    All(&'a Links),
}

/// Walks all that the upper has something to say of.
pub fn walk(sides: Sides<'_>, depth: Depth<'_>, visitor: &mut dyn Visitor) -> Result<(), Error> {
    Walk { sides, depth, visitor }.run()
}

struct Walk<'a> {
    sides: Sides<'a>,
    depth: Depth<'a>,
    visitor: &'a mut dyn Visitor,
}

/// A directory that is being walked.
struct Level {
    path: TreePath,
    open: OpenDir,
    /// In the layer nothing of the image's own shows in it.
    hides: bool,
    /// What is still to come, the next one last.
    names: Vec<Name>,
}

/// One name: what shows, and what the image has there.
struct Name {
    name: Box<[u8]>,
    node: Option<Node>,
    base: Option<union::Node>,
}

impl<'a> Walk<'a> {
    fn view(&self) -> View<'a> {
        View { upper: self.sides.upper, union: &self.sides.stack.union }
    }

    fn run(&mut self) -> Result<(), Error> {
        let mut levels = vec![self.root()?];
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.names.pop() else {
                levels.pop();
                self.visitor.leave()?;
                continue;
            };
            let path = level.path.join(&name.name);
            match (&name.node, &name.base) {
                (None, None) => {}
                (None, Some(_)) => self.visitor.gone(&path, !level.hides)?,
                (Some(_), _) if name.name.starts_with(WHITEOUT_PREFIX) => self.leave_out(&path),
                (Some(node @ Node::Dir { .. }), _) => {
                    let entered = self.enter(level, path, &name, node)?;
                    levels.push(entered);
                }
                (Some(node), _) => self.leaf(level, &path, &name, node)?,
            }
        }
        Ok(())
    }

    /// Says once that a name would be read as a marker.
    fn leave_out(&self, path: &TreePath) {
        if matches!(self.depth, Depth::All(_)) {
            tracing::warn!("{path}: left out, as no layer can hold a name that begins with .wh.");
        }
    }

    fn root(&mut self) -> Result<Level, Error> {
        let path = TreePath::root();
        let base = self.sides.stack.union.root().clone();
        let entry = self.root_entry().map_err(of(&path))?;
        let node = Some(union::Node::Dir(base.clone()));
        let how = self.compare_dir(&entry, node.as_ref()).map_err(of(&path))?;
        let is_needed = how != How::Same;
        self.visitor.enter(Step { path: &path, entry, base: node, how, is_needed, hides: false })?;
        let open = self.view().root();
        let names = self.names(&open, Some(&base), false).map_err(of(&path))?;
        Ok(Level { path, open, hides: false, names })
    }

    fn root_entry(&self) -> io::Result<Entry> {
        let spot = self.sides.upper.root_spot();
        let stat = spot.stat()?;
        self.sides.of_upper(spot, &stat)
    }

    fn enter(&mut self, level: &Level, path: TreePath, name: &Name, node: &Node) -> Result<Level, Error> {
        let Name { name, base, .. } = name;
        let entry = self.sides.shown(&level.open, name, node).map_err(of(&path))?;
        let how = self.compare_dir(&entry, base.as_ref()).map_err(of(&path))?;
        let open = self.view().enter(&level.open, name, node).map_err(of_view).map_err(of(&path))?;
        let open = open.ok_or_else(|| of(&path)(io::ErrorKind::NotADirectory.into()))?;
        let base_dir = base.as_ref().and_then(union::Node::as_dir);
        // What shows through it is what the image has there: the layer need not repeat it.
        let is_plain = !level.hides && base_dir.is_some() && open.lower.as_ref() == base_dir;
        let hides = !level.hides && base_dir.is_some() && !is_plain;
        let is_needed = !is_plain || how != How::Same;
        self.visitor.enter(Step { path: &path, entry, base: base.clone(), how, is_needed, hides })?;
        let names = self.names(&open, base_dir, !is_plain).map_err(of(&path))?;
        Ok(Level { path, open, hides: !is_plain, names })
    }

    fn leaf(&mut self, level: &Level, path: &TreePath, name: &Name, node: &Node) -> Result<(), Error> {
        let Name { name, base, .. } = name;
        let is_linked = matches!(node, Node::Upper(stat) if stat.st_nlink > 1);
        if matches!(self.depth, Depth::Linked) && !is_linked {
            let size = if let Node::Upper(stat) = node { stat.st_size.cast_unsigned() } else { 0 };
            self.visitor.passed_over(size);
            return Ok(());
        }
        let entry = self.sides.shown(&level.open, name, node).map_err(of(path))?;
        let how = self.compare_leaf(&entry, base.as_ref()).map_err(of(path))?;
        let for_others = match (self.depth, entry.file) {
            (Depth::All(links), Some(file)) => links.must_hold(file),
            _ => false,
        };
        let is_needed = level.hides || how != How::Same || for_others;
        self.visitor.leaf(Step { path, entry, base: base.clone(), how, is_needed, hides: false })
    }

    fn compare_dir(&self, entry: &Entry, base: Option<&union::Node>) -> io::Result<How> {
        let Some(base) = base else { return Ok(How::Added) };
        let old = self.sides.of_image(base)?;
        Ok(match entry.looks_like(&old) {
            false => How::Changed,
            true if entry.attributes.mtime != old.attributes.mtime => How::Touched,
            true => How::Same,
        })
    }

    fn compare_leaf(&self, entry: &Entry, base: Option<&union::Node>) -> io::Result<How> {
        let Some(base) = base else { return Ok(How::Added) };
        let old = self.sides.of_image(base)?;
        Ok(if self.sides.is_same(entry, &old)? { How::Same } else { How::Changed })
    }

    /// The names of a directory, the first one last: where it hides the image's own, all that show and all that
    /// the image has there; else those that the upper has a word on.
    fn names(&self, open: &OpenDir, base: Option<&MergedDir>, hides: bool) -> io::Result<Vec<Name>> {
        let mut names = match (hides, &open.upper) {
            (true, _) => self.all_names(open, base)?,
            (false, Some(_)) => self.own_names(open)?,
            (false, None) => Vec::new(),
        };
        names.reverse();
        Ok(names)
    }

    fn own_names(&self, open: &OpenDir) -> io::Result<Vec<Name>> {
        let view = self.view();
        let Some(upper) = &open.upper else { return Ok(Vec::new()) };
        let names = self.sides.upper.list(upper)?.into_iter().map(|(name, word)| {
            let node = view.merge(open, &name, word).map_err(of_view)?;
            let base = view.lookup_below(open, &name).map_err(of_view)?;
            Ok(Name { name, node, base })
        });
        names.collect()
    }

    fn all_names(&self, open: &OpenDir, base: Option<&MergedDir>) -> io::Result<Vec<Name>> {
        let union = &self.sides.stack.union;
        let mut names = Vec::new();
        let mut shown = self.view().list(open).map_err(of_view)?.into_iter().peekable();
        let Some(base) = base else {
            return Ok(shown.map(|(name, node)| Name { name, node: Some(node), base: None }).collect());
        };
        for listed in union.list(base).map_err(io::Error::other)? {
            let listed = listed.map_err(io::Error::other)?;
            while let Some((name, node)) = shown.next_if(|(name, _)| **name < *listed.name) {
                names.push(Name { name, node: Some(node), base: None });
            }
            let same = shown.next_if(|(name, _)| **name == *listed.name);
            let node = same.map(|(_, node)| node);
            names.push(Name { name: listed.name.into(), node, base: Some(listed.node) });
        }
        names.extend(shown.map(|(name, node)| Name { name, node: Some(node), base: None }));
        Ok(names)
    }
}

/// An error with its place.
fn of(path: &TreePath) -> impl Fn(io::Error) -> Error + '_ {
    |source| Error::Entry { path: path.clone(), source }
}
