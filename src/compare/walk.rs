//! Both trees at once, level by level.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::io;
use std::iter::Peekable;

use crate::blob::have_same_contents;
use crate::commit::Entry;
use crate::entry::Kind;
use crate::path::TreePath;

use super::listing::Listing;
use super::shared::Shared;
use super::side::{Folder, Node};
use super::{Change, Difference, Side, What};

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of the trees could not be read.
    #[error("{path}: {source}")]
    Entry {
        /// The path in both trees.
        path: TreePath,
        /// Why.
        source: io::Error,
    },
    /// Neither of the trees has what was asked for.
    #[error("{0}: on neither side")]
    Nowhere(TreePath),
    /// What was found could not be told.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Differences that are none.
    pub ignore: HashSet<What>,
    /// Contents are compared though size and time are the same, and all layers though they have the same diff ID.
    pub content: bool,
    /// Only this and what is below.
    pub path: TreePath,
}

/// Compares two trees; each difference is told when it is found, in the order of the walk.
pub fn compare(
    old: &Side,
    new: &Side,
    options: &Options,
    mut tell: impl FnMut(Difference) -> io::Result<()>,
) -> Result<(), Error> {
    let path = &options.path;
    if !old.has(path).map_err(of(path))? && !new.has(path).map_err(of(path))? {
        return Err(Error::Nowhere(path.clone()));
    }
    let shared = if options.content { Shared::NOTHING } else { Shared::of(old, new) };
    Walk { old, new, options, shared, tell: &mut tell }.run()
}

struct Walk<'a, 'b> {
    old: &'a Side,
    new: &'a Side,
    options: &'b Options,
    shared: Shared,
    tell: &'b mut dyn FnMut(Difference) -> io::Result<()>,
}

/// A directory that at least one of the trees has.
struct Level<'a> {
    path: TreePath,
    old: Half<'a>,
    new: Half<'a>,
}

/// The directory in one of the trees, and the names that are still to come.
struct Half<'a> {
    side: &'a Side,
    folder: Option<(Folder, Peekable<Listing<'a>>)>,
}

/// A name of one tree.
type Named = (Box<[u8]>, Node);

impl<'a> Half<'a> {
    fn open(side: &'a Side, folder: Option<Folder>) -> io::Result<Half<'a>> {
        let folder = match folder {
            Some(folder) => {
                let list = side.list(&folder)?.peekable();
                Some((folder, list))
            }
            None => None,
        };
        Ok(Half { side, folder })
    }

    fn peek(&mut self) -> Option<&[u8]> {
        match self.folder.as_mut()?.1.peek()? {
            Ok((name, _)) => Some(name),
            // An error is what comes next, wherever.
            Err(_) => Some(b""),
        }
    }

    fn next(&mut self) -> io::Result<Option<Named>> {
        self.folder.as_mut().and_then(|(_, list)| list.next()).transpose()
    }

    fn entry(&self, named: Option<&Named>) -> io::Result<Option<Entry>> {
        match (&self.folder, named) {
            (Some((folder, _)), Some((name, node))) => self.side.entry(folder, name, node).map(Some),
            _ => Ok(None),
        }
    }

    fn enter(&self, named: Option<&Named>) -> io::Result<Option<Folder>> {
        match (&self.folder, named) {
            (Some((folder, _)), Some((name, node))) => self.side.enter(folder, name, node),
            _ => Ok(None),
        }
    }
}

impl<'a> Level<'a> {
    /// What stands under the next name in each of the trees, if there is one.
    fn next(&mut self) -> io::Result<Option<(Option<Named>, Option<Named>)>> {
        let order = match (self.old.peek(), self.new.peek()) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(new),
        };
        let old = if order.is_le() { self.old.next()? } else { None };
        let new = if order.is_ge() { self.new.next()? } else { None };
        Ok(Some((old, new)))
    }
}

impl<'a> Walk<'a, '_> {
    fn run(&mut self) -> Result<(), Error> {
        let root = TreePath::root();
        let (old, old_item) = self.old.root().map_err(of(&root))?;
        let (new, new_item) = self.new.root().map_err(of(&root))?;
        if self.shared.is_same_dir(&old, &new) {
            return Ok(());
        }
        self.judge(&root, Some(old_item), Some(new_item))?;
        let mut levels = vec![self.level(root, Some(old), Some(new))?];
        while let Some(level) = levels.last_mut() {
            let Some((old, new)) = level.next().map_err(of(&level.path))? else {
                levels.pop();
                continue;
            };
            let Some((name, _)) = old.as_ref().or(new.as_ref()) else { continue };
            let path = level.path.join(name);
            if !(path.is_within(&self.options.path) || self.options.path.is_within(&path)) {
                continue;
            }
            let entered = self.step(level, &path, old.as_ref(), new.as_ref())?;
            levels.extend(entered);
        }
        Ok(())
    }

    /// Compares what stands under a name; the level below it, if there is something to find.
    fn step(
        &mut self,
        level: &Level<'a>,
        path: &TreePath,
        old: Option<&Named>,
        new: Option<&Named>,
    ) -> Result<Option<Level<'a>>, Error> {
        let old_dir = level.old.enter(old).map_err(of(path))?;
        let new_dir = level.new.enter(new).map_err(of(path))?;
        if let (Some(old), Some(new)) = (&old_dir, &new_dir)
            && self.shared.is_same_dir(old, new)
        {
            return Ok(None);
        }
        let old = level.old.entry(old).map_err(of(path))?;
        let new = level.new.entry(new).map_err(of(path))?;
        self.judge(path, old, new)?;
        match (old_dir, new_dir) {
            (None, None) => Ok(None),
            (old, new) => self.level(path.clone(), old, new).map(Some),
        }
    }

    fn level(&self, path: TreePath, old: Option<Folder>, new: Option<Folder>) -> Result<Level<'a>, Error> {
        let old = Half::open(self.old, old).map_err(of(&path))?;
        let new = Half::open(self.new, new).map_err(of(&path))?;
        Ok(Level { path, old, new })
    }

    /// Tells of a name if it is not the same in both trees.
    fn judge(&mut self, path: &TreePath, old: Option<Entry>, new: Option<Entry>) -> Result<(), Error> {
        if !path.is_within(&self.options.path) {
            return Ok(());
        }
        let (change, what) = match (&old, &new) {
            (None, None) => return Ok(()),
            (None, Some(_)) => (Change::Added, Vec::new()),
            (Some(_), None) => (Change::Deleted, Vec::new()),
            (Some(old), Some(new)) => (Change::Changed, self.what(old, new).map_err(of(path))?),
        };
        if change == Change::Changed && what.is_empty() {
            return Ok(());
        }
        Ok((self.tell)(Difference { path: path.clone(), change, old, new, what })?)
    }

    /// In what two things of one name differ.
    fn what(&self, old: &Entry, new: &Entry) -> io::Result<Vec<What>> {
        if self.shared.is_same_leaf(&old.source, &new.source) {
            return Ok(Vec::new());
        }
        let (a, b) = (&old.attributes, &new.attributes);
        let is_both = |kind| a.kind == kind && b.kind == kind;
        let behind = [
            (What::Target, is_both(Kind::Symlink) && self.points_elsewhere(old, new)?),
            (What::Content, is_both(Kind::Regular) && self.has_other_bytes(old, new)?),
        ];
        let behind = behind.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what);
        let mut what: Vec<What> = in_attributes(old, new).chain(behind).collect();
        what.retain(|what| !self.options.ignore.contains(what));
        // The time of a directory says only that there is a difference below, and that is told there.
        let is_nothing = a.kind == Kind::Directory && what == [What::Time];
        Ok(if is_nothing { Vec::new() } else { what })
    }

    fn points_elsewhere(&self, old: &Entry, new: &Entry) -> io::Result<bool> {
        Ok(self.old.target(old)? != self.new.target(new)?)
    }

    fn has_other_bytes(&self, old: &Entry, new: &Entry) -> io::Result<bool> {
        let (a, b) = (&old.attributes, &new.attributes);
        if a.size != b.size {
            return Ok(true);
        }
        if a.size == 0 || a.mtime == b.mtime && !self.options.content {
            return Ok(false);
        }
        let is_same =
            self.old.with_data(old, |old| self.new.with_data(new, |new| have_same_contents(old, new)))?;
        Ok(!is_same)
    }
}

/// In what two things differ by what is known of them without reading them.
pub(super) fn in_attributes(old: &Entry, new: &Entry) -> impl Iterator<Item = What> {
    let (a, b) = (&old.attributes, &new.attributes);
    let is_same_kind = a.kind == b.kind;
    // A symlink's mode means nothing, and is whatever the host makes it.
    let has_mode = a.kind != Kind::Symlink && b.kind != Kind::Symlink;
    let differ = [
        (What::Type, !is_same_kind),
        (What::Mode, has_mode && a.mode != b.mode),
        (What::Owner, (a.uid, a.gid) != (b.uid, b.gid)),
        (What::Size, is_same_kind && a.kind == Kind::Regular && a.size != b.size),
        (What::Time, a.mtime != b.mtime),
        (What::Xattr, old.xattrs != new.xattrs),
        (What::Device, is_same_kind && a.device != b.device),
    ];
    differ.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what)
}

/// An error with its place.
fn of(path: &TreePath) -> impl Fn(io::Error) -> Error + '_ {
    |source| Error::Entry { path: path.clone(), source }
}
