//! Random stacks: what is wasted is what a squash, layer by layer, takes away.

use std::collections::{BTreeMap, BTreeSet};

use peelfs::waste::{Reason, Waste};
use proptest::prelude::*;

use crate::support::naive::{self, Shown};
use crate::support::stacks::{Member, Stack, What, on_stacks};
use crate::support::{Image, layer};

/// What a file is told by: the layer that has its bytes, and its place there. Contents say both.
type File = String;

/// The contents that show, each with its names.
fn shown(layers: &[Vec<Member>]) -> BTreeMap<File, BTreeSet<String>> {
    let mut files: BTreeMap<File, BTreeSet<String>> = BTreeMap::new();
    for (path, shown) in naive::squash(layers.iter().map(Vec::as_slice)) {
        if let Shown::File { what: What::File(text), .. } = shown {
            files.entry(text).or_default().insert(path);
        }
    }
    files
}

/// The layer that contents are in.
fn layer_of(file: &str) -> usize {
    file.split('.').next().unwrap().parse().unwrap()
}

#[test]
fn waste_is_what_a_squash_takes_away() {
    on_stacks(5, Stack::any(), |stack| {
        let image = Image::of(stack.layers());
        let waste = Waste::of(image.fs.stack(), usize::MAX).unwrap();
        let count = stack.0.len();
        let (mut bytes, mut hidden, mut hides) = (vec![0; count], vec![0; count], vec![0; count]);
        let squashed: Vec<_> = (1..=count).map(|top| shown(&stack.0[..top])).collect();
        let mut all: BTreeSet<File> = BTreeSet::new();
        for members in &stack.0 {
            // A layer alone shows all that it has, but for links into what lies below it.
            all.extend(shown(std::slice::from_ref(members)).into_keys());
        }
        for file in &all {
            let (own, len) = (layer_of(file), file.len() as u64);
            bytes[own] += len;
            if !squashed[count - 1].contains_key(file) {
                hidden[own] += len;
                let last = (own..count).rev().find(|&top| squashed[top].contains_key(file));
                hides[last.map_or(own, |last| last + 1)] += len;
            }
        }
        let of =
            |get: fn(&peelfs::waste::LayerWaste) -> u64| waste.layers.iter().map(get).collect::<Vec<_>>();
        prop_assert_eq!(of(|layer| layer.bytes), bytes);
        prop_assert_eq!(of(|layer| layer.hidden.total()), hidden);
        prop_assert_eq!(of(|layer| layer.hides.total()), hides);
        let worst: u64 = waste.worst.iter().map(|path| path.bytes).sum();
        prop_assert_eq!(worst, waste.hidden());
        prop_assert_eq!(waste.worst.len() as u64, waste.paths);
        Ok(())
    });
}

/// Each path with its hidden files, as `PATH LAYER REASON BY`, and the efficiency.
fn told(layers: &[&str]) -> Vec<String> {
    let image = Image::of(layers.iter().map(|line| layer(line)));
    let waste = Waste::of(image.fs.stack(), 100).unwrap();
    let mut told: Vec<String> = Vec::new();
    for path in &waste.worst {
        for file in &path.files {
            told.push(format!("{} {} {} {}", path.path, file.layer, file.reason.word(), file.by));
        }
    }
    told.sort();
    told
}

#[test]
fn the_first_that_hides_is_to_blame() {
    assert_eq!(told(&["d/ d/a=1", "d/a=22", ".wh.d"]), ["/d/a 0 replaced 1", "/d/a 1 deleted 2"]);
    assert_eq!(told(&["d/ d/a=1", ".wh.d", "d/ d/a=1"]), ["/d/a 0 deleted 1"]);
    assert_eq!(told(&["d/ d/a=1", "d=2", "d/ d/a=1"]), ["/d 1 replaced 2", "/d/a 0 replaced 1"]);
}

#[test]
fn the_same_contents_again_are_repeated() {
    assert_eq!(told(&["a=1", "a=1!600", "a=2"]), ["/a 0 repeated 1", "/a 1 replaced 2"]);
    assert_eq!(told(&["d/ d/a=1", "d/ d/.wh..wh..opq d/a=1"]), ["/d/a 0 repeated 1"]);
    assert_eq!(
        told(&["d/ d/a=1 d/b=2", "d/ d/.wh..wh..opq d/a=1"]),
        ["/d/a 0 repeated 1", "/d/b 0 opaque 1"]
    );
}

#[test]
fn a_name_that_is_left_wastes_nothing() {
    assert_eq!(told(&["a=1 b=>a", ".wh.a"]), [""; 0]);
    assert_eq!(told(&["a=1 b=>a", ".wh.a", "b=2"]), ["/a 0 replaced 2"]);
    // A link into the layer below (S5).
    assert_eq!(told(&["a=1", "b=>a .wh.a"]), [""; 0]);
    assert_eq!(told(&["a=1", "b=>a .wh.a", ".wh.b"]), ["/a 0 deleted 2"]);
}

#[test]
fn an_empty_image_is_efficient() {
    let image = Image::of([layer("d/")]);
    let waste = Waste::of(image.fs.stack(), 1).unwrap();
    assert_eq!((waste.bytes(), waste.hidden(), waste.efficiency()), (0, 0, 1.0));
    assert_eq!(waste.layers[0].hides.of(Reason::Opaque), 0);
}
