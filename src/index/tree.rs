//! The tree of one layer while it is read: what unpacking its members in order would have made.
//!
//! Only names and repeats are resolved here (S1–S7); markers, and links to what has not been seen yet,
//! are kept for `settle`.

use rustc_hash::FxHashSet;

use crate::entry::Time;
use crate::path::{self, BadName, MAX_PATH, TreePath};

use super::inode::{Content, Inodes};
use super::item::{Item, Leaf, Meta};
use super::marker::Marker;
use super::node::{Name, NodeNo, Nodes, ROOT, State};
use super::reject::{Reason, Rejected};
use super::way::{Step, Way};

/// A layer's names as they stand after the members read so far.
pub struct Tree {
    pub nodes: Nodes,
    pub inodes: Inodes,
    /// Hard links that wait for their target (S5).
    pub pending: Vec<PendingLink>,
    /// Markers, each with its directory; applied when all entries are known (S10, S11).
    pub markers: Vec<(NodeNo, Marker<Name>)>,
    /// Links into lower layers that a whiteout stands beside; found when the layer settles.
    pub link_whiteouts: FxHashSet<NodeNo>,
    pub rejected: Vec<Rejected>,
    /// The latest `mtime` of a member, markers too: a deletion changes its directory (S4).
    pub newest: Option<Time>,
    /// Members taken in, the rejected ones too.
    pub members: u64,
    /// The directory part of the last name and the way it led: most members lie where the last one did.
    last_parent: Option<(Vec<u8>, Way)>,
}

/// A hard link that waits for its target.
#[derive(Debug)]
pub struct PendingLink {
    pub node: NodeNo,
    pub name: Box<[u8]>,
    pub target: TreePath,
    pub offset: u64,
}

impl Tree {
    /// A layer of no members.
    pub fn new() -> Tree {
        Tree {
            nodes: Nodes::new(),
            inodes: Inodes::new(),
            pending: Vec::new(),
            markers: Vec::new(),
            link_whiteouts: FxHashSet::default(),
            rejected: Vec::new(),
            newest: None,
            members: 0,
            last_parent: None,
        }
    }

    /// Takes in the next member; one that has no place is put down as rejected (S2).
    pub fn add(&mut self, name: &[u8], offset: u64, item: Item<'_>) {
        self.members += 1;
        match self.place(name, offset, item) {
            Ok(()) => self.newest = self.newest.max(item.mtime()),
            Err(reason) => self.rejected.push(Rejected { offset, name: name.into(), reason }),
        }
    }

    /// The node at a path, its last component not followed; nothing is made.
    pub fn find(&self, path: &TreePath) -> Option<NodeNo> {
        let (parent, last) = split_last(path.as_bytes());
        let mut way = Way::new(parent);
        loop {
            match way.step(&self.nodes, &self.inodes) {
                Ok(Step::Moved) => {}
                Ok(Step::Done) => break,
                Ok(Step::Missing(_)) | Err(_) => return None,
            }
        }
        match last {
            b"" => Some(way.dir),
            name => self.nodes.child(way.dir, name),
        }
    }

    fn place(&mut self, name: &[u8], offset: u64, item: Item<'_>) -> Result<(), Reason> {
        check_name(name)?;
        let (parent, last) = split_last(name);
        if last.is_empty() {
            return self.describe_root(item);
        }
        match Marker::of(last) {
            Some(Marker::Opaque) => {
                let dir = self.enter(parent, b"")?;
                self.markers.push((dir, Marker::Opaque));
                Ok(())
            }
            Some(Marker::Whiteout(hidden)) => self.add_whiteout(parent, hidden),
            None => self.add_entry(parent, last, offset, item),
        }
    }

    /// S25: nothing but a directory can stand at the root.
    fn describe_root(&mut self, item: Item<'_>) -> Result<(), Reason> {
        match item {
            Item::Directory(meta) => self.describe(ROOT, &meta),
            Item::Flawed { flaw, .. } => return Err(flaw.into()),
            _ => return Err(Reason::Root),
        }
        Ok(())
    }

    fn add_whiteout(&mut self, parent: &[u8], hidden: &[u8]) -> Result<(), Reason> {
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(Reason::EmptyWhiteout);
        }
        let dir = self.enter(parent, hidden)?;
        let name = self.nodes.keep(hidden)?;
        self.markers.push((dir, Marker::Whiteout(name)));
        Ok(())
    }

    fn add_entry(&mut self, parent: &[u8], name: &[u8], offset: u64, item: Item<'_>) -> Result<(), Reason> {
        match item {
            Item::Unknown(flag) => Err(Reason::Type(flag)),
            Item::Flawed { flaw, is_directory } => {
                // What it was to replace must not come back; a directory hides nothing.
                if !is_directory {
                    let dir = self.enter(parent, name)?;
                    self.put(dir, name, State::Whiteout)?;
                }
                Err(flaw.into())
            }
            Item::Directory(meta) => {
                let dir = self.enter(parent, name)?;
                self.put_directory(dir, name, &meta)
            }
            Item::Leaf(meta, leaf) => {
                check_leaf(&leaf)?;
                let dir = self.enter(parent, name)?;
                let inode = self.inodes.push(&meta, Content::of(leaf));
                self.put(dir, name, State::Leaf { inode }).map(|_| ())
            }
            Item::HardLink { target } => self.put_link(parent, name, target, offset),
        }
    }

    /// S3: a directory over a directory replaces its attributes and keeps its children.
    fn put_directory(&mut self, dir: NodeNo, name: &[u8], meta: &Meta<'_>) -> Result<(), Reason> {
        let node = match self.nodes.child(dir, name) {
            Some(node) if self.nodes.state(node).is_directory() => node,
            _ => self.put(dir, name, State::IMPLIED)?,
        };
        self.describe(node, meta);
        Ok(())
    }

    fn describe(&mut self, node: NodeNo, meta: &Meta<'_>) {
        let inode = Some(self.inodes.push(meta, Content::Directory));
        self.nodes.set_state(node, State::Directory { inode, opaque: false });
    }

    /// S5: a target that has been seen is linked at once, so that a later repeat of it does not matter.
    fn put_link(&mut self, parent: &[u8], name: &[u8], target: &[u8], offset: u64) -> Result<(), Reason> {
        let target = TreePath::from_name(target).map_err(Reason::LinkTarget)?;
        let state = match self.find(&target).map(|node| self.nodes.state(node)) {
            Some(State::Directory { .. }) => return Err(Reason::LinkToDirectory),
            Some(State::Leaf { inode }) => State::Leaf { inode },
            // All there is of a whiteout so far is a member that was rejected.
            Some(State::Whiteout) => return Err(Reason::LinkToNothing),
            _ => State::PendingLink,
        };
        let dir = self.enter(parent, name)?;
        let node = self.put(dir, name, state)?;
        if state == State::PendingLink {
            let name = [parent, b"/", name].concat().into();
            self.pending.push(PendingLink { node, name, target, offset });
        }
        Ok(())
    }

    /// Puts something under a name; what stood there is gone, a directory's subtree included (S3).
    fn put(&mut self, dir: NodeNo, name: &[u8], state: State) -> Result<NodeNo, Reason> {
        let Some(node) = self.nodes.child(dir, name) else { return self.nodes.insert(dir, name, state) };
        self.last_parent = None;
        if self.nodes.state(node).is_directory() {
            // Its children hang on its number; a new one leaves them behind.
            self.nodes.remove(node);
            return self.nodes.insert(dir, name, state);
        }
        self.nodes.set_state(node, state);
        Ok(node)
    }

    /// Goes to the directory part of a member's name, making what is implied (S4, S6).
    fn enter(&mut self, parent: &[u8], name: &[u8]) -> Result<NodeNo, Reason> {
        let (last, way) = match self.last_parent.take() {
            Some((last, way)) if last == parent => (last, way),
            _ if path::split(parent).any(|name| Marker::of(name).is_some()) => {
                return Err(Reason::BelowMarker);
            }
            _ => (parent.to_vec(), self.descend(parent)?),
        };
        let dir = way.check_len(name).map(|()| way.dir);
        self.last_parent = Some((last, way));
        dir
    }

    fn descend(&mut self, parent: &[u8]) -> Result<Way, Reason> {
        let mut way = Way::new(parent);
        loop {
            match way.step(&self.nodes, &self.inodes)? {
                Step::Moved => {}
                Step::Missing(name) => {
                    way.check_len(&name)?;
                    let node = self.nodes.insert(way.dir, &name, State::IMPLIED)?;
                    way.enter(node, &name);
                }
                Step::Done => return Ok(way),
            }
        }
    }
}

/// The directory part of a name and its last component, which is empty for the root.
fn split_last(name: &[u8]) -> (&[u8], &[u8]) {
    let mut parent = name;
    loop {
        let at = parent.iter().rposition(|&byte| byte == b'/');
        let (before, last) = match at {
            Some(at) => (parent.get(..at).unwrap_or_default(), parent.get(at + 1..).unwrap_or_default()),
            None => (&[][..], parent),
        };
        if !matches!(last, b"" | b".") || parent.is_empty() {
            return (before, last);
        }
        parent = before;
    }
}

fn check_name(name: &[u8]) -> Result<(), BadName> {
    path::components(name).map(|_| ())
}

/// What no kernel would make (S2).
fn check_leaf(leaf: &Leaf<'_>) -> Result<(), Reason> {
    match leaf {
        Leaf::CharDevice(device) | Leaf::BlockDevice(device) if !device.is_in_range() => Err(Reason::Device),
        Leaf::Symlink([]) => Err(Reason::LinkTarget(BadName::Empty)),
        Leaf::Symlink(target) if target.contains(&0) => Err(Reason::LinkTarget(BadName::Nul)),
        Leaf::Symlink(target) if target.len() > MAX_PATH => Err(Reason::LinkTarget(BadName::LongName)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_their_last_component() {
        for (name, parent, last) in [
            (&b"a/b/c"[..], &b"a/b"[..], &b"c"[..]),
            (b"a/b/", b"a", b"b"),
            (b"./a", b".", b"a"),
            (b"a/.", b"", b"a"),
            (b"a", b"", b"a"),
            (b"/a//", b"", b"a"),
            (b"/", b"", b""),
            (b"./", b"", b""),
            (b"./.", b"", b""),
        ] {
            assert_eq!(split_last(name), (parent, last), "{}", name.escape_ascii());
        }
    }
}
