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
A /bin/ash
A /dev
A /dev/null
A /dev/sda
D /etc/motd
C /etc/passwd  (size 4 -> 8, content)
A /run
A /run/p
? 1
$ peelfs diff app.tar app.tar
$ peelfs diff --stat app.tar@1 app.tar@2
A /etc/hostname  (+3 B)
D /etc/passwd  (-8 B)
A /srv
A /srv/data  (+5 B)
A /srv/link  (+5 B)
4 added, 1 deleted, 0 changed, 0 renamed; +13 B -8 B
? 1
$ peelfs diff --path /etc app.tar@0 app.tar
A /etc/hostname
D /etc/motd
D /etc/passwd
? 1
$ peelfs diff --no-renames app.tar#1 app.tar#2
D /bin
D /dev
D /dev/null
D /dev/sda
A /etc/hostname
D /etc/passwd
D /run
D /run/p
A /srv
A /srv/data
A /srv/link
! peelfs: warning: members with no place in the tree: 1; `peelfs verify` lists them
? 1
$ peelfs diff missing.tar app.tar
! peelfs: missing.tar: No such file or directory (os error 2)
? 2
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
C /a  (mode 0644 -> 0600, size 4 -> 8, content)
C /b  (type file -> directory, mode 0644 -> 0755)
R /d/e -> /b/x
C /c  (target x -> y)
C /d  (mode 0755 -> 0700)
C /dev/null  (device 1, 3 -> 1, 5)
R /g -> /i
C /late  (time 1970-01-01T00:00:05Z -> 1970-01-01T00:00:09Z)
? 1
$ peelfs diff --ignore time,mode old.tar new.tar
C /a  (size 4 -> 8, content)
C /b  (type file -> directory)
R /d/e -> /b/x
C /c  (target x -> y)
C /dev/null  (device 1, 3 -> 1, 5)
R /g -> /i
? 1
$ peelfs diff --content --path h old.tar new.tar
C /h  (content)
? 1
$ peelfs diff --json --path i old.tar new.tar
[
  {
    "change": "added",
    "path": "i",
    "what": [],
    "new": {
      "type": "file",
      "mode": "0644",
      "uid": 0,
      "gid": 0,
      "size": 5,
      "mtime": "2023-11-14T22:13:20Z"
    }
  }
]
? 1
$ peelfs diff --json --path a old.tar new.tar
[
  {
    "change": "changed",
    "path": "a",
    "what": [
      "mode",
      "size",
      "content"
    ],
    "old": {
      "type": "file",
      "mode": "0644",
      "uid": 0,
      "gid": 0,
      "size": 4,
      "mtime": "2023-11-14T22:13:20Z"
    },
    "new": {
      "type": "file",
      "mode": "0600",
      "uid": 0,
      "gid": 0,
      "size": 8,
      "mtime": "2023-11-14T22:13:20Z"
    }
  }
]
? 1
$ peelfs diff --json old.tar old.tar
[]
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
C /bin  (size 2 -> 3, content)
Binary files a/bin and b/bin differ
C /etc/conf  (size 14 -> 16, content)
--- a/etc/conf
+++ b/etc/conf
@@ -1,3 +1,4 @@
 one
-two
+2
 three
+four
\ No newline at end of file
D /gone
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-x
A /new\n+name
--- /dev/null
+++ b/new\n+name
@@ -0,0 +1 @@
+y
? 1
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
A /srv/.keep
C /srv/data  (size 5 -> 6, content)
? 1
$ peelfs diff --ignore time,owner,mode app.tar+upper app.tar+upper
"#,
    );
    rustix::fs::setxattr(&upper, "user.overlay.peelfs.base", b"sha256:00", XattrFlags::empty()).unwrap();
    session(
        dir.path(),
        r#"
$ peelfs diff --ignore time,owner,mode upper upper
! peelfs: upper: an upper directory, and no image to take it over; say IMAGE+upper
? 2
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
A /bin/.wh.ash
D /etc
D /etc/motd
D /etc/passwd
C /lib  (target usr/lib -> /etc/passwd)
D /tmp
D /usr
D /usr/lib
D /usr/lib/libc.so
? 1
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
A /^[[31mred
A /back\slash
A /gnp.M-bM-^@M-.exe
A /link
A /new
line
A /not utf-8 M-^?
A /M-CM-)tM-CM-)
$ peelfs diff --ignore time,owner,mode --json empty names.tar | grep path
    "path": "\u001b[31mred",
    "path": "back\\slash",
    "path": "gnp.\u202eexe",
    "path": "link",
    "path": "new\nline",
    "path": "not utf-8 �",
    "path_hex": "6e6f74207574662d3820ff",
    "path": "été",
"#,
    );
}

#[test]
fn a_path_that_neither_side_has_is_no_sameness() {
    session(
        app().path(),
        r#"
$ peelfs diff app.tar@0 app.tar@1 --path /none
! peelfs: /none: on neither side
? 2
$ peelfs diff app.tar@0 app.tar@1 --path /etc/motd
D /etc/motd
? 1
$ peelfs diff app.tar@1 app.tar@1 --path /etc/passwd
"#,
    );
}
