//! `peelfs du`: room by directory and by layer.

use super::{app, write};
use crate::support::{layer, session};

#[test]
fn room_is_counted_as_du_counts_it() {
    let dir = app();
    let tar = layer("d/").file("d/a", &[b'x'; 5000]);
    write(dir.path(), "links.tar", &layer_with_links(tar));
    session(
        dir.path(),
        r#"
$ peelfs du app.tar
1	/bin
0	/dev
1	/etc
0	/run
1	/srv
0	/tmp
3	/usr/lib
3	/usr
5	/
$ peelfs du -s -b app.tar
3031	/
$ peelfs du -h -d 1 --sort size app.tar
5.0 KiB	/
3.0 KiB	/usr
1.0 KiB	/bin
512 B	/etc
512 B	/srv
0 B	/dev
0 B	/run
0 B	/tmp
$ peelfs du --layers -b -d 1 app.tar
      total         L0         L1         L2
         16          8          8          -	/bin
          0          -          -          -	/dev
          3          -          -          3	/etc
          0          -          -          -	/run
          5          -          -          5	/srv
          0          -          -          -	/tmp
       3000       3000          -          -	/usr
       3031       3015          8          8	/
$ peelfs du -a -b app.tar /srv
5	/srv/data
0	/srv/link
5	/srv
$ peelfs du -b app.tar /srv/data /nowhere
5	/srv/data
! peelfs: /nowhere: no such file or directory
? 2
$ peelfs du -a -b links.tar
5000	/d/a
0	/d/b
5000	/d
0	/e
5000	/
$ peelfs du -b -s --json app.tar /usr
[
  {
    "path": "usr",
    "size": 3000,
    "names": 3,
    "layers": [
      {
        "layer": 0,
        "size": 3000
      }
    ]
  }
]
"#,
    );
}

/// A file with three names counts once.
fn layer_with_links(tar: crate::support::Layer) -> Vec<u8> {
    use tar::EntryType;
    let link = |tar: crate::support::Layer, name: &[u8]| {
        tar.pax([("linkpath", &b"d/a"[..])]).add(EntryType::Link, name, b"", |_| {})
    };
    link(link(tar, b"d/b"), b"e").finish()
}
