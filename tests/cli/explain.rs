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
  layer 2     directory, opaque, implied     → shown; nothing below shows in it, the search ends here
  layer 1     directory                      → hidden by layer 2
  layer 0     directory                      → hidden by layer 2
/etc/hostname
  layer 2     file, 0644, 3 B                → shown, the search ends here
made by
  layer 2     step 2
versions
  layer 2     -rw-r--r-- 0:0        3 B  2023-11-14T22:13:20Z  sha256:26f8567f2569182294c3fa5b9f9cb2270b554eef628b4c149cf82a42888ff4ae  shown
=> shown from layer 2 (step 2)
$ peelfs explain app.tar /etc/passwd
/etc
  layer 2     directory, opaque, implied     → shown; nothing below shows in it, the search ends here
  layer 1     directory                      → hidden by layer 2
  layer 0     directory                      → hidden by layer 2
/etc/passwd
  layer 2     –
  layer 1     file, 0644, 8 B                → hidden by layer 2
  layer 0     file, 0644, 4 B                → hidden by layer 2
made by
  layer 2     step 2
  layer 1     step 1
  layer 0     step 0
versions
  layer 1     -rw-r--r-- 0:0        8 B  2023-11-14T22:13:20Z  sha256:859a38a0a08557f9a192ce9310bc904898165a278d863905d0353f609830f09c  hidden: IMAGE@1 has it
  layer 0     -rw-r--r-- 0:0        4 B  2023-11-14T22:13:20Z  sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2  hidden: IMAGE@0 has it
=> not there: deleted by layer 2 (step 2)
$ peelfs explain app.tar /etc/motd
/etc
  layer 2     directory, opaque, implied     → shown; nothing below shows in it, the search ends here
  layer 1     directory                      → hidden by layer 2
  layer 0     directory                      → hidden by layer 2
/etc/motd
  layer 2     –
  layer 1     whiteout                       → hidden by layer 2
  layer 0     file, 0644, 5 B                → hidden by layer 2
made by
  layer 2     step 2
  layer 1     step 1
  layer 0     step 0
versions
  layer 0     -rw-r--r-- 0:0        5 B  2023-11-14T22:13:20Z  sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  hidden: IMAGE@0 has it
=> not there: deleted by layer 1 (step 1); layer 2 hides it, too (step 2)
$ peelfs explain app.tar /etc
/etc
  layer 2     directory, opaque, implied     → shown; nothing below shows in it, the search ends here
  layer 1     directory                      → hidden by layer 2
  layer 0     directory                      → hidden by layer 2
made by
  layer 2     step 2
  layer 1     step 1
  layer 0     step 0
=> shown from layer 2 (step 2)
$ peelfs explain app.tar /bin/sh
/bin  merged from layers 1, 0
/bin/sh
  layer 2-1   –
  layer 0     file, 0755, 8 B                → shown, the search ends here
made by
  layer 0     step 0
versions
  layer 0     -rwxr-xr-x 0:0        8 B  2023-11-14T22:13:20Z  sha256:16af35386a62840dcd2202a53cdbf7c36cb53104d93aabee6709be767ff2f6e0  shown
=> shown from layer 0 (step 0)
$ peelfs explain app.tar /lib/libc.so
/lib is a symlink of layer 0 to usr/lib
/lib/libc.so is /usr/lib/libc.so
/usr  in layer 0
/usr/lib  in layer 0
/usr/lib/libc.so
  layer 2-1   –
  layer 0     file, 0644, 2.9 KiB            → shown, the search ends here
made by
  layer 0     step 0
versions
  layer 0     -rw-r--r-- 0:0    2.9 KiB  1969-12-31T23:59:58.5Z  sha256:e1630f843370f402870799e14abbf2b06af2d23b0153658e1211dffabc61ad8f  shown
=> shown from layer 0 (step 0)
$ peelfs explain app.tar lib
/lib
  layer 2-1   –
  layer 0     symlink, 0777                  → shown, the search ends here
made by
  layer 0     step 0
versions
  layer 0     lrwxrwxrwx 0:0             2023-11-14T22:13:20Z  -> usr/lib  shown
leads to /usr/lib, of layer 0
=> shown from layer 0 (step 0)
$ peelfs explain app.tar /
/
  layer 2     directory, implied             → shown
  layer 1     directory, implied             → merged in
  layer 0     directory                      → merged in
=> merged from layers 2, 1, 0 (step 2)
$ peelfs explain app.tar /etc/..
/etc/.. is /
/
  layer 2     directory, implied             → shown
  layer 1     directory, implied             → merged in
  layer 0     directory                      → merged in
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
  layer 2     directory, opaque, implied     → shown; nothing below shows in it, the search ends here
  layer 1     directory                      → hidden by layer 2
  layer 0     directory                      → hidden by layer 2
/etc/nothing
  no layer has it
made by
  layer 2     step 2
=> not there: no layer has it
$ peelfs explain app.tar /bin/sh/x
/bin  merged from layers 1, 0
/bin/sh
  layer 2-1   –
  layer 0     file, 0755, 8 B                → shown, the search ends here
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
  "missing": {
    "reason": "hidden",
    "hidden_by": 2,
    "deleted_by": 2
  },
  "followed": [],
  "steps": [
    {
      "path": "",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "opaque": false,
          "verdict": "shown",
          "created_by": "step 2"
        },
        {
          "layer": 1,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 0"
        }
      ]
    },
    {
      "path": "etc",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "opaque": true,
          "verdict": "shown",
          "created_by": "step 2"
        },
        {
          "layer": 1,
          "found": "directory",
          "opaque": false,
          "verdict": "hidden",
          "hidden_by": 2,
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "directory",
          "opaque": false,
          "verdict": "hidden",
          "hidden_by": 2,
          "created_by": "step 0"
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
          "hidden_by": 2,
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "file",
          "verdict": "hidden",
          "hidden_by": 2,
          "created_by": "step 0"
        }
      ]
    }
  ],
  "versions": [
    {
      "layer": 1,
      "type": "file",
      "mode": "0644",
      "uid": 0,
      "gid": 0,
      "size": 8,
      "mtime": "2023-11-14T22:13:20Z",
      "digest": "sha256:859a38a0a08557f9a192ce9310bc904898165a278d863905d0353f609830f09c",
      "verdict": "hidden",
      "hidden_by": 2
    },
    {
      "layer": 0,
      "type": "file",
      "mode": "0644",
      "uid": 0,
      "gid": 0,
      "size": 4,
      "mtime": "2023-11-14T22:13:20Z",
      "digest": "sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2",
      "verdict": "hidden",
      "hidden_by": 2
    }
  ],
  "near": []
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
  "missing": null,
  "followed": [],
  "steps": [
    {
      "path": "",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "opaque": false,
          "verdict": "shown",
          "created_by": "step 2"
        },
        {
          "layer": 1,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 0"
        }
      ]
    },
    {
      "path": "etc",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "opaque": true,
          "verdict": "shown",
          "created_by": "step 2"
        },
        {
          "layer": 1,
          "found": "directory",
          "opaque": false,
          "verdict": "hidden",
          "hidden_by": 2,
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "directory",
          "opaque": false,
          "verdict": "hidden",
          "hidden_by": 2,
          "created_by": "step 0"
        }
      ]
    },
    {
      "path": "etc/hostname",
      "layers": [
        {
          "layer": 2,
          "found": "file",
          "verdict": "shown",
          "created_by": "step 2"
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
  ],
  "versions": [
    {
      "layer": 2,
      "type": "file",
      "mode": "0644",
      "uid": 0,
      "gid": 0,
      "size": 3,
      "mtime": "2023-11-14T22:13:20Z",
      "digest": "sha256:26f8567f2569182294c3fa5b9f9cb2270b554eef628b4c149cf82a42888ff4ae",
      "verdict": "shown"
    }
  ],
  "near": []
}
$ peelfs explain --json app.tar /nothing
{
  "asked": "/nothing",
  "path": "nothing",
  "shown": null,
  "missing": {
    "reason": "nowhere"
  },
  "followed": [],
  "steps": [
    {
      "path": "",
      "layers": [
        {
          "layer": 2,
          "found": "directory",
          "opaque": false,
          "verdict": "shown",
          "created_by": "step 2"
        },
        {
          "layer": 1,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 1"
        },
        {
          "layer": 0,
          "found": "directory",
          "opaque": false,
          "verdict": "merged",
          "created_by": "step 0"
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
  ],
  "versions": [],
  "near": []
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
  layer 0     symlink, 0777                  → shown, the search ends here
versions
  layer 0     lrwxrwxrwx 0:0             2023-11-14T22:13:20Z  -> b  shown
leads nowhere: /a: too many levels of symbolic links
=> shown from layer 0
$ peelfs explain loop.tar /a/x
! peelfs: /a: too many levels of symbolic links
? 2
"#,
    );
}
