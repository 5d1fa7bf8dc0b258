//! `peelfs diff`.

use std::fs;

use rustix::fs::XattrFlags;

use super::{app, hostile_names, write};
use crate::support::archive::{Written, docker};
use crate::support::{layer, session};

#[test]
fn two_cuts_of_an_image_differ_by_what_the_layers_between_did() {
    let dir = app();
    session(
        dir.path(),
        r#"
$ peelfs diff app.tar@0 app.tar@1
$ peelfs diff app.tar app.tar
$ peelfs diff --stat app.tar@1 app.tar@2
$ peelfs diff --path /etc app.tar@0 app.tar
$ peelfs diff --no-renames app.tar#1 app.tar#2
$ peelfs diff missing.tar app.tar
"#,
    );
}

#[test]
fn each_way_to_differ_has_its_word() {
    let dir = tempfile::TempDir::new().unwrap();
    let old = layer("a=1234 b=1 c->x cdev/null@1:3 d/ d/e=1 f=1 g=moved h=1").pax([("mtime", &b"5"[..])]);
    let new = layer("a=12345678!600 b/ b/x=1 c->y cdev/null@1:5 d/!700 f=1 i=moved h=2");
    let old = old.entry("late=1").entry("same=1");
    let new = new.pax([("mtime", &b"9"[..])]).entry("late=1").entry("same=2");
    write(dir.path(), "old.tar", &docker(&[Written::new("app:1", [old])]));
    write(dir.path(), "new.tar", &docker(&[Written::new("app:2", [new])]));
    session(
        dir.path(),
        r#"
$ peelfs diff old.tar new.tar
$ peelfs diff --ignore time,mode old.tar new.tar
$ peelfs diff --content --path h old.tar new.tar
$ peelfs diff --json --path i old.tar new.tar
$ peelfs diff --json --path a old.tar new.tar
$ peelfs diff --json old.tar old.tar
"#,
    );
}

#[test]
fn a_patch_shows_lines_of_text_alone() {
    let dir = tempfile::TempDir::new().unwrap();
    let old = layer("etc/").file("etc/conf", b"one\ntwo\nthree\n").file("bin", b"\0a").file("gone", b"x\n");
    let new = layer("etc/")
        .file("etc/conf", b"one\n2\nthree\nfour")
        .file("bin", b"\0bc")
        .file("new\n+name", b"y\n");
    write(dir.path(), "old.tar", &docker(&[Written::new("app:1", [old])]));
    write(dir.path(), "new.tar", &docker(&[Written::new("app:2", [new])]));
    session(
        dir.path(),
        r#"
$ peelfs diff -p old.tar new.tar
"#,
    );
}

#[test]
fn an_upper_is_compared_as_it_shows() {
    let dir = app();
    let upper = dir.path().join("upper");
    fs::create_dir_all(upper.join("srv")).unwrap();
    fs::write(upper.join("srv/data"), "123456").unwrap();
    fs::write(upper.join("srv/.keep"), "").unwrap();
    session(
        dir.path(),
        r#"
$ peelfs diff --ignore time,owner,mode app.tar app.tar+upper
$ peelfs diff --ignore time,owner,mode app.tar+upper app.tar+upper
"#,
    );
    rustix::fs::setxattr(&upper, "user.overlay.peelfs.base", b"sha256:00", XattrFlags::empty()).unwrap();
    session(
        dir.path(),
        r#"
$ peelfs diff --ignore time,owner,mode upper upper
"#,
    );
}

#[test]
fn a_directory_is_compared_as_it_lies() {
    let dir = app();
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("bin")).unwrap();
    fs::write(tree.join("bin/sh"), "#!binary").unwrap();
    fs::write(tree.join("bin/.wh.ash"), "").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", tree.join("lib")).unwrap();
    session(
        dir.path(),
        r#"
$ peelfs diff --ignore time,owner,mode,xattr app.tar@0 tree
$ peelfs diff tree tree
"#,
    );
}

#[test]
fn hostile_names_keep_their_bytes_for_programs() {
    let dir = hostile_names();
    fs::create_dir(dir.path().join("empty")).unwrap();
    session(
        dir.path(),
        r#"
$ peelfs diff --ignore time,owner,mode empty names.tar | cat -v
$ peelfs diff --ignore time,owner,mode --json empty names.tar | grep path
"#,
    );
}
