//! From the tree of a layer to its tables: entries numbered breadth first, a directory's side by side.

use crate::entry::{Extent, Xattr};
use crate::layer::{DirId, ForeignLink, LeafId};
use crate::mapped::Table;

use super::XattrUse;
use super::inode::{Content, Inode};
use super::marker::WHITEOUT_PREFIX;
use super::node::{Node, NodeNo, ROOT, State};
use super::settle::settle;
use super::table::{
    Flags, NO_END, Rare, Record, RecordKind, Slice, Sparse, Summary, Tables, Text, Times, XattrText,
};
use super::tree::Tree;

/// Settles a layer that has been read to its end, and lays it out.
pub fn tables(mut tree: Tree) -> Tables {
    settle(&mut tree);
    let mut layout = Layout::new(&tree);
    layout.run();
    layout.lay_out_xattrs();
    layout.shrink();
    let newest = tree.newest.unwrap_or_default();
    let summary = Summary {
        newest_secs: newest.secs,
        newest_nanos: newest.nanos,
        xattr_use: xattr_use(&tree) as u32,
        members: tree.members,
        data_size: layout.data_size,
        end: NO_END,
    };
    let is_root_opaque = layout.records.first().is_some_and(|root| root.flags.contains(Flags::OPAQUE));
    let Layout { records, names, texts, xattr_sets, xattrs, extents, sparse, times, mut rare, .. } = layout;
    rare.rejected = tree.rejected;
    Tables {
        records: Table::Owned(records),
        names: Table::Owned(names),
        texts: Table::Owned(texts),
        owners: Table::Owned(tree.inodes.owners.into_values()),
        xattr_sets: Table::Owned(xattr_sets),
        xattrs: Table::Owned(xattrs),
        extents: Table::Owned(extents),
        sparse: Table::Owned(sparse),
        times: Table::Owned(times),
        rare,
        summary,
        is_root_opaque,
    }
}

fn xattr_use(tree: &Tree) -> XattrUse {
    let is_acl = |xattr: &Xattr| xattr.name.starts_with(b"system.posix_acl_");
    let all = tree.inodes.xattrs.values().iter().flatten();
    all.map(|xattr| if is_acl(xattr) { XattrUse::Acls } else { XattrUse::Some })
        .max()
        .unwrap_or(XattrUse::None)
}

struct Layout<'a> {
    tree: &'a Tree,
    children: ChildLists,
    /// The first record of each inode; `NONE` before it has one.
    first_of: Vec<u32>,
    records: Vec<Record>,
    names: Vec<u8>,
    texts: Vec<u8>,
    xattr_sets: Vec<Slice>,
    xattrs: Vec<XattrText>,
    extents: Vec<Extent>,
    sparse: Vec<Sparse>,
    times: Vec<Times>,
    rare: Rare,
    data_size: u64,
}

const NONE: u32 = u32::MAX;

impl<'a> Layout<'a> {
    fn new(tree: &'a Tree) -> Layout<'a> {
        Layout {
            tree,
            children: ChildLists::new(tree),
            first_of: vec![NONE; tree.inodes.inodes.len()],
            records: Vec::with_capacity(tree.nodes.all().len()),
            names: Vec::new(),
            texts: Vec::new(),
            xattr_sets: Vec::new(),
            xattrs: Vec::new(),
            extents: Vec::new(),
            sparse: Vec::new(),
            times: Vec::new(),
            rare: Rare::default(),
            data_size: 0,
        }
    }

    /// Lays out directory after directory; each puts its own children at the end of the queue, which is
    /// the list of records itself.
    fn run(&mut self) {
        let mut node_of = vec![ROOT];
        self.push(ROOT, 0);
        let mut next = 0;
        while let Some(&node) = node_of.get(next) {
            if self.tree.nodes.state(node).is_directory() {
                let first = self.records.len() as u32;
                self.children.sort(self.tree, node);
                for i in self.children.range(node) {
                    let Some(&child) = self.children.lists.get(i) else { continue };
                    self.push(child, next as u32);
                    node_of.push(child);
                }
                let count = self.records.len() as u32 - first;
                if let Some(record) = self.records.get_mut(next) {
                    record.data = Slice { first, count }.pack();
                }
            }
            next += 1;
        }
        self.count_links();
    }

    /// Gives back what the tables took in advance: they stay as long as the mount does.
    fn shrink(&mut self) {
        self.records.shrink_to_fit();
        self.names.shrink_to_fit();
        self.texts.shrink_to_fit();
        self.xattr_sets.shrink_to_fit();
        self.xattrs.shrink_to_fit();
        self.extents.shrink_to_fit();
        self.sparse.shrink_to_fit();
        self.times.shrink_to_fit();
    }

    fn push(&mut self, number: NodeNo, parent: u32) {
        let Some(node) = self.tree.nodes.all().get(number as usize) else { return };
        let mut record = self.name(node, parent);
        match node.state {
            State::Directory { inode, opaque } => {
                record.set_kind(RecordKind::Directory);
                if opaque {
                    record.flags.set(Flags::OPAQUE);
                }
                if let Some(inode) = inode.and_then(|inode| self.tree.inodes.get(inode)) {
                    record.flags.set(Flags::EXPLICIT);
                    self.describe(&mut record, inode);
                }
            }
            State::Leaf { inode } => self.leaf(&mut record, inode),
            State::Whiteout | State::PendingLink | State::Gone => record.set_kind(RecordKind::Whiteout),
        }
        if self.tree.link_whiteouts.contains(&number) {
            self.rare.link_whiteouts.push((DirId(parent), self.tree.nodes.text(node.name).into()));
        }
        self.records.push(record);
    }

    fn name(&mut self, node: &Node, parent: u32) -> Record {
        let name = self.tree.nodes.text(node.name);
        let name_at = self.names.len() as u32;
        self.names.extend_from_slice(name);
        Record::new(RecordKind::Whiteout, name_at, name.len() as u8, parent)
    }

    fn leaf(&mut self, record: &mut Record, number: u32) {
        let Some(inode) = self.tree.inodes.get(number) else { return };
        let here = self.records.len() as u32;
        match self.first_of.get_mut(number as usize) {
            Some(first) if *first == NONE => *first = here,
            first => {
                record.set_kind(RecordKind::Link);
                record.data = first.map_or(0, |&mut first| first.into());
                return;
            }
        }
        self.describe(record, inode);
        self.fill(record, inode, LeafId(here));
    }

    fn describe(&mut self, record: &mut Record, inode: &Inode) {
        record.owner = inode.owner;
        record.mtime_secs = inode.mtime.secs;
        record.mtime_nanos = inode.mtime.nanos;
        if let Some(times) = &inode.times {
            record.flags.set(Flags::TIMES);
            let (atime, ctime) = **times;
            self.times.push(Times {
                atime_secs: atime.secs,
                ctime_secs: ctime.secs,
                atime_nanos: atime.nanos,
                ctime_nanos: ctime.nanos,
                entry: self.records.len() as u32,
                unused: 0,
            });
        }
    }

    fn fill(&mut self, record: &mut Record, inode: &Inode, leaf: LeafId) {
        record.set_kind(kind(&inode.content));
        match &inode.content {
            Content::Directory | Content::Fifo | Content::Socket => {}
            Content::Regular { size, offset } => {
                (record.size, record.data) = (*size, *offset);
                self.data_size = self.data_size.saturating_add(*size);
            }
            Content::Sparse { size, extents } => {
                (record.size, record.data) = (*size, self.sparse.len() as u64);
                record.flags.set(Flags::SPARSE);
                let stored = extents.iter().map(|extent| extent.len).fold(0, u64::saturating_add);
                let slice = Slice { first: self.extents.len() as u32, count: extents.len() as u32 };
                self.sparse.push(Sparse { extents: slice, stored });
                self.extents.extend_from_slice(extents);
                self.data_size = self.data_size.saturating_add(stored);
            }
            Content::Symlink { target } => {
                let text = self.text(target);
                (record.size, record.data) = (text.len, text.at);
            }
            Content::CharDevice(device) | Content::BlockDevice(device) => {
                record.data = Slice { first: device.major, count: device.minor }.pack();
            }
            Content::Foreign { target } => {
                self.rare.foreign.push(ForeignLink { leaf, target: target.clone() });
            }
        }
    }

    fn text(&mut self, text: &[u8]) -> Text {
        let at = self.texts.len() as u64;
        self.texts.extend_from_slice(text);
        Text { at, len: text.len() as u64 }
    }

    fn lay_out_xattrs(&mut self) {
        for set in self.tree.inodes.xattrs.values() {
            self.xattr_sets.push(Slice { first: self.xattrs.len() as u32, count: set.len() as u32 });
            for xattr in set {
                let (name, value) = (self.text(&xattr.name), self.text(&xattr.value));
                self.xattrs.push(XattrText { name, value });
            }
        }
    }

    /// S24: an entry has as many links as it has names that show.
    fn count_links(&mut self) {
        let named: Vec<u32> =
            self.records.iter().filter(|r| r.kind() == RecordKind::Link).map(|r| r.data as u32).collect();
        for entry in named {
            if let Some(record) = self.records.get_mut(entry as usize) {
                record.nlink += 1;
            }
        }
    }
}

fn kind(content: &Content) -> RecordKind {
    match content {
        Content::Directory => RecordKind::Directory,
        Content::Regular { .. } | Content::Sparse { .. } => RecordKind::Regular,
        Content::Symlink { .. } => RecordKind::Symlink,
        Content::CharDevice(_) => RecordKind::CharDevice,
        Content::BlockDevice(_) => RecordKind::BlockDevice,
        Content::Fifo => RecordKind::Fifo,
        Content::Socket => RecordKind::Socket,
        Content::Foreign { .. } => RecordKind::ForeignLink,
    }
}

/// The children of every directory, one list behind the other, by counting.
struct ChildLists {
    /// Where each node's list begins in `lists`; one more at the end.
    starts: Vec<u32>,
    lists: Vec<NodeNo>,
}

impl ChildLists {
    fn new(tree: &Tree) -> ChildLists {
        let nodes = tree.nodes.all();
        let is_shown = |(number, node): &(NodeNo, &Node)| {
            *number != ROOT
                && node.state != State::Gone
                && !tree.nodes.text(node.name).starts_with(WHITEOUT_PREFIX)
        };
        let shown = || (0..).zip(nodes).filter(is_shown);
        let mut starts = vec![0u32; nodes.len() + 1];
        for (_, node) in shown() {
            if let Some(count) = starts.get_mut(node.parent as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut lists = vec![0; sum as usize];
        let mut fill = starts.clone();
        for (number, node) in shown() {
            let Some(at) = fill.get_mut(node.parent as usize) else { continue };
            if let Some(slot) = lists.get_mut(*at as usize) {
                *slot = number;
                *at += 1;
            }
        }
        ChildLists { starts, lists }
    }

    fn range(&self, node: NodeNo) -> std::ops::Range<usize> {
        let start = |node: usize| self.starts.get(node).copied().unwrap_or_default() as usize;
        start(node as usize)..start(node as usize + 1)
    }

    fn sort(&mut self, tree: &Tree, node: NodeNo) {
        let range = self.range(node);
        let name =
            |&child: &NodeNo| tree.nodes.all().get(child as usize).map(|child| tree.nodes.text(child.name));
        if let Some(children) = self.lists.get_mut(range) {
            children.sort_unstable_by(|a, b| name(a).cmp(&name(b)));
        }
    }
}
