//! `peelfs tree`.

use super::app;
use crate::support::session;

#[test]
fn it_draws_a_directory_and_all_below() {
    session(
        app().path(),
        r#"
$ peelfs tree app.tar
/
├── bin
│   ├── ash
│   └── sh
├── dev
│   ├── null
│   └── sda
├── etc
│   └── hostname
├── lib -> usr/lib
├── run
│   └── p
├── srv
│   ├── data
│   └── link
├── tmp
└── usr
    └── lib
        └── libc.so

8 directories, 10 files
$ peelfs tree app.tar /usr
/usr
└── lib
    └── libc.so

1 directory, 1 file
$ peelfs tree app.tar lib
lib
└── libc.so

0 directories, 1 file
$ peelfs tree app.tar /etc/hostname
/etc/hostname

0 directories, 1 file
"#,
    );
}

#[test]
fn levels_and_directories_only() {
    session(
        app().path(),
        r#"
$ peelfs tree -L 1 app.tar
/
├── bin
├── dev
├── etc
├── lib -> usr/lib
├── run
├── srv
├── tmp
└── usr

7 directories, 1 file
$ peelfs tree -d app.tar
/
├── bin
├── dev
├── etc
├── run
├── srv
├── tmp
└── usr
    └── lib

8 directories
$ peelfs tree -L 0 app.tar
/

0 directories, 0 files
$ peelfs tree -d -L 1 app.tar /usr
/usr
└── lib

1 directory
"#,
    );
}

#[test]
fn json_nests() {
    session(
        app().path(),
        r#"
$ peelfs tree --json -L 1 app.tar /usr
{
  "path": "usr",
  "type": "directory",
  "mode": "0755",
  "uid": 0,
  "gid": 0,
  "size": 0,
  "mtime": "2023-11-14T22:13:20Z",
  "nlink": 1,
  "inode": 4294967301,
  "layers": [
    0
  ],
  "children": [
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
}
$ peelfs tree --json app.tar /usr
{
  "path": "usr",
  "type": "directory",
  "mode": "0755",
  "uid": 0,
  "gid": 0,
  "size": 0,
  "mtime": "2023-11-14T22:13:20Z",
  "nlink": 1,
  "inode": 4294967301,
  "layers": [
    0
  ],
  "children": [
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
      ],
      "children": [
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
    }
  ]
}
$ peelfs tree --json app.tar /srv/data
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
}
"#,
    );
}
