//! Attributes and contents of a layer's entries while it is read; hard links share an inode.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

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
        xattrs.number::<[Xattr]>(&[]);
        Inodes { inodes: Vec::new(), owners: Interned::new(), xattrs }
    }

    pub fn get(&self, inode: u32) -> Option<&Inode> {
        self.inodes.get(inode as usize)
    }

    /// Makes an inode; overlayfs's own attributes become its mark (S14).
    pub fn push(&mut self, meta: &Meta<'_>, content: Content) -> u32 {
        let overlay = OverlayMark::of(meta.xattrs);
        let is_shown = |xattr: &&Xattr| overlay_attribute(&xattr.name).is_none();
        let xattrs = match meta.xattrs.iter().all(|xattr| is_shown(&xattr)) {
            true => self.xattrs.number(meta.xattrs),
            false => self.xattrs.number(&*meta.xattrs.iter().filter(is_shown).cloned().collect::<Vec<_>>()),
        };
        let owner =
            self.owners.number(&Owner { mode: meta.mode.into(), uid: meta.uid, gid: meta.gid, xattrs });
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
    numbers: HashTable<u32>,
    /// Seeded at random: an archive cannot choose values that collide.
    hasher: DefaultHashBuilder,
}

impl<T: Hash> Interned<T> {
    fn new() -> Self {
        Interned { values: Vec::new(), numbers: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }

    /// The number of a value; one that is new is copied.
    fn number<Q: Hash + Eq + ToOwned + ?Sized>(&mut self, value: &Q) -> u32
    where
        T: Borrow<Q> + From<Q::Owned>,
    {
        let Interned { values, numbers, hasher } = self;
        let hash = hasher.hash_one(value);
        let is_it = |&number: &u32| values.get(number as usize).is_some_and(|other| other.borrow() == value);
        if let Some(&number) = numbers.find(hash, is_it) {
            return number;
        }
        let number = values.len() as u32;
        values.push(value.to_owned().into());
        numbers.insert_unique(hash, number, |&number| {
            values.get(number as usize).map_or(0, |v| hasher.hash_one(v))
        });
        number
    }

    /// All values, by number.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The same, for good.
    pub fn into_values(self) -> Vec<T> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interned_values_keep_their_numbers() {
        let mut words: Interned<Box<[u8]>> = Interned::new();
        let mut number = |i: u32| words.number::<[u8]>(&i.to_le_bytes());
        for i in (0..1000).chain(0..1000) {
            assert_eq!(number(i), i);
        }
        assert_eq!(words.into_values().len(), 1000);
    }

    #[test]
    fn interned_values_hash_differently_in_each_table() {
        // rustc-hash, which was here first, has a known seed: values can be chosen that collide.
        let hash = |table: Interned<u64>| table.hasher.hash_one(0u64);
        assert_ne!(hash(Interned::new()), hash(Interned::new()));
    }
}
