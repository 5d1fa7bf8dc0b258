//! W7: what the host's file system says comes back as it is, and leaves all as it was.

use std::fs::{self, File};
use std::io::Write;

use rustix::io::Errno;

use super::host::{Tmpfs, names, noise};
use super::perform::Tree;
use super::{NEEDS, can_compare};
use crate::support::need::need;
use crate::support::proc::eventually;
use crate::support::{self, By, Writable, layer};

/// What needs space, over a file of 3 MiB and a directory.
const HUNGRY: [&str; 9] = [
    "append d/large 1 A",
    "map d/large 0 1 A",
    "chmod d/large 600",
    "truncate d/large 2000000",
    "link d/large new",
    "rename d/large new",
    "exchange d/large small",
    "setxattr d/large user.x 1",
    "utimes d/large 1 1",
];

#[test]
fn w7_no_space_is_enospc_and_nothing_half_done_stays() {
    need!(can_compare(), NEEDS);
    let tmpfs = Tmpfs::new("size=1m");
    let layers = [layer("./ small=1 d/").file("d/large", &noise(3 << 18))];
    let writable = Writable::of(layers).placed(tmpfs.path());
    let mount = writable.mount(By::Peelfs);
    let before = support::Tree::read(mount.path());
    let mut tree = Tree::new(mount.path());
    for line in HUNGRY {
        assert_eq!(tree.perform(line), Err(Errno::NOSPC), "{line}");
        assert_eq!(before.differences(&support::Tree::read(mount.path()), 20), "", "{line}");
    }
    let left =
        |dir: std::path::PathBuf| names(&dir).into_iter().filter(|name| name.contains("large")).count();
    assert_eq!(left(writable.upper()), 0);
    assert!(tmpfs_use(&tmpfs) < 100 << 10, "{} bytes stay", tmpfs_use(&tmpfs));
    // What needs little goes on, and what was copied in vain is not in its way.
    assert_eq!(tree.perform("append small 500000 A"), Ok("500000".to_owned()));
    assert_eq!(tree.perform("rewrite d/large 300000 A"), Ok("300000".to_owned()));
    drop(tree);
    mount.unmount();
    assert!(!writable.work().exists(), "{:?}", names(&writable.work()));
}

fn tmpfs_use(tmpfs: &Tmpfs) -> u64 {
    let statvfs = rustix::fs::statvfs(tmpfs.path()).unwrap();
    (statvfs.f_blocks - statvfs.f_bfree) * statvfs.f_frsize
}

#[test]
fn w7_a_write_that_finds_no_space_says_so() {
    need!(can_compare(), NEEDS);
    for options in [&[][..], &["--no-passthrough"]] {
        let tmpfs = Tmpfs::new("size=1m");
        let writable = Writable::of_lines(&["./ a=1"]).placed(tmpfs.path());
        let mount = writable.mount_with(options.iter().copied());
        for name in ["a", "new"] {
            let mut file = File::options().create(true).append(true).open(mount.join(name)).unwrap();
            let error = file.write_all(&noise(1 << 19)).and_then(|()| file.sync_all()).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::NOSPC.raw_os_error()), "{name}, {options:?}");
            drop(file);
            fs::remove_file(mount.join(name)).unwrap();
            // The kernel tells a daemon of the last close when it likes.
            eventually("there is space again", || tmpfs_use(&tmpfs) < 100 << 10);
            fs::write(mount.join("after"), noise(1 << 16)).unwrap();
            fs::remove_file(mount.join("after")).unwrap();
        }
        mount.unmount();
    }
}

#[test]
fn w7_no_inodes_is_enospc_too() {
    need!(can_compare(), NEEDS);
    let tmpfs = Tmpfs::new("nr_inodes=16");
    let writable = Writable::of_lines(&["./ a=1 b=2 d/ d/c=3 d/e/ d/e/f=4"]).placed(tmpfs.path());
    let mount = writable.mount(By::Peelfs);
    let mut tree = Tree::new(mount.path());
    let made = (0..16).take_while(|no| tree.perform(&format!("create n{no} 600")).is_ok()).count();
    assert!((4..16).contains(&made), "{made}");
    let before = support::Tree::read(mount.path());
    let copying =
        ["append a 1 A", "chmod d 700", "rename d/e n", "mkdir d/n 700", "create m 600", "exchange d/c b"];
    for line in copying {
        assert_eq!(tree.perform(line), Err(Errno::NOSPC), "{line}");
        assert_eq!(before.differences(&support::Tree::read(mount.path()), 20), "", "{line}");
    }
    // A whiteout may be a link to another, which needs no inode.
    for (line, name) in [("unlink a", "a"), ("rename b n0", "b")] {
        let is_there = || mount.join(name).symlink_metadata().is_ok();
        match tree.perform(line) {
            Ok(_) => assert!(!is_there(), "{line}"),
            error => assert!(error == Err(Errno::NOSPC) && is_there(), "{line}: {error:?}"),
        }
    }
    tree.perform("unlink n1").unwrap();
    tree.perform("append d/e/f 1 A").unwrap_err();
    for no in 2..made {
        tree.perform(&format!("unlink n{no}")).unwrap();
    }
    tree.perform("append d/e/f 1 A").unwrap();
    drop(tree);
    mount.unmount();
    assert!(!writable.work().exists(), "{:?}", names(&writable.work()));
}

#[test]
fn w7_an_upper_that_becomes_read_only_is_erofs() {
    need!(can_compare(), NEEDS);
    let tmpfs = Tmpfs::new("size=4m");
    let writable = Writable::of_lines(&["./ a=1 b=2 d/ d/c=3"]).placed(tmpfs.path());
    let mount = writable.mount(By::Peelfs);
    let mut tree = Tree::new(mount.path());
    tree.perform("append b 1 A").unwrap();
    tree.perform("mkdir n 700").unwrap();
    eventually("the daemon closes what it wrote", || tmpfs.forbid_writing().is_ok());
    let before = support::Tree::read(mount.path());
    for line in [
        "append a 1 A",
        "append b 1 A",
        "chmod b 600",
        "chmod a 600",
        "unlink b",
        "unlink a",
        "rmdir n",
        "mkdir m 700",
        "rename a m",
        "rename d m",
        "rename b a",
        "create m 600",
        "truncate b 0",
        "setxattr b user.x 1",
        "link b m",
        "symlink x m",
        "fifo m",
        "utimes b 1 1",
        "exchange a b",
    ] {
        assert_eq!(tree.perform(line), Err(Errno::ROFS), "{line}");
        assert_eq!(before.differences(&support::Tree::read(mount.path()), 20), "", "{line}");
    }
}

#[test]
fn w7_fsync_is_done_for_all_that_can_be_opened() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of_lines(&["./ a=1 d/ d/c=3"]);
    let mount = writable.mount(By::Peelfs);
    let mut tree = Tree::new(mount.path());
    for line in [
        "sync a",
        "sync d",
        "sync .",
        "append a 1 A",
        "sync a",
        "create d/n 600",
        "sync d",
        "sync d/n",
        "mkdir m 700",
        "sync m",
        "rename d o",
        "sync o",
        "hold o/c x",
        "append o/c 1 A",
        "sync-held x",
        "unlink o/c",
        "sync-held x",
    ] {
        tree.perform(line).unwrap_or_else(|errno| panic!("{line}: {errno}"));
    }
}
