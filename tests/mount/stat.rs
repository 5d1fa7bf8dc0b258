//! stat(2): what an image says of a file is what a program hears.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tar::EntryType;

use super::{mount, mount_lines, mount_with, succeed};
use crate::support::need::{has_fuse, need};
use crate::support::{Layer, Mount, layer, peelfs};

fn stat(path: impl AsRef<Path>) -> Metadata {
    fs::symlink_metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// `MODE SIZE BLOCKS NLINK MAJOR:MINOR`.
fn line(path: impl AsRef<Path>) -> String {
    let stat = stat(path);
    let (major, minor) = (rustix::fs::major(stat.rdev()), rustix::fs::minor(stat.rdev()));
    format!("{:06o} {} {} {} {major}:{minor}", stat.mode(), stat.size(), stat.blocks(), stat.nlink())
}

#[test]
fn every_type_has_its_mode_size_links_and_device() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&[
        "d/!1777 f=text!4755 g=x!2640 s->some/where h=>f p|!620 cnull@1:3 bsda@8:1 cbig@4095:1048575 empty",
    ]);
    for (name, expected) in [
        (".", "040755 0 0 1 0:0"),
        ("d", "041777 0 0 1 0:0"),
        ("f", "104755 4 1 2 0:0"),
        ("h", "104755 4 1 2 0:0"),
        ("g", "102640 1 1 1 0:0"),
        ("s", "120777 10 0 1 0:0"),
        ("p", "010620 0 0 1 0:0"),
        ("null", "020644 0 0 1 1:3"),
        ("sda", "060644 0 0 1 8:1"),
        ("big", "020644 0 0 1 4095:1048575"),
        ("empty", "100644 0 0 1 0:0"),
    ] {
        assert_eq!(line(mount.join(name)), expected, "{name}");
    }
}

#[test]
fn times_keep_nanoseconds_and_may_lie_before_1970() {
    need!(has_fuse(), "needs FUSE");
    let times = [
        ("1700000000.123456789", (1_700_000_000, 123_456_789)),
        ("0.000000001", (0, 1)),
        ("-1", (-1, 0)),
        ("-1.5", (-2, 500_000_000)),
        ("-0.000000001", (-1, 999_999_999)),
        ("-62135596800.25", (-62_135_596_801, 750_000_000)),
        ("253402300800", (253_402_300_800, 0)),
    ];
    let tar = times.iter().enumerate().fold(Layer::new(), |tar, (no, (time, _))| {
        tar.pax([("mtime", time.as_bytes())]).file(&no.to_string(), b"")
    });
    let (mount, _dir) = mount([tar]);
    for (no, (time, expected)) in times.into_iter().enumerate() {
        let stat = stat(mount.join(&no.to_string()));
        assert_eq!((stat.mtime(), stat.mtime_nsec()), expected, "mtime {time}");
        assert_eq!((stat.ctime(), stat.ctime_nsec()), expected, "ctime of mtime {time}");
        assert_eq!((stat.atime(), stat.atime_nsec()), expected, "atime of mtime {time}");
    }
}

#[test]
fn owners_may_have_any_number() {
    need!(has_fuse(), "needs FUSE");
    let owners =
        [(0, 0), (1000, 100), (65_534, 65_534), (3_000_000, 2_097_152), (4_294_967_294, 4_294_967_294)];
    let tar = owners.iter().enumerate().fold(Layer::new(), |tar, (no, (uid, gid))| {
        tar.add(EntryType::Regular, no.to_string().as_bytes(), b"", |header| {
            header.set_uid(*uid);
            header.set_gid(*gid);
        })
    });
    let tar = tar.pax([("uid", &b"4000000000"[..]), ("gid", b"5")]).file("pax", b"");
    let (mount, _dir) = mount([tar]);
    let owner = |name: &str| (stat(mount.join(name)).uid().into(), stat(mount.join(name)).gid().into());
    for (no, expected) in owners.into_iter().enumerate() {
        assert_eq!(owner(&no.to_string()), expected);
    }
    assert_eq!(owner("pax"), (4_000_000_000, 5));
}

#[test]
fn a_merged_directory_has_the_attributes_of_its_topmost_explicit_one() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["./!711 d/!700 e/!500", "d/!770 d/a=1 e/b=2", "d/c=3"]);
    assert_eq!(line(mount.join("d")), "040770 0 0 1 0:0");
    assert_eq!(line(mount.join("e")), "040500 0 0 1 0:0");
    assert_eq!(line(mount.path()), "040711 0 0 1 0:0");
}

#[test]
fn options_replace_owners_and_take_permission_bits_away() {
    need!(has_fuse(), "needs FUSE");
    let layers = || [layer("d/!777 f=1!4777 g=2!640")];
    let (mount, _dir) = mount_with(["-o", "uid=1234,gid=5678,umask=027"], layers());
    for (name, mode) in [("d", 0o40750), ("f", 0o104_750), ("g", 0o100_640)] {
        let stat = stat(mount.join(name));
        assert_eq!((stat.mode(), stat.uid(), stat.gid()), (mode, 1234, 5678), "{name}");
    }
}

/// Three layers with everything that has an inode number of its own, or shares one.
const STACK: [&str; 3] =
    ["a=1 b=>a d/ d/x=1 e/ e/y=1 l->a", "d/ d/x=2 d/z=>d/x c=>e/y", "d/w=3 f| n/o/p=1 .wh.l"];

/// Every path of the tree with its inode number, as find(1) sees them.
fn inodes(root: &Path) -> BTreeSet<String> {
    let mut find = std::process::Command::new("find");
    let found = succeed(find.arg(root).args(["-printf", "%i %n /%P\\n"]));
    found.lines().map(str::to_owned).collect()
}

#[test]
fn s24_numbers_are_the_same_in_every_mount_and_every_process() {
    need!(has_fuse(), "needs FUSE");
    let (one, dir) = mount_lines(&STACK);
    let tars = (0..3).map(|no| dir.path().join(format!("layer{no}.tar")));
    let other = Mount::new(tars);
    let first = inodes(one.path());
    assert_eq!(first.len(), 14, "{first:#?}");
    assert_eq!(first, inodes(other.path()));
    // In another order, and one by one: no number depends on who asked first.
    for line in first.iter().rev() {
        let (ino, rest) = line.split_once(' ').unwrap();
        let (nlink, path) = rest.split_once(" /").unwrap();
        let stat = stat(other.join(path));
        assert_eq!((stat.ino().to_string(), stat.nlink().to_string()), (ino.to_owned(), nlink.to_owned()));
        assert_eq!(stat.dev(), self::stat(other.path()).dev());
    }
}

#[test]
fn s24_the_commands_show_the_numbers_that_the_mount_has() {
    need!(has_fuse(), "needs FUSE");
    let (mount, dir) = mount_lines(&STACK);
    let tar = |no| dir.path().join(format!("layer{no}.tar"));
    let mut args = vec!["ls".into(), "-R".into(), "--json".into(), tar(2)];
    args.extend((0..2).flat_map(|no| ["--lower".into(), tar(no)]));
    let entries: Vec<serde_json::Value> = serde_json::from_slice(&peelfs(args).stdout).unwrap();
    let shown = entries
        .iter()
        .map(|entry| format!("{} {} /{}", entry["inode"], entry["nlink"], entry["path"].as_str().unwrap()));
    let mut shown: BTreeSet<String> = shown.collect();
    shown.insert("1 1 /".into());
    assert_eq!(shown, inodes(mount.path()));
}

#[test]
fn s24_names_of_one_file_share_a_number_and_nothing_else_does() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&STACK);
    let ino = |name: &str| stat(mount.join(name)).ino();
    assert_eq!(ino("a"), ino("b"));
    assert_eq!(ino("d/x"), ino("d/z"));
    assert_eq!(stat(mount.path()).ino(), 1);
    let different: BTreeSet<u64> =
        inodes(mount.path()).iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    // b and d/z are second names.
    assert_eq!(different.len(), inodes(mount.path()).len() - 2);
}

#[test]
fn an_open_file_has_the_attributes_of_its_name() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["f=text!4755"]);
    let open = File::open(mount.join("f")).unwrap().metadata().unwrap();
    let named = stat(mount.join("f"));
    assert_eq!((open.ino(), open.mode(), open.size()), (named.ino(), named.mode(), named.size()));
    assert_eq!(open.blksize(), 4096);
}
