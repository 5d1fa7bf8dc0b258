//! Files that are only called something else now.

use std::collections::{HashMap, HashSet};
use std::io;

use crate::commit::Entry;
use crate::digest::Digest;
use crate::entry::Kind;

use super::walk::in_attributes;
use super::{Change, Difference, Side, What};

/// The differences of one size that may be a file's removal and its coming back.
#[derive(Default)]
struct Candidates {
    deleted: Vec<usize>,
    added: Vec<usize>,
}

/// Makes of each file that went and came under another name one difference. Only files are hashed that have the
/// size of one that came or went; of several with the same contents the first meets the first. What else of them
/// differs is told, but for what is to be ignored.
pub fn with_renames(
    old: &Side,
    new: &Side,
    ignore: &HashSet<What>,
    all: Vec<Difference>,
) -> io::Result<Vec<Difference>> {
    let mut by_size: HashMap<u64, Candidates> = HashMap::new();
    for (at, difference) in all.iter().enumerate() {
        if let (Change::Deleted, Some(size)) = (&difference.change, size(&difference.old)) {
            by_size.entry(size).or_default().deleted.push(at);
        } else if let (Change::Added, Some(size)) = (&difference.change, size(&difference.new)) {
            by_size.entry(size).or_default().added.push(at);
        }
    }
    let mut came_from: HashMap<usize, usize> = HashMap::new();
    for Candidates { deleted, added } in by_size.into_values() {
        if deleted.is_empty() || added.is_empty() {
            continue;
        }
        let mut gone: HashMap<Digest, Vec<usize>> = HashMap::new();
        // The last first, so that the first is taken first.
        for at in deleted.into_iter().rev() {
            let Some(entry) = all.get(at).and_then(|difference| difference.old.as_ref()) else { continue };
            gone.entry(old.digest(entry)?).or_default().push(at);
        }
        for at in added {
            let Some(entry) = all.get(at).and_then(|difference| difference.new.as_ref()) else { continue };
            if let Some(from) = gone.get_mut(&new.digest(entry)?).and_then(Vec::pop) {
                came_from.insert(at, from);
            }
        }
    }
    Ok(join(all, &came_from, ignore))
}

fn join(all: Vec<Difference>, came_from: &HashMap<usize, usize>, ignore: &HashSet<What>) -> Vec<Difference> {
    let mut all: Vec<Option<Difference>> = all.into_iter().map(Some).collect();
    for (&to, &from) in came_from {
        let Some(gone) = all.get_mut(from).and_then(Option::take) else { continue };
        if let Some(Some(came)) = all.get_mut(to) {
            came.change = Change::Renamed(gone.path);
            came.old = gone.old;
            if let (Some(old), Some(new)) = (&came.old, &came.new) {
                came.what = in_attributes(old, new).filter(|what| !ignore.contains(what)).collect();
            }
        }
    }
    all.into_iter().flatten().collect()
}

/// Bytes of holes in a file that is worth looking for: they have to be hashed, and an image may claim any number.
const MOST_HOLES: u64 = 1 << 30;

/// The size of a file that is worth looking for.
fn size(entry: &Option<Entry>) -> Option<u64> {
    let attributes = entry.as_ref()?.attributes;
    let holes = attributes.size.saturating_sub(attributes.blocks.saturating_mul(512));
    let is_worth_it = attributes.kind == Kind::Regular && attributes.size > 0 && holes <= MOST_HOLES;
    is_worth_it.then_some(attributes.size)
}
