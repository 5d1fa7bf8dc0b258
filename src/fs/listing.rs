//! The listing of a merged directory, kept so that reading it on does not merge it anew (S23).

use crate::union::{List, Node};

/// The names that show in a directory, in order.
pub struct Listing {
    names: Vec<u8>,
    entries: Vec<Entry>,
    /// What the nodes take beyond their own size.
    heap: usize,
}

struct Entry {
    name_end: usize,
    /// As in `Listed`.
    position: usize,
    node: Node,
}

impl Listing {
    /// Takes all of a list.
    pub fn new(list: List<'_>) -> Listing {
        let mut listing = Listing { names: Vec::new(), entries: Vec::new(), heap: 0 };
        for listed in list {
            listing.names.extend_from_slice(&listed.name);
            if let Node::Dir(dir) = &listed.node {
                listing.heap += (dir.members().len() - 1) * size_of::<crate::union::Member>();
            }
            let name_end = listing.names.len();
            listing.entries.push(Entry { name_end, position: listed.position, node: listed.node });
        }
        listing
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> u64 {
        (self.names.len() + self.entries.len() * size_of::<Entry>() + self.heap) as u64
    }

    /// The names behind a position, each with its own.
    pub fn behind(&self, position: usize) -> impl Iterator<Item = (&[u8], Node, usize)> {
        let first = self.entries.partition_point(|entry| entry.position <= position);
        let start =
            first.checked_sub(1).and_then(|last| self.entries.get(last)).map_or(0, |last| last.name_end);
        let rest = self.entries.get(first..).unwrap_or_default();
        rest.iter().scan(start, |start, entry| {
            let name = self.names.get(*start..entry.name_end).unwrap_or_default();
            *start = entry.name_end;
            Some((name, entry.node.clone(), entry.position))
        })
    }
}
