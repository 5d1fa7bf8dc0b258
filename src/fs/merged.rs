//! Merged directories by number, kept so that a number is not a walk down its path each time.

use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwapOption, Guard};

use crate::counter::HitCounter;
use crate::union::MergedDir;

use super::InodeNo;

/// Places for directories, a power of two: those that a walk is in, and those it will enter next. A place
/// takes 8 bytes, a directory about 100, of a hundred layers 1,000.
pub const PLACES: usize = 1 << 14;

/// The same for a view, of which there may be a thousand.
pub const FEW: usize = 1 << 9;

/// Places that are made together, once a directory has one of them, a power of two: most images have few, and a place
/// takes time to be done away with.
const TOGETHER: usize = 1 << 6;

/// Directories that were named, each in the one place that its number gives it; whichever was named last.
///
/// Whoever looks takes no lock and writes to no memory that others look at.
pub struct MergedDirs {
    groups: Box<[OnceLock<Places>]>,
    /// What came of looking.
    pub hits: HitCounter,
}

/// A group of places.
type Places = Box<[ArcSwapOption<Named>]>;

/// A directory as it was named.
pub struct Named {
    /// Its number.
    pub ino: InodeNo,
    /// The number of the directory above; the root's own.
    pub parent: InodeNo,
    /// The directory.
    pub dir: MergedDir,
}

impl MergedDirs {
    /// None yet, in so many places: a power of two, at least a group of them.
    pub fn new(places: usize) -> MergedDirs {
        let groups = (0..(places / TOGETHER).max(1)).map(|_| OnceLock::new()).collect();
        MergedDirs { groups, hits: HitCounter::default() }
    }

    /// A directory that is still there.
    pub fn get(&self, ino: InodeNo) -> Option<Guard<Option<Arc<Named>>>> {
        let (group, place) = self.place(ino);
        let places = self.groups.get(group)?.get();
        let found = places.and_then(|places| places.get(place)).map(ArcSwapOption::load);
        let found = found.filter(|found| found.as_ref().is_some_and(|named| named.ino == ino));
        self.hits.note(found.is_some());
        found
    }

    /// Keeps a directory, unless it is there already.
    pub fn put(&self, named: Named) {
        let (group, place) = self.place(named.ino);
        let Some(group) = self.groups.get(group) else { return };
        let places = group.get_or_init(|| (0..TOGETHER).map(|_| ArcSwapOption::empty()).collect());
        let Some(place) = places.get(place) else { return };
        let is_there = place.load().as_ref().is_some_and(|there| there.ino == named.ino);
        if !is_there {
            place.store(Some(Arc::new(named)));
        }
    }

    /// The group of a number's place, and where it is in that.
    fn place(&self, ino: InodeNo) -> (usize, usize) {
        let places = self.groups.len() * TOGETHER;
        // Numbers of one layer follow each other, and those of all layers begin alike.
        let mixed = ino.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - places.ilog2());
        (mixed as usize / TOGETHER, mixed as usize % TOGETHER)
    }
}
