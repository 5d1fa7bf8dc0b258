//! `peelfs ls`.

use super::{app, hostile_names, several};
use crate::support::session;

#[test]
fn it_lists_the_names_in_a_directory() {
    session(
        app().path(),
        r#"
$ peelfs ls app.tar
bin
dev
etc
lib
run
srv
tmp
usr
$ peelfs ls app.tar /etc
hostname
$ peelfs ls app.tar etc/hostname
etc/hostname
$ peelfs ls app.tar lib
libc.so
$ peelfs ls app.tar /lib/libc.so
/lib/libc.so
$ peelfs ls -d app.tar /etc
/etc
"#,
    );
}

#[test]
fn long_shows_what_stat_says_and_the_layer() {
    session(
        app().path(),
        r#"
$ peelfs ls -l app.tar
drwxr-xr-x 1 0 0 0 2023-11-14 22:13 L1 bin
drwxr-xr-x 1 0 0 0 2023-11-14 22:13 L1 dev
drwxr-xr-x 1 0 0 0 2023-11-14 22:13 L2 etc
lrwxrwxrwx 1 0 0 7 2023-11-14 22:13 L0 lib -> usr/lib
drwxr-xr-x 1 0 0 0 2023-11-14 22:13 L1 run
drwxr-xr-x 1 0 0 0 2023-11-14 22:13 L2 srv
drwxrwxrwt 1 0 0 0 2023-11-14 22:13 L0 tmp
drwxr-xr-x 1 0 0 0 2023-11-14 22:13 L0 usr
$ peelfs ls -l app.tar /dev
crw-r--r-- 1 0 0 1, 3 2023-11-14 22:13 L1 null
brw-r--r-- 1 0 0 8, 0 2023-11-14 22:13 L1 sda
$ peelfs ls -lR app.tar
drwxr-xr-x 1 0 0    0 2023-11-14 22:13 L1 /bin
-rwxr-xr-x 1 0 0    8 2023-11-14 22:13 L1 /bin/ash
-rwxr-xr-x 1 0 0    8 2023-11-14 22:13 L0 /bin/sh
drwxr-xr-x 1 0 0    0 2023-11-14 22:13 L1 /dev
crw-r--r-- 1 0 0 1, 3 2023-11-14 22:13 L1 /dev/null
brw-r--r-- 1 0 0 8, 0 2023-11-14 22:13 L1 /dev/sda
drwxr-xr-x 1 0 0    0 2023-11-14 22:13 L2 /etc
-rw-r--r-- 1 0 0    3 2023-11-14 22:13 L2 /etc/hostname
lrwxrwxrwx 1 0 0    7 2023-11-14 22:13 L0 /lib -> usr/lib
drwxr-xr-x 1 0 0    0 2023-11-14 22:13 L1 /run
prw------- 1 0 0    0 2023-11-14 22:13 L1 /run/p
drwxr-xr-x 1 0 0    0 2023-11-14 22:13 L2 /srv
-rw------- 2 0 0    5 2023-11-14 22:13 L2 /srv/data
-rw------- 2 0 0    5 2023-11-14 22:13 L2 /srv/link
drwxrwxrwt 1 0 0    0 2023-11-14 22:13 L0 /tmp
drwxr-xr-x 1 0 0    0 2023-11-14 22:13 L0 /usr
drwxr-xr-x 1 0 0    0 2023-11-14 22:13 L0 /usr/lib
-rw-r--r-- 1 0 0 3000 1969-12-31 23:59 L0 /usr/lib/libc.so
$ peelfs ls -ld app.tar /etc
drwxr-xr-x 1 0 0 0 2023-11-14 22:13 L2 /etc
$ peelfs ls -l app.tar lib
lrwxrwxrwx 1 0 0 7 2023-11-14 22:13 L0 lib -> usr/lib
"#,
    );
}

#[test]
fn recursive_shows_full_paths() {
    session(
        app().path(),
        r#"
$ peelfs ls -R app.tar
/bin
/bin/ash
/bin/sh
/dev
/dev/null
/dev/sda
/etc
/etc/hostname
/lib
/run
/run/p
/srv
/srv/data
/srv/link
/tmp
/usr
/usr/lib
/usr/lib/libc.so
$ peelfs ls -R app.tar usr
/usr/lib
/usr/lib/libc.so
$ peelfs ls -R app.tar lib
/usr/lib/libc.so
"#,
    );
}

#[test]
fn json_is_an_array_of_entries() {
    session(
        app().path(),
        r#"
$ peelfs ls --json app.tar /srv
[
  {
    "path": "srv/data",
    "type": "file",
    "mode": "0600",
    "uid": 0,
    "gid": 0,
    "size": 5,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 2,
    "inode": 12884901892,
    "layers": [
      2
    ]
  },
  {
    "path": "srv/link",
    "type": "file",
    "mode": "0600",
    "uid": 0,
    "gid": 0,
    "size": 5,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 2,
    "inode": 12884901892,
    "layers": [
      2
    ]
  }
]
$ peelfs ls --json app.tar /dev
[
  {
    "path": "dev/null",
    "type": "character device",
    "mode": "0644",
    "uid": 0,
    "gid": 0,
    "size": 0,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 1,
    "inode": 8589934598,
    "layers": [
      1
    ],
    "device": {
      "major": 1,
      "minor": 3
    }
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
    }
  }
]
$ peelfs ls --json app.tar /lib/libc.so
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
    ]
  }
]
$ peelfs ls --json -d app.tar /
[
  {
    "path": "",
    "type": "directory",
    "mode": "0755",
    "uid": 0,
    "gid": 0,
    "size": 0,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 1,
    "inode": 1,
    "layers": [
      2,
      1,
      0
    ]
  }
]
$ peelfs ls --json app.tar /lib -d
[
  {
    "path": "usr/lib",
    "type": "directory",
    "mode": "0755",
    "uid": 0,
    "gid": 0,
    "size": 0,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 1,
    "inode": 4294967305,
    "layers": [
      0
    ]
  }
]
"#,
    );
}

#[test]
fn names_are_raw_for_a_program_and_keep_their_bytes_in_json() {
    session(
        hostile_names().path(),
        r#"
$ peelfs ls names.tar | cat -v
^[[31mred
back\slash
gnp.M-bM-^@M-.exe
link
new
line
not utf-8 M-^?
M-CM-)tM-CM-)
$ peelfs ls -l names.tar | cat -v
-rw-r--r-- 1 0 0  1 2023-11-14 22:13 L0 ^[[31mred
-rw-r--r-- 1 0 0  1 2023-11-14 22:13 L0 back\slash
-rw-r--r-- 1 0 0  1 2023-11-14 22:13 L0 gnp.M-bM-^@M-.exe
lrwxrwxrwx 1 0 0 10 2023-11-14 22:13 L0 link -> ^[]0;title^G
-rw-r--r-- 1 0 0  1 2023-11-14 22:13 L0 new
line
-rw-r--r-- 1 0 0  1 2023-11-14 22:13 L0 not utf-8 M-^?
-rw-r--r-- 1 0 0  1 2023-11-14 22:13 L0 M-CM-)tM-CM-)
$ peelfs ls --json names.tar | grep -E '(path|target)'
    "path": "\u001b[31mred",
    "path": "back\\slash",
    "path": "gnp.\u202eexe",
    "path": "link",
    "target": "\u001b]0;title\u0007"
    "path": "new\nline",
    "path": "not utf-8 �",
    "path_hex": "6e6f74207574662d3820ff",
    "path": "été",
"#,
    );
}

#[test]
fn layers_stack_with_lower() {
    session(
        several().path(),
        r#"
$ peelfs cat two.tar --image one f
! peelfs: two.tar: no image `one`; there are:
!   ca8d90730125  linux/amd64  one:1
!   a27e1f08d5c1  linux/amd64  docker.io/library/two:latest
? 2
$ printf '' >empty; tar cf base.tar empty; peelfs ls --lower base.tar platforms.tar --platform linux/arm64
empty
f
"#,
    );
}
