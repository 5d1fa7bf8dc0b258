//! `peelfs tree`.

use tempfile::TempDir;

use super::{app, write};
use crate::support::mount::command;
use crate::support::{Layer, session};

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
{"path":"usr","type":"directory","mode":"0755","uid":0,"gid":0,"size":0,"mtime":"2023-11-14T22:13:20Z","nlink":1,"inode":4294967301,"layers":[0],"children":[
{"path":"usr/lib","type":"directory","mode":"0755","uid":0,"gid":0,"size":0,"mtime":"2023-11-14T22:13:20Z","nlink":1,"inode":4294967305,"layers":[0]}]}
$ peelfs tree --json app.tar /usr
{"path":"usr","type":"directory","mode":"0755","uid":0,"gid":0,"size":0,"mtime":"2023-11-14T22:13:20Z","nlink":1,"inode":4294967301,"layers":[0],"children":[
{"path":"usr/lib","type":"directory","mode":"0755","uid":0,"gid":0,"size":0,"mtime":"2023-11-14T22:13:20Z","nlink":1,"inode":4294967305,"layers":[0],"children":[
{"path":"usr/lib/libc.so","type":"file","mode":"0644","uid":0,"gid":0,"size":3000,"mtime":"1969-12-31T23:59:58.5Z","nlink":1,"inode":4294967306,"layers":[0]}]}]}
$ peelfs tree --json app.tar /srv/data
{"path":"srv/data","type":"file","mode":"0600","uid":0,"gid":0,"size":5,"mtime":"2023-11-14T22:13:20Z","nlink":2,"inode":12884901892,"layers":[2]}
"#,
    );
}

#[test]
fn json_of_a_deep_directory_is_as_long_as_what_is_in_it() {
    let dir = TempDir::new().unwrap();
    let deep = "d/".repeat(500);
    let layer = (0..500).fold(Layer::new(), |layer, no| {
        layer.pax([("path", format!("{deep}{no}").as_bytes())]).file("x", b"")
    });
    write(dir.path(), "deep.tar", &layer.finish());
    let output = command().args(["tree", "--json", "deep.tar"]).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success());
    let json = String::from_utf8(output.stdout).unwrap();
    let count = |what: &str| json.matches(what).count();
    assert_eq!([count("\"path\""), count("\"children\"")], [1001, 501]);
    assert_eq!([count("{"), count("[")], [count("}"), count("]")]);
    // A path of a thousand bytes in each, and no indentation of a thousand.
    assert!(json.len() < 1001 * 1400, "{}", json.len());
}
