//! `peelfs verify`: every problem, and exit status 1.

use std::fs;
use std::path::Path;

use super::{app, write};
use crate::support::archive::{Written, oci};
use crate::support::{layer, session};

#[test]
fn an_image_that_is_what_it_says_it_is() {
    session(
        app().path(),
        r#"
$ peelfs verify app.tar
ok: 3 layers, 4 digests, 20.5 KiB read
$ peelfs verify --json app.tar
{
  "layers": 3,
  "bytes": 20992,
  "digests": 4,
  "problems": []
}
"#,
    );
}

/// Puts other bytes where some stand in a file.
fn replace(dir: &Path, name: &str, old: &[u8], new: &[u8]) {
    let mut bytes = fs::read(dir.join(name)).unwrap();
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
    write(dir, name, &bytes);
}

#[test]
fn all_problems_are_listed_and_not_the_first() {
    let dir = tempfile::TempDir::new().unwrap();
    let layers = [layer("a=first"), layer("b=second x/../y .wh."), layer("c=third")];
    write(dir.path(), "bad.tar", &oci(&[Written::new("bad:1", layers)]));
    replace(dir.path(), "bad.tar", b"first", b"other");
    replace(dir.path(), "bad.tar", b"third", b"3rd!!");
    replace(dir.path(), "bad.tar", b"\"Cmd\":[\"sh\"]", b"\"Cmd\":[\"zz\"]");
    session(
        dir.path(),
        r#"
$ peelfs verify bad.tar
image: image ID: the configuration is sha256:76cd5d0d9d039c5a2563fb4cb54eb3f474f4a598d9e4d8ecc4d904b311ba7986, named as sha256:bbf671c625390652b6b8ae78fc1344fd8ff11dedb8c741c5691de33721aaefd2
layer 0 bad.tar: blobs/sha256/778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153: digest: found sha256:e67e60c3f7149d6d3639a3596a0bc60c935db9d6c4d116452c37b9ab0efa8454, expected sha256:778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153
layer 0 bad.tar: blobs/sha256/778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153: diff ID: found sha256:e67e60c3f7149d6d3639a3596a0bc60c935db9d6c4d116452c37b9ab0efa8454, expected sha256:778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153
layer 1 bad.tar: blobs/sha256/6eca154b5671760fff4f65b96453553abf14eb9f4034361bd3670b725ae253be: member x/../y, offset 1024: rejected: `..` in name
layer 1 bad.tar: blobs/sha256/6eca154b5671760fff4f65b96453553abf14eb9f4034361bd3670b725ae253be: member .wh., offset 1536: rejected: a whiteout that names nothing
layer 2 bad.tar: blobs/sha256/fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8: digest: found sha256:9f3e3108494261b830c096e847ec020b34af8ce0c5f1ed6440483a9aebe8b305, expected sha256:fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8
layer 2 bad.tar: blobs/sha256/fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8: diff ID: found sha256:9f3e3108494261b830c096e847ec020b34af8ce0c5f1ed6440483a9aebe8b305, expected sha256:fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8
7 problems: 3 layers, 8 digests, 14.6 KiB read
? 1
$ peelfs verify --json bad.tar
{
  "layers": 3,
  "bytes": 14976,
  "digests": 8,
  "problems": [
    {
      "layer": null,
      "place": "image",
      "message": "image ID: the configuration is sha256:76cd5d0d9d039c5a2563fb4cb54eb3f474f4a598d9e4d8ecc4d904b311ba7986, named as sha256:bbf671c625390652b6b8ae78fc1344fd8ff11dedb8c741c5691de33721aaefd2"
    },
    {
      "layer": 0,
      "place": "bad.tar: blobs/sha256/778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153",
      "message": "digest: found sha256:e67e60c3f7149d6d3639a3596a0bc60c935db9d6c4d116452c37b9ab0efa8454, expected sha256:778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153"
    },
    {
      "layer": 0,
      "place": "bad.tar: blobs/sha256/778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153",
      "message": "diff ID: found sha256:e67e60c3f7149d6d3639a3596a0bc60c935db9d6c4d116452c37b9ab0efa8454, expected sha256:778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153"
    },
    {
      "layer": 1,
      "place": "bad.tar: blobs/sha256/6eca154b5671760fff4f65b96453553abf14eb9f4034361bd3670b725ae253be",
      "message": "member x/../y, offset 1024: rejected: `..` in name"
    },
    {
      "layer": 1,
      "place": "bad.tar: blobs/sha256/6eca154b5671760fff4f65b96453553abf14eb9f4034361bd3670b725ae253be",
      "message": "member .wh., offset 1536: rejected: a whiteout that names nothing"
    },
    {
      "layer": 2,
      "place": "bad.tar: blobs/sha256/fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8",
      "message": "digest: found sha256:9f3e3108494261b830c096e847ec020b34af8ce0c5f1ed6440483a9aebe8b305, expected sha256:fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8"
    },
    {
      "layer": 2,
      "place": "bad.tar: blobs/sha256/fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8",
      "message": "diff ID: found sha256:9f3e3108494261b830c096e847ec020b34af8ce0c5f1ed6440483a9aebe8b305, expected sha256:fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8"
    }
  ]
}
? 1
$ peelfs ls bad.tar
a
b
c
! peelfs: warning: members with no place in the tree: 2; `peelfs verify` lists them
$ peelfs ls --strict bad.tar
! peelfs: bad.tar: blobs/sha256/6eca154b5671760fff4f65b96453553abf14eb9f4034361bd3670b725ae253be: member x/../y, offset 1024: `..` in name (2 of the image's members have no place in its tree)
? 2
"#,
    );
}

#[test]
fn what_cannot_be_opened_is_no_problem_but_an_error() {
    let dir = tempfile::TempDir::new().unwrap();
    write(dir.path(), "text", b"text\n");
    session(
        dir.path(),
        r#"
$ peelfs verify text
! peelfs: text: text; expected an image archive (docker save, OCI), a layer tar, a root filesystem tar, any of them compressed, or a directory
? 2
$ peelfs verify nothing
! peelfs: nothing: No such file or directory (os error 2)
? 2
"#,
    );
}
