//! Several at once in one mount: whatever they do, the mount stands, and shows afterwards what it shows when it is
//! mounted again.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use rustix::io::Errno;

use super::perform::Tree;
use super::{NEEDS, can_compare, richest};
use crate::support::need::need;
use crate::support::proc::daemons_of;
use crate::support::{self, By, Writable, layer};

/// How many work at a time.
const WORKERS: u8 = 4;

/// How long they work if nothing else is said.
const SECONDS: u64 = 3;

/// What others may have done in between.
const EXPECTED: [Errno; 7] = [
    Errno::NOENT,
    Errno::EXIST,
    Errno::NOTEMPTY,
    Errno::ISDIR,
    Errno::NOTDIR,
    // A directory into itself; a symlink on the way to nowhere.
    Errno::INVAL,
    Errno::LOOP,
];

/// `PEELFS_PARALLEL` says how many seconds.
fn until() -> Instant {
    let seconds = std::env::var("PEELFS_PARALLEL").map_or(SECONDS, |seconds| seconds.parse().unwrap());
    Instant::now() + Duration::from_secs(seconds)
}

fn work(root: &Path, seed: u8, until: Instant, operation: fn(&mut TestRng) -> String) -> u64 {
    let mut tree = Tree::new(root);
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut done = 0;
    while Instant::now() < until {
        let line = operation(&mut rng);
        match tree.perform(&line) {
            Ok(_) => done += 1,
            Err(errno) => {
                // A link to a directory, an attribute of a symlink.
                let may_be_forbidden = line.starts_with("link") || line.starts_with("setxattr");
                let is_expected = EXPECTED.contains(&errno) || (errno == Errno::PERM && may_be_forbidden);
                assert!(is_expected, "{line}: {errno:?}");
            }
        }
    }
    done
}

fn pick<'a>(rng: &mut TestRng, choices: &[&'a str]) -> &'a str {
    choices[rng.next_u32() as usize % choices.len()]
}

/// Few names, so that all come into each other's way.
fn path(rng: &mut TestRng) -> String {
    let dir = pick(rng, &["", "d/", "d/e/", "tree/", "tree/below/", "n/"]);
    let name = pick(rng, &["a", "b", "c", "d", "e", "n", "one", "tree", "below"]);
    format!("{dir}{name}")
}

fn any(rng: &mut TestRng) -> String {
    let (one, other) = (path(rng), path(rng));
    match rng.next_u32() % 16 {
        0 | 1 => format!("create {one} 600"),
        2 => format!("rewrite {one} 5000 A"),
        3 => format!("append {one} 100 B"),
        4 => format!("mkdir {one} 700"),
        5 => format!("symlink x {one}"),
        6 => format!("link {one} {other}"),
        7 => format!("unlink {one}"),
        8 => format!("rmdir {one}"),
        9 => format!("clear {one}"),
        10 | 11 => format!("rename {one} {other}"),
        12 => format!("exchange {one} {other}"),
        13 => format!("chmod {one} 640"),
        14 => format!("setxattr {one} user.x 1"),
        _ => format!("read {one}"),
    }
}

/// Creating, renaming and deleting only.
fn of_names(rng: &mut TestRng) -> String {
    let (one, other) = (path(rng), path(rng));
    match rng.next_u32() % 6 {
        0 => format!("create {one} 600"),
        1 => format!("mkdir {one} 700"),
        2 | 3 => format!("rename {one} {other}"),
        4 => format!("unlink {one}"),
        _ => format!("clear {one}"),
    }
}

#[track_caller]
fn together(operation: fn(&mut TestRng) -> String) {
    let lower = layer("./ d/ d/e/ d/e/a=1 d/a=2 b=3 tree/ tree/a=4");
    let writable = Writable::of([richest::layer(By::Peelfs), lower]);
    let mount = writable.mount(By::Peelfs);
    let until = until();
    let done: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|seed| {
                scope.spawn({
                    let root = mount.path();
                    move || work(root, seed, until, operation)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert!(done > 100, "{done}");
    assert_eq!(daemons_of(mount.path()).len(), 1);
    let before = mount.tree();
    mount.unmount();
    for by in [By::Peelfs, By::Kernel] {
        let mount = writable.mount(by);
        let differences = without_links(before.clone()).differences(&without_links(mount.tree()), 20);
        assert!(differences.is_empty(), "as it was, and mounted again by {by:?}:\n{differences}");
        mount.unmount();
    }
    assert!(!writable.work().exists(), "the work directory stays behind");
}

/// What one system counts of a lower file's names, another does not (S24).
fn without_links(mut tree: support::Tree) -> support::Tree {
    tree.0.values_mut().for_each(|entry| entry.links = 0);
    tree
}

#[test]
fn four_at_once_create_rename_and_delete() {
    need!(can_compare(), NEEDS);
    together(of_names);
}

#[test]
fn four_at_once_do_anything() {
    need!(can_compare(), NEEDS);
    together(any);
}
