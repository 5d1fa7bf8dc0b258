//! The tables of an index: fixed-size records, directories as slices of them sorted by name.
//!
//! An entry's number is its place in `records`. The children of a directory stand together, so a lookup
//! is a binary search in a slice and a listing is the slice itself. Record 0 is the root.

use std::borrow::Cow;

use crate::entry::{Attributes, Device, Extent, Kind, Time, Xattr};
use crate::layer::{DirId, EntryNo, Error, ForeignLink, Found, LeafId, Result};
use crate::path::TreePath;

use super::{Rejected, XattrUse};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    Directory,
    Regular,
    Symlink,
    CharDevice,
    BlockDevice,
    Fifo,
    Socket,
    /// Another name for the entry whose number is in `data`.
    Link,
    /// A hard link whose target is in a layer below (S5).
    ForeignLink,
    /// The name is hidden in the layers below (S10, S14).
    Whiteout,
}

/// One name of the layer, with its entry's attributes.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Record {
    /// Where the name begins in `names`.
    pub name_at: u32,
    pub name_len: u8,
    pub kind: RecordKind,
    pub flags: Flags,
    /// The directory that holds the name.
    pub parent: u32,
    /// Place in `owners`.
    pub owner: u32,
    /// Length of a file's contents or of a symlink's target, in bytes.
    pub size: u64,
    /// A directory's children: a `Slice`. A file's source offset, a sparse file's place in `sparse`, a
    /// target's in `targets`, a device number, the number of the entry that a link names.
    pub data: u64,
    pub mtime_secs: i64,
    pub mtime_nanos: u32,
    /// Names of the entry.
    pub nlink: u32,
}

/// Properties of a record, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Flags(pub u16);

impl Flags {
    /// A directory that has a member of its own (S4).
    pub const EXPLICIT: Flags = Flags(1);
    /// An opaque directory (S11).
    pub const OPAQUE: Flags = Flags(2);
    /// A file in extents, with holes between them.
    pub const SPARSE: Flags = Flags(4);
    /// Its other times are in `times`.
    pub const TIMES: Flags = Flags(8);

    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// A stretch of another table, packed into a record's `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    pub first: u32,
    pub count: u32,
}

impl Slice {
    pub fn pack(self) -> u64 {
        u64::from(self.first) << 32 | u64::from(self.count)
    }

    pub fn unpack(data: u64) -> Slice {
        Slice { first: (data >> 32) as u32, count: data as u32 }
    }

    fn range(self) -> std::ops::Range<usize> {
        self.first as usize..self.first as usize + self.count as usize
    }
}

/// Mode, owner and attributes together: few of them serve many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Place in `xattrs`; the first set is empty.
    pub xattrs: u32,
}

/// A sparse file's extents.
#[derive(Debug, Clone, Copy)]
pub struct Sparse {
    /// In `extents`.
    pub extents: Slice,
    /// Their lengths together, in bytes: there may be too many to add up for each stat.
    pub stored: u64,
}

/// Times that are not `mtime`, for the few entries that have them.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub entry: u32,
    pub atime: Time,
    pub ctime: Time,
}

/// The tables of one layer.
#[derive(Debug)]
pub struct Tables {
    pub records: Vec<Record>,
    pub names: Vec<u8>,
    /// Symlinks' targets.
    pub targets: Vec<u8>,
    pub owners: Vec<Owner>,
    pub xattrs: Vec<Box<[Xattr]>>,
    pub extents: Vec<Extent>,
    pub sparse: Vec<Sparse>,
    /// Sorted by entry.
    pub times: Vec<Times>,
    pub foreign: Vec<ForeignLink>,
    /// Names of foreign links that a whiteout stands beside (S10).
    pub link_whiteouts: Vec<(DirId, Box<[u8]>)>,
    pub rejected: Vec<Rejected>,
    pub newest: Time,
    pub members: u64,
    pub data_size: u64,
    pub end: Option<u64>,
}

impl Tables {
    pub fn record(&self, entry: EntryNo) -> Result<&Record> {
        self.records.get(entry.0 as usize).ok_or(Error::NoEntry(entry))
    }

    pub fn directory(&self, dir: DirId) -> Result<&Record> {
        let record = self.record(dir.into())?;
        match record.kind {
            RecordKind::Directory => Ok(record),
            _ => Err(Error::WrongKind { entry: dir.into(), expected: "a directory" }),
        }
    }

    /// The number of a directory's first child, and all of them.
    pub fn children(&self, dir: DirId) -> Result<(u32, &[Record])> {
        let slice = Slice::unpack(self.directory(dir)?.data);
        let children = self.records.get(slice.range()).ok_or(Error::NoEntry(dir.into()))?;
        Ok((slice.first, children))
    }

    pub fn name(&self, record: &Record) -> &[u8] {
        let at = record.name_at as usize;
        self.names.get(at..at + usize::from(record.name_len)).unwrap_or_default()
    }

    pub fn target(&self, symlink: &Record) -> &[u8] {
        let at = usize::try_from(symlink.data).ok();
        let end = at.and_then(|at| at.checked_add(usize::try_from(symlink.size).ok()?));
        at.zip(end).and_then(|(at, end)| self.targets.get(at..end)).unwrap_or_default()
    }

    pub fn is_root_opaque(&self) -> bool {
        self.records.first().is_some_and(|root| root.flags.contains(Flags::OPAQUE))
    }

    /// The layer's word on the child at a place in a directory's slice.
    pub fn found(&self, first: u32, at: usize) -> Found {
        let number = first + at as u32;
        let Some(record) = self.records.get(number as usize) else { return Found::Absent };
        match record.kind {
            RecordKind::Whiteout => Found::Whiteout,
            RecordKind::Directory => {
                Found::Dir { dir: DirId(number), opaque: record.flags.contains(Flags::OPAQUE) }
            }
            RecordKind::Link => Found::Leaf(LeafId(record.data as u32)),
            _ => Found::Leaf(LeafId(number)),
        }
    }

    pub fn path(&self, mut entry: EntryNo) -> Result<TreePath> {
        let mut names = Vec::new();
        while entry.0 != 0 {
            let record = self.record(entry)?;
            names.push(self.name(record));
            entry = EntryNo(record.parent);
        }
        let mut path = TreePath::root();
        for name in names.iter().rev() {
            path.push(name);
        }
        Ok(path)
    }

    pub fn attributes(&self, entry: EntryNo) -> Result<Option<Attributes>> {
        let record = self.record(entry)?;
        let kind = match record.kind {
            RecordKind::Directory if !record.flags.contains(Flags::EXPLICIT) => return Ok(None),
            RecordKind::Directory => Kind::Directory,
            // A link into a lower layer takes all but its number of names from its target.
            RecordKind::Regular | RecordKind::ForeignLink => Kind::Regular,
            RecordKind::Symlink => Kind::Symlink,
            RecordKind::CharDevice => Kind::CharDevice,
            RecordKind::BlockDevice => Kind::BlockDevice,
            RecordKind::Fifo => Kind::Fifo,
            RecordKind::Socket => Kind::Socket,
            RecordKind::Link | RecordKind::Whiteout => {
                return Err(Error::WrongKind { entry, expected: "an entry of its own" });
            }
        };
        let owner = self.owner(record)?;
        let mtime = Time { secs: record.mtime_secs, nanos: record.mtime_nanos };
        let times = self.times_of(entry, record, mtime);
        Ok(Some(Attributes {
            kind,
            mode: owner.mode,
            uid: owner.uid,
            gid: owner.gid,
            size: record.size,
            blocks: self.stored_bytes(record).div_ceil(512),
            device: device(record),
            nlink: record.nlink,
            mtime,
            atime: times.atime,
            ctime: times.ctime,
        }))
    }

    pub fn extents(&self, leaf: LeafId) -> Result<Cow<'_, [Extent]>> {
        let record = self.record(leaf.into())?;
        if record.kind != RecordKind::Regular {
            return Err(Error::WrongKind { entry: leaf.into(), expected: "a regular file" });
        }
        if record.flags.contains(Flags::SPARSE) {
            let sparse = self.sparse(record);
            let extents = sparse.and_then(|sparse| self.extents.get(sparse.extents.range()));
            return extents.map(Cow::Borrowed).ok_or(Error::NoEntry(leaf.into()));
        }
        let whole = Extent { logical: 0, source: record.data, len: record.size };
        Ok(if record.size > 0 { Cow::Owned(vec![whole]) } else { Cow::Borrowed(&[]) })
    }

    pub fn xattrs(&self, entry: EntryNo) -> Result<&[Xattr]> {
        let owner = self.owner(self.record(entry)?)?;
        let set = self.xattrs.get(owner.xattrs as usize);
        set.map(|set| &**set).ok_or(Error::NoEntry(entry))
    }

    pub fn xattr_use(&self) -> XattrUse {
        let is_acl = |xattr: &Xattr| xattr.name.starts_with(b"system.posix_acl_");
        match self.xattrs.iter().flatten().fold((false, false), |(_, acl), x| (true, acl || is_acl(x))) {
            (_, true) => XattrUse::Acls,
            (true, false) => XattrUse::Some,
            (false, false) => XattrUse::None,
        }
    }

    fn owner(&self, record: &Record) -> Result<&Owner> {
        self.owners.get(record.owner as usize).ok_or(Error::NoEntry(EntryNo(record.parent)))
    }

    fn times_of(&self, entry: EntryNo, record: &Record, mtime: Time) -> Times {
        let own = record.flags.contains(Flags::TIMES).then(|| {
            let at = self.times.binary_search_by_key(&entry.0, |times| times.entry).ok()?;
            self.times.get(at).copied()
        });
        own.flatten().unwrap_or(Times { entry: entry.0, atime: mtime, ctime: mtime })
    }

    /// Bytes of data, holes not counted (S26).
    fn stored_bytes(&self, record: &Record) -> u64 {
        match record.kind {
            RecordKind::Regular => self.sparse(record).map_or(record.size, |sparse| sparse.stored),
            _ => 0,
        }
    }

    /// What makes a file sparse; `None` if it is not.
    pub fn sparse(&self, record: &Record) -> Option<&Sparse> {
        let is_sparse = record.kind == RecordKind::Regular && record.flags.contains(Flags::SPARSE);
        usize::try_from(record.data).ok().filter(|_| is_sparse).and_then(|at| self.sparse.get(at))
    }
}

fn device(record: &Record) -> Device {
    match record.kind {
        RecordKind::CharDevice | RecordKind::BlockDevice => {
            let Slice { first, count } = Slice::unpack(record.data);
            Device { major: first, minor: count }
        }
        _ => Device::default(),
    }
}
