//! One of two trees.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{OFlags, Stat};

use crate::blob::Contents;
use crate::commit::{Entry, Sides, Source, of_view};
use crate::digest::{Algorithm, Digest};
use crate::entry::Kind;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::union::{self, MergedDir};
use crate::upper::{self, OpenDir, Spot, Upper, View};

use super::host;
use super::listing::Listing;

/// A tree.
pub struct Side {
    layers: Option<Stack>,
    over: Over,
}

/// What is over the layers, or instead of them.
enum Over {
    Nothing,
    Upper(Box<Upper>),
    Host(Arc<OwnedFd>),
}

/// A directory of a tree, to be listed.
#[derive(Debug, Clone)]
pub enum Folder {
    /// Of layers.
    Union(MergedDir),
    /// Of an upper and what is below.
    View(OpenDir),
    /// Of the host.
    Host(Arc<OwnedFd>),
}

/// What stands under a name.
#[derive(Debug, Clone)]
pub enum Node {
    /// In layers.
    Union(union::Node),
    /// In an upper or below it.
    View(upper::Node),
    /// On the host.
    Host(Stat),
}

impl Side {
    /// An image.
    pub fn image(stack: Stack) -> Side {
        Side { layers: Some(stack), over: Over::Nothing }
    }

    /// An image and an upper over it.
    pub fn view(stack: Stack, upper: Upper) -> Side {
        Side { layers: Some(stack), over: Over::Upper(Box::new(upper)) }
    }

    /// A directory of the host as it lies.
    pub fn host(path: &Path) -> io::Result<Side> {
        Ok(Side { layers: None, over: Over::Host(host::open(path)?) })
    }

    /// Its layers, if it has any.
    pub fn stack(&self) -> Option<&Stack> {
        self.layers.as_ref()
    }

    fn layers(&self) -> io::Result<&Stack> {
        self.layers.as_ref().ok_or_else(|| io::Error::other("a directory has no layers"))
    }

    fn sides<'a>(&'a self, upper: &'a Upper) -> io::Result<Sides<'a>> {
        Ok(Sides { stack: self.layers()?, upper })
    }

    /// The root, and what is said of it.
    pub(super) fn root(&self) -> io::Result<(Folder, Entry)> {
        match &self.over {
            Over::Nothing => {
                let stack = self.layers()?;
                let root = stack.union.root().clone();
                let entry = Entry::of_image(stack, &union::Node::Dir(root.clone()))?;
                Ok((Folder::Union(root), entry))
            }
            Over::Upper(upper) => {
                let sides = self.sides(upper)?;
                let spot = upper.root_spot();
                let stat = spot.stat()?;
                let view = View { upper, union: &sides.stack.union };
                Ok((Folder::View(view.root()), sides.of_upper(spot, &stat)?))
            }
            Over::Host(dir) => {
                let spot = Spot::of(dir.clone());
                let stat = spot.stat()?;
                Ok((Folder::Host(dir.clone()), host::entry(spot, &stat)?))
            }
        }
    }

    /// Whether there is something at a path; symlinks in it are names like any other.
    pub(super) fn has(&self, path: &TreePath) -> io::Result<bool> {
        let mut folder = Some(self.root()?.0);
        for component in path.components() {
            let Some(above) = &folder else { return Ok(false) };
            let found =
                self.list(above)?.find(|named| named.as_ref().map_or(true, |(name, _)| **name == *component));
            let Some((name, node)) = found.transpose()? else { return Ok(false) };
            folder = self.enter(above, &name, &node)?;
        }
        Ok(true)
    }

    /// All names of a directory, in the order of their bytes.
    pub(super) fn list(&self, folder: &Folder) -> io::Result<Listing<'_>> {
        match (folder, &self.over) {
            (Folder::Union(dir), _) => {
                Ok(Listing::Union(self.layers()?.union.list(dir).map_err(io::Error::other)?))
            }
            (Folder::View(dir), Over::Upper(upper)) => {
                let view = View { upper, union: &self.layers()?.union };
                if let OpenDir { upper: None, lower: Some(lower) } = dir {
                    return Ok(Listing::Below(view.union.list(lower).map_err(io::Error::other)?));
                }
                Ok(Listing::View(view.list(dir).map_err(of_view)?.into_iter()))
            }
            (Folder::Host(dir), _) => Ok(Listing::Host(host::list(dir)?.into_iter())),
            (Folder::View(_), _) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// What is said of what stands under a name.
    pub(super) fn entry(&self, folder: &Folder, name: &[u8], node: &Node) -> io::Result<Entry> {
        match (folder, node, &self.over) {
            (_, Node::Union(node), _) => Ok(Entry::of_image(self.layers()?, node)?),
            (Folder::View(dir), Node::View(node), Over::Upper(upper)) => {
                Ok(self.sides(upper)?.shown(dir, name, node)?)
            }
            (Folder::Host(dir), Node::Host(stat), _) => host::entry(Spot::at(dir, name), stat),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The directory that stands under a name; `None` if it is none.
    pub(super) fn enter(&self, folder: &Folder, name: &[u8], node: &Node) -> io::Result<Option<Folder>> {
        match (folder, node, &self.over) {
            (_, Node::Union(node), _) => Ok(node.as_dir().cloned().map(Folder::Union)),
            (Folder::View(dir), Node::View(node), Over::Upper(upper)) => {
                let view = View { upper, union: &self.layers()?.union };
                Ok(view.enter(dir, name, node).map_err(of_view)?.map(Folder::View))
            }
            (Folder::Host(dir), Node::Host(stat), _) => match host_attributes_kind(stat) {
                Kind::Directory => Ok(Some(Folder::Host(Spot::at(dir, name).open_dir()?))),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// A symlink's target.
    pub fn target(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        match &entry.source {
            Source::Upper(spot) => Ok(spot.link_target()?),
            Source::Lower(_) => entry.target(self.layers()?),
        }
    }

    /// Does something with the contents of a regular file.
    pub fn with_data<T>(
        &self,
        entry: &Entry,
        act: impl FnOnce(&mut dyn Contents) -> io::Result<T>,
    ) -> io::Result<T> {
        match &entry.source {
            Source::Upper(spot) => act(&mut File::from(spot.open_file(OFlags::RDONLY)?)),
            Source::Lower(_) => entry.with_data(self.layers()?, act),
        }
    }

    /// The digest of the contents of a regular file.
    pub fn digest(&self, entry: &Entry) -> io::Result<Digest> {
        self.with_data(entry, |data| Digest::of_reader(Algorithm::Sha256, data).map(|(digest, _)| digest))
    }
}

fn host_attributes_kind(stat: &Stat) -> Kind {
    upper::host_attributes(stat, None).kind
}
