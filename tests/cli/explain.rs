//! `peelfs explain`.

use super::app;
use crate::support::session;

#[test]
fn it_says_which_layer_shows_a_path_and_why() {
    session(
        app().path(),
        r#"
$ peelfs explain app.tar /etc/hostname
/etc
  layer 2   directory, opaque, implied         shown; nothing below shows in it
  layer 1   directory                          hidden by layer 2
  layer 0   directory                          hidden by layer 2
/etc/hostname
  layer 2   file, 0644, 3 B                    shown
=> shown from layer 2 (step 2)
$ peelfs explain app.tar /etc/passwd
/etc
  layer 2   directory, opaque, implied         shown; nothing below shows in it
  layer 1   directory                          hidden by layer 2
  layer 0   directory                          hidden by layer 2
/etc/passwd
  layer 1   file, 0644, 8 B                    hidden by layer 2
  layer 0   file, 0644, 4 B                    hidden by layer 2
=> not there: hidden by layer 2 (step 2)
$ peelfs explain app.tar /etc/motd
/etc
  layer 2   directory, opaque, implied         shown; nothing below shows in it
  layer 1   directory                          hidden by layer 2
  layer 0   directory                          hidden by layer 2
/etc/motd
  layer 1   whiteout                           hidden by layer 2
  layer 0   file, 0644, 5 B                    hidden by layer 2
=> not there: hidden by layer 2 (step 2)
$ peelfs explain app.tar /etc
/etc
  layer 2   directory, opaque, implied         shown; nothing below shows in it
  layer 1   directory                          hidden by layer 2
  layer 0   directory                          hidden by layer 2
=> shown from layer 2 (step 2)
$ peelfs explain app.tar /bin/sh
/bin/sh
  layer 0   file, 0755, 8 B                    shown
=> shown from layer 0 (step 0)
$ peelfs explain app.tar /lib/libc.so
/lib/libc.so is /usr/lib/libc.so
/usr/lib/libc.so
  layer 0   file, 0644, 2.9 KiB                shown
=> shown from layer 0 (step 0)
$ peelfs explain app.tar lib
/lib
  layer 0   symlink, 0777, 7 B                 shown
=> shown from layer 0 (step 0)
$ peelfs explain app.tar /
/
  layer 2   directory, implied                 shown
  layer 1   directory, implied                 merged in
  layer 0   directory                          merged in
=> merged from layers 2, 1, 0 (step 2)
$ peelfs explain app.tar /etc/..
/etc/.. is /
/
  layer 2   directory, implied                 shown
  layer 1   directory, implied                 merged in
  layer 0   directory                          merged in
=> merged from layers 2, 1, 0 (step 2)
$ peelfs explain app.tar /nothing/../etc
! peelfs: /nothing: no such file or directory
? 2
$ peelfs explain app.tar /nothing
/nothing
  no layer has it
=> not there: no layer has it
$ peelfs explain app.tar /etc/nothing
/etc
  layer 2   directory, opaque, implied         shown; nothing below shows in it
  layer 1   directory                          hidden by layer 2
  layer 0   directory                          hidden by layer 2
/etc/nothing
  no layer has it
=> not there: no layer has it
$ peelfs explain app.tar /bin/sh/x
/bin/sh
  layer 0   file, 0755, 8 B                    shown
/bin/sh/x
  no layer has it
=> not there: /bin/sh is no directory
"#,
    );
}

#[test]
fn json_keeps_every_word() {
    session(
        app().path(),
        r#"
$ peelfs explain --json app.tar /etc/passwd
{
  "asked": "/etc/passwd",
  "path": "etc/passwd",
  "shown": null,
  "steps": [
    {
      "path": "",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "verdict": "shown",
          "opaque": false
        },
        {
          "layer": 1,
          "found": "directory",
          "verdict": "merged",
          "opaque": false
        },
        {
          "layer": 0,
          "found": "directory",
          "verdict": "merged",
          "opaque": false
        }
      ]
    },
    {
      "path": "etc",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "verdict": "shown",
          "opaque": true
        },
        {
          "layer": 1,
          "found": "directory",
          "verdict": "hidden",
          "opaque": false,
          "by": 2
        },
        {
          "layer": 0,
          "found": "directory",
          "verdict": "hidden",
          "opaque": false,
          "by": 2
        }
      ]
    },
    {
      "path": "etc/passwd",
      "layers": [
        {
          "layer": 2,
          "found": "absent",
          "verdict": "silent"
        },
        {
          "layer": 1,
          "found": "file",
          "verdict": "hidden",
          "by": 2
        },
        {
          "layer": 0,
          "found": "file",
          "verdict": "hidden",
          "by": 2
        }
      ]
    }
  ]
}
$ peelfs explain --json app.tar /etc/hostname
{
  "asked": "/etc/hostname",
  "path": "etc/hostname",
  "shown": {
    "path": "etc/hostname",
    "type": "file",
    "mode": "0644",
    "uid": 0,
    "gid": 0,
    "size": 3,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 1,
    "inode": 12884901891,
    "layers": [
      2
    ]
  },
  "steps": [
    {
      "path": "",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "verdict": "shown",
          "opaque": false
        },
        {
          "layer": 1,
          "found": "directory",
          "verdict": "merged",
          "opaque": false
        },
        {
          "layer": 0,
          "found": "directory",
          "verdict": "merged",
          "opaque": false
        }
      ]
    },
    {
      "path": "etc",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "verdict": "shown",
          "opaque": true
        },
        {
          "layer": 1,
          "found": "directory",
          "verdict": "hidden",
          "opaque": false,
          "by": 2
        },
        {
          "layer": 0,
          "found": "directory",
          "verdict": "hidden",
          "opaque": false,
          "by": 2
        }
      ]
    },
    {
      "path": "etc/hostname",
      "layers": [
        {
          "layer": 2,
          "found": "file",
          "verdict": "shown"
        },
        {
          "layer": 1,
          "found": "absent",
          "verdict": "silent"
        },
        {
          "layer": 0,
          "found": "absent",
          "verdict": "silent"
        }
      ]
    }
  ]
}
$ peelfs explain --json app.tar /nothing
{
  "asked": "/nothing",
  "path": "nothing",
  "shown": null,
  "steps": [
    {
      "path": "",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "verdict": "shown",
          "opaque": false
        },
        {
          "layer": 1,
          "found": "directory",
          "verdict": "merged",
          "opaque": false
        },
        {
          "layer": 0,
          "found": "directory",
          "verdict": "merged",
          "opaque": false
        }
      ]
    },
    {
      "path": "nothing",
      "layers": [
        {
          "layer": 2,
          "found": "absent",
          "verdict": "silent"
        },
        {
          "layer": 1,
          "found": "absent",
          "verdict": "silent"
        },
        {
          "layer": 0,
          "found": "absent",
          "verdict": "silent"
        }
      ]
    }
  ]
}
"#,
    );
}

#[test]
fn a_symlink_that_loops_is_an_error_as_for_the_other_commands() {
    let dir = tempfile::TempDir::new().unwrap();
    super::write(dir.path(), "loop.tar", &crate::support::layer("a->b b->a").finish());
    session(
        dir.path(),
        r#"
$ peelfs explain loop.tar /a
/a
  layer 0   symlink, 0777, 1 B                 shown
=> shown from layer 0
$ peelfs explain loop.tar /a/x
! peelfs: /a: too many levels of symbolic links
? 2
"#,
    );
}
