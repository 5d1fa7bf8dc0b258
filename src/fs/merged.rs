//! Merged directories by number, kept so that a number is not a walk down its path each time.

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

use crate::counter::HitCounter;
use crate::union::MergedDir;

use super::InodeNo;

/// Places for directories, a power of two: those that a walk is in, and those it will enter next. A place
/// takes 8 bytes, a directory about 100, of a hundred layers 1,000.
pub const PLACES: usize = 1 << 14;

/// The same for a view, of which there may be a thousand.
pub const FEW: usize = 1 << 9;

/// Directories that were named, each in the one place that its number gives it; whichever was named last.
///
/// Whoever looks takes no lock and writes to no memory that others look at.
pub struct MergedDirs {
    places: Box<[ArcSwapOption<Named>]>,
    /// What came of looking.
    pub hits: HitCounter,
}

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
    /// None yet, in so many places: a power of two.
    pub fn new(places: usize) -> MergedDirs {
        let places = (0..places).map(|_| ArcSwapOption::empty()).collect();
        MergedDirs { places, hits: HitCounter::default() }
    }

    /// A directory that is still there.
    pub fn get(&self, ino: InodeNo) -> Option<Guard<Option<Arc<Named>>>> {
        let found = self.place(ino)?.load();
        let is_there = found.as_ref().is_some_and(|named| named.ino == ino);
        self.hits.note(is_there);
        is_there.then_some(found)
    }

    /// Keeps a directory, unless it is there already.
    pub fn put(&self, named: Named) {
        let Some(place) = self.place(named.ino) else { return };
        let is_there = place.load().as_ref().is_some_and(|there| there.ino == named.ino);
        if !is_there {
            place.store(Some(Arc::new(named)));
        }
    }

    fn place(&self, ino: InodeNo) -> Option<&ArcSwapOption<Named>> {
        // Numbers of one layer follow each other, and those of all layers begin alike.
        let mixed = ino.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - self.places.len().ilog2());
        self.places.get(mixed as usize)
    }
}
