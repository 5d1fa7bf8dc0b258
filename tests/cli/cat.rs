//! `peelfs cat`.

use super::{app, several};
use crate::support::session;

#[test]
fn it_writes_contents_one_after_the_other() {
    session(
        app().path(),
        r#"
$ peelfs cat app.tar /etc/hostname
box(no newline)
$ peelfs cat app.tar etc/hostname srv/data /srv/link
box1234512345(no newline)
$ peelfs cat app.tar lib/libc.so | sha256sum
e1630f843370f402870799e14abbf2b06af2d23b0153658e1211dffabc61ad8f  -
$ peelfs cat app.tar bin/ash
#!binary(no newline)
"#,
    );
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_written() {
    session(
        app().path(),
        r#"
$ peelfs cat app.tar etc/hostname etc/passwd srv/data
box12345(no newline)
! peelfs: /etc/passwd: deleted by layer 2 (step 2); to see it: peelfs cat app.tar@1 /etc/passwd
? 2
$ peelfs cat app.tar nothing etc/hostname /etc srv/data 2>&1
peelfs: /nothing: no such file or directory
boxpeelfs: /etc: is a directory
12345(no newline)
? 2
$ peelfs cat app.tar /etc
! peelfs: /etc: is a directory
? 2
$ peelfs cat app.tar dev/null
! peelfs: /dev/null: is a character device
? 2
$ peelfs cat app.tar run/p
! peelfs: /run/p: is a fifo
? 2
$ peelfs cat app.tar
! error: the following required arguments were not provided:
!   <PATH>...
! 
! Usage: peelfs cat <IMAGE> <PATH>...
! 
! For more information, try '--help'.
? 2
"#,
    );
}

#[test]
fn image_and_platform_choose() {
    session(
        several().path(),
        r#"
$ peelfs cat --image two two.tar f
two(no newline)
$ peelfs cat --platform linux/s390x platforms.tar f
s390x(no newline)
"#,
    );
}
