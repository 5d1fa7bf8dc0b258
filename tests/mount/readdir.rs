//! readdir(3): each name once, in a stable order, from wherever one goes on.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use peelfs::fs::InodeNo;
use rustix::fs::{Dir, DirEntry, FileType};
use tar::EntryType;

use super::{mount, mount_lines};
use crate::support::need::{has_fuse, need};
use crate::support::{Layer, Mount, layer};

fn open(path: impl AsRef<Path>) -> Dir {
    Dir::new(File::open(path).unwrap()).unwrap()
}

fn name(entry: &DirEntry) -> String {
    entry.file_name().to_str().unwrap().to_owned()
}

/// The names from where a directory stands on.
fn names(dir: &mut Dir) -> Vec<String> {
    dir.map(|entry| name(&entry.unwrap())).collect()
}

#[test]
fn s23_dot_and_dotdot_come_first_and_names_in_the_order_of_their_bytes() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["d/ d/b d/Z d/a.x d/a d/\u{e9} d/a- d/10 d/9"]);
    assert_eq!(
        names(&mut open(mount.join("d"))),
        [".", "..", "10", "9", "Z", "a", "a-", "a.x", "b", "\u{e9}"]
    );
}

#[test]
fn s23_a_merged_directory_lists_each_name_once() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&[
        "d/ d/a=1 d/b=1 d/c=1 d/s/ d/s/1",
        "d/ d/b=2 d/.wh.c d/s/ d/s/2",
        "d/a/ d/e=3 d/.wh.nothing d/s/ d/s/1=3",
    ]);
    assert_eq!(names(&mut open(mount.join("d"))), [".", "..", "a", "b", "e", "s"]);
    assert_eq!(names(&mut open(mount.join("d/s"))), [".", "..", "1", "2"]);
    assert_eq!(names(&mut open(mount.path())), [".", "..", "d"]);
}

#[test]
fn s23_entries_have_the_type_and_number_that_stat_gives() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["d/ d/e/ d/f=1 d/g=>d/f d/l->f d/p| cd/c@1:3 bd/b@8:0", "d/ d/h=2"]);
    let dir = mount.join("d");
    let mut types = BTreeMap::new();
    for entry in open(&dir).map(Result::unwrap) {
        let stat = std::fs::symlink_metadata(dir.join(name(&entry))).unwrap();
        assert_eq!(entry.ino(), stat.ino(), "{}", name(&entry));
        assert_eq!(entry.file_type(), FileType::from_raw_mode(stat.mode()), "{}", name(&entry));
        types.insert(name(&entry), entry.file_type());
    }
    assert_eq!(types.len(), 10);
    assert_eq!(types["b"], FileType::BlockDevice);
}

#[test]
fn s23_dotdot_is_the_directory_above() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["a/ a/b/ a/b/c/", "a/b/d/"]);
    for (dir, above) in [("a/b/c", "a/b"), ("a/b/d", "a/b"), ("a/b", "a"), ("a", ".")] {
        let entry = open(mount.join(dir)).map(Result::unwrap).find(|entry| name(entry) == "..").unwrap();
        assert_eq!(entry.ino(), std::fs::metadata(mount.join(above)).unwrap().ino(), "{dir}/..");
    }
}

/// A directory that one getdents(2) cannot take, of one layer and of three.
fn large() -> [(Mount, tempfile::TempDir); 2] {
    let file = |tar: Layer, no: usize| tar.file(&format!("d/{no:05}"), b"");
    let one = (0..3000).fold(layer("d/"), file);
    let some = |no: usize| (0..3000).filter(|n| n % 3 == no || n % 7 == 0).fold(layer("d/"), file);
    [mount([one]), mount([some(0), some(1), some(2)])]
}

#[test]
fn s23_seekdir_goes_back_to_every_place_that_telldir_named() {
    need!(has_fuse(), "needs FUSE");
    for (mount, _dir) in large() {
        let mut dir = open(mount.join("d"));
        let (mut all, mut places) = (Vec::new(), vec![]);
        while let Some(entry) = dir.read() {
            let entry = entry.unwrap();
            all.push(name(&entry));
            places.push(entry.offset());
        }
        assert_eq!(all.len(), 3002);
        for at in (0..3001).rev().step_by(271).chain([0, 1, 2, 3000]) {
            dir.seek(places[at]).unwrap();
            assert_eq!(name(&dir.read().unwrap().unwrap()), all[at + 1]);
        }
        dir.seek(places[3001]).unwrap();
        assert!(dir.read().is_none(), "something behind the last name");
    }
}

#[test]
fn s23_a_place_means_the_same_in_every_open_of_the_directory() {
    need!(has_fuse(), "needs FUSE");
    for (mount, _dir) in large() {
        let mut first = open(mount.join("d"));
        let place = first.by_ref().nth(1500).unwrap().unwrap().offset();
        let rest = names(&mut first);
        let mut other = open(mount.join("d"));
        other.seek(place).unwrap();
        assert_eq!(names(&mut other), rest);
    }
}

#[test]
fn s23_rewinddir_begins_again() {
    need!(has_fuse(), "needs FUSE");
    for (mount, _dir) in large() {
        let mut dir = open(mount.join("d"));
        let all = names(&mut dir);
        dir.rewind();
        assert_eq!(names(&mut dir), all);
        dir.rewind();
        assert_eq!(dir.by_ref().take(10).count(), 10);
        dir.rewind();
        assert_eq!(names(&mut dir), all);
    }
}

#[test]
fn s23_readers_of_one_directory_do_not_disturb_each_other() {
    need!(has_fuse(), "needs FUSE");
    for (mount, _dir) in large() {
        let mut dirs: Vec<Dir> = (0..4).map(|_| open(mount.join("d"))).collect();
        let mut lists = vec![Vec::new(); dirs.len()];
        for round in 0.. {
            let (dir, list) = (&mut dirs[round % 4], &mut lists[round % 4]);
            let before = list.len();
            list.extend(dir.take(100 + round % 37).map(|entry| name(&entry.unwrap())));
            if list.len() == before {
                break;
            }
        }
        for (mut list, mut dir) in lists.into_iter().zip(dirs) {
            list.extend(names(&mut dir));
            assert_eq!(list.len(), 3002);
        }
    }
}

#[test]
fn s23_a_hundred_thousand_names_in_one_directory() {
    need!(has_fuse(), "needs FUSE");
    const COUNT: usize = 100_000;
    let file =
        |tar: Layer, no: usize| tar.add(EntryType::Regular, format!("d/f{no:06}").as_bytes(), b"", |_| {});
    let below = (0..COUNT).filter(|no| no % 2 == 0).fold(layer("d/"), file);
    let above = (0..COUNT).filter(|no| no % 2 == 1 || no % 100 == 0).fold(layer("d/"), file);
    let (mount, _dir) = mount([below, above]);
    let all = names(&mut open(mount.join("d")));
    assert_eq!(all.len(), COUNT + 2);
    assert!(all[2..].iter().enumerate().all(|(no, name)| *name == format!("f{no:06}")));
    // Lookup agrees with readdir.
    for no in (0..COUNT).step_by(997) {
        assert!(std::fs::symlink_metadata(mount.join(&format!("d/f{no:06}"))).unwrap().is_file());
    }
    assert!(!mount.join("d/f100000").exists());
}

#[test]
fn s23_whoever_goes_on_behind_the_end_finds_nothing() {
    let image = crate::support::Image::one(layer("d/ d/a=1 d/b=2"));
    let dir = image.fs.lookup(InodeNo::ROOT, b"d").unwrap().unwrap().0;
    for position in [4, 5, u64::from(u32::MAX), u64::from(u32::MAX) + 2, u64::MAX] {
        image.fs.readdir(dir, position, |entry| panic!("{entry:?}")).unwrap();
    }
}
