//! W8: writing without root. The host grants one owner and no devices; what it does not grant is kept beside.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::host::{is_whiteout, xattr};
use super::{NEEDS, can_compare};
use crate::support::need::{has, need};
use crate::support::user::NOBODY;
use crate::support::{Nobody, Tree, Writable, layer};

const LAYER: &str = "./ f=text d/ d/g=1 cnull@1:3 gone=2 o/ o/x=3 l->f";

/// Nobody does something in a mount of his; gives what his commands say in the end.
fn write_as(nobody: &Nobody, commands: &str) -> String {
    let mount = "peelfs mount --upper changes layer0.tar mnt; trap 'peelfs umount --lazy mnt' EXIT; cd mnt";
    let output = nobody
        .script(&format!("{mount}; {commands}; cd ..; peelfs umount mnt; trap - EXIT"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn nobody() -> Nobody {
    let nobody = Nobody::new();
    nobody.write("layer0.tar", &layer(LAYER).finish());
    nobody.create_dir("mnt");
    nobody
}

/// What is kept of the owner, mode and kind of a file of the upper.
fn kept(upper: &Path, name: &str) -> String {
    xattr(&upper.join(name), "user.containers.override_stat").unwrap_or_else(|| panic!("{name} has none"))
}

const NEEDS_MORE: &str = "needs root, FUSE, overlayfs and fusermount3";

#[test]
fn w8_owners_modes_and_devices_are_kept_beside_and_shown() {
    need!(can_compare() && has("fusermount3"), NEEDS_MORE);
    let nobody = nobody();
    let change = "chmod 4711 f; chown 1:2 d/g; chmod 640 null; mkfifo p; mkdir -m 1777 t; echo new >n; chown 7:8 n d; \
        setfattr -n user.x -v 1 n";
    let look =
        "stat -c '%n %f %u:%g %t,%T' f d d/g null p t n l; getfattr --only-values -n user.x n; echo; cat f n";
    let expected = "f 89c9 0:0 0,0\nd 41ed 7:8 0,0\nd/g 81a4 1:2 0,0\nnull 21a0 0:0 1,3\n\
        p 11a4 65534:65534 0,0\nt 43ff 65534:65534 0,0\nn 81a4 7:8 0,0\nl a1ff 0:0 0,0\n1\ntextnew\n";
    assert_eq!(write_as(&nobody, &format!("umask 022; {change}; {look}")), expected);
    assert_eq!(write_as(&nobody, look), expected, "mounted again");
    let upper = nobody.join("changes");
    assert_eq!(kept(&upper, "f"), "0:0:04711:file");
    assert_eq!(kept(&upper, "d/g"), "1:2:0644:file");
    assert_eq!(kept(&upper, "null"), "0:0:0640:char-1-3");
    assert_eq!(kept(&upper, "n"), "7:8:0644:file");
    assert_eq!(kept(&upper, "d"), "7:8:0755:dir");
    for name in ["f", "d/g", "null", "n", "t", "p"] {
        let metadata = upper.join(name).symlink_metadata().unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o7000), (NOBODY, metadata.mode() & 0o1000), "{name}");
    }
    assert!(upper.join("null").symlink_metadata().unwrap().is_file());
}

/// Nothing that a user's upper cannot say to the kernel: owners, modes.
fn names_and_contents(mut tree: Tree) -> Tree {
    for entry in tree.0.values_mut() {
        (entry.mode, entry.owner, entry.links) = (0, (0, 0), 0);
        entry.mtime = (0, 0);
        entry.xattrs.clear();
    }
    tree
}

#[test]
fn w1_a_users_marks_are_overlayfs_userxattr() {
    need!(can_compare() && has("fusermount3"), NEEDS_MORE);
    let nobody = nobody();
    let change =
        "rm gone; rm -r o; mkdir o; echo new >o/y; echo more >>d/g; mv f d/f; ln -sf new l; ln o/y z";
    let seen = "find . | sort; cat d/f d/g o/y z";
    let before = write_as(&nobody, &format!("{change}; {seen}"));
    assert_eq!(write_as(&nobody, seen), before, "mounted again");
    let upper = nobody.join("changes");
    assert!(is_whiteout(&upper.join("gone")) && is_whiteout(&upper.join("f")));
    assert_eq!(xattr(&upper.join("o"), "user.overlay.opaque").as_deref(), Some("y"));
    assert_eq!(xattr(&upper.join("o"), "trusted.overlay.opaque"), None);

    let writable = Writable::of_lines(&[LAYER]);
    let tree = |upper: PathBuf| {
        let copied =
            std::process::Command::new("cp").arg("-a").arg(upper).arg(writable.upper()).status().unwrap();
        assert!(copied.success());
        let mount = writable.mount_by_kernel("userxattr");
        names_and_contents(mount.tree())
    };
    let by_kernel = tree(upper);
    let listed: Vec<String> =
        by_kernel.0.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let mut found: Vec<&str> = before.lines().take_while(|line| line.starts_with('.')).collect();
    found.iter_mut().for_each(|line| *line = line.strip_prefix("./").unwrap_or(line));
    found.sort_unstable();
    assert_eq!(listed, found);
    let digest = |name: &str| by_kernel.0[name.as_bytes()].contents.clone();
    assert_eq!(digest("o/y"), digest("z"));
}

#[test]
fn w8_an_upper_of_a_user_shows_the_same_to_root() {
    need!(can_compare() && has("fusermount3"), NEEDS);
    let nobody = nobody();
    let look = "stat -c '%n %f %u:%g %t,%T' f d/g null n";
    let before = write_as(&nobody, &format!("chmod 4711 f; chown 1:2 d/g; chmod 640 null; echo >n; {look}"));
    let mount = crate::support::Foreground::new([
        "--upper".as_ref(),
        nobody.join("changes").as_os_str(),
        nobody.join("layer0.tar").as_os_str(),
    ]);
    let output =
        std::process::Command::new("sh").args(["-c", look]).current_dir(mount.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), before);
}
