//! The tables of an index: fixed-size records, directories as slices of them sorted by name.
//!
//! An entry's number is its place in `records`. The children of a directory stand together, so a lookup
//! is a binary search in a slice and a listing is the slice itself. Record 0 is the root.

use std::cmp::Ordering;

use bytemuck::{Pod, Zeroable};

use crate::entry::{Attributes, Device, Extent, Kind, Time, Xattr};
use crate::layer::{DirId, EntryNo, Error, ForeignLink, Found, LeafId, Result};
use crate::mapped::Table;
use crate::path::TreePath;

use super::{Extents, Rejected};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    Directory = 0,
    Regular = 1,
    Symlink = 2,
    CharDevice = 3,
    BlockDevice = 4,
    Fifo = 5,
    Socket = 6,
    /// Another name for the entry whose number is in `data`.
    Link = 7,
    /// A hard link whose target is in a layer below (S5).
    ForeignLink = 8,
    /// The name is hidden in the layers below (S10, S14).
    Whiteout = 9,
}

/// One name of the layer, with its entry's attributes.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    /// Where the name begins in `names`.
    pub name_at: u32,
    pub name_len: u8,
    /// A `RecordKind`.
    kind: u8,
    pub flags: Flags,
    /// The directory that holds the name.
    pub parent: u32,
    /// Place in `owners`.
    pub owner: u32,
    /// Length of a file's contents or of a symlink's target, in bytes.
    pub size: u64,
    /// A directory's children: a `Slice`. A file's source offset, a sparse file's place in `sparse`, a
    /// target's in `texts`, a device number, the number of the entry that a link names.
    pub data: u64,
    pub mtime_secs: i64,
    pub mtime_nanos: u32,
    /// Names of the entry.
    pub nlink: u32,
}

impl Record {
    pub fn new(kind: RecordKind, name_at: u32, name_len: u8, parent: u32) -> Record {
        Record { name_at, name_len, kind: kind as u8, parent, nlink: 1, ..Record::zeroed() }
    }

    pub fn kind(&self) -> RecordKind {
        match self.kind {
            0 => RecordKind::Directory,
            1 => RecordKind::Regular,
            2 => RecordKind::Symlink,
            3 => RecordKind::CharDevice,
            4 => RecordKind::BlockDevice,
            5 => RecordKind::Fifo,
            6 => RecordKind::Socket,
            7 => RecordKind::Link,
            8 => RecordKind::ForeignLink,
            // Nobody writes another number.
            _ => RecordKind::Whiteout,
        }
    }

    pub fn set_kind(&mut self, kind: RecordKind) {
        self.kind = kind as u8;
    }
}

/// Properties of a record, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
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

/// A stretch of another table; of records, packed into a record's `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
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

    pub fn range(self) -> std::ops::Range<usize> {
        self.first as usize..self.first as usize + self.count as usize
    }
}

/// A stretch of `texts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Text {
    pub at: u64,
    pub len: u64,
}

/// Mode, owner and attributes together: few of them serve many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct Owner {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Place in `xattr_sets`; the first set is empty.
    pub xattrs: u32,
}

/// An extended attribute.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct XattrText {
    pub name: Text,
    pub value: Text,
}

/// A sparse file's extents.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Sparse {
    /// In `extents`.
    pub extents: Slice,
    /// Their lengths together, in bytes: there may be too many to add up for each stat.
    pub stored: u64,
}

/// Times that are not `mtime`, for the few entries that have them.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Times {
    pub atime_secs: i64,
    pub ctime_secs: i64,
    pub atime_nanos: u32,
    pub ctime_nanos: u32,
    pub entry: u32,
    pub unused: u32,
}

/// What is known of the layer as a whole.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Summary {
    pub newest_secs: i64,
    pub newest_nanos: u32,
    /// Whether there are extended attributes: 0 none, 1 some, 2 ACLs too.
    pub xattr_use: u32,
    /// Members read, the rejected ones too.
    pub members: u64,
    /// Bytes of file data, hard links counted once and holes not at all.
    pub data_size: u64,
    /// What stands behind the end mark: its offset; `NO_END` if there is no mark.
    pub end: u64,
}

/// The end of a layer that has no end mark.
pub const NO_END: u64 = u64::MAX;

/// What hardly any layer has, or few of: in memory as long as the layer is open.
#[derive(Debug, Default)]
pub struct Rare {
    pub foreign: Vec<ForeignLink>,
    /// Names of foreign links that a whiteout stands beside (S10).
    pub link_whiteouts: Vec<(DirId, Box<[u8]>)>,
    pub rejected: Vec<Rejected>,
}

/// The tables of one layer.
#[derive(Debug)]
pub struct Tables {
    pub records: Table<Record>,
    pub names: Table<u8>,
    /// Symlinks' targets, attributes' names and values.
    pub texts: Table<u8>,
    pub owners: Table<Owner>,
    /// Stretches of `xattrs`.
    pub xattr_sets: Table<Slice>,
    pub xattrs: Table<XattrText>,
    pub extents: Table<Extent>,
    pub sparse: Table<Sparse>,
    /// Sorted by entry.
    pub times: Table<Times>,
    pub rare: Rare,
    pub summary: Summary,
    /// Whether the root is opaque (S11).
    pub is_root_opaque: bool,
}

impl Tables {
    pub fn record(&self, entry: EntryNo) -> Result<&Record> {
        self.records.get(entry.0 as usize)?.ok_or(Error::NoEntry(entry))
    }

    pub fn directory(&self, dir: DirId) -> Result<&Record> {
        let record = self.record(dir.into())?;
        match record.kind() {
            RecordKind::Directory => Ok(record),
            _ => Err(Error::WrongKind { entry: dir.into(), expected: "a directory" }),
        }
    }

    /// The numbers of a directory's children.
    pub fn children(&self, dir: DirId) -> Result<Slice> {
        Ok(Slice::unpack(self.directory(dir)?.data))
    }

    /// The place of the first of a directory's children whose name does not come before `name`.
    ///
    /// A large directory is many pages: only those are looked at that the search comes to.
    pub fn search(&self, children: Slice, name: &[u8]) -> Result<u32> {
        let (mut low, mut high) = (0, children.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(self.child(children, middle)?)?.cmp(name) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Ok(low)
    }

    /// A child by its place, which is one of the slice's.
    pub fn child(&self, children: Slice, place: u32) -> Result<&Record> {
        self.record(EntryNo(children.first.saturating_add(place)))
    }

    pub fn name(&self, record: &Record) -> Result<&[u8]> {
        let at = record.name_at as usize;
        Ok(self.names.slice(at..at + usize::from(record.name_len))?.unwrap_or_default())
    }

    pub fn target(&self, symlink: &Record) -> Result<&[u8]> {
        self.text(Text { at: symlink.data, len: symlink.size })
    }

    pub fn text(&self, text: Text) -> Result<&[u8]> {
        let end = text.at.checked_add(text.len).and_then(|end| usize::try_from(end).ok());
        let range = usize::try_from(text.at).ok().zip(end);
        Ok(range.map_or(Ok(None), |(at, end)| self.texts.slice(at..end))?.unwrap_or_default())
    }

    /// The name at a place among a directory's children, and the layer's word on it.
    pub fn named(&self, children: Slice, place: u32) -> Result<Option<(&[u8], Found)>> {
        if place >= children.count {
            return Ok(None);
        }
        let record = self.child(children, place)?;
        Ok(Some((self.name(record)?, self.found(children.first + place, record))))
    }

    /// The layer's word on a name, by its record and the record's number.
    fn found(&self, number: u32, record: &Record) -> Found {
        match record.kind() {
            RecordKind::Whiteout => Found::Whiteout,
            RecordKind::Directory => {
                Found::Dir { dir: DirId(number), opaque: record.flags.contains(Flags::OPAQUE) }
            }
            RecordKind::Link => Found::Leaf(LeafId(record.data as u32)),
            _ => Found::Leaf(LeafId(number)),
        }
    }

    /// All names of an entry that is no directory.
    pub fn all_names(&self, leaf: LeafId) -> Result<Vec<(DirId, Box<[u8]>)>> {
        let first = self.record(leaf.into())?;
        let mut names = vec![(DirId(first.parent), self.name(first)?.into())];
        if first.nlink > 1 {
            let is_name =
                |record: &&Record| record.kind() == RecordKind::Link && record.data == u64::from(leaf.0);
            for record in self.records.all()?.iter().filter(is_name) {
                names.push((DirId(record.parent), self.name(record)?.into()));
            }
        }
        Ok(names)
    }

    pub fn path(&self, mut entry: EntryNo) -> Result<TreePath> {
        let mut names = Vec::new();
        while entry.0 != 0 {
            let record = self.record(entry)?;
            names.push(self.name(record)?);
            entry = EntryNo(record.parent);
        }
        let mut path = TreePath::root();
        for name in names.iter().rev() {
            path.push(name);
        }
        Ok(path)
    }

    pub fn kind(&self, entry: EntryNo) -> Result<Kind> {
        kind(entry, self.record(entry)?)
    }

    pub fn attributes(&self, entry: EntryNo) -> Result<Option<Attributes>> {
        let record = self.record(entry)?;
        let kind = kind(entry, record)?;
        if kind == Kind::Directory && !record.flags.contains(Flags::EXPLICIT) {
            return Ok(None);
        }
        let owner = self.owner(record)?;
        let mtime = Time { secs: record.mtime_secs, nanos: record.mtime_nanos };
        let (atime, ctime) = self.other_times(entry, record)?.unwrap_or((mtime, mtime));
        Ok(Some(Attributes {
            kind,
            mode: owner.mode as u16,
            uid: owner.uid,
            gid: owner.gid,
            size: record.size,
            blocks: self.stored_bytes(record)?.div_ceil(512),
            device: device(record),
            nlink: record.nlink,
            mtime,
            atime,
            ctime,
        }))
    }

    pub fn extents(&self, leaf: LeafId) -> Result<Extents<'_>> {
        let record = self.record(leaf.into())?;
        if record.kind() != RecordKind::Regular {
            return Err(Error::WrongKind { entry: leaf.into(), expected: "a regular file" });
        }
        if record.flags.contains(Flags::SPARSE) {
            let sparse = self.sparse(record)?.ok_or(Error::NoEntry(leaf.into()))?;
            let extents = self.extents.slice(sparse.extents.range())?;
            return extents.map(Extents::Listed).ok_or(Error::NoEntry(leaf.into()));
        }
        let whole = Extent { logical: 0, source: record.data, len: record.size };
        Ok(if record.size > 0 { Extents::Whole(whole) } else { Extents::Listed(&[]) })
    }

    pub fn xattrs(&self, entry: EntryNo) -> Result<Vec<Xattr>> {
        let owner = self.owner(self.record(entry)?)?;
        let set = self.xattr_sets.get(owner.xattrs as usize)?.ok_or(Error::NoEntry(entry))?;
        let set = self.xattrs.slice(set.range())?.ok_or(Error::NoEntry(entry))?;
        let text = |text| self.text(text).map(Box::from);
        set.iter().map(|xattr| Ok(Xattr { name: text(xattr.name)?, value: text(xattr.value)? })).collect()
    }

    fn owner(&self, record: &Record) -> Result<&Owner> {
        self.owners.get(record.owner as usize)?.ok_or(Error::NoEntry(EntryNo(record.parent)))
    }

    /// `atime` and `ctime`, if the layer has them.
    fn other_times(&self, entry: EntryNo, record: &Record) -> Result<Option<(Time, Time)>> {
        if !record.flags.contains(Flags::TIMES) {
            return Ok(None);
        }
        let all = self.times.all()?;
        let times = all.binary_search_by_key(&entry.0, |times| times.entry).ok().and_then(|at| all.get(at));
        Ok(times.map(|times| {
            let atime = Time { secs: times.atime_secs, nanos: times.atime_nanos };
            let ctime = Time { secs: times.ctime_secs, nanos: times.ctime_nanos };
            (atime, ctime)
        }))
    }

    /// Bytes of data, holes not counted (S26).
    fn stored_bytes(&self, record: &Record) -> Result<u64> {
        match record.kind() {
            RecordKind::Regular => Ok(self.sparse(record)?.map_or(record.size, |sparse| sparse.stored)),
            _ => Ok(0),
        }
    }

    /// What makes a file sparse; `None` if it is not.
    pub fn sparse(&self, record: &Record) -> Result<Option<&Sparse>> {
        let is_sparse = record.kind() == RecordKind::Regular && record.flags.contains(Flags::SPARSE);
        match usize::try_from(record.data).ok().filter(|_| is_sparse) {
            Some(at) => Ok(self.sparse.get(at)?),
            None => Ok(None),
        }
    }
}

fn kind(entry: EntryNo, record: &Record) -> Result<Kind> {
    Ok(match record.kind() {
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
    })
}

fn device(record: &Record) -> Device {
    match record.kind() {
        RecordKind::CharDevice | RecordKind::BlockDevice => {
            let Slice { first, count } = Slice::unpack(record.data);
            Device { major: first, minor: count }
        }
        _ => Device::default(),
    }
}
