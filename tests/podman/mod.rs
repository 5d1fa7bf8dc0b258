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

/// Tells the story to both, and compares what they leave.
fn compare(setting: Setting) {
    need!(can_tell() && story::busybox().is_some(), NEEDS);
    let theirs = Story::new("/usr/bin/fuse-overlayfs", &setting).tell("crun runc");
    let runtime = theirs.text("runtime.out");
    if runtime.trim().is_empty() {
        note(&format!("no containers run here, builds are compared: {}", theirs.text("runtime.log")));
    }
    let ours = Story::new(story::PEELFS_COPY, &setting).tell(runtime.trim());
    assert!(ours.text("mounts").contains("fuse.peelfs"), "{}", ours.text("mounts"));
    let outputs = ["runtime.out", "worker.out", "diff.out", "user.out", "xattrs.out"];
    for name in outputs.iter().filter(|name| theirs.has(name)) {
        assert_eq!(ours.text(name), theirs.text(name), "{name}: peelfs first, fuse-overlayfs second");
    }
    for image in ["built", "committed", "worked"].iter().filter(|image| theirs.has(&format!("{image}.tar"))) {
        let [ours, theirs] = [&ours, &theirs].map(|story| {
            let saved = fs::read(story.join(&format!("{image}.tar"))).unwrap();
            let exported = fs::read(story.join(&format!("{image}.root.tar"))).unwrap();
            (image_lines(&saved, story.started), archive_lines(&exported, story.started))
        });
        assert_eq!(differences(&ours.0, &theirs.0), "", "layers of {image}: peelfs (-), fuse-overlayfs (+)");
        assert_eq!(differences(&ours.1, &theirs.1), "", "tree of {image}: peelfs (-), fuse-overlayfs (+)");
    }
}

/// The lines that one has and the other has not.
fn differences(ours: &[String], theirs: &[String]) -> String {
    let lacks = |lines: &[String], sign: char, others: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !others.contains(line)).map(|line| format!("{sign} {line}\n")).collect()
    };
    [lacks(ours, '-', theirs), lacks(theirs, '+', ours)].concat().concat()
}

#[test]
fn what_root_builds_runs_and_commits_is_as_with_fuse_overlayfs() {
    compare(Setting { user: User::Root, force_mask: false });
}

#[test]
fn what_a_user_builds_runs_and_commits_is_as_with_fuse_overlayfs() {
    need!(has("newuidmap"), "needs newuidmap");
    compare(Setting { user: User::Nobody, force_mask: false });
}

#[test]
fn what_is_built_with_owners_in_xattrs_is_as_with_fuse_overlayfs() {
    compare(Setting { user: User::Root, force_mask: true });
}

#[test]
fn an_option_that_is_unknown_is_refused_by_name() {
    need!(can_tell() && story::busybox().is_some(), NEEDS);
    let story = Story::new(story::PEELFS_COPY, &Setting { user: User::Root, force_mask: false });
    let config = fs::read_to_string(story.join("storage.conf")).unwrap();
    fs::write(story.join("storage.conf"), config + "mountopt = \"nodev,frobnicate=1\"\n").unwrap();
    let script = "podman load --quiet --input base.tar && buildah mount $(buildah from base:1)";
    let output = story.run(script, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("unknown mount option `frobnicate`"), "{said}");
}
