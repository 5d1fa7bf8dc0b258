//! The names of a layer while it is read: an arena of nodes, found by directory and name.
//!
//! Nodes are made in the order of the layer, so a parent always has a lower number than its children.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::reject::Reason;

/// A node's number; 0 is the root.
pub type NodeNo = u32;

/// The root's number.
pub const ROOT: NodeNo = 0;

/// A name in a directory.
#[derive(Debug)]
pub struct Node {
    pub parent: NodeNo,
    pub name: Name,
    pub state: State,
}

/// A name's place in the arena.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    at: u32,
    len: u8,
}

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A directory; its inode once a member gave it attributes (S4).
    Directory { inode: Option<u32>, opaque: bool },
    /// An inode; hard links share one.
    Leaf { inode: u32 },
    /// A hard link whose target has not been seen.
    PendingLink,
    /// A whiteout (S10).
    Whiteout,
    /// Something else took its place, or it was rejected in the end.
    Gone,
}

impl State {
    /// A directory that nobody described (S4).
    pub const IMPLIED: State = State::Directory { inode: None, opaque: false };

    pub fn is_directory(self) -> bool {
        matches!(self, State::Directory { .. })
    }
}

/// All nodes.
#[derive(Debug)]
pub struct Nodes {
    nodes: Vec<Node>,
    text: Vec<u8>,
    by_name: HashTable<NodeNo>,
    /// Seeded at random: an archive cannot choose names that collide.
    hasher: DefaultHashBuilder,
}

impl Nodes {
    /// Only the root, which nobody described.
    pub fn new() -> Nodes {
        let root = Node { parent: ROOT, name: Name { at: 0, len: 0 }, state: State::IMPLIED };
        Nodes {
            nodes: vec![root],
            text: Vec::new(),
            by_name: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// All nodes, by number.
    pub fn all(&self) -> &[Node] {
        &self.nodes
    }

    /// What stands at a node.
    pub fn state(&self, node: NodeNo) -> State {
        self.nodes.get(node as usize).map_or(State::Gone, |node| node.state)
    }

    /// Changes what stands at a node.
    pub fn set_state(&mut self, node: NodeNo, state: State) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.state = state;
        }
    }

    /// The directory that holds a node; the root's is the root.
    pub fn parent(&self, node: NodeNo) -> NodeNo {
        self.nodes.get(node as usize).map_or(ROOT, |node| node.parent)
    }

    /// A node's name in its directory; the root's is empty.
    pub fn name(&self, node: NodeNo) -> &[u8] {
        self.nodes.get(node as usize).map_or(&[], |node| self.text(node.name))
    }

    /// The bytes of a name.
    pub fn text(&self, name: Name) -> &[u8] {
        self.text.get(name.at as usize..name.at as usize + usize::from(name.len)).unwrap_or_default()
    }

    /// Puts a name into the arena.
    pub fn keep(&mut self, name: &[u8]) -> Result<Name, Reason> {
        let at = u32::try_from(self.text.len()).map_err(|_| Reason::TooMany)?;
        let len = u8::try_from(name.len()).map_err(|_| Reason::TooMany)?;
        self.text.extend_from_slice(name);
        Ok(Name { at, len })
    }

    /// The node of a name in a directory.
    pub fn child(&self, dir: NodeNo, name: &[u8]) -> Option<NodeNo> {
        let is_it = |&node: &NodeNo| {
            self.nodes
                .get(node as usize)
                .is_some_and(|node| node.parent == dir && self.text(node.name) == name)
        };
        self.by_name.find(self.hasher.hash_one((dir, name)), is_it).copied()
    }

    /// Makes a node under a name that is free.
    pub fn insert(&mut self, parent: NodeNo, name: &[u8], state: State) -> Result<NodeNo, Reason> {
        let number = u32::try_from(self.nodes.len()).map_err(|_| Reason::TooMany)?;
        let hash = self.hasher.hash_one((parent, name));
        let name = self.keep(name)?;
        self.nodes.push(Node { parent, name, state });
        let Nodes { nodes, text, by_name, hasher } = self;
        by_name.insert_unique(hash, number, |&number| match nodes.get(number as usize) {
            Some(Node { parent, name, .. }) => {
                let name = text.get(name.at as usize..name.at as usize + usize::from(name.len));
                hasher.hash_one((*parent, name.unwrap_or_default()))
            }
            None => 0,
        });
        Ok(number)
    }

    /// Takes a node out of its directory; its children, if any, are out of reach with it.
    pub fn remove(&mut self, number: NodeNo) {
        self.set_state(number, State::Gone);
        let Some(node) = self.nodes.get(number as usize) else { return };
        let hash = self.hasher.hash_one((node.parent, self.text(node.name)));
        if let Ok(entry) = self.by_name.find_entry(hash, |&other| other == number) {
            entry.remove();
        }
    }
}
