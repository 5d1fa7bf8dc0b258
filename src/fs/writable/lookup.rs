//! Looking at things: by name, by number, their attributes.

use std::borrow::Cow;

use rustix::fs::{FileType, StatVfs};

use crate::entry::{Attributes, Kind, Xattr};
use crate::fs::views::{facts, names};
use crate::fs::{Error, InodeNo, Result};
use crate::path::{MAX_PATH, TreePath};
use crate::union;
use crate::upper::{Node, OpenDir, Spot};

use super::inodes::Found;
use super::{WritableFilesystem, check_name};

/// `st_nlink` of a directory that has a part below (S24): the host counts the subdirectories of its own part only.
const MERGED_LINKS: u32 = 1;

/// Who knows of something from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// This daemon.
    Here,
    /// The kernel too, which will say when it has forgotten.
    Kernel,
}

impl WritableFilesystem {
    /// What a name in a directory is; `None` if there is nothing. The kernel knows it from here on.
    pub fn lookup(&self, parent: InodeNo, name: &[u8]) -> Result<Option<(InodeNo, Attributes)>> {
        check_name(name)?;
        if parent.is_view() || self.lower.is_views(parent, name) {
            return self.lower.lookup(parent, name);
        }
        let _names = self.names.read();
        let dir = self.dir(parent)?;
        let Some(node) = self.view().lookup(&dir, name)? else { return Ok(None) };
        self.tell(parent, &dir, name, &node).map(Some)
    }

    /// The number and attributes of what was found, which the kernel is about to be told.
    pub(super) fn tell(
        &self,
        parent: InodeNo,
        dir: &OpenDir,
        name: &[u8],
        node: &Node,
    ) -> Result<(InodeNo, Attributes)> {
        let ino = self.note_as(parent, name, node, Known::Kernel);
        let attributes = self.node_attributes(ino, dir, name, node);
        if attributes.is_err() {
            self.inodes.lock().forget(ino, 1);
        }
        Ok((ino, attributes?))
    }

    /// The number of what was found; what is in the upper is known by it from here on.
    pub(super) fn note(&self, parent: InodeNo, name: &[u8], node: &Node) -> InodeNo {
        self.note_as(parent, name, node, Known::Here)
    }

    /// The same, counted for the kernel in the same moment: else what it forgets meanwhile would take it away.
    fn note_as(&self, parent: InodeNo, name: &[u8], node: &Node, known: Known) -> InodeNo {
        let note = |found: &Found<'_>| {
            let mut inodes = self.inodes.lock();
            let ino = inodes.note(found);
            if known == Known::Kernel {
                inodes.told(ino);
            }
            ino
        };
        match node {
            Node::Lower(layer, leaf) => {
                let node = union::Node::Leaf { layer: *layer, leaf: *leaf };
                InodeNo::of(&self.lower.stack().union, &node)
            }
            Node::Dir { upper: None, lower } => match lower {
                Some(lower) => InodeNo::of_dir(&self.lower, lower),
                None => InodeNo::ROOT,
            },
            Node::Dir { upper: Some(stat), lower } => {
                let below = lower.as_ref().map(|lower| InodeNo::of_dir(&self.lower, lower));
                let lower = lower.as_ref();
                note(&Found { stat, place: (parent, name), is_dir: true, lower, below })
            }
            Node::Upper(stat) => {
                let place = (parent, name);
                note(&Found { stat, place, is_dir: false, lower: None, below: None })
            }
        }
    }

    /// The number of what was found, as far as it can be known without the kernel knowing it; of what was never named
    /// it is the host's.
    pub(super) fn peek(&self, node: &Node) -> InodeNo {
        let union = &self.lower.stack().union;
        match node {
            Node::Lower(layer, leaf) => InodeNo::of(union, &union::Node::Leaf { layer: *layer, leaf: *leaf }),
            Node::Dir { upper: None, lower } => {
                lower.as_ref().map_or(InodeNo::ROOT, |lower| InodeNo::of_dir(&self.lower, lower))
            }
            Node::Upper(stat) => self.inodes.lock().likely_number(stat, None),
            Node::Dir { upper: Some(stat), lower } => {
                let below = lower.as_ref().map(|lower| InodeNo::of_dir(&self.lower, lower));
                self.inodes.lock().likely_number(stat, below)
            }
        }
    }

    fn node_attributes(&self, ino: InodeNo, dir: &OpenDir, name: &[u8], node: &Node) -> Result<Attributes> {
        let (Node::Upper(stat) | Node::Dir { upper: Some(stat), .. }, Some(upper)) = (node, &dir.upper)
        else {
            // A name that was hidden when the others of its file were copied up: there is one file by this number.
            return if self.is_upper(ino) { self.attributes_now(ino) } else { self.lower.attributes(ino) };
        };
        let mut attributes = self.upper.attributes(&Spot::at(upper, name), stat)?;
        if matches!(node, Node::Dir { lower: Some(_), .. }) {
            attributes.nlink = MERGED_LINKS;
        }
        Ok(attributes)
    }

    /// An inode's attributes.
    pub fn attributes(&self, ino: InodeNo) -> Result<Attributes> {
        let _names = self.names.read();
        self.attributes_now(ino)
    }

    /// The same for who holds the lock.
    pub(super) fn attributes_now(&self, ino: InodeNo) -> Result<Attributes> {
        let Some(spot) = self.spot(ino)? else { return self.lower.attributes(ino) };
        let stat = spot.stat()?;
        let mut attributes = self.upper.attributes(&spot, &stat)?;
        if attributes.kind == Kind::Directory {
            let is_removed = spot.name().is_empty() && ino != InodeNo::ROOT;
            let is_merged = ino == InodeNo::ROOT
                || self.inodes.lock().get(ino).is_some_and(|inode| inode.lower.is_some());
            attributes.nlink = match (is_removed, is_merged) {
                (true, _) => 0,
                (_, true) => MERGED_LINKS,
                _ => attributes.nlink,
            };
        }
        Ok(attributes)
    }

    /// A symlink's target.
    pub fn readlink(&self, ino: InodeNo) -> Result<Vec<u8>> {
        let _names = self.names.read();
        let Some(spot) = self.spot(ino)? else { return self.lower.readlink(ino).map(Cow::into_owned) };
        match FileType::from_raw_mode(spot.stat()?.st_mode) {
            FileType::Symlink => Ok(spot.link_target()?),
            _ => Err(Error::Invalid),
        }
    }

    /// An inode's extended attributes.
    pub fn xattrs(&self, ino: InodeNo) -> Result<Vec<Xattr>> {
        let _names = self.names.read();
        match self.spot(ino)? {
            Some(spot) => Ok(self.upper.xattrs(&spot)?),
            None => self.lower.xattrs(ino).map(Cow::into_owned),
        }
    }

    /// What views give as further extended attributes.
    fn facts(&self, ino: InodeNo) -> Result<Vec<Xattr>> {
        if !self.lower.has_views() || !self.is_upper(ino) {
            return self.lower.facts(ino);
        }
        if !matches!(self.attributes(ino)?.kind, Kind::Regular | Kind::Directory) {
            return Ok(Vec::new());
        }
        let path = self.path(ino).ok().and_then(|path| TreePath::from_name(&path).ok());
        Ok(facts::of_upper(self.lower.stack(), path.as_ref())?)
    }

    /// The names of all extended attributes, each with a NUL behind it.
    pub fn xattr_names(&self, ino: InodeNo) -> Result<Vec<u8>> {
        Ok(names(&self.xattrs(ino)?, &self.facts(ino)?))
    }

    /// The path of an inode from the root, for people; of several names of a file one.
    pub fn path(&self, ino: InodeNo) -> Result<Vec<u8>> {
        if ino.is_view() {
            return self.lower.path(ino);
        }
        let (mut at, mut names) = (ino, Vec::new());
        while at != InodeNo::ROOT {
            let known = {
                let inodes = self.inodes.lock();
                inodes.get(at).map(|inode| inodes.reachable(inode).cloned().ok_or(Error::NotFound))
            };
            let (parent, name) = match (known, self.lower.leaf(at)) {
                (Some(place), _) => place?,
                (None, Ok(Some((layer, leaf)))) => {
                    self.lower.leaf_places(layer, leaf)?.into_iter().next().ok_or(Error::NotFound)?
                }
                (None, _) => self.lower.dir_place(at)?.ok_or(Error::NotFound)?,
            };
            names.push(name);
            at = parent;
            if names.len() > MAX_PATH {
                return Err(Error::NotFound);
            }
        }
        names.reverse();
        Ok(names.join(&b'/'))
    }

    /// The value of one extended attribute, of those that views give too.
    pub fn xattr(&self, ino: InodeNo, name: &[u8]) -> Result<Vec<u8>> {
        if self.lower.has_views() && facts::is_fact(name) {
            let fact = self.facts(ino)?.into_iter().find(|fact| *fact.name == *name);
            if let Some(fact) = fact {
                return Ok(fact.value.into_vec());
            }
        }
        let _names = self.names.read();
        let Some(spot) = self.spot(ino)? else { return self.lower.xattr(ino, name) };
        let value = match self.upper.is_own(name) {
            true => None,
            false => spot.xattr(name)?,
        };
        value.ok_or(Error::NoAttribute)
    }

    /// The size of the file system that the upper is on.
    pub fn statfs(&self) -> Result<StatVfs> {
        Ok(self.upper.statvfs()?)
    }
}
