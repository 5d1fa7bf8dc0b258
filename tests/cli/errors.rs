//! What goes wrong: exit status 2, the reason on stderr, nothing on stdout.

use std::fs;

use super::{app, several, write, xz};
use crate::support::session;

#[test]
fn a_slip_is_named_with_what_to_do() {
    session(
        app().path(),
        r#"
$ peelfs 2>&1 >/dev/null | head -3
Mount a container image tarball as a directory: no extraction, no Docker, no root

Usage: peelfs [OPTIONS] <COMMAND>
$ peelfs lss app.tar
! error: unrecognized subcommand 'lss'
! 
!   tip: some similar subcommands exist: 'lesson', 'ls'
! 
! Usage: peelfs [OPTIONS] <COMMAND>
! 
! For more information, try '--help'.
? 2
$ peelfs ls
! error: the following required arguments were not provided:
!   <IMAGE>
! 
! Usage: peelfs ls <IMAGE> [PATH]
! 
! For more information, try '--help'.
? 2
$ peelfs ls --frobnicate app.tar
! error: unexpected argument '--frobnicate' found
! 
!   tip: to pass '--frobnicate' as a value, use '-- --frobnicate'
! 
! Usage: peelfs ls [OPTIONS] <IMAGE> [PATH]
! 
! For more information, try '--help'.
? 2
$ peelfs ls app.tar / more
! error: unexpected argument 'more' found
! 
! Usage: peelfs ls [OPTIONS] <IMAGE> [PATH]
! 
! For more information, try '--help'.
? 2
$ peelfs tree -L much app.tar
! error: invalid value 'much' for '--level <LEVELS>': invalid digit found in string
! 
! For more information, try '--help'.
? 2
$ peelfs ls --platform linux app.tar
! error: invalid value 'linux' for '--platform <OS/ARCH[/VARIANT]>': `linux` is not a platform (os/arch[/variant], for example linux/arm64)
! 
! For more information, try '--help'.
? 2
"#,
    );
}

#[test]
fn a_path_that_is_not_there_is_named() {
    session(
        app().path(),
        r#"
$ peelfs ls nothing.tar
! peelfs: nothing.tar: No such file or directory (os error 2)
? 2
$ peelfs ls app.tar /nothing
! peelfs: /nothing: no such file or directory
? 2
$ peelfs ls app.tar /etc/motd
! peelfs: /etc/motd: deleted by layer 1 (step 1); to see it: peelfs cat app.tar@0 /etc/motd
? 2
$ peelfs stat app.tar etc/hostname etc/nothing
/etc/hostname
  type    file
  mode    0644 -rw-r--r--
  owner   0:0
  size    3 (3 B, 1 block)
  inode   12884901891, 1 link
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   2
! peelfs: /etc/nothing: no such file or directory
? 2
$ peelfs tree app.tar /etc/hostname/x
! peelfs: /etc/hostname: not a directory
? 2
$ peelfs cat app.tar nothing/at/all
! peelfs: /nothing: no such file or directory
? 2
"#,
    );
}

#[test]
fn standard_input_is_not_read() {
    session(
        app().path(),
        r#"
$ peelfs inspect - <app.tar
! peelfs: -: No such file or directory (os error 2); standard input is not read
? 2
$ peelfs verify - <app.tar
! peelfs: -: No such file or directory (os error 2); standard input is not read
? 2
$ cp app.tar ./-; peelfs ls - etc
hostname
"#,
    );
}

#[test]
fn mount_options_are_judged_before_anything_is_mounted() {
    session(
        app().path(),
        r#"
$ mkdir mnt; peelfs mount -o umask=9 app.tar mnt
! peelfs: mount option `umask`: `9` is not an octal number
? 2
$ peelfs mount -o remount,ro app.tar mnt
! peelfs: mount option `remount`: a mount cannot be changed; unmount, and mount again
? 2
$ peelfs mount -o allow_other=1 app.tar mnt
! peelfs: mount option `allow_other`: takes no value
? 2
$ peelfs mount -o max_read=4096,ro,attr_timeout=1 nothing.tar mnt
! peelfs: warning: mount options without effect here: max_read, attr_timeout
! peelfs: nothing.tar: No such file or directory (os error 2)
? 2
$ peelfs mount -v --sloppy -o frobnicate nothing.tar mnt
! peelfs: info: unknown mount option `frobnicate` ignored
! peelfs: nothing.tar: No such file or directory (os error 2)
? 2
"#,
    );
}

#[test]
fn statistics_that_nobody_would_see_are_refused() {
    session(
        app().path(),
        r#"
$ mkdir mnt; peelfs mount --stats app.tar mnt
! peelfs: --stats: a daemon in the background has nowhere to print; add --foreground or --log-file FILE
? 2
$ peelfs mount --stats=json app.tar mnt
! peelfs: --stats: a daemon in the background has nowhere to print; add --foreground or --log-file FILE
? 2
$ peelfs mount -o ro,stats app.tar mnt
! peelfs: mount option `stats`: a daemon in the background has nowhere to print; add --foreground or --log-file FILE
? 2
$ peelfs mount --foreground -o stats=xml app.tar mnt
! peelfs: mount option `stats`: `xml` is neither `table` nor `json`
? 2
$ peelfs mount --foreground --stats=xml app.tar mnt
! error: invalid value 'xml' for '--stats[=<FORMAT>]'
!   [possible values: table, json]
! 
! For more information, try '--help'.
? 2
$ ls mnt
"#,
    );
}

#[test]
fn several_images_are_listed() {
    session(
        several().path(),
        r#"
$ peelfs ls two.tar
! peelfs: two.tar: 2 images; choose one with --image TAG|ID:
!   ca8d90730125  linux/amd64  one:1
!   a27e1f08d5c1  linux/amd64  docker.io/library/two:latest
? 2
$ peelfs ls --image three two.tar
! peelfs: two.tar: no image `three`; there are:
!   ca8d90730125  linux/amd64  one:1
!   a27e1f08d5c1  linux/amd64  docker.io/library/two:latest
? 2
$ peelfs ls --image one two.tar
! peelfs: two.tar: no image `one`; there are:
!   ca8d90730125  linux/amd64  one:1
!   a27e1f08d5c1  linux/amd64  docker.io/library/two:latest
? 2
$ peelfs ls --platform linux/riscv64 platforms.tar
! peelfs: platforms.tar: no image for linux/riscv64; there are:
!   df297e83b6a7  linux/arm64  both:1
!   048a031077d3  linux/s390x  both:1
? 2
$ peelfs ls --platform linux/arm64 platforms.tar
f
"#,
    );
}

#[test]
fn log_lines_are_asked_for_and_go_to_stderr() {
    let dir = app();
    let archive = fs::read(dir.path().join("app.tar")).unwrap();
    // Without a cache, what cannot be read in its middle is spooled.
    write(dir.path(), "app.tar.xz", &xz(&archive));
    session(
        dir.path(),
        r#"
$ peelfs ls --no-cache app.tar.xz etc
hostname
$ peelfs ls -vv --no-cache app.tar.xz etc 2>/dev/null
hostname
$ peelfs ls -vv --no-cache app.tar.xz etc 2>&1 >/dev/null | grep -o '^peelfs: debug: stream spooled compression=xz'
peelfs: debug: stream spooled compression=xz
$ peelfs -vv ls --no-cache app.tar.xz etc 2>&1 >/dev/null | grep -o 'stream spooled compression=xz'
stream spooled compression=xz
$ RUST_LOG=peelfs=debug peelfs ls --no-cache app.tar.xz etc 2>&1 >/dev/null | grep -o 'stream spooled compression=xz'
stream spooled compression=xz
$ RUST_LOG=error peelfs ls -vv --no-cache app.tar.xz etc
hostname
"#,
    );
}

#[test]
fn of_what_was_deleted_it_is_said_by_what_and_how_it_is_read() {
    session(
        app().path(),
        r#"
$ peelfs cat app.tar /etc/motd
! peelfs: /etc/motd: deleted by layer 1 (step 1); to see it: peelfs cat app.tar@0 /etc/motd
? 2
$ peelfs cat app.tar@0 /etc/motd
hello(no newline)
$ peelfs stat app.tar /etc/passwd
! peelfs: /etc/passwd: deleted by layer 2 (step 2); to see it: peelfs cat app.tar@1 /etc/passwd
? 2
$ peelfs ls app.tar@1 /etc/motd
! peelfs: /etc/motd: deleted by layer 1 (step 1); to see it: peelfs cat app.tar@0 /etc/motd
? 2
$ peelfs du app.tar /etc/../etc/motd
! peelfs: /etc/motd: deleted by layer 1 (step 1); to see it: peelfs cat app.tar@0 /etc/motd
? 2
$ peelfs tree app.tar /etc/passwd
! peelfs: /etc/passwd: deleted by layer 2 (step 2); to see it: peelfs cat app.tar@1 /etc/passwd
? 2
$ peelfs find app.tar /etc/motd
! peelfs: /etc/motd: deleted by layer 1 (step 1); to see it: peelfs cat app.tar@0 /etc/motd
? 2
$ peelfs cp app.tar:/etc/motd .
! peelfs: /etc/motd: deleted by layer 1 (step 1); to see it: peelfs cat app.tar@0 /etc/motd
? 2
$ peelfs cat app.tar /etc/hostnme
! peelfs: /etc/hostnme: no such file or directory; near it: /etc/hostname
? 2
$ peelfs cat app.tar /nothing/at/all
! peelfs: /nothing: no such file or directory
? 2
"#,
    );
}

#[test]
fn an_image_is_not_written_over() {
    session(
        app().path(),
        r#"
$ cp app.tar kept.tar; ln app.tar link.tar; ln -s app.tar soft.tar
$ peelfs report app.tar -o app.tar
! peelfs: app.tar: belongs to the image: name another file
? 2
$ peelfs export app.tar -o link.tar
! peelfs: link.tar: belongs to the image: name another file
? 2
$ peelfs export app.tar@1 -o soft.tar
! peelfs: soft.tar: belongs to the image: name another file
? 2
$ peelfs export --lower app.tar kept.tar -o app.tar
! peelfs: app.tar: belongs to the image: name another file
? 2
$ cmp app.tar kept.tar
$ mkdir layer; echo 1 >layer/a
$ peelfs export layer -o layer/a
! peelfs: layer/a: belongs to the image: name another file
? 2
$ cat layer/a
1
$ peelfs export layer -o other.tar && tar tf other.tar
./
a
"#,
    );
}

#[test]
fn cp_names_the_word_that_is_wrong() {
    session(
        app().path(),
        r#"
$ peelfs cp none.tar:/x y
! peelfs: none.tar: no such file
? 2
$ peelfs cp app.tar:/etc x y
! peelfs: x: no image and path; usage: peelfs cp IMAGE:PATH... DEST
? 2
$ peelfs cp app.tar y
! peelfs: app.tar: no image and path; usage: peelfs cp IMAGE:PATH... DEST
? 2
"#,
    );
}
