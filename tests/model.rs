//! Random stacks: the union shows what a naive squash shows, and all ways to ask it agree.

use std::collections::{BTreeMap, BTreeSet};

use peelfs::entry::{Attributes, Kind};
use peelfs::fs::InodeNo;
use peelfs::layer::Found;
use peelfs::path::TreePath;
use peelfs::union::{Below, Hiding, MergedDir, Node, Verdict, Walked, Word, explain};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::support::Image;
use crate::support::naive::{self, Shown};
use crate::support::stacks::{Stack, What, on_stacks};

/// Names to ask every directory for, most of which it has not.
const UNIVERSE: [&str; 8] = ["a", "b", "c", "d", "1", ".wh.a", ".wh..wh..opq", ".wh..wh.plnk"];

#[test]
fn the_union_is_a_bottom_up_squash() {
    on_stacks(1, Stack::any(), |stack| {
        let image = Image::of(stack.layers());
        let naive = naive::squash(stack.0.iter().map(Vec::as_slice));
        let differences = differences(&union_lines(&image), &naive_lines(&naive));
        prop_assert!(differences.is_empty(), "{}", differences);
        Ok(())
    });
}

#[test]
fn lookup_listing_and_explanation_agree_in_every_directory() {
    on_stacks(1, Stack::any(), |stack| {
        let image = Image::of(stack.layers());
        for Walked { path, node, .. } in walk(&image) {
            if let Node::Dir(dir) = node {
                let listed = check_listing(&image, &path, &dir)?;
                for name in UNIVERSE {
                    check_name(&image, &path, &dir, name.as_bytes(), listed.get(name.as_bytes()))?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn every_name_of_every_layer_is_told_with_the_first_layer_that_hides_it() {
    on_stacks(3, Stack::any(), |stack| {
        let image = Image::of(stack.layers());
        let union = &image.fs.stack().union;
        // The image as each step of its build saw it.
        let cut: Vec<Image> = (1..=stack.0.len()).map(|len| Image::of(stack.layers().take(len))).collect();
        let mut every = Vec::new();
        let keep = |path: &TreePath, words: &[Word<Option<Hiding>>]| {
            every.push((path.clone(), words.to_vec()));
            Ok::<_, peelfs::layer::Error>(Below::Told)
        };
        union.tell_words(keep).unwrap();
        let mut paths = BTreeSet::new();
        for (path, words) in every {
            let explained = |image: &Image| explain(&image.fs.stack().union, &path).unwrap();
            let explanation = explained(&image);
            let said =
                explanation.steps.last().unwrap().words.iter().filter(|word| word.found != Found::Absent);
            let said: Vec<_> = said.map(|word| (word.layer, word.found)).collect();
            prop_assert_eq!(words.iter().map(|word| (word.layer, word.found)).collect::<Vec<_>>(), said);
            for word in words {
                let is_hidden = |image: &Image| {
                    let explanation = explained(image);
                    let own =
                        explanation.steps.last().unwrap().words.iter().find(|own| own.layer == word.layer);
                    matches!(own.unwrap().verdict, Verdict::Hidden { .. })
                };
                let first = (word.layer.0 as usize..cut.len()).find(|&top| is_hidden(&cut[top]));
                prop_assert_eq!(word.verdict.map(|hiding| hiding.by.0 as usize), first, "{}", path);
                prop_assert_eq!(explanation.first_to_hide(word.layer), word.verdict, "{}", path);
            }
            prop_assert!(paths.insert(path));
        }
        for Walked { path, .. } in walk(&image) {
            prop_assert!(paths.contains(&path), "{}", path);
        }
        Ok(())
    });
}

/// The root, and all that lies below it.
fn walk(image: &Image) -> impl Iterator<Item = Walked> {
    let union = &image.fs.stack().union;
    let root = Walked { path: TreePath::root(), node: Node::Dir(union.root().clone()), depth: 0 };
    std::iter::once(root).chain(union.walk(TreePath::root(), union.root().clone()).map(Result::unwrap))
}

/// Lists a directory in each of the ways there are.
fn check_listing(
    image: &Image,
    path: &TreePath,
    dir: &MergedDir,
) -> Result<BTreeMap<Vec<u8>, Node>, TestCaseError> {
    let union = &image.fs.stack().union;
    let found = union.merged(dir.bottom()).unwrap();
    prop_assert_eq!(found.as_ref(), Some(dir), "found again, {}", path);
    let listed: BTreeMap<Vec<u8>, Node> = union
        .list(dir)
        .unwrap()
        .map(Result::unwrap)
        .map(|listed| (listed.name.to_vec(), listed.node))
        .collect();
    let mut read = BTreeMap::new();
    let ino = InodeNo::of(union, &Node::Dir(dir.clone()));
    check_positions(image, ino)?;
    let add = |entry: &peelfs::fs::DirEntry<'_>| {
        read.insert(entry.name.to_vec(), (entry.ino, entry.attributes));
        false
    };
    image.fs.readdir(ino, 0, add).unwrap();
    prop_assert!(read.remove(&b"."[..]).is_some() && read.remove(&b".."[..]).is_some());
    let number = |node: &Node| (InodeNo::of(union, node), union.attributes(node).unwrap());
    let numbered = listed.iter().map(|(name, node)| (name.clone(), number(node))).collect();
    prop_assert_eq!(read, numbered, "readdir and list, {}", path);
    Ok(listed)
}

/// Behind each entry of a directory, a listing goes on with the next.
fn check_positions(image: &Image, ino: InodeNo) -> Result<(), TestCaseError> {
    let list = |from: u64| {
        let mut entries = Vec::new();
        let add = |entry: &peelfs::fs::DirEntry<'_>| {
            entries.push((entry.name.to_vec(), entry.ino, entry.next));
            false
        };
        image.fs.readdir(ino, from, add).unwrap();
        entries
    };
    let whole = list(0);
    for (i, (_, _, next)) in whole.iter().enumerate() {
        prop_assert_eq!(&list(*next), &whole[i + 1..], "behind {:?}", whole[i]);
    }
    Ok(())
}

/// Asks for one name in each of the ways there are.
fn check_name(
    image: &Image,
    path: &TreePath,
    dir: &MergedDir,
    name: &[u8],
    listed: Option<&Node>,
) -> TestCaseResult {
    let union = &image.fs.stack().union;
    let path = path.join(name);
    let node = union.lookup(dir, name).unwrap();
    prop_assert_eq!(node.as_ref(), listed, "lookup and listing, {}", path);
    let by_path = union.lookup_path(&path).unwrap();
    prop_assert_eq!(by_path.as_ref(), listed, "by path, {}", path);
    let parent = InodeNo::of(union, &Node::Dir(dir.clone()));
    let found = image.fs.lookup(parent, name).unwrap().map(|(ino, _)| ino);
    prop_assert_eq!(found, listed.map(|node| InodeNo::of(union, node)), "by number, {}", path);
    let explanation = explain(union, &path).unwrap();
    let last = explanation.steps.last().unwrap();
    prop_assert_eq!(last.node.as_ref(), listed, "explain, {}", path);
    let shown = last.words.iter().filter(|word| matches!(word.verdict, Verdict::Shown | Verdict::Merged));
    let layers: Vec<_> = shown.map(|word| word.layer).collect();
    prop_assert_eq!(layers, listed.map(layers_of).unwrap_or_default(), "verdicts, {}", path);
    Ok(())
}

/// The layers that a node comes from, top first.
fn layers_of(node: &Node) -> Vec<peelfs::layer::LayerNo> {
    match node {
        Node::Leaf { layer, .. } => vec![*layer],
        Node::Dir(dir) => dir.members().iter().map(|member| member.layer).collect(),
    }
}

/// What peelfs shows of a node, in the reference's words.
fn shown(image: &Image, node: &Node) -> Shown {
    let ino = InodeNo::of(&image.fs.stack().union, node);
    let Attributes { kind, mode, device, nlink, size, .. } = image.fs.attributes(ino).unwrap();
    let layers: Vec<usize> = layers_of(node).iter().map(|layer| layer.0 as usize).collect();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let what = match kind {
        Kind::Directory => {
            assert_eq!((nlink, size), (1, 0), "S24");
            return Shown::Dir { mode: mode.into(), layers };
        }
        Kind::Regular => {
            let mut bytes = vec![0; size as usize + 1];
            let read = image.fs.read(ino, 0, &mut bytes).unwrap();
            What::File(text(&bytes[..read]))
        }
        Kind::Symlink => What::Symlink(text(&image.fs.readlink(ino).unwrap())),
        Kind::CharDevice => What::CharDevice(device.major, device.minor),
        Kind::Fifo => What::Fifo,
        Kind::BlockDevice | Kind::Socket => panic!("no layer has a {}", kind.name()),
    };
    Shown::File { mode: mode.into(), what, layer: layers[0], place: 0, links: nlink as usize }
}

/// All that the union shows.
fn union_lines(image: &Image) -> BTreeSet<String> {
    let mut walk: Vec<Walked> = walk(image).collect();
    walk.sort_by(|a, b| a.path.cmp(&b.path));
    lines(walk.iter().map(|Walked { path, node, .. }| {
        (path.to_string(), shown(image, node), InodeNo::of(&image.fs.stack().union, node))
    }))
}

/// All that the squash shows.
fn naive_lines(tree: &naive::Tree) -> BTreeSet<String> {
    lines(tree.iter().map(|(path, shown)| {
        let identity = match shown {
            // S24: a directory is its bottommost member, and no other has it.
            Shown::Dir { layers, .. } => (layers[layers.len() - 1], Err(path)),
            Shown::File { layer, place, .. } => (*layer, Ok(*place)),
        };
        (format!("/{path}"), shown.clone(), identity)
    }))
}

/// A line a path; of an inode that has been seen before, with the first name it had.
fn lines<Inode: Ord>(tree: impl Iterator<Item = (String, Shown, Inode)>) -> BTreeSet<String> {
    let mut first_of: BTreeMap<Inode, String> = BTreeMap::new();
    tree.map(|(path, shown, inode)| {
        let first = first_of.entry(inode).or_insert_with(|| path.clone());
        match *first == path {
            true => format!("{path}: {shown}"),
            false => format!("{path}: {shown}, the same as {first}"),
        }
    })
    .collect()
}

/// Lines that only one of both has.
fn differences(peelfs: &BTreeSet<String>, squash: &BTreeSet<String>) -> String {
    let only =
        |name, lines: Vec<&String>| lines.iter().map(|line| format!("{name} {line}\n")).collect::<String>();
    only("peelfs", peelfs.difference(squash).collect()) + &only("squash", squash.difference(peelfs).collect())
}
