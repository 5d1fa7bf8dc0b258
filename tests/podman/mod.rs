//! Podman and Buildah with the program under test for their `mount_program`: what they build, run and commit is
//! what it is with fuse-overlayfs.

mod contents;
mod story;

use std::fs;

use crate::support::need::{has, has_fuse, is_root, need, note};
use contents::{archive_lines, image_lines};
use story::{Setting, Story, User};

fn can_tell() -> bool {
    has_fuse() && is_root() && has("podman") && has("buildah") && has("fuse-overlayfs")
}

const NEEDS: &str = "needs root, FUSE, podman, buildah, fuse-overlayfs and a static busybox";

/// What was in a directory that was removed and made again. fuse-overlayfs 1.10 shows it, the kernel does not.
const OF_MADE_AGAIN: [&str; 2] = ["lower/old/x ", "lower/old/.wh.x "];

/// What containers/storage 1.43, when it keeps owners and modes in xattrs, unpacks without: the sticky bit, the
/// set-user-ID bit, a symlink's owner. In the layers that it packed they stand, and are compared.
const UNPACKED_WITHOUT: [&str; 3] = ["tmp/ ", "lower/b ", "lower/link "];

/// Tells the story to both, and compares what they leave.
fn compare(user: User) {
    need!(can_tell() && story::busybox().is_some(), NEEDS);
    let theirs = Story::new("/usr/bin/fuse-overlayfs", Setting::of(user)).tell("crun runc");
    let runtime = theirs.text("runtime.out");
    if runtime.trim().is_empty() {
        note(&format!("no containers run here, builds are compared: {}", theirs.text("runtime.log")));
    }
    let ours = Story::new(story::PEELFS_COPY, Setting::of(user)).tell(runtime.trim());
    assert_same(&ours, &theirs, &|line| !OF_MADE_AGAIN.iter().any(|name| line.contains(name)));
    for line in archive_lines(&fs::read(ours.join("built.root.tar")).unwrap(), ours.started) {
        assert!(!OF_MADE_AGAIN.iter().any(|name| line.starts_with(name)), "{line}");
    }
}

/// Compares all that two tellings leave, but lines that are not `counted`.
fn assert_same(ours: &Story, theirs: &Story, counted: &dyn Fn(&str) -> bool) {
    assert!(ours.text("mounts").contains("fuse.peelfs"), "{}", ours.text("mounts"));
    let outputs = ["runtime.out", "worker.out", "diff.out", "user.out", "xattrs.out"];
    for name in outputs.iter().filter(|name| theirs.has(name)) {
        assert_eq!(ours.text(name), theirs.text(name), "{name}: the one under test first");
    }
    for image in ["built", "committed", "worked"].iter().filter(|image| theirs.has(format!("{image}.tar"))) {
        let [ours, theirs] = [&ours, &theirs].map(|story| {
            let saved = fs::read(story.join(&format!("{image}.tar"))).unwrap();
            let exported = fs::read(story.join(&format!("{image}.root.tar"))).unwrap();
            (image_lines(&saved, story.started), archive_lines(&exported, story.started))
        });
        assert_eq!(
            differences(&ours.0, &theirs.0, counted),
            "",
            "layers of {image}: the one under test is -"
        );
        assert_eq!(differences(&ours.1, &theirs.1, counted), "", "tree of {image}: the one under test is -");
    }
}

/// The lines that one has and the other has not.
fn differences(ours: &[String], theirs: &[String], counted: &dyn Fn(&str) -> bool) -> String {
    let lacks = |lines: &[String], sign: char, others: &[String]| -> Vec<String> {
        let lines = lines.iter().filter(|line| counted(line) && !others.contains(line));
        lines.map(|line| format!("{sign} {line}\n")).collect()
    };
    [lacks(ours, '-', theirs), lacks(theirs, '+', ours)].concat().concat()
}

#[test]
fn what_root_builds_runs_and_commits_is_as_with_fuse_overlayfs() {
    compare(User::Root);
}

#[test]
fn what_a_user_builds_runs_and_commits_is_as_with_fuse_overlayfs() {
    need!(has("newuidmap"), "needs newuidmap");
    compare(User::Nobody);
}

/// fuse-overlayfs 1.10 loses owners there, so both are ours.
#[test]
fn what_is_built_with_owners_in_xattrs_is_what_it_is_without() {
    need!(can_tell() && story::busybox().is_some(), NEEDS);
    let [kept, plain] = [true, false].map(|force_mask| {
        // containers/storage 1.43 cannot give a fifo an xattr.
        let setting = Setting { force_mask, has_fifo: false, ..Setting::of(User::Root) };
        Story::new(story::PEELFS_COPY, setting).tell("crun runc")
    });
    assert_same(&kept, &plain, &|line| !UNPACKED_WITHOUT.iter().any(|name| line.starts_with(name)));
}

#[test]
fn an_option_that_is_unknown_is_refused_by_name() {
    need!(can_tell() && story::busybox().is_some(), NEEDS);
    let story = Story::new(story::PEELFS_COPY, Setting::of(User::Root));
    let config = fs::read_to_string(story.join("storage.conf")).unwrap();
    fs::write(story.join("storage.conf"), config + "mountopt = \"nodev,frobnicate=1\"\n").unwrap();
    let script = "podman load --quiet --input base.tar && buildah mount $(buildah from base:1)";
    let output = story.run(script, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("unknown mount option `frobnicate`"), "{said}");
}
