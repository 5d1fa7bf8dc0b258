//! `peelfs verify`: every problem, and exit status 1.

use std::fs;
use std::path::Path;

use peelfs::digest::Digest;

use super::{app, write};
use crate::support::archive::{Written, docker, oci};
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
  "layers_read": 3,
  "bytes_read": 20992,
  "digests_compared": 4,
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
  "layers_read": 3,
  "bytes_read": 14976,
  "digests_compared": 8,
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

#[test]
fn a_missing_layer_and_a_broken_one_leave_the_others_to_be_checked() {
    let dir = tempfile::TempDir::new().unwrap();
    let layers = ["a=first", "b=second", "c=third"].map(|line| layer(line).finish());
    let archive = oci(&[Written::new("bad:1", ["a=first", "b=second", "c=third"].map(layer))]);
    tar::Archive::new(&*archive).unpack(dir.path().join("bad")).unwrap();
    let blob = |layer: &[u8]| format!("bad/blobs/sha256/{}", Digest::of(layer).hex());
    // A header whose checksum is wrong; no layer 1; other contents.
    replace(dir.path(), &blob(&layers[0]), b"a\0", b"A\0");
    fs::remove_file(dir.path().join(blob(&layers[1]))).unwrap();
    replace(dir.path(), &blob(&layers[2]), b"third", b"3rd!!");
    session(
        dir.path(),
        r#"
$ peelfs verify bad
layer 0 bad: blobs/sha256/778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153: digest: found sha256:f429bd58dc1265e8eb38f34b7d17694f21dfebb5b723a38f252a1c9f2d536bd3, expected sha256:778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153
layer 0 bad: blobs/sha256/778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153: diff ID: found sha256:f429bd58dc1265e8eb38f34b7d17694f21dfebb5b723a38f252a1c9f2d536bd3, expected sha256:778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153
layer 0 bad: blobs/sha256/778bf1d00136b780bf0d24afa5688006f491ab70c0ec75bd3f9fb918ce9f5153: offset 0: bad header checksum
layer 1 bad: blobs/sha256/fc48eac663f8ce85271b9fdf86e42649bef32a8a8ab21c7cd6d4adb48a4f7bbe: layer 1 of 3 (sha256:9b311e4c71d18b368090155198c045dc92026620cb3fb14b831f9e8fa2fd5e8a) is not in the archive
layer 2 bad: blobs/sha256/fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8: digest: found sha256:9f3e3108494261b830c096e847ec020b34af8ce0c5f1ed6440483a9aebe8b305, expected sha256:fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8
layer 2 bad: blobs/sha256/fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8: diff ID: found sha256:9f3e3108494261b830c096e847ec020b34af8ce0c5f1ed6440483a9aebe8b305, expected sha256:fc1402436f7557e7797a1404f47ad9d49628e445582cc97ad99a54ee48076ca8
6 problems: 3 layers, 6 digests, 8.6 KiB read
? 1
$ peelfs ls bad
! peelfs: bad: blobs/sha256/fc48eac663f8ce85271b9fdf86e42649bef32a8a8ab21c7cd6d4adb48a4f7bbe: layer 1 of 3 (sha256:9b311e4c71d18b368090155198c045dc92026620cb3fb14b831f9e8fa2fd5e8a) is not in the archive
? 2
$ peelfs history bad
0  2.0 KiB  step 0
1           step 1
2  2.0 KiB  step 2
-           CMD
"#,
    );
}

#[test]
fn a_layer_on_its_own_that_is_damaged_is_a_problem_too() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut tar = layer("a=1 b=2").finish();
    tar[1024] = b'x';
    write(dir.path(), "layer.tar", &tar);
    session(
        dir.path(),
        r#"
$ peelfs verify layer.tar
image: layer.tar: offset 1024: bad header checksum
1 problem: 0 layers, no digest to compare with, 0 B read
? 1
$ peelfs verify --json layer.tar
{
  "layers_read": 0,
  "bytes_read": 0,
  "digests_compared": 0,
  "problems": [
    {
      "layer": null,
      "place": "image",
      "message": "layer.tar: offset 1024: bad header checksum"
    }
  ]
}
? 1
"#,
    );
}

#[test]
fn members_of_the_archive_itself_that_have_no_place_are_listed() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut archive = docker(&[Written::new("app:1", [layer("a=1")])]);
    archive.truncate(archive.len() - 1024);
    archive.extend(layer("../../evil=1").finish());
    write(dir.path(), "app.tar", &archive);
    session(
        dir.path(),
        r#"
$ peelfs verify app.tar
app.tar: member ../../evil, offset 6144: rejected: `..` in name
1 problem: 1 layer, 2 digests, 2.0 KiB read
? 1
"#,
    );
}

#[test]
fn the_files_of_a_layer_directory_are_read() {
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("layer/d")).unwrap();
    write(dir.path(), "layer/d/a", b"contents");
    write(dir.path(), "layer/d/b", &[b'b'; 5000]);
    session(
        dir.path(),
        r#"
$ peelfs verify layer
ok: 1 layer, no digest to compare with, 4.9 KiB read
"#,
    );
}
