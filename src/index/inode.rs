//! Attributes and contents of a layer's entries while it is read; hard links share an inode.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::entry::{Data, Device, Extent, Time, Xattr, overlay_attribute};
use crate::path::TreePath;

use super::item::{Leaf, Meta};
use super::table::Owner;

/// Attributes and contents.
#[derive(Debug)]
pub struct Inode {
    /// Place among the owners.
    pub owner: u32,
    pub mtime: Time,
    /// `atime` and `ctime` where the layer has either.
    pub times: Option<Box<(Time, Time)>>,
    pub content: Content,
    pub overlay: OverlayMark,
}

/// What an inode holds.
#[derive(Debug)]
pub enum Content {
    Directory,
    Regular {
        size: u64,
        offset: u64,
    },
    Sparse {
        size: u64,
        extents: Box<[Extent]>,
    },
    Symlink {
        target: Box<[u8]>,
    },
    CharDevice(Device),
    BlockDevice(Device),
    Fifo,
    Socket,
    /// A hard link's target in the layers below (S5).
    Foreign {
        target: TreePath,
    },
}

impl Content {
    pub fn of(leaf: Leaf<'_>) -> Content {
        match leaf {
            Leaf::Regular(size, &Data::Contiguous(offset)) => Content::Regular { size, offset },
            Leaf::Regular(size, Data::Sparse(extents)) => {
                Content::Sparse { size, extents: extents.as_slice().into() }
            }
            Leaf::Symlink(target) => Content::Symlink { target: target.into() },
            Leaf::CharDevice(device) => Content::CharDevice(device),
            Leaf::BlockDevice(device) => Content::BlockDevice(device),
            Leaf::Fifo => Content::Fifo,
            Leaf::Socket => Content::Socket,
        }
    }
}

/// What overlayfs's own attributes say of an entry (S14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OverlayMark {
    /// `opaque=y`.
    pub opaque: bool,
    /// `opaque=x`: whiteouts in the directory may be regular files.
    pub has_file_whiteouts: bool,
    /// `whiteout`: the file is one, in such a directory.
    pub whiteout: bool,
}

/// All inodes, with what many of them share kept once.
#[derive(Debug)]
pub struct Inodes {
    pub inodes: Vec<Inode>,
    pub owners: Interned<Owner>,
    /// Sets of attributes; the first is empty.
    pub xattrs: Interned<Box<[Xattr]>>,
}

impl Inodes {
    pub fn new() -> Inodes {
        let mut xattrs = Interned::new();
        xattrs.number(Box::default());
        Inodes { inodes: Vec::new(), owners: Interned::new(), xattrs }
    }

    pub fn get(&self, inode: u32) -> Option<&Inode> {
        self.inodes.get(inode as usize)
    }

    /// Makes an inode; overlayfs's own attributes become its mark (S14).
    pub fn push(&mut self, meta: &Meta<'_>, content: Content) -> u32 {
        let overlay = OverlayMark::of(meta.xattrs);
        let shown = meta.xattrs.iter().filter(|xattr| overlay_attribute(&xattr.name).is_none());
        let xattrs = self.xattrs.number(shown.cloned().collect());
        let owner = self.owners.number(Owner { mode: meta.mode, uid: meta.uid, gid: meta.gid, xattrs });
        let times = (meta.atime.is_some() || meta.ctime.is_some())
            .then(|| Box::new((meta.atime.unwrap_or(meta.mtime), meta.ctime.unwrap_or(meta.mtime))));
        self.inodes.push(Inode { owner, mtime: meta.mtime, times, content, overlay });
        (self.inodes.len() - 1) as u32
    }

    /// Makes the inode of a hard link into the layers below; all but its names comes from there.
    pub fn push_foreign(&mut self, target: TreePath) -> u32 {
        let meta =
            Meta { mode: 0, uid: 0, gid: 0, mtime: Time::default(), atime: None, ctime: None, xattrs: &[] };
        self.push(&meta, Content::Foreign { target })
    }
}

impl OverlayMark {
    fn of(xattrs: &[Xattr]) -> OverlayMark {
        let mut mark = OverlayMark::default();
        for xattr in xattrs {
            match overlay_attribute(&xattr.name) {
                Some(b"opaque") => {
                    mark.opaque |= *xattr.value == *b"y";
                    mark.has_file_whiteouts |= *xattr.value == *b"x";
                }
                Some(b"whiteout") => mark.whiteout = true,
                _ => {}
            }
        }
        mark
    }
}

/// Values kept once each, by number.
#[derive(Debug)]
pub struct Interned<T> {
    values: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

impl<T: Clone + Eq + Hash> Interned<T> {
    fn new() -> Self {
        Interned { values: Vec::new(), numbers: FxHashMap::default() }
    }

    fn number(&mut self, value: T) -> u32 {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    /// All values, by number.
    pub fn into_values(self) -> Vec<T> {
        self.values
    }
}
