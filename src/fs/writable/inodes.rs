//! What is known of things in the upper, by inode number: where they stand, and for how long.
//!
//! Only for what the upper has. Whatever is only below has its number from its layer and entry, and nothing is kept
//! of it (S24). What was copied up keeps the number it had below for as long as the mount lives (W3), so it is never
//! forgotten; what was born in the upper is, when the kernel has.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use rustix::fs::Stat;
use smallvec::SmallVec;

use crate::fs::{InodeNo, PlacedName};
use crate::union::MergedDir;
use crate::upper::Spot;

/// Numbers of what was born in the upper have this bit, which no layer's have.
const BORN: u64 = 1 << 62;

/// Numbers that are given out one by one, where the host's own cannot be used, have this one as well.
const COUNTED: u64 = 1 << 61;

/// How the host tells things apart: its device and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostId(u64, u64);

impl HostId {
    /// Of what the host describes so.
    pub fn of(stat: &Stat) -> HostId {
        HostId(stat.st_dev, stat.st_ino)
    }

    /// The inode number that is made of the host's.
    fn number(self) -> InodeNo {
        InodeNo(BORN | (self.1 & (COUNTED - 1)))
    }
}

/// Something in the upper.
#[derive(Debug)]
pub struct Inode {
    /// Which one, to the host.
    pub host: HostId,
    /// The names it is known by; of hard links not every one may have been seen.
    pub places: SmallVec<[PlacedName; 1]>,
    /// The directory that it merges with, if it is one.
    pub lower: Option<Arc<MergedDir>>,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// It has lost its names, and is held by this.
    pub held: Option<Spot>,
    /// How often the kernel has been told of it and has not forgotten that.
    lookups: u64,
    /// It has the number of something below.
    is_from_below: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Inodes {
    by_number: FxHashMap<InodeNo, Inode>,
    by_host: FxHashMap<HostId, InodeNo>,
    counted: u64,
}

/// Something that was found in the upper, or put there.
#[derive(Debug)]
pub struct Found<'a> {
    /// What the host says of it.
    pub stat: &'a Stat,
    /// Where it is.
    pub place: (InodeNo, &'a [u8]),
    /// Whether it is a directory.
    pub is_dir: bool,
    /// What it merges with.
    pub lower: Option<&'a MergedDir>,
    /// The number that it has below.
    pub below: Option<InodeNo>,
}

impl Inodes {
    /// Something that is known.
    pub fn get(&self, ino: InodeNo) -> Option<&Inode> {
        self.by_number.get(&ino)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, ino: InodeNo) -> Option<&mut Inode> {
        self.by_number.get_mut(&ino)
    }

    /// The number of something by the host's.
    pub fn number(&self, host: HostId) -> Option<InodeNo> {
        self.by_host.get(&host).copied()
    }

    /// Takes note of something at its place; gives its number, by which it may have been known before.
    pub fn note(&mut self, found: &Found<'_>) -> InodeNo {
        let host = HostId::of(found.stat);
        let ino = match self.by_host.get(&host) {
            Some(ino) => *ino,
            None => self.number_for(host, found),
        };
        self.by_host.insert(host, ino);
        let inode = self.by_number.entry(ino).or_insert_with(|| Inode {
            host,
            places: SmallVec::new(),
            lower: None,
            is_dir: found.is_dir,
            held: None,
            lookups: 0,
            is_from_below: ino.0 & BORN == 0,
        });
        inode.put(found);
        ino
    }

    /// The number that something has, or would get.
    pub fn likely_number(&self, stat: &Stat, below: Option<InodeNo>) -> InodeNo {
        let host = HostId::of(stat);
        self.number(host).or(below).unwrap_or(host.number())
    }

    /// A number for what has none yet: the one it has below, or else the host's own; it is held as long as the number
    /// is known, so the host gives that to nothing else meanwhile.
    fn number_for(&mut self, host: HostId, found: &Found<'_>) -> InodeNo {
        let candidates = [found.below, Some(host.number()).filter(|_| host.1 < COUNTED)];
        if let Some(ino) = candidates.into_iter().flatten().find(|ino| !self.by_number.contains_key(ino)) {
            return ino;
        }
        self.counted += 1;
        InodeNo(BORN | COUNTED | self.counted)
    }

    /// Counts that the kernel was told of something.
    pub fn told(&mut self, ino: InodeNo) {
        if let Some(inode) = self.by_number.get_mut(&ino) {
            inode.lookups += 1;
        }
    }

    /// Takes note that the kernel has forgotten something. What came from below stays, as long as it has a name.
    pub fn forget(&mut self, ino: InodeNo, lookups: u64) {
        let Some(inode) = self.by_number.get_mut(&ino) else { return };
        inode.lookups = inode.lookups.saturating_sub(lookups);
        if inode.lookups == 0 && (!inode.is_from_below || inode.places.is_empty()) {
            let host = inode.host;
            self.by_number.remove(&ino);
            self.by_host.remove(&host);
        }
    }

    /// Takes one of its names away from something; gives whether it has others that are known.
    pub fn unplace(&mut self, ino: InodeNo, parent: InodeNo, name: &[u8]) -> bool {
        let Some(inode) = self.by_number.get_mut(&ino) else { return false };
        inode.places.retain(|(at, own)| *at != parent || **own != *name);
        !inode.places.is_empty()
    }

    /// Something that lost its last name is held by a descriptor from here on. The host may give its number to
    /// something else once that is closed; by then this one is gone.
    pub fn hold(&mut self, ino: InodeNo, held: Spot) {
        if let Some(inode) = self.by_number.get_mut(&ino) {
            inode.held = Some(held);
        }
    }

    /// A place of something whose directory is known: the kernel may have forgotten the directory of another name.
    pub fn reachable<'a>(&self, inode: &'a Inode) -> Option<&'a PlacedName> {
        inode.places.iter().find(|(parent, _)| *parent == InodeNo::ROOT || self.path(*parent).is_some())
    }

    /// Something has been replaced by a thing of the same kind, which is to be known by its number.
    pub fn replaced(&mut self, ino: InodeNo, stat: &Stat) {
        let host = HostId::of(stat);
        let Some(inode) = self.by_number.get_mut(&ino) else { return };
        self.by_host.remove(&inode.host);
        (inode.host, inode.lower) = (host, None);
        self.by_host.insert(host, ino);
    }

    /// The names from the root down to a directory of the upper; `None` if it is not in the tree any more.
    pub fn path(&self, dir: InodeNo) -> Option<Vec<&[u8]>> {
        let mut names = Vec::new();
        let mut at = dir;
        while at != InodeNo::ROOT {
            let (parent, name) = self.by_number.get(&at)?.places.first()?;
            names.push(&**name);
            at = *parent;
            // Deeper than any path can be: the host's directories were moved while we looked elsewhere.
            if names.len() > crate::path::MAX_PATH {
                return None;
            }
        }
        names.reverse();
        Some(names)
    }
}

impl Inode {
    fn put(&mut self, found: &Found<'_>) {
        let (parent, name) = found.place;
        if self.lower.as_deref() != found.lower {
            self.lower = found.lower.map(|lower| Arc::new(lower.clone()));
        }
        self.is_dir = found.is_dir;
        self.held = None;
        if self.is_dir {
            // A directory has one name; where it stood before, it was moved from behind our back.
            self.places.clear();
        }
        if !self.places.iter().any(|(at, own)| *at == parent && **own == *name) {
            self.places.push((parent, name.into()));
        }
    }
}
