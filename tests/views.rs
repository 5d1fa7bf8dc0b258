//! Views without a kernel: random stacks, each view against what it claims to be.

use std::collections::{BTreeMap, BTreeSet};

use peelfs::entry::{Attributes, Kind};
use peelfs::fs::{Filesystem, InodeNo};
use peelfs::image::Cut;
use proptest::prelude::*;

use crate::support::stacks::{Stack, on_stacks};
use crate::support::{Image, Layer, layer};

/// A tree with its views.
fn viewed(layers: impl IntoIterator<Item = Layer>) -> Filesystem {
    Filesystem::with_views(Image::of(layers).fs.stack().cut(Cut::Whole).unwrap())
}

/// What is compared of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    ino: InodeNo,
    attributes: Attributes,
    contents: Vec<u8>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Seen {
    /// All but the number, which is another one in each view.
    fn shown(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        (self.attributes, self.contents.clone(), self.xattrs.clone())
    }
}

/// What stands at a path.
fn at(fs: &Filesystem, path: &str) -> Option<InodeNo> {
    path.split('/')
        .filter(|name| !name.is_empty())
        .try_fold(InodeNo::ROOT, |dir, name| Some(fs.lookup(dir, name.as_bytes()).unwrap()?.0))
}

/// All below a directory by path; lookup and readdir must agree on each, and the dots lead where they should.
fn tree(fs: &Filesystem, root: InodeNo) -> BTreeMap<Vec<u8>, Seen> {
    let mut seen = BTreeMap::new();
    let mut todo = vec![(Vec::new(), root, None)];
    while let Some((path, dir, above)) = todo.pop() {
        let mut listed = Vec::new();
        // One at a time: positions lead on.
        let mut position = 0;
        loop {
            let mut found = None;
            fs.readdir(dir, position, |entry| {
                let is_full = found.is_some();
                if !is_full {
                    found = Some((entry.name.to_vec(), entry.ino, entry.attributes, entry.next));
                }
                is_full
            })
            .unwrap();
            let Some((name, ino, attributes, next)) = found else { break };
            position = next;
            listed.push((name, ino, attributes));
        }
        assert_eq!((&*listed[0].0, listed[0].1), (&b"."[..], dir));
        assert_eq!(&*listed[1].0, b"..");
        if let Some(above) = above {
            assert_eq!(listed[1].1, above);
        }
        for (name, ino, attributes) in listed.into_iter().skip(2) {
            assert_eq!(fs.lookup(dir, &name).unwrap(), Some((ino, attributes)), "{}", name.escape_ascii());
            assert_eq!(fs.attributes(ino).unwrap(), attributes);
            let child = if path.is_empty() { name } else { [&*path, b"/", &name].concat() };
            let contents = match attributes.kind {
                Kind::Regular => {
                    let mut bytes = vec![0; attributes.size as usize + 1];
                    let n = fs.read(ino, 0, &mut bytes).unwrap();
                    bytes[..n].to_vec()
                }
                Kind::Symlink => fs.readlink(ino).unwrap().into_owned(),
                Kind::Directory => {
                    todo.push((child.clone(), ino, Some(dir)));
                    Vec::new()
                }
                _ => Vec::new(),
            };
            let xattrs = fs.xattrs(ino).unwrap();
            let xattrs = xattrs.iter().map(|xattr| (xattr.name.to_vec(), xattr.value.to_vec())).collect();
            seen.insert(child, Seen { ino, attributes, contents, xattrs });
        }
    }
    seen
}

/// The same, but for numbers.
fn shown(tree: &BTreeMap<Vec<u8>, Seen>) -> String {
    tree.iter().map(|(path, seen)| format!("{} {:?}\n", path.escape_ascii(), seen.shown())).collect()
}

fn paths(fs: &Filesystem, path: &str) -> String {
    let tree = tree(fs, at(fs, path).unwrap_or_else(|| panic!("no {path}")));
    let name = |(path, seen): (&Vec<u8>, &Seen)| {
        let slash = if seen.attributes.kind == Kind::Directory { "/" } else { "" };
        format!("{}{slash}", path.escape_ascii())
    };
    tree.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_image_as_of_a_layer_is_a_union_of_the_layers_up_to_it() {
    on_stacks(40, Stack::any(), |stack| {
        let fs = viewed(stack.layers());
        for no in 0..stack.0.len() {
            let alone = Image::of(stack.layers().take(no + 1)).fs;
            let upto = tree(&fs, at(&fs, &format!(".peelfs/upto/{no}")).unwrap());
            prop_assert_eq!(shown(&upto), shown(&tree(&alone, InodeNo::ROOT)), "upto/{}", no);
        }
        Ok(())
    });
}

#[test]
fn a_diff_is_a_comparison_of_two_trees() {
    on_stacks(40, Stack::any(), |stack| {
        let fs = viewed(stack.layers());
        let mut old = BTreeMap::new();
        for no in 0..stack.0.len() {
            let new = tree(&fs, at(&fs, &format!(".peelfs/upto/{no}")).unwrap());
            let part = |name: &str| tree(&fs, at(&fs, &format!(".peelfs/diff/{no}/{name}")).unwrap());
            let added: BTreeSet<&Vec<u8>> = new.keys().filter(|path| !old.contains_key(*path)).collect();
            let deleted: BTreeSet<&Vec<u8>> = old.keys().filter(|path| !new.contains_key(*path)).collect();
            let changed =
                new.iter().filter(|(path, now)| old.get(*path).is_some_and(|then| differs(now, then)));
            let changed: BTreeSet<&Vec<u8>> = changed.map(|(path, _)| path).collect();
            for (name, own, base) in
                [("added", added, &new), ("changed", changed, &new), ("deleted", deleted, &old)]
            {
                let seen = part(name);
                let expected = base.iter().filter(|(path, _)| {
                    own.iter().any(|own| own == path || own.starts_with(&[path, &b"/"[..]].concat()))
                });
                let expected = expected.map(|(path, seen)| (path.clone(), seen.clone())).collect();
                prop_assert_eq!(shown(&seen), shown(&expected), "diff/{}/{}", no, name);
            }
            old = new;
        }
        Ok(())
    });
}

/// Whether a path that was there is another one now: written again, or a directory of another owner, mode or
/// attributes.
fn differs(now: &Seen, then: &Seen) -> bool {
    let (a, b) = (&now.attributes, &then.attributes);
    match (a.kind, b.kind) {
        (Kind::Directory, Kind::Directory) => {
            (a.mode, a.uid, a.gid, &now.xattrs) != (b.mode, b.uid, b.gid, &then.xattrs)
        }
        // Layer and entry: those of what was there before if it was not written again.
        _ => now.ino.0 & ((1 << 44) - 1) != then.ino.0 & ((1 << 44) - 1),
    }
}

#[test]
fn a_layer_alone_stacked_again_is_the_layer() {
    // Its markers are as in a tar: a tar of what is seen stacks as the layer does.
    on_stacks(40, Stack::any(), |stack| {
        let fs = viewed(stack.layers());
        let again = (0..stack.0.len()).map(|no| {
            let seen = tree(&fs, at(&fs, &format!(".peelfs/layers/{no}")).unwrap());
            seen.iter().fold(Layer::new(), |tar, (path, seen)| {
                let mode = |header: &mut tar::Header| header.set_mode(seen.attributes.mode.into());
                match seen.attributes.kind {
                    Kind::Directory => tar.add(tar::EntryType::Directory, path, b"", mode),
                    Kind::Regular => tar.add(tar::EntryType::Regular, path, &seen.contents, mode),
                    Kind::Symlink => {
                        tar.symlink(str::from_utf8(path).unwrap(), str::from_utf8(&seen.contents).unwrap())
                    }
                    Kind::Fifo => tar.add(tar::EntryType::Fifo, path, b"", mode),
                    _ => tar.add(tar::EntryType::Char, path, b"", |header| {
                        header.set_mode(seen.attributes.mode.into());
                        header.set_device_major(seen.attributes.device.major).unwrap();
                        header.set_device_minor(seen.attributes.device.minor).unwrap();
                    }),
                }
            })
        });
        let again = Image::of(again.collect::<Vec<_>>()).fs;
        let names = |fs: &Filesystem| {
            let tree = tree(fs, InodeNo::ROOT);
            tree.iter()
                .map(|(path, seen)| (path.clone(), seen.attributes.kind, seen.contents.clone()))
                .collect::<Vec<_>>()
        };
        let whole = names(&Image::of(stack.layers()).fs);
        prop_assert_eq!(names(&again), whole);
        Ok(())
    });
}

#[test]
fn numbers_are_unique_in_a_mount_and_lead_back() {
    let fs = viewed([
        layer("a/ a/f=1 b=2 c/x"),
        layer("a/g a/.wh.f .wh.b c/.wh..wh..opq c/y"),
        layer("a/f=3!600"),
    ]);
    let mut numbers = BTreeMap::new();
    for (path, seen) in tree(&fs, InodeNo::ROOT).into_iter().chain(
        tree(&fs, at(&fs, ".peelfs").unwrap())
            .into_iter()
            .map(|(path, seen)| ([b".peelfs/", &*path].concat(), seen)),
    ) {
        if let Some(other) = numbers.insert(seen.ino, path.clone()) {
            panic!("{} and {}", other.escape_ascii(), path.escape_ascii());
        }
        let told = fs.path(seen.ino).unwrap();
        if !path.windows(4).any(|part| part == b".wh.") {
            assert_eq!(told, path, "{}", path.escape_ascii());
        }
    }
    assert!(numbers.len() > 60, "{}", numbers.len());
}

#[test]
fn a_diff_shows_what_was_added_changed_and_deleted() {
    let fs = viewed([
        layer(
            "etc/ etc/motd=hello etc/passwd=root usr/ usr/bin/ usr/bin/sh=x gone/ gone/deep/f=1 o/ o/a o/b",
        ),
        layer("etc/ etc/motd=bye etc/new=1 .wh.gone o/.wh..wh..opq o/b=2 o/c usr/!700"),
    ]);
    assert_eq!(paths(&fs, ".peelfs/diff/1/added"), "etc/ etc/new o/ o/c");
    assert_eq!(paths(&fs, ".peelfs/diff/1/changed"), "etc/ etc/motd o/ o/b usr/");
    assert_eq!(paths(&fs, ".peelfs/diff/1/deleted"), "gone/ gone/deep/ gone/deep/f o/ o/a");
    assert_eq!(paths(&fs, ".peelfs/diff/0/deleted"), "");
    assert_eq!(paths(&fs, ".peelfs/diff/0/changed"), "");
    assert_eq!(paths(&fs, ".peelfs/diff/0/added"), paths(&fs, ".peelfs/upto/0"));
    let read = |path: &str| {
        let mut bytes = [0; 10];
        let n = fs.read(at(&fs, path).unwrap(), 0, &mut bytes).unwrap();
        String::from_utf8(bytes[..n].to_vec()).unwrap()
    };
    assert_eq!(read(".peelfs/diff/1/changed/etc/motd"), "bye");
    assert_eq!(read(".peelfs/diff/1/deleted/gone/deep/f"), "1");
}

#[test]
fn a_file_that_becomes_a_directory_is_changed_and_what_is_in_it_added() {
    let fs = viewed([layer("x=1 y/ y/old z=1"), layer("x/ x/new y=1 z/")]);
    assert_eq!(paths(&fs, ".peelfs/diff/1/added"), "x/ x/new");
    assert_eq!(paths(&fs, ".peelfs/diff/1/changed"), "x/ y z/");
    assert_eq!(paths(&fs, ".peelfs/diff/1/deleted"), "y/ y/old");
}

#[test]
fn a_layer_alone_shows_its_markers() {
    let fs = viewed([layer("a=1 d/ d/x"), layer(".wh.a d/.wh..wh..opq d/y c.e@0:0")]);
    assert_eq!(paths(&fs, ".peelfs/layers/0"), "a d/ d/x");
    assert_eq!(paths(&fs, ".peelfs/layers/1"), ".wh..e .wh.a d/ d/.wh..wh..opq d/y");
}

#[test]
fn the_views_stand_in_no_listing_and_before_the_images_own() {
    let lines = ["a .peelfs/ .peelfs/mine"];
    let fs = viewed(lines.map(layer));
    assert_eq!(tree(&fs, InodeNo::ROOT).keys().collect::<Vec<_>>(), [b"a"]);
    assert!(at(&fs, ".peelfs/mine").is_none() && at(&fs, ".peelfs/history").is_some());
    let plain = Image::of(lines.map(layer)).fs;
    assert!(at(&plain, ".peelfs/mine").is_some());
    for name in ["00", "+0", "1", "", "x"] {
        let upto = at(&fs, ".peelfs/upto").unwrap();
        assert_eq!(fs.lookup(upto, name.as_bytes()).unwrap(), None, "{name}");
    }
}

#[test]
fn numbers_that_were_never_given_out_are_stale_and_nothing_worse() {
    let fs = viewed([layer("a d/ d/f=1"), layer("d/g")]);
    for view in 0..20u64 {
        for inner in (0..12)
            .chain([1, 2, 3, 4, 500].into_iter().flat_map(|high| (0..8).map(move |low| high << 32 | low)))
        {
            let ino = InodeNo(view << 44 | inner);
            let _ = fs.attributes(ino);
            let _ = fs.lookup(ino, b"f");
            let _ = fs.readlink(ino);
            let _ = fs.read(ino, 0, &mut [0; 8]);
            let _ = fs.readdir(ino, 0, |_| false);
            let _ = fs.xattr_names(ino);
            let _ = fs.path(ino);
        }
    }
}
