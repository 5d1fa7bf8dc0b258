//! `peelfs stat`.

use super::{app, hostile_names};
use crate::support::session;

#[test]
fn it_shows_all_that_is_known() {
    session(
        app().path(),
        r#"
$ peelfs stat app.tar /usr/lib/libc.so
/usr/lib/libc.so
  type    file
  mode    0644 -rw-r--r--
  owner   0:0
  size    3000 (2.9 KiB, 6 blocks)
  inode   4294967306, 1 link
  mtime   1969-12-31T23:59:58.5Z
  atime   1969-12-31T23:59:58.5Z
  ctime   1969-12-31T23:59:58.5Z
  layer   0
  xattr   user.colour=blue
  xattr   user.raw=0x00ff
$ peelfs stat app.tar / bin/sh lib dev/null srv/link
/
  type    directory
  mode    0755 drwxr-xr-x
  owner   0:0
  size    0 (0 B, 0 blocks)
  inode   1, 1 link
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   2, 1, 0
/bin/sh
  type    file
  mode    0755 -rwxr-xr-x
  owner   0:0
  size    8 (8 B, 1 block)
  inode   4294967302, 1 link
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   0
/lib -> usr/lib
  type    symlink
  mode    0777 lrwxrwxrwx
  owner   0:0
  size    7 (7 B, 0 blocks)
  inode   4294967299, 1 link
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   0
/dev/null
  type    character device
  mode    0644 crw-r--r--
  owner   0:0
  size    1, 3 (0 B, 0 blocks)
  inode   8589934598, 1 link
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   1
/srv/link
  type    file
  mode    0600 -rw-------
  owner   0:0
  size    5 (5 B, 1 block)
  inode   12884901892, 2 links
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   2
$ peelfs stat -L app.tar lib
/usr/lib
  type    directory
  mode    0755 drwxr-xr-x
  owner   0:0
  size    0 (0 B, 0 blocks)
  inode   4294967305, 1 link
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   0
$ peelfs stat app.tar lib/libc.so
/usr/lib/libc.so
  type    file
  mode    0644 -rw-r--r--
  owner   0:0
  size    3000 (2.9 KiB, 6 blocks)
  inode   4294967306, 1 link
  mtime   1969-12-31T23:59:58.5Z
  atime   1969-12-31T23:59:58.5Z
  ctime   1969-12-31T23:59:58.5Z
  layer   0
  xattr   user.colour=blue
  xattr   user.raw=0x00ff
"#,
    );
}

#[test]
fn json_has_attributes_too() {
    session(
        app().path(),
        r#"
$ peelfs stat --json app.tar lib/libc.so
[
  {
    "path": "usr/lib/libc.so",
    "type": "file",
    "mode": "0644",
    "uid": 0,
    "gid": 0,
    "size": 3000,
    "mtime": "1969-12-31T23:59:58.5Z",
    "nlink": 1,
    "inode": 4294967306,
    "layers": [
      0
    ],
    "blocks": 6,
    "atime": "1969-12-31T23:59:58.5Z",
    "ctime": "1969-12-31T23:59:58.5Z",
    "xattrs": [
      {
        "name": "user.colour",
        "value": "blue"
      },
      {
        "name": "user.raw",
        "value": "\u0000�",
        "value_hex": "00ff"
      }
    ]
  }
]
$ peelfs stat --json app.tar lib dev/sda
[
  {
    "path": "lib",
    "type": "symlink",
    "mode": "0777",
    "uid": 0,
    "gid": 0,
    "size": 7,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 1,
    "inode": 4294967299,
    "layers": [
      0
    ],
    "target": "usr/lib",
    "blocks": 0,
    "atime": "2023-11-14T22:13:20Z",
    "ctime": "2023-11-14T22:13:20Z",
    "xattrs": []
  },
  {
    "path": "dev/sda",
    "type": "block device",
    "mode": "0644",
    "uid": 0,
    "gid": 0,
    "size": 0,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 1,
    "inode": 8589934599,
    "layers": [
      1
    ],
    "device": {
      "major": 8,
      "minor": 0
    },
    "blocks": 0,
    "atime": "2023-11-14T22:13:20Z",
    "ctime": "2023-11-14T22:13:20Z",
    "xattrs": []
  }
]
"#,
    );
}

#[test]
fn names_and_values_are_escaped() {
    session(
        hostile_names().path(),
        r#"
$ peelfs stat names.tar link | cat -v
/link -> \u{1b}]0;title\u{7}
  type    symlink
  mode    0777 lrwxrwxrwx
  owner   0:0
  size    10 (10 B, 0 blocks)
  inode   4294967300, 1 link
  mtime   2023-11-14T22:13:20Z
  atime   2023-11-14T22:13:20Z
  ctime   2023-11-14T22:13:20Z
  layer   0
"#,
    );
}

#[test]
fn what_is_not_there_is_said_and_the_rest_is_shown() {
    session(
        app().path(),
        r#"
$ peelfs stat app.tar nothing srv/data bin/sh/x tmp 2>&1 | grep -e '^/' -e '^peelfs'
peelfs: /nothing: no such file or directory
/srv/data
peelfs: /bin/sh: not a directory
/tmp
$ peelfs stat --json app.tar nothing srv/data bin/sh/x tmp | grep path
    "path": "srv/data",
    "path": "tmp",
! peelfs: /nothing: no such file or directory
! peelfs: /bin/sh: not a directory
$ peelfs stat app.tar nothing
! peelfs: /nothing: no such file or directory
? 2
$ peelfs stat --json app.tar nothing
[]
! peelfs: /nothing: no such file or directory
? 2
"#,
    );
}
