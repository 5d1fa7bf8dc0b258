//! What a mount shows is what others show of the same layers: kernel overlayfs over layers that GNU tar
//! or Docker unpacked, and root file systems that umoci and Docker made.
//!
//! Where a rule of docs/semantics.md differs on purpose, the test names the rule and compares all else.

mod attributes;
mod compressed;
pub mod docker;
pub mod images;
mod listed;
mod named;
mod random;
mod umoci;

use std::path::PathBuf;

use crate::support::need::has_fuse;
use crate::support::overlay::{self, IMPLIED_MODE};
use crate::support::{Layer, Mount, Overlay, Tree, write_tars};

/// Differences that are worth reading at a time.
const SHOWN: usize = 20;

/// What all tests here need.
const NEEDS: &str = "needs root, FUSE and overlayfs";

fn can_compare() -> bool {
    has_fuse() && overlay::is_available()
}

/// Compares layers, base first, with themselves.
fn check(name: &str, layers: impl IntoIterator<Item = Layer>) {
    let dir = tempfile::tempdir().unwrap();
    assert_same(name, &differences(&write_tars(dir.path(), layers)));
}

/// Compares layers that GNU tar or overlayfs cannot take with plain ones that say the same.
fn check_as(name: &str, layers: impl IntoIterator<Item = Layer>, plain: impl IntoIterator<Item = Layer>) {
    let (dir, plain_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mount = Mount::of_tars(&write_tars(dir.path(), layers));
    let overlay = Overlay::of_tars(&write_tars(plain_dir.path(), plain));
    assert_same(name, &compare(&Tree::read(mount.path()), Tree::read_overlay(&overlay.path())));
}

fn assert_same(name: &str, differences: &str) {
    assert!(differences.is_empty(), "{name}; peelfs first, the oracle second:\n{differences}");
}

/// What differs between overlayfs over layer tars, base first, and mounts of the tars and of the
/// directories that they were unpacked into.
fn differences(tars: &[PathBuf]) -> String {
    let overlay = Overlay::of_tars(tars);
    let truth = Tree::read_overlay(&overlay.path());
    let of_directories = Tree::read(lower_dirs(overlay.layers()).path()).differences(&truth, SHOWN);
    compare(&Tree::read(Mount::of_tars(tars).path()), truth) + &of_directories
}

/// Mounts unpacked layers, base first, as one would mount an overlayfs.
fn lower_dirs(base_first: &[PathBuf]) -> Mount {
    let top_first: Vec<&str> = base_first.iter().rev().map(|dir| dir.to_str().unwrap()).collect();
    Mount::new(["-o", &format!("lowerdir={}", top_first.join(":"))])
}

/// What differs, but for S4: overlayfs shows what the unpacker made of an implied directory, peelfs shows
/// the attributes of the layer below. That it is a directory must be so in both.
fn compare(peelfs: &Tree, mut overlay: Tree) -> String {
    for (name, entry) in &mut overlay.0 {
        let shown = peelfs.0.get(name).filter(|shown| shown.kind == 'd');
        if let (('d', IMPLIED_MODE), Some(shown)) = ((entry.kind, entry.mode), shown) {
            entry.clone_from(shown);
        }
    }
    peelfs.differences(&overlay, SHOWN)
}

/// A tree without the number of names that files had in their layer.
fn without_links(mut tree: Tree) -> Tree {
    tree.0.values_mut().for_each(|entry| entry.links = 0);
    tree
}
