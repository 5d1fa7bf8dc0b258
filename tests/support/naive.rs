//! What peelfs must show, worked out without any cleverness: each layer's members are applied one after
//! the other to a map of paths, and the layers squashed one after the other onto the tree below.
//!
//! Nothing here is shared with the program, not even how a name is cleaned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::stacks::{Member, What};

/// Symlinks followed on the way to a member (S6).
const MAX_SYMLINKS: usize = 40;

/// One layer while its members are applied.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    tree: BTreeMap<String, Node>,
    files: Vec<File>,
    /// Whether unpackers disagree on how to take one of the members.
    pub is_disputed: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// With the mode that a member gave it, if one did (S4).
    Dir(Option<u32>),
    /// A place in `files`; hard links share it.
    File(usize),
    /// A hard link whose target has not been seen yet (S5).
    Waiting(String),
    /// A name that begins with `.wh.` and says something about others.
    Marker,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum File {
    /// With its mode and what it is.
    Here(u32, What),
    /// A hard link into the layers below.
    Below(String),
}

/// One layer with its markers settled.
struct Settled {
    tree: BTreeMap<String, Node>,
    files: Vec<File>,
    opaque: BTreeSet<String>,
    hidden: BTreeSet<String>,
}

/// Why a member was rejected.
pub type Rejected = &'static str;

/// What shows at a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// A directory, with the layers that take part in it, top first.
    Dir { mode: u32, layers: Vec<usize> },
    /// Anything else, with its layer and its place there.
    File { mode: u32, what: What, layer: usize, place: usize, links: usize },
}

/// All that shows, by path; the root is the empty path.
pub type Tree = BTreeMap<String, Shown>;

/// Squashes layers, base first.
pub fn squash<'a>(layers: impl IntoIterator<Item = &'a [Member]>) -> Tree {
    let mut tree = Tree::from([(String::new(), Shown::Dir { mode: 0o755, layers: Vec::new() })]);
    for (no, members) in layers.into_iter().enumerate() {
        let mut layer = Layer::new();
        for member in members {
            let _rejected = layer.add(member);
        }
        layer.settle().squash_onto(&mut tree, no);
    }
    tree
}

impl Layer {
    /// A layer of no members.
    pub fn new() -> Layer {
        Layer { tree: BTreeMap::from([(String::new(), Node::Dir(None))]), ..Layer::default() }
    }

    /// Takes in the next member, as unpacking it here would.
    pub fn add(&mut self, member: &Member) -> Result<(), Rejected> {
        let components = clean(&member.name)?;
        let Some((name, parent)) = components.split_last() else { return self.describe_root(member) };
        if parent.iter().any(|name| is_marker(name)) {
            return Err("below a marker");
        }
        if matches!(name.as_str(), ".wh." | ".wh.." | ".wh...") {
            return Err("a whiteout that names nothing");
        }
        let parent = parent.join("/");
        let node = match &member.what {
            _ if is_marker(name) => Node::Marker,
            What::Directory => Node::Dir(Some(member.mode.unwrap_or(0o755))),
            What::Link(target) => self.link(target)?,
            what => self.file(member.mode, what),
        };
        let way = self.make_way(&parent)?;
        self.is_disputed |= !way.symlinks.is_empty() && is_finished_late(&member.what);
        self.put(join(&way.end, name), node);
        Ok(())
    }

    /// Directories that no member describes; the root is the empty path.
    pub fn implied(&self) -> impl Iterator<Item = &str> {
        self.tree.iter().filter(|(_, node)| **node == Node::Dir(None)).map(|(path, _)| path.as_str())
    }

    fn describe_root(&mut self, member: &Member) -> Result<(), Rejected> {
        if member.what != What::Directory {
            return Err("the root is a directory");
        }
        self.tree.insert(String::new(), Node::Dir(Some(member.mode.unwrap_or(0o755))));
        Ok(())
    }

    fn file(&mut self, mode: Option<u32>, what: &What) -> Node {
        let mode = match what {
            // Linux has no other.
            What::Symlink(_) => 0o777,
            What::Fifo => mode.unwrap_or(0o600),
            _ => mode.unwrap_or(0o644),
        };
        self.files.push(File::Here(mode, what.clone()));
        Node::File(self.files.len() - 1)
    }

    /// S5: what a link is, as far as it can be said now.
    fn link(&mut self, target: &str) -> Result<Node, Rejected> {
        let target = clean(target)?.join("/");
        let way = self.walk(target.rsplit_once('/').unwrap_or_default().0);
        self.is_disputed |= way.is_ok_and(|way| way.is_disputed());
        match self.look(&target) {
            Some(Node::Dir(_)) => Err("hard link to a directory"),
            Some(Node::File(file)) => Ok(Node::File(*file)),
            _ => {
                self.is_disputed = true;
                Ok(Node::Waiting(target))
            }
        }
    }

    /// S3: a directory over a directory keeps what is in it; anything else goes, with all below it.
    fn put(&mut self, path: String, node: Node) {
        match (self.tree.get(&path), &node) {
            (Some(Node::Dir(_)), Node::Dir(_)) => {}
            (Some(Node::Dir(_)), _) => {
                // GNU tar keeps what is not empty, and would still give the attributes of what is.
                self.is_disputed = true;
                remove_below(&mut self.tree, &path);
            }
            (Some(Node::File(file)), _) => self.is_disputed |= self.is_late(*file),
            _ => {}
        }
        self.tree.insert(path, node);
    }

    /// Whether it is a symlink that GNU tar makes last of all.
    fn is_late(&self, file: usize) -> bool {
        matches!(&self.files[file], File::Here(_, What::Symlink(target)) if is_late(target))
    }

    /// Where a path leads, with all directories on the way (S4, S6).
    fn make_way(&mut self, path: &str) -> Result<Way, Rejected> {
        let way = self.walk(path)?;
        self.is_disputed |= way.is_disputed();
        self.tree.extend(way.missing.iter().map(|path| (path.clone(), Node::Dir(None))));
        Ok(way)
    }

    /// What stands at a path, symlinks on the way to it followed.
    fn look(&self, path: &str) -> Option<&Node> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let way = self.walk(parent).ok()?;
        self.tree.get(&join(&way.end, name)).filter(|node| **node != Node::Marker)
    }

    /// Goes along a path, component by component.
    fn walk(&self, path: &str) -> Result<Way, Rejected> {
        let mut way = Way::default();
        let mut todo: Vec<String> = components(path).rev().map(str::to_owned).collect();
        while let Some(name) = todo.pop() {
            if name == ".." {
                way.end = way.end.rsplit_once('/').unwrap_or_default().0.to_owned();
                continue;
            }
            let next = join(&way.end, &name);
            match self.tree.get(&next) {
                Some(Node::Dir(_)) => way.end = next,
                None => {
                    way.missing.insert(next.clone());
                    way.end = next;
                }
                Some(Node::File(file)) => {
                    let File::Here(_, What::Symlink(target)) = &self.files[*file] else {
                        return Err("its parent is not a directory");
                    };
                    if target.starts_with('/') {
                        way.end.clear();
                    }
                    todo.extend(components(target).rev().map(str::to_owned));
                    way.symlinks.push(target.clone());
                }
                Some(Node::Waiting(_) | Node::Marker) => return Err("its parent is not a directory"),
            }
            if way.symlinks.len() > MAX_SYMLINKS {
                return Err("too many symlinks");
            }
        }
        Ok(way)
    }

    /// What only all members together can say: later targets (S5) and markers (S10, S11, S12, S14).
    fn settle(mut self) -> Settled {
        while self.settle_link() {}
        let Layer { mut tree, files, .. } = self;
        let mut opaque = BTreeSet::new();
        let mut hidden = BTreeSet::new();
        for (path, _) in tree.iter().filter(|(_, node)| **node == Node::Marker) {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            match name.strip_prefix(".wh.").unwrap() {
                ".wh..opq" => opaque.insert(dir.to_owned()),
                name => hidden.insert(join(dir, name)),
            };
        }
        let is_whiteout = |node: &Node| match node {
            Node::File(file) => matches!(files[*file], File::Here(_, What::CharDevice(0, 0))),
            _ => false,
        };
        hidden.extend(tree.iter().filter(|(_, node)| is_whiteout(node)).map(|(path, _)| path.clone()));
        tree.retain(|path, node| {
            !components(path).any(|name| name.starts_with(".wh.")) && !is_whiteout(node)
        });
        Settled { tree, files, opaque, hidden }
    }

    /// Settles one link that waits, or a circle of them; `false` if none does.
    fn settle_link(&mut self) -> bool {
        let waiting: Vec<(String, String)> = self.waiting().collect();
        let targets: Vec<Option<Node>> =
            waiting.iter().map(|(_, target)| self.look(target).cloned()).collect();
        for ((path, _), target) in waiting.iter().zip(&targets) {
            if let Some(Node::File(file)) = target {
                self.tree.insert(path.clone(), Node::File(*file));
                return true;
            }
        }
        for ((path, target), node) in waiting.iter().zip(&targets) {
            match node {
                Some(Node::Dir(_)) => self.tree.remove(path),
                None => self.look_below(path, target),
                _ => continue,
            };
            return true;
        }
        // All wait for each other: somewhere there is a circle.
        let Some((mut path, _)) = waiting.first().cloned() else { return false };
        let mut circle: Vec<String> = Vec::new();
        while !circle.contains(&path) {
            circle.push(path.clone());
            path = self.waiting_place(&path);
        }
        let start = circle.iter().position(|link| *link == path).unwrap();
        for link in &circle[start..] {
            let target = waiting.iter().find(|(path, _)| path == link).unwrap().1.clone();
            self.look_below(link, &target);
        }
        true
    }

    fn waiting(&self) -> impl Iterator<Item = (String, String)> {
        self.tree.iter().filter_map(|(path, node)| match node {
            Node::Waiting(target) => Some((path.clone(), target.clone())),
            _ => None,
        })
    }

    /// The path of the link that a link waits for.
    fn waiting_place(&self, link: &str) -> String {
        let Some(Node::Waiting(target)) = self.tree.get(link) else { panic!("{link} waits for nothing") };
        let (parent, name) = target.rsplit_once('/').unwrap_or(("", target));
        join(&self.walk(parent).unwrap().end, name)
    }

    fn look_below(&mut self, path: &str, target: &str) -> Option<Node> {
        self.files.push(File::Below(target.to_owned()));
        self.tree.insert(path.to_owned(), Node::File(self.files.len() - 1))
    }
}

/// Where a path leads.
#[derive(Default)]
struct Way {
    end: String,
    /// Directories on it that are not there.
    missing: BTreeSet<String>,
    /// Targets of the symlinks on it.
    symlinks: Vec<String>,
}

impl Way {
    /// Whether unpackers disagree on it: none makes directories that a symlink leads to.
    fn is_disputed(&self) -> bool {
        let is_dangling = !self.symlinks.is_empty() && !self.missing.is_empty();
        is_dangling || self.symlinks.iter().any(|target| is_late(target))
    }
}

impl Settled {
    /// Deletes from the tree below what this layer hides, then puts in what this layer has.
    fn squash_onto(self, tree: &mut Tree, no: usize) {
        let below = tree.clone();
        for path in &self.hidden {
            remove_below(tree, path);
            tree.remove(path);
        }
        for path in &self.opaque {
            remove_below(tree, path);
            tree.remove(path);
        }
        for (path, node) in &self.tree {
            let (mode, mut layers) = match tree.get(path) {
                Some(Shown::Dir { mode, layers }) => (*mode, layers.clone()),
                _ => (0o755, Vec::new()),
            };
            layers.insert(0, no);
            let shown = match node {
                Node::Dir(own) => Some(Shown::Dir { mode: own.unwrap_or(mode), layers }),
                Node::File(place) => self.shown(*place, no, &below),
                Node::Waiting(_) | Node::Marker => panic!("{path} is not settled"),
            };
            let Some(shown) = shown else { continue };
            if !matches!(shown, Shown::Dir { .. }) {
                remove_below(tree, path);
            }
            tree.insert(path.clone(), shown);
        }
    }

    /// A file; `None` if it is a link to nothing (S5).
    fn shown(&self, place: usize, layer: usize, below: &Tree) -> Option<Shown> {
        let links = self.tree.values().filter(|node| **node == Node::File(place)).count();
        match &self.files[place] {
            File::Here(mode, what) => {
                Some(Shown::File { mode: *mode, what: what.clone(), layer, place, links })
            }
            File::Below(target) => match below.get(target) {
                Some(Shown::File { mode, what, .. }) => {
                    Some(Shown::File { mode: *mode, what: what.clone(), layer, place, links })
                }
                _ => None,
            },
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Dir { mode, layers } => write!(f, "directory {mode:04o}, layers {layers:?}"),
            Shown::File { mode, what, layer, links, .. } => {
                let what = match what {
                    What::Directory | What::Link(_) => panic!("shown as something else"),
                    What::File(text) => format!("file {text}"),
                    What::Symlink(target) => format!("symlink to {target}"),
                    What::CharDevice(major, minor) => format!("character device {major}:{minor}"),
                    What::Fifo => "fifo".to_owned(),
                };
                write!(f, "{what} {mode:04o}, layer {layer}, {links} links")
            }
        }
    }
}

/// The components of a name (S1), if it can stand in a tree (S2).
pub fn clean(name: &str) -> Result<Vec<String>, Rejected> {
    let components: Vec<String> = components(name).map(str::to_owned).collect();
    match components.iter().any(|component| component == "..") {
        true => Err("`..` in name"),
        false => Ok(components),
    }
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !matches!(*component, "" | "."))
}

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Whether GNU tar comes back to a member last of all, by a name that may lead elsewhere by then.
fn is_finished_late(what: &What) -> bool {
    match what {
        What::Directory => true,
        What::Symlink(target) => is_late(target),
        _ => false,
    }
}

/// Whether GNU tar makes a symlink with this target last of all, and an empty file in its place till then.
fn is_late(target: &str) -> bool {
    target.starts_with('/') || target.contains("..")
}

/// Whether a name says something about others; AUFS's own files do not (S12).
fn is_marker(name: &str) -> bool {
    name == ".wh..wh..opq" || name.starts_with(".wh.") && !name.starts_with(".wh..wh.")
}

fn remove_below<T>(tree: &mut BTreeMap<String, T>, dir: &str) {
    let is_below = |path: &str| match dir {
        "" => !path.is_empty(),
        dir => path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')),
    };
    tree.retain(|path, _| !is_below(path));
}
