//! What is in `layers/`, and which of it goes when it is too much: whole groups, least recently used first.

use std::collections::BTreeMap;
use std::io;
use std::time::SystemTime;

use super::dir::Dir;
use super::name::{self, Group, Part};

/// What a file is counted in, in bytes: its last block is not shared.
const BLOCK: u64 = 4096;

/// A group that is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The tar that it is about.
    pub group: Group,
    /// Its files and their lengths in bytes, by name.
    pub parts: Vec<(Part, u64)>,
    /// When the last of them was opened or written, to the minute.
    pub last_used: SystemTime,
}

impl Listed {
    /// What the group takes, in bytes: its files in whole blocks.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|&(_, len)| blocks(len)).fold(0, u64::saturating_add)
    }
}

/// What a prune has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Groups of which something was removed.
    pub groups: usize,
    /// Bytes that they took.
    pub freed: u64,
    /// Bytes that the others take.
    pub left: u64,
}

/// A file's length in whole blocks.
pub fn blocks(len: u64) -> u64 {
    len.checked_next_multiple_of(BLOCK).unwrap_or(len)
}

/// All groups, least recently used first; what is not ours is not among them.
pub fn list(layers: &Dir) -> io::Result<Vec<Listed>> {
    let mut groups: BTreeMap<Group, Listed> = BTreeMap::new();
    for name in layers.names()? {
        let Some((group, part)) = name::parse(&name) else { continue };
        let Some(seen) = layers.look(&name) else { continue };
        let new = || Listed { group: group.clone(), parts: Vec::new(), last_used: seen.used };
        let listed = groups.entry(group.clone()).or_insert_with(new);
        listed.parts.push((part, seen.len));
        listed.last_used = listed.last_used.max(seen.used);
    }
    let mut groups: Vec<Listed> = groups.into_values().collect();
    groups.iter_mut().for_each(|listed| listed.parts.sort());
    groups.sort_by_key(|listed| listed.last_used);
    Ok(groups)
}

/// What all groups take, in bytes.
pub fn total(groups: &[Listed]) -> u64 {
    groups.iter().map(Listed::size).fold(0, u64::saturating_add)
}

/// Removes groups in their order until those left take at most `max` bytes; never `spared`.
///
/// What cannot be removed is passed over, and an error in the end if too much is left.
pub fn evict(layers: &Dir, groups: &[Listed], max: u64, spared: Option<&Group>) -> io::Result<Report> {
    let mut report = Report { left: total(groups), ..Report::default() };
    let mut stuck = None;
    for listed in groups.iter().filter(|listed| Some(&listed.group) != spared) {
        if report.left <= max {
            break;
        }
        let freed = remove(layers, listed, &mut stuck);
        report.groups += usize::from(freed > 0);
        report.freed += freed;
        report.left -= freed;
    }
    match stuck {
        Some(error) if report.left > max => Err(error),
        _ => Ok(report),
    }
}

/// Removes a group's files; gives the bytes that they took.
fn remove(layers: &Dir, listed: &Listed, stuck: &mut Option<io::Error>) -> u64 {
    let mut freed = 0;
    for (part, len) in &listed.parts {
        match layers.remove(&name::file_name(&listed.group, part)) {
            // Someone else's prune may have come first: gone is gone.
            Ok(_) => freed += blocks(*len),
            Err(error) => {
                stuck.get_or_insert(error);
            }
        }
    }
    freed
}
