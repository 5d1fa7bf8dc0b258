//! One thing of the tree that shows, whether it is the upper's or a layer's, and whether it equals another.

use std::fs::File;
use std::io;

use rustix::fs::{FileType, OFlags, Stat};

use crate::blob::{Contents, LayerFile, have_same_contents};
use crate::entry::{Attributes, Kind, Xattr};
use crate::host::OVERRIDE;
use crate::layer::{LayerNo, LeafId};
use crate::stack::Stack;
use crate::union;
use crate::upper::{Node, OpenDir, Spot, Upper, View, ViewError};

/// Attributes that belong to the host, whatever is written on it.
const OF_HOST: [&[u8]; 4] = [b"security.selinux", b"security.ima", b"security.evm", OVERRIDE];

/// A thing with all that stat(2) and getxattr(2) say of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What stat(2) says.
    pub attributes: Attributes,
    /// Its extended attributes, sorted by name, without overlayfs's own and the host's.
    pub xattrs: Vec<Xattr>,
    /// Where the rest of it is.
    pub source: Source,
    /// What tells it from other files, if it may have several names.
    pub file: Option<FileKey>,
}

/// Where a thing is.
#[derive(Debug, Clone)]
pub enum Source {
    /// In the upper, or anywhere on the host.
    Upper(Spot),
    /// In a layer.
    Lower(union::Node),
}

/// A file, whatever its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKey {
    /// Of the upper, or of the host: its device and number there.
    Upper(u64, u64),
    /// Of a layer.
    Lower(LayerNo, LeafId),
}

impl FileKey {
    /// Of what the host has; `None` if it has one name only, or is a directory.
    pub fn of_host(stat: &Stat) -> Option<FileKey> {
        let is_linked = FileType::from_raw_mode(stat.st_mode) != FileType::Directory && stat.st_nlink > 1;
        is_linked.then_some(FileKey::Upper(stat.st_dev, stat.st_ino))
    }
}

/// The image and the upper over it.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// The image.
    pub stack: &'a Stack,
    /// The upper.
    pub upper: &'a Upper,
}

impl Sides<'_> {
    /// What shows under a name of a directory.
    pub fn shown(&self, dir: &OpenDir, name: &[u8], node: &Node) -> io::Result<Entry> {
        match (node, &dir.upper) {
            (Node::Upper(stat) | Node::Dir { upper: Some(stat), .. }, Some(upper)) => {
                let spot = Spot::at(upper, name);
                let lacks_data = self.upper.lacks_data(&spot, stat)?;
                let mut entry = self.of_upper(spot, stat)?;
                if lacks_data {
                    entry.source = self.data_below(dir, name)?;
                }
                Ok(entry)
            }
            (Node::Lower(layer, leaf), _) => self.of_image(&union::Node::Leaf { layer: *layer, leaf: *leaf }),
            (Node::Dir { lower: Some(lower), .. }, _) => self.of_image(&union::Node::Dir(lower.clone())),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Where the data of a file is of which only the attributes were copied up.
    fn data_below(&self, dir: &OpenDir, name: &[u8]) -> io::Result<Source> {
        let view = View { upper: self.upper, union: &self.stack.union };
        let found = view.data_below(dir, name).map_err(of_view)?;
        let missing = || io::Error::other("its data is not below (metacopy)");
        found.map(|(layer, leaf)| Source::Lower(union::Node::Leaf { layer, leaf })).ok_or_else(missing)
    }

    /// Something of the upper.
    pub fn of_upper(&self, spot: Spot, stat: &Stat) -> io::Result<Entry> {
        let attributes = self.upper.attributes(&spot, stat)?;
        let xattrs = tidy(self.upper.xattrs(&spot)?);
        Ok(Entry { attributes, xattrs, source: Source::Upper(spot), file: FileKey::of_host(stat) })
    }

    /// Something of the image.
    pub fn of_image(&self, node: &union::Node) -> io::Result<Entry> {
        Entry::of_image(self.stack, node)
    }

    /// Whether something equals what it was copied from.
    pub fn is_same(&self, new: &Entry, old: &Entry) -> io::Result<bool> {
        if !new.looks_like(old) || new.attributes.mtime != old.attributes.mtime {
            return Ok(false);
        }
        match new.attributes.kind {
            Kind::Symlink => Ok(new.target(self.stack)? == old.target(self.stack)?),
            Kind::Regular if new.attributes.size > 0 => {
                if let (Source::Lower(new), Source::Lower(old)) = (&new.source, &old.source)
                    && new == old
                {
                    return Ok(true);
                }
                new.with_data(self.stack, |a| old.with_data(self.stack, |b| have_same_contents(a, b)))
            }
            _ => Ok(true),
        }
    }
}

impl Entry {
    /// Something of an image.
    pub fn of_image(stack: &Stack, node: &union::Node) -> io::Result<Entry> {
        let union = &stack.union;
        let attributes = union.attributes(node).map_err(io::Error::other)?;
        let xattrs = tidy(union.xattrs(node).map_err(io::Error::other)?.into_owned());
        let file = match *node {
            union::Node::Leaf { layer, leaf } if attributes.nlink > 1 => Some(FileKey::Lower(layer, leaf)),
            _ => None,
        };
        Ok(Entry { attributes, xattrs, source: Source::Lower(node.clone()), file })
    }

    /// A symlink's target; of anything else none.
    pub fn target(&self, stack: &Stack) -> io::Result<Vec<u8>> {
        match &self.source {
            _ if self.attributes.kind != Kind::Symlink => Ok(Vec::new()),
            Source::Upper(spot) => Ok(spot.link_target()?),
            Source::Lower(union::Node::Leaf { layer, leaf }) => {
                let target = stack.union.link_target(*layer, *leaf).map_err(io::Error::other)?;
                Ok(target.into_owned())
            }
            Source::Lower(union::Node::Dir(_)) => Ok(Vec::new()),
        }
    }

    /// Does something with the data of a regular file.
    pub fn with_data<T>(
        &self,
        stack: &Stack,
        act: impl FnOnce(&mut dyn Contents) -> io::Result<T>,
    ) -> io::Result<T> {
        match &self.source {
            Source::Upper(spot) => act(&mut File::from(spot.open_file(OFlags::RDONLY)?)),
            Source::Lower(union::Node::Leaf { layer, leaf }) => {
                stack.with_file(*layer, *leaf, |extents, source| {
                    act(&mut LayerFile::new(extents, self.attributes.size, source))
                })
            }
            Source::Lower(union::Node::Dir(_)) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// Whether kind, mode, owner and attributes are the same, and the size of what has one.
    pub fn looks_like(&self, other: &Entry) -> bool {
        let look = |a: &Attributes| {
            // A symlink's mode means nothing, and is whatever the host makes it.
            let mode = if a.kind == Kind::Symlink { 0 } else { a.mode };
            let size = if a.kind == Kind::Regular { a.size } else { 0 };
            (a.kind, mode, a.uid, a.gid, a.device, size)
        };
        look(&self.attributes) == look(&other.attributes) && self.xattrs == other.xattrs
    }
}

fn tidy(mut xattrs: Vec<Xattr>) -> Vec<Xattr> {
    xattrs.retain(|xattr| !OF_HOST.contains(&&*xattr.name));
    xattrs.sort();
    xattrs
}

/// What a view says, as any other error of reading.
pub fn of_view(error: ViewError) -> io::Error {
    match error {
        ViewError::Host(errno) => errno.into(),
        ViewError::Layer(error) => io::Error::other(error),
    }
}
