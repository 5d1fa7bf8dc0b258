//! W1, W2, W3: what is in the upper directory after what, and what of it is the same as before.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};

use super::host::{is_whiteout, names, noise, xattr};
use super::perform::Tree;
use super::{NEEDS, can_compare};
use crate::support::need::need;
use crate::support::proc::daemon_of;
use crate::support::{By, Writable, layer};

/// Does operations in a mount of peelfs; gives what is to be looked at.
fn done(lines: &[&str], operations: &[&str]) -> Writable {
    let writable = Writable::of_lines(lines);
    let mount = writable.mount(By::Peelfs);
    let mut tree = Tree::new(mount.path());
    for line in operations {
        tree.perform(line).unwrap_or_else(|errno| panic!("{line}: {errno}"));
    }
    drop(tree);
    mount.unmount();
    writable
}

#[test]
fn w1_the_marks_are_overlayfs_own() {
    need!(can_compare(), NEEDS);
    let writable = done(
        &["./ a=1 d/ d/x=1 e/ e/f=2"],
        &["unlink a", "clear d", "rmdir d", "mkdir d 755", "rename e g", "create new 600", "unlink new"],
    );
    let upper = writable.upper();
    assert_eq!(names(&upper), ["a", "d", "e", "g"]);
    assert!(is_whiteout(&upper.join("a")) && is_whiteout(&upper.join("e")));
    assert_eq!(xattr(&upper.join("d"), "trusted.overlay.opaque").as_deref(), Some("y"));
    assert_eq!(xattr(&upper.join("g"), "trusted.overlay.redirect").as_deref(), Some("/e"));
    for name in ["opaque", "redirect"].map(|name| format!("user.overlay.{name}")) {
        assert!(names(&upper).iter().all(|path| xattr(&upper.join(path), &name).is_none()), "{name}");
    }
}

#[test]
fn w2_nothing_is_copied_before_the_first_change() {
    need!(can_compare(), NEEDS);
    let reads = ["read d/f", "hold d/f x", "read-held x", "stat-held x", "sync d/f", "sync d"];
    let writable = done(&["./ d/ d/f=1 p| l->d"], &reads);
    assert_eq!(names(&writable.upper()), [""; 0]);
    assert!(!writable.work().exists(), "the work directory stays behind");
}

#[test]
fn w2_only_what_is_changed_is_copied_with_the_directories_above_it() {
    need!(can_compare(), NEEDS);
    for operation in
        ["append d/e/f 1 A", "chmod d/e/f 600", "hold-writing d/e/f x", "setxattr d/e/f user.x 1"]
    {
        let writable = done(&["./ a=1 d/ d/b=2 d/e/ d/e/f=3 d/e/g=4"], &[operation]);
        assert_eq!(names(&writable.upper()), ["d", "d/e", "d/e/f"], "{operation}");
    }
    // Rules of the plain directory would not show these.
    let writable = done(&["./ d/ d/f=1"], &["create d/n 600", "unlink d/n", "mkdir d/m 700", "rmdir d/m"]);
    assert_eq!(names(&writable.upper()), ["d"], "whiteouts of what is nowhere below");
}

/// What a process has written by system calls.
fn written_by(daemon: rustix::process::Pid) -> u64 {
    let io = fs::read_to_string(format!("/proc/{daemon}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

#[test]
fn w2_an_open_that_truncates_copies_no_data() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of([layer("./").file("large", &noise(8 << 20))]);
    let mount = writable.mount(By::Peelfs);
    let daemon = daemon_of(mount.path());
    let before = written_by(daemon);
    File::options().write(true).truncate(true).open(mount.join("large")).unwrap();
    assert!(written_by(daemon) - before < 1 << 20, "{} bytes", written_by(daemon) - before);
    assert_eq!(fs::metadata(mount.join("large")).unwrap().len(), 0);
    mount.unmount();
    assert_eq!(fs::metadata(writable.upper().join("large")).unwrap().len(), 0);
}

#[test]
fn w2_holes_stay_holes() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of([super::richest::layer(By::Peelfs)]);
    let mount = writable.mount(By::Peelfs);
    let before = fs::read(mount.join("holes")).unwrap();
    fs::set_permissions(mount.join("holes"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    drop(File::options().write(true).open(mount.join("holes")).unwrap());
    assert!(fs::read(mount.join("holes")).unwrap() == before);
    mount.unmount();
    let upper = fs::metadata(writable.upper().join("holes")).unwrap();
    assert_eq!(upper.len(), 200_000);
    assert!(upper.blocks() <= 4 * 8, "{} blocks for two pages", upper.blocks());
}

#[test]
fn w2_a_daemon_killed_while_it_copies_leaves_the_old_file_and_no_rubbish() {
    need!(can_compare(), NEEDS);
    let bytes = noise(6 << 20);
    let writable = Writable::of([layer("./ d/").file("d/large", &bytes)]);
    for delay in [0, 1, 3, 10, 30] {
        let mut daemon = crate::support::Foreground::new(writable.arguments());
        let large = daemon.path().join("d/large");
        let opening = std::thread::spawn(move || File::options().append(true).open(large).map(drop));
        std::thread::sleep(std::time::Duration::from_millis(delay));
        daemon.signal(rustix::process::Signal::KILL);
        daemon.status();
        let _opened_or_not = opening.join().unwrap();
        drop(daemon);

        let mount = writable.mount(By::Peelfs);
        assert!(fs::read(mount.join("d/large")).unwrap() == bytes, "killed after {delay} ms");
        mount.unmount();
        assert!(!writable.work().exists(), "{:?}", names(&writable.work()));
    }
}

#[test]
fn w3_numbers_stay_whatever_is_done() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of_lines(&["./ f=1 d/ d/g=2 d/h=>d/g l->f p|", "./ d/ d/i=3"]);
    let mount = writable.mount(By::Peelfs);
    let number = |name: &str| fs::symlink_metadata(mount.join(name)).unwrap().ino();
    let listed = |dir: &str, name: &str| {
        let mut entries = fs::read_dir(mount.join(dir)).unwrap().map(Result::unwrap);
        std::os::unix::fs::DirEntryExt::ino(&entries.find(|entry| entry.file_name() == name).unwrap())
    };
    let names = ["f", "d", "d/g", "d/h", "d/i", "l", "p"];
    let before = names.map(number);
    let held = File::open(mount.join("f")).unwrap();
    let mut tree = Tree::new(mount.path());
    for line in [
        "append f 5 A",
        "chmod d 700",
        "chown d/g 1 2",
        "utimes l 1 2",
        "chmod p 644",
        "setxattr d user.x 1",
        "rename f n",
        "rename n f",
        "rename d e",
        "append e/i 1 A",
        "rename e d",
    ] {
        tree.perform(line).unwrap();
        if !names.iter().all(|name| mount.join(name).symlink_metadata().is_ok()) {
            // Renamed, and to be renamed back.
            continue;
        }
        assert_eq!(names.map(number), before, "{line}");
        assert_eq!(listed(".", "f"), before[0], "{line}");
        assert_eq!(listed("d", "i"), before[4], "{line}");
    }
    assert_eq!(held.metadata().unwrap().ino(), before[0]);
}

#[test]
fn w3_who_reads_on_spoils_nothing_for_who_reads_anew() {
    need!(can_compare(), NEEDS);
    let old = noise(100_000);
    let writable = Writable::of([layer("./").add(tar::EntryType::Regular, b"f", &old, |_| {})]);
    let mount = writable.mount(By::Peelfs);
    let held = File::open(mount.join("f")).unwrap();
    let mut byte = [0];
    held.read_exact_at(&mut byte, 0).unwrap();
    let new: Vec<u8> = old.iter().map(|byte| !byte).collect();
    let writing = File::options().write(true).open(mount.join("f")).unwrap();
    writing.write_all_at(&new[..200_000], 0).unwrap();
    // Through the old descriptor: pages that nobody has read yet.
    let mut read = vec![0; old.len()];
    held.read_exact_at(&mut read, 0).unwrap();
    let mixed = [&new[..200_000], &old[200_000..]].concat();
    assert!(read == mixed || read == old, "neither the old bytes nor the new ones");
    assert!(fs::read(mount.join("f")).unwrap() == mixed, "the new bytes by path");
    drop((held, writing));
    mount.unmount();
    assert!(fs::read(writable.upper().join("f")).unwrap() == mixed, "the new bytes in the upper");
}

#[test]
fn w4_names_that_are_nowhere_below_leave_no_whiteout() {
    need!(can_compare(), NEEDS);
    let below = &["./ d/ d/a=1", "./ d/ d/.wh.a"];
    let writable = done(below, &["create n 600", "rename n d/n", "unlink d/n", "mkdir m 700", "rmdir m"]);
    assert_eq!(names(&writable.upper()), ["d"]);
    let writable = done(below, &["rmdir d", "mkdir d 700"]);
    assert_eq!(xattr(&writable.upper().join("d"), "trusted.overlay.opaque").as_deref(), Some("y"));
}

#[test]
fn w6_links_of_the_mount_are_links_of_the_upper() {
    need!(can_compare(), NEEDS);
    let writable = done(&["./ a=1 b=>a d/ d/c=>a"], &["create n 600", "link n m", "append d/c 1 A"]);
    let found = |name: &str| fs::metadata(writable.upper().join(name)).unwrap();
    assert_eq!((found("n").ino(), found("n").nlink()), (found("m").ino(), 2));
    assert_eq!((found("a").ino(), found("b").ino()), (found("d/c").ino(), found("d/c").ino()));
    assert_eq!(found("a").nlink(), 3);
}
