//! What others make of the new image: skopeo, umoci, Docker.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::case::{Case, run, seen};
use super::{NEEDS, can_compare};
use crate::oracle::docker::as_exported;
use crate::support::docker::{self, Docker};
use crate::support::need::{has, need};
use crate::support::{Mount, Overlay, Tree};

const BASE: [&str; 2] = [
    "./ bin/ bin/sh=#!binary!755 d/ d/a=1 d/b=2 d/sub/ d/sub/c=3 etc/ etc/motd=hello h/ h/one=5 h/two=>h/one \
     old/ old/f=6 old/g=>old/f l->bin/sh q|",
    "./ etc/ etc/passwd=root d/ d/.wh.b",
];

const SCRIPT: &str = "rm etc/motd; rm -r d/sub; mkdir d/sub; echo n >d/sub/n; mv old new; ln h/one h/three; \
    chmod 2750 h; chmod 4755 bin/sh; mkdir -p a/b; echo deep >a/b/c; touch -d '2001-02-03 04:05:06' a/b/c; \
    mkfifo a/p; mknod a/null c 1 3; chown 5:6 a/b/c; rm l; mkdir l; echo 1 >l/x; rm q; echo 1 >q; \
    setfattr -n user.colour -v blue a/b; touch $(printf %0150d 7)";

fn changed() -> Case {
    let case = Case::of(&BASE);
    case.write(SCRIPT);
    case
}

#[track_caller]
fn assert_same(what: &str, theirs: Tree, ours: Tree) {
    let differences = seen(theirs).differences(&seen(ours), 20);
    assert!(differences.is_empty(), "{what}; they first, the kernel second:\n{differences}");
}

#[test]
fn umoci_unpacks_what_the_kernel_shows() {
    need!(can_compare() && has("umoci"), "needs root, FUSE, overlayfs and umoci");
    let case = changed();
    for (form, how) in [("docker", "none"), ("oci", "gzip")] {
        case.commit(&["-t", "app:2", "--format", form, "--compression", how]);
        let script = "rm -rf layout bundle; mkdir layout; tar -xf new.tar -C layout; \
            umoci unpack --image layout:2 bundle";
        run(case.dir.path(), script);
        assert_same(form, Tree::read(&case.path("bundle/rootfs")), case.tree());
    }
}

#[test]
fn skopeo_copies_it() {
    need!(can_compare() && has("skopeo"), "needs root, FUSE, overlayfs and skopeo");
    let case = changed();
    for (form, how, from) in [
        ("docker", "none", "docker-archive:new.tar"),
        ("docker", "gzip", "docker-archive:new.tar:app:2"),
        ("docker", "none", "oci-archive:new.tar:2"),
        ("oci", "gzip", "oci-archive:new.tar"),
        ("oci", "zstd", "oci-archive:new.tar:2"),
    ] {
        case.commit(&["-t", "app:2", "--format", form, "--compression", how]);
        let _ = fs::remove_file(case.path("copy.tar"));
        run(case.dir.path(), &format!("skopeo copy --insecure-policy {from} oci-archive:copy.tar:2"));
        case.check(&format!("{form}, {how}, {from}"), &case.path("copy.tar"));
    }
}

#[test]
fn docker_loads_and_runs_it() {
    need!(can_compare() && docker::is_available(), "needs root, FUSE, overlayfs, docker and dockerd");
    let docker = Docker::get();
    let case = changed();
    for (tag, how) in [("committed:1", "none"), ("committed:2", "gzip")] {
        let new = case.commit(&["-t", tag, "--compression", how, "-m", "changed"]);
        let loaded = docker.run(&["load", "--input", new.to_str().unwrap()]);
        assert!(loaded.contains(tag), "{loaded}");
        assert!(docker.run(&["history", "--no-trunc", tag]).contains("peelfs commit"));
        // S22: Docker passes over what a layer says of its root.
        let without_root = |mut tree: Tree| {
            tree.0.remove(&b"."[..]);
            tree
        };
        let layers = unpacked_by(&docker, tag);
        assert_same(tag, without_root(Tree::read_overlay(&layers.path())), without_root(case.tree()));
        let exported = exported(&docker, tag, case.dir.path());
        assert_same(tag, as_exported(exported), as_exported(case.tree()));
    }
}

/// The kernel's view of the directories that the daemon unpacked the layers into.
fn unpacked_by(docker: &Docker, tag: &str) -> Overlay {
    let dir = TempDir::new().unwrap();
    let mut names = Vec::new();
    for (no, layer) in docker.layer_dirs(tag).iter().enumerate() {
        symlink(layer, dir.path().join(no.to_string())).unwrap();
        names.push(no.to_string());
    }
    Overlay::stack(dir, &names)
}

/// What `docker export` gives of a container of the image.
fn exported(docker: &Docker, tag: &str, dir: &Path) -> Tree {
    let path = dir.join("exported.tar");
    let container = docker.run(&["create", "--network", "none", tag, "sh"]);
    docker.run(&["export", "--output", path.to_str().unwrap(), &container]);
    docker.run(&["rm", &container]);
    let mount = Mount::new([OsStr::new("-o"), OsStr::new("dev,suid"), path.as_os_str()]);
    Tree::read(mount.path())
}

#[test]
fn what_the_layer_says_is_what_gnu_tar_reads() {
    need!(can_compare(), NEEDS);
    let case = changed();
    case.succeed("commit", &["--layer-only", "-o", "layer.tar"]);
    let output = Command::new("tar").arg("-tvf").arg(case.path("layer.tar")).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    for line in ["l/x", "old/.wh", "d/sub/.wh..wh..opq", "etc/.wh.motd", ".wh.old", "h/three link to h/one"] {
        let is_there = text.lines().any(|found| found.ends_with(line));
        assert_eq!(is_there, line != "old/.wh", "{line}: {text}");
    }
}
