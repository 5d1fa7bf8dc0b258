//! Whether a list of what a layer holds is a list of that layer: two indexes side by side.

use std::collections::HashMap;
use std::fmt;
use std::io;

use crate::entry::{Attributes, Kind, Time};
use crate::layer::{DirId, EntryNo, Found, Layer, LeafId};
use crate::path::TreePath;

use super::LayerIndex;

/// Says whether a file of the list has the contents of one of the layer.
type SameContents<'a> = dyn FnMut(LeafId, LeafId) -> io::Result<bool> + 'a;

/// A list and the layer that it is said to list. Where the bytes of files lie, and times other than `mtime`,
/// are not compared: a list may leave them out.
pub struct Comparison<'a> {
    /// The index that was made of the list.
    pub list: &'a LayerIndex,
    /// The index of the layer itself.
    pub layer: &'a LayerIndex,
    /// A name at the root that the list leaves out: its own.
    pub own_name: Option<&'a [u8]>,
    /// Asked once of each file.
    pub same_contents: &'a mut SameContents<'a>,
}

/// Something that list and layer do not agree on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Difference {
    /// The path.
    pub path: TreePath,
    /// What is said of it.
    pub what: String,
}

/// One name, as one side has it.
type Child<'a> = (&'a [u8], Found);

impl Comparison<'_> {
    /// The first difference; `None` if there is none.
    pub fn run(&mut self) -> io::Result<Option<Difference>> {
        let (list, layer) = (self.list, self.layer);
        let mut leaves = HashMap::new();
        let mut todo = vec![TreePath::root()];
        let mut dirs = vec![(DirId(0), DirId(0))];
        if let Some(what) = self.pair(list.root(), layer.root(), &mut leaves)? {
            return Ok(Some(Difference { path: TreePath::root(), what }));
        }
        while let (Some(path), Some((of_list, of_layer))) = (todo.pop(), dirs.pop()) {
            let (of_list, of_layer) = (names(list, of_list)?, names(layer, of_layer)?);
            let own_name = self.own_name.filter(|_| path.is_root());
            let has_own = own_name.is_some_and(|own| of_list.iter().any(|(name, _)| &**name == own));
            let of_layer = of_layer.iter().filter(|(name, _)| has_own || Some(&**name) != own_name);
            for side in side_by_side(borrowed(of_list.iter()), borrowed(of_layer)) {
                let (name, what) = match side {
                    (Some((name, a)), Some((_, b))) => {
                        if let (Found::Dir { dir: a, .. }, Found::Dir { dir: b, .. }) = (a, b) {
                            todo.push(path.join(name));
                            dirs.push((a, b));
                        }
                        (name, self.pair(a, b, &mut leaves)?)
                    }
                    (Some((name, _)), None) => (name, Some("not in the layer".to_owned())),
                    (None, Some((name, _))) => (name, Some("only in the layer".to_owned())),
                    (None, None) => continue,
                };
                if let Some(what) = what {
                    return Ok(Some(Difference { path: path.join(name), what }));
                }
            }
        }
        Ok(None)
    }

    /// What is different of one name.
    fn pair(
        &mut self,
        a: Found,
        b: Found,
        leaves: &mut HashMap<LeafId, LeafId>,
    ) -> io::Result<Option<String>> {
        let (a, b): (EntryNo, EntryNo) = match (a, b) {
            (Found::Absent, Found::Absent) | (Found::Whiteout, Found::Whiteout) => return Ok(None),
            (Found::Dir { dir: a, opaque: x }, Found::Dir { dir: b, opaque: y }) if x == y => {
                (a.into(), b.into())
            }
            (Found::Leaf(a), Found::Leaf(b)) => match leaves.get(&a) {
                Some(&known) if known == b => return Ok(None),
                Some(_) => return Ok(Some("a name of another file in the layer".to_owned())),
                None => {
                    leaves.insert(a, b);
                    if let Some(what) = self.leaves(a, b)? {
                        return Ok(Some(what));
                    }
                    (a.into(), b.into())
                }
            },
            (a, b) => return Ok(Some(format!("{}, in the layer {}", word(a), word(b)))),
        };
        let attributes = |index: &LayerIndex, entry| index.attributes(entry).map_err(io::Error::other);
        let xattrs = |index: &LayerIndex, entry| index.xattrs(entry).map(|xattrs| xattrs.into_owned());
        let what = match (attributes(self.list, a)?, attributes(self.layer, b)?) {
            (Some(x), Some(y)) => different(&x, &y),
            (None, None) => return Ok(None),
            (Some(_), None) => Some("implied in the layer".to_owned()),
            (None, Some(_)) => Some("implied, but not in the layer".to_owned()),
        };
        if what.is_some() {
            return Ok(what);
        }
        let is_same = xattrs(self.list, a).map_err(io::Error::other)?
            == xattrs(self.layer, b).map_err(io::Error::other)?;
        Ok((!is_same).then(|| "other extended attributes in the layer".to_owned()))
    }

    /// What is different of what two leaves hold.
    fn leaves(&mut self, a: LeafId, b: LeafId) -> io::Result<Option<String>> {
        let (list, layer) = (self.list, self.layer);
        let kind = |index: &LayerIndex, leaf: LeafId| {
            let attributes = index.attributes(leaf.into()).map_err(io::Error::other)?;
            Ok::<_, io::Error>(attributes.map(|attributes| (attributes.kind, attributes.size)))
        };
        let (of_list, of_layer) = (kind(list, a)?, kind(layer, b)?);
        if of_list != of_layer {
            // This will be told by the attributes.
            return Ok(None);
        }
        match of_list {
            Some((Kind::Symlink, _)) => {
                let target = |index: &LayerIndex, leaf| {
                    index.link_target(leaf).map(|target| target.into_owned()).map_err(io::Error::other)
                };
                let is_same = target(list, a)? == target(layer, b)?;
                Ok((!is_same).then(|| "another target in the layer".to_owned()))
            }
            Some((Kind::Regular, _)) => {
                let foreign = |index: &LayerIndex, leaf: LeafId| {
                    let links = index.foreign_links();
                    let at = links.partition_point(|link| link.leaf.0 < leaf.0);
                    links.get(at).filter(|link| link.leaf == leaf).map(|link| link.target.clone())
                };
                match (foreign(list, a), foreign(layer, b)) {
                    (None, None) if !(self.same_contents)(a, b)? => {
                        Ok(Some("other contents in the layer".to_owned()))
                    }
                    (x, y) if x != y => Ok(Some("a link to something else in the layer".to_owned())),
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }
}

fn names(index: &LayerIndex, dir: DirId) -> io::Result<Vec<(Vec<u8>, Found)>> {
    let child = |place| index.child(dir, place).map_err(io::Error::other).transpose();
    (0..).map_while(child).map(|child| child.map(|(name, found)| (name.to_vec(), found))).collect()
}

fn borrowed<'a>(names: impl Iterator<Item = &'a (Vec<u8>, Found)>) -> impl Iterator<Item = Child<'a>> {
    names.map(|(name, found)| (&**name, *found))
}

/// Two sorted lists as pairs of equal names; what only one side has stands alone.
fn side_by_side<'a>(
    a: impl Iterator<Item = Child<'a>>,
    b: impl Iterator<Item = Child<'a>>,
) -> impl Iterator<Item = (Option<Child<'a>>, Option<Child<'a>>)> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || {
        let order = match (a.peek(), b.peek()) {
            (None, None) => return None,
            (Some((x, _)), Some((y, _))) => x.cmp(y),
            (x, _) => {
                if x.is_some() {
                    std::cmp::Ordering::Less
                } else {
                    std::cmp::Ordering::Greater
                }
            }
        };
        Some(match order {
            std::cmp::Ordering::Less => (a.next(), None),
            std::cmp::Ordering::Equal => (a.next(), b.next()),
            std::cmp::Ordering::Greater => (None, b.next()),
        })
    })
}

fn word(found: Found) -> &'static str {
    match found {
        Found::Absent => "nothing",
        Found::Whiteout => "a whiteout",
        Found::Leaf(_) => "a file",
        Found::Dir { opaque: false, .. } => "a directory",
        Found::Dir { opaque: true, .. } => "an opaque directory",
    }
}

/// The first attribute that is different.
fn different(list: &Attributes, layer: &Attributes) -> Option<String> {
    let differ = |what: &str, list: &dyn fmt::Display, layer: &dyn fmt::Display| {
        Some(format!("{what} {list}, in the layer {layer}"))
    };
    let owner = |of: &Attributes| format!("{}:{}", of.uid, of.gid);
    let device = |of: &Attributes| format!("{}:{}", of.device.major, of.device.minor);
    let time = |Time { secs, nanos }: Time| format!("{secs}.{nanos:09}");
    match () {
        () if list.kind != layer.kind => differ("type", &list.kind.name(), &layer.kind.name()),
        () if list.size != layer.size => differ("size", &list.size, &layer.size),
        () if list.mode != layer.mode => {
            differ("mode", &format_args!("{:04o}", list.mode), &format_args!("{:04o}", layer.mode))
        }
        () if (list.uid, list.gid) != (layer.uid, layer.gid) => differ("owner", &owner(list), &owner(layer)),
        () if list.device != layer.device => differ("device", &device(list), &device(layer)),
        () if list.nlink != layer.nlink => differ("links", &list.nlink, &layer.nlink),
        () if !is_same_time(list.mtime, layer.mtime) => {
            differ("mtime", &time(list.mtime), &time(layer.mtime))
        }
        () => None,
    }
}

/// Some lists round to whole seconds.
fn is_same_time(list: Time, layer: Time) -> bool {
    let rounded_up = layer.nanos > 0 && layer.secs.checked_add(1) == Some(list.secs);
    list == layer || list.nanos == 0 && (list.secs == layer.secs || rounded_up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Data, Xattr};
    use crate::index::IndexBuilder;
    use crate::tar::{Member, Type};

    fn member(name: &str, kind: Type) -> Member {
        let (name, mtime) = (name.as_bytes().to_vec(), Time { secs: 10, nanos: 0 });
        Member { name, kind, mtime, mode: 0o644, ..Member::default() }
    }

    fn file(name: &str) -> Member {
        Member { size: 3, ..member(name, Type::Regular) }
    }

    fn link(name: &str, kind: Type, target: &str) -> Member {
        Member { link: target.as_bytes().to_vec(), ..member(name, kind) }
    }

    fn base() -> Vec<Member> {
        vec![
            member("d/", Type::Directory),
            file("d/f"),
            file("d/g"),
            link("d/h", Type::HardLink, "d/f"),
            link("d/l", Type::Symlink, "f"),
            link("d/below", Type::HardLink, "lower"),
            member("d/.wh.gone", Type::Regular),
            member("implied/dir/p", Type::Fifo),
        ]
    }

    fn index(members: &[Member]) -> LayerIndex {
        let mut index = IndexBuilder::new();
        members.iter().for_each(|member| index.add(member));
        index.finish()
    }

    fn difference(list: &[Member], layer: &[Member]) -> Option<String> {
        let mut asked = Vec::new();
        let mut same_contents = |a, b| {
            assert!(!asked.contains(&(a, b)), "asked twice");
            asked.push((a, b));
            Ok(true)
        };
        let (list, layer) = (&index(list), &index(layer));
        let own_name = Some(&b"own.json"[..]);
        let mut comparison = Comparison { list, layer, own_name, same_contents: &mut same_contents };
        comparison.run().unwrap().map(|difference| difference.to_string())
    }

    #[test]
    fn data_elsewhere_order_and_the_lists_own_file_make_no_difference() {
        let mut layer = base();
        layer.push(file("own.json"));
        layer[1].data = Data::Contiguous(4096);
        layer[1].mtime.nanos = 1;
        layer[2].mtime = Time { secs: 9, nanos: 500_000_000 };
        layer.swap(1, 2);
        assert_eq!(difference(&base(), &layer), None);
        assert_eq!(difference(&[], &[]), None);
    }

    #[test]
    fn each_lie_is_told() {
        type Change = fn(&mut Vec<Member>);
        let changes: [(Change, &str); 17] = [
            (|list| drop(list.remove(2)), "/d/g: only in the layer"),
            (|list| list.push(file("z")), "/z: not in the layer"),
            (|list| list.push(file("own.json")), "/own.json: not in the layer"),
            (|list| list[1].size = 4, "/d/f: size 4, in the layer 3"),
            (|list| list[1].mode = 0o4755, "/d/f: mode 4755, in the layer 0644"),
            (|list| list[2].uid = 7, "/d/g: owner 7:0, in the layer 0:0"),
            (|list| list[2].mtime.secs = 12, "/d/g: mtime 12.000000000, in the layer 10.000000000"),
            (|list| list[2].mtime.nanos = 1, "/d/g: mtime 10.000000001, in the layer 10.000000000"),
            (|list| list[2].kind = Type::Fifo, "/d/g: type fifo, in the layer file"),
            (|list| list[2].kind = Type::Directory, "/d/g: a directory, in the layer a file"),
            (|list| list[3].link = b"d/g".to_vec(), "/d/f: links 1, in the layer 2"),
            (|list| list[4].link = b"g".to_vec(), "/d/l: another target in the layer"),
            (|list| list[5].link = b"other".to_vec(), "/d/below: a link to something else in the layer"),
            (|list| drop(list.remove(6)), "/d/gone: only in the layer"),
            (
                |list| list.push(member("d/.wh..wh..opq", Type::Regular)),
                "/d: an opaque directory, in the layer a directory",
            ),
            (|list| list.push(member("implied", Type::Directory)), "/implied: implied in the layer"),
            (
                |list| list[1].xattrs = vec![Xattr { name: (*b"user.a").into(), value: (*b"b").into() }],
                "/d/f: other extended attributes in the layer",
            ),
        ];
        for (change, said) in changes {
            let mut list = base();
            change(&mut list);
            assert_eq!(difference(&list, &base()).as_deref(), Some(said));
        }
    }

    #[test]
    fn names_of_one_file_must_be_names_of_one_file() {
        let two = |a: &str, b: &str| {
            vec![file("a"), file("b"), link("c", Type::HardLink, a), link("d", Type::HardLink, b)]
        };
        assert_eq!(
            difference(&two("a", "b"), &two("b", "a")).as_deref(),
            Some("/c: a name of another file in the layer")
        );
    }

    #[test]
    fn other_contents_are_a_difference() {
        let (list, layer) = (&index(&base()), &index(&base()));
        let mut same_contents = |a, _| Ok(a == LeafId(0));
        let mut comparison = Comparison { list, layer, own_name: None, same_contents: &mut same_contents };
        let difference = comparison.run().unwrap().unwrap();
        assert_eq!(difference.to_string(), "/d/f: other contents in the layer");
    }
}
