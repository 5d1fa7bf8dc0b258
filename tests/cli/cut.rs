//! `IMAGE@N` and `IMAGE#N`: the image as it was, and a layer alone.

use super::app;
use crate::support::session;

#[test]
fn an_image_is_seen_as_of_a_layer_and_a_layer_alone() {
    session(
        app().path(),
        r#"
$ peelfs cat app.tar@0 /etc/motd
hello(no newline)
$ peelfs cat app.tar@1 /etc/motd
! peelfs: /etc/motd: deleted by layer 1 (step 1); to see it: peelfs cat app.tar@0 /etc/motd
? 2
$ peelfs ls app.tar@1 /etc
passwd
$ peelfs ls -R app.tar#2
/etc
/etc/hostname
/srv
/srv/data
/srv/link
$ peelfs explain app.tar#1 /etc/motd
/etc  in layer 1
/etc/motd
  layer 1     whiteout                       → hidden, the search ends here
made by
  layer 1     step 1
=> not there: hidden by layer 1 (step 1)
! peelfs: warning: members with no place in the tree: 1; `peelfs verify` lists them
$ peelfs explain app.tar#1 /etc/passwd
/etc  in layer 1
/etc/passwd
  layer 1     file, 0644, 8 B                → shown, the search ends here
made by
  layer 1     step 1
versions
  layer 1     -rw-r--r-- 0:0        8 B  2023-11-14T22:13:20Z  sha256:859a38a0a08557f9a192ce9310bc904898165a278d863905d0353f609830f09c  shown
=> shown from layer 1 (step 1)
! peelfs: warning: members with no place in the tree: 1; `peelfs verify` lists them
$ peelfs history app.tar#1
1  5.5 KiB  step 1
$ peelfs inspect app.tar#1 | sed -n '/^layers/,/step/p' | grep -v ID
layers       1 (base first)
layer 1
  size       8 B of files in 8 entries, 5.5 KiB stored
  step       step 1
! peelfs: warning: members with no place in the tree: 1; `peelfs verify` lists them
$ peelfs waste app.tar#1
efficiency 100.0 %: 0 B of 8 B in all layers hidden

layer        size      hidden       hides  step
    1         8 B           -           -  step 1
! peelfs: warning: members with no place in the tree: 1; `peelfs verify` lists them
$ peelfs history app.tar@1
0  11.0 KiB  step 0
1   5.5 KiB  step 1
$ peelfs inspect app.tar@0
format       docker archive
platform     linux/amd64
created      2024-01-02T03:04:05Z
cmd          ["sh"]
layers       1 (base first)
layer 0
  size       2.9 KiB of files in 9 entries, 11.0 KiB stored
  diff ID    sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e
  chain ID   sha256:308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e
  step       step 0
  from       app.tar: 308cc1fdc66c371f313f1cd210db0a335b0a43f753dfa0493d60078ec2f4cf5e/layer.tar
$ peelfs ls app.tar@3
! peelfs: no layer 3: the top one of 3 is 2
? 2
$ peelfs ls app.tar@x
! peelfs: app.tar@x: No such file or directory (os error 2)
? 2
"#,
    );
}

#[test]
fn what_exists_under_the_whole_name_is_meant() {
    let dir = app();
    std::fs::copy(dir.path().join("app.tar"), dir.path().join("app.tar@0")).unwrap();
    session(
        dir.path(),
        r#"
$ peelfs ls app.tar@0 /etc
hostname
$ peelfs ls app.tar@1 /etc
passwd
"#,
    );
}
