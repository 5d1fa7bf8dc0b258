//! Random stacks: what differs is what a comparison of two whole trees, name by name, finds.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use peelfs::compare::{self, Change, Difference, Options, Side, What, compare, with_renames};
use peelfs::entry::{Attributes, Kind};
use peelfs::image::Cut;
use peelfs::layer::LayerNo;
use peelfs::path::TreePath;
use peelfs::stack;
use peelfs::union::Node;
use proptest::prelude::*;

use crate::support::stacks::{Stack, on_stacks};
use crate::support::{Image, layer};

/// What is known of a name: all that is compared, target and contents last.
type Known = (Attributes, Vec<u8>, Vec<u8>);

/// Every name of a tree.
fn dump(image: &Image) -> BTreeMap<Vec<u8>, Known> {
    let union = &image.fs.stack().union;
    let mut all = BTreeMap::new();
    let root = Node::Dir(union.root().clone());
    all.insert(Vec::new(), (union.attributes(&root).unwrap(), Vec::new(), Vec::new()));
    for walked in union.walk(TreePath::root(), union.root().clone()) {
        let walked = walked.unwrap();
        let attributes = union.attributes(&walked.node).unwrap();
        let path = walked.path.as_bytes().to_vec();
        let (target, data) = match (&walked.node, attributes.kind) {
            (Node::Leaf { layer, leaf }, Kind::Symlink) => {
                (union.link_target(*layer, *leaf).unwrap().into_owned(), Vec::new())
            }
            (_, Kind::Regular) => (Vec::new(), image.read(&path)),
            _ => (Vec::new(), Vec::new()),
        };
        all.insert(path, (attributes, target, data));
    }
    all
}

/// Whether two of a name are the same to who trusts times, or to who reads everything.
fn is_same((a, a_target, a_data): &Known, (b, b_target, b_data): &Known, content: bool) -> bool {
    let size = |a: &Attributes| if a.kind == Kind::Regular { a.size } else { 0 };
    let mode = |a: &Attributes| if a.kind == Kind::Symlink { 0 } else { a.mode };
    let look = |a: &Attributes| (a.kind, mode(a), a.uid, a.gid, a.device, size(a));
    let is_same_time = a.kind == Kind::Directory || a.mtime == b.mtime;
    look(a) == look(b) && is_same_time && a_target == b_target && (!content || a_data == b_data)
}

/// `A path`, `D path`, `C path`, as two whole trees have it.
fn naive(old: &Image, new: &Image, content: bool) -> BTreeSet<(char, Vec<u8>)> {
    let (old, new) = (dump(old), dump(new));
    let mut found = BTreeSet::new();
    for (path, was) in &old {
        match new.get(path) {
            None => drop(found.insert(('D', path.clone()))),
            Some(is) if !is_same(was, is, content) => drop(found.insert(('C', path.clone()))),
            Some(_) => {}
        }
    }
    found.extend(new.keys().filter(|path| !old.contains_key(*path)).map(|path| ('A', path.clone())));
    found
}

fn side(stack: &stack::Stack) -> Side {
    Side::image(stack.cut(Cut::Whole).unwrap())
}

fn differences(old: &stack::Stack, new: &stack::Stack, options: &Options) -> Vec<Difference> {
    let mut all = Vec::new();
    let done = compare(&side(old), &side(new), options, |difference| {
        all.push(difference);
        Ok(())
    });
    match done {
        // There is nothing at the path, so nothing that differs.
        Err(compare::Error::Nowhere(_)) if !options.path.is_root() => {}
        done => done.unwrap(),
    }
    all
}

fn found(old: &stack::Stack, new: &stack::Stack, content: bool) -> BTreeSet<(char, Vec<u8>)> {
    let options = Options { content, ..Options::default() };
    let all = differences(old, new, &options);
    all.iter().map(|one| (one.change.letter(), one.path.as_bytes().to_vec())).collect()
}

#[test]
fn what_differs_is_what_whole_trees_say() {
    on_stacks(15, Stack::any(), |stack| {
        let layers: Vec<_> = stack.layers().map(|layer| layer.finish()).collect();
        let below = layers.len().div_ceil(2);
        let new = Image::of_tars(layers.clone());
        let old = Image::of_tars(layers[..below].to_vec());
        for content in [false, true] {
            let expected = naive(&old, &new, content);
            let apart = found(old.fs.stack(), new.fs.stack(), content);
            prop_assert_eq!(&apart, &expected);
            // The same layers on both sides: what they share is not looked at.
            let cut = new.fs.stack().cut(Cut::UpTo(LayerNo(below as u32 - 1))).unwrap();
            prop_assert_eq!(found(&cut, new.fs.stack(), false), naive(&old, &new, false));
            let turned = found(new.fs.stack(), old.fs.stack(), content);
            let turned = turned.into_iter().map(|(letter, path)| match letter {
                'A' => ('D', path),
                'D' => ('A', path),
                letter => (letter, path),
            });
            prop_assert_eq!(turned.collect::<BTreeSet<_>>(), expected);
            prop_assert!(found(new.fs.stack(), new.fs.stack(), content).is_empty());
        }
        Ok(())
    });
}

#[test]
fn a_part_of_the_tree_differs_as_it_does_in_the_whole() {
    on_stacks(4, Stack::any(), |stack| {
        let (old, new) = (Image::of(stack.layers().take(1)), Image::of(stack.layers()));
        let (old, new) = (old.fs.stack(), new.fs.stack());
        for part in ["a", "a/b"] {
            let options =
                Options { path: TreePath::from_name(part.as_bytes()).unwrap(), ..Options::default() };
            let of_part = differences(old, new, &options);
            let whole = differences(old, new, &Options::default());
            let is_in = |path: &TreePath| format!("{path}/").starts_with(&format!("/{part}/"));
            let whole: Vec<String> =
                whole.iter().filter(|one| is_in(&one.path)).map(|one| one.path.to_string()).collect();
            prop_assert_eq!(of_part.iter().map(|one| one.path.to_string()).collect::<Vec<_>>(), whole);
        }
        Ok(())
    });
}

#[test]
fn a_file_that_went_and_came_is_renamed_once() {
    let (old, new) = (Image::of([layer("a=same b=same c=other e")]), Image::of([layer("d=same f=OTHER g")]));
    let (old, new) = (side(old.fs.stack()), side(new.fs.stack()));
    let mut all = Vec::new();
    compare(&old, &new, &Options::default(), |one| {
        all.push(one);
        Ok(())
    })
    .unwrap();
    let told =
        with_renames(&old, &new, &HashSet::new(), all).unwrap().into_iter().map(|one| match one.change {
            Change::Renamed(from) => format!("R {from} {}", one.path),
            change => format!("{} {}", change.letter(), one.path),
        });
    assert_eq!(told.collect::<Vec<_>>(), ["D /b", "D /c", "R /a /d", "D /e", "A /f", "A /g"]);
}

#[test]
fn what_else_of_a_renamed_file_differs_is_told() {
    let (old, new) = (Image::of([layer("a=same!644")]), Image::of([layer("b=same!4755")]));
    let (old, new) = (side(old.fs.stack()), side(new.fs.stack()));
    let renamed = |ignore: &HashSet<What>| {
        let mut all = Vec::new();
        compare(&old, &new, &Options::default(), |one| {
            all.push(one);
            Ok(())
        })
        .unwrap();
        let told = with_renames(&old, &new, ignore, all).unwrap();
        assert!(matches!(&told[..], [Difference { change: Change::Renamed(_), .. }]), "{told:?}");
        told.into_iter().flat_map(|one| one.what).collect::<Vec<_>>()
    };
    assert_eq!(renamed(&HashSet::new()), [What::Mode]);
    assert_eq!(renamed(&HashSet::from([What::Mode])), []);
}

#[test]
fn what_is_to_be_ignored_is_no_difference() {
    let (old, new) = (Image::of([layer("a=1!600")]), Image::of([layer("a=1!644")]));
    let options = Options { ignore: [What::Mode].into(), ..Options::default() };
    assert_eq!(differences(old.fs.stack(), new.fs.stack(), &options).len(), 0);
    assert_eq!(differences(old.fs.stack(), new.fs.stack(), &Options::default()).len(), 1);
}
