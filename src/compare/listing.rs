//! The names of one directory of a tree, whichever kind of tree.

use std::io;
use std::vec;

use rustix::fs::Stat;

use crate::union;
use crate::upper;

use super::side::Node;

/// The iterator; only that over layers alone keeps no list.
pub enum Listing<'a> {
    /// Of layers.
    Union(union::List<'a>),
    /// Of layers that an upper has no word on.
    Below(union::List<'a>),
    /// Of an upper and what is below.
    View(vec::IntoIter<(Box<[u8]>, upper::Node)>),
    /// Of the host.
    Host(vec::IntoIter<(Box<[u8]>, Stat)>),
}

impl Iterator for Listing<'_> {
    type Item = io::Result<(Box<[u8]>, Node)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Listing::Union(list) => {
                let listed = list.next()?.map_err(io::Error::other);
                Some(listed.map(|listed| (listed.name.into(), Node::Union(listed.node))))
            }
            Listing::Below(list) => {
                let listed = list.next()?.map_err(io::Error::other);
                Some(listed.map(|listed| (listed.name.into(), Node::View(listed.node.into()))))
            }
            Listing::View(list) => list.next().map(|(name, node)| Ok((name, Node::View(node)))),
            Listing::Host(list) => list.next().map(|(name, stat)| Ok((name, Node::Host(stat)))),
        }
    }
}
