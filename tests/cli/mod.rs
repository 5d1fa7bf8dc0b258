//! The commands as users meet them: what they write, where, and how they end.
//!
//! `PEELFS_TEST_ACCEPT=1 cargo test cli::` puts what they say now into the tests; read the diff.

use std::fs;
use std::path::Path;

use tar::EntryType;
use tempfile::TempDir;

use crate::support::archive::{Written, docker, oci};
use crate::support::compress::{gzip, xz};
use crate::support::{Layer, layer};

mod cache;
mod cat;
mod completions;
mod cut;
mod du;
mod diff;
mod errors;
mod explain;
mod find;
mod help;
mod history;
mod index;
mod inspect;
mod lesson;
mod ls;
mod man;
mod output;
mod report;
mod stat;
mod tree;
mod verify;
mod waste;

/// A directory with an image `app.tar` of three layers, as `docker save` writes it.
pub fn app() -> TempDir {
    let dir = TempDir::new().unwrap();
    let base =
        layer("./ bin/ bin/sh=#!binary!755 etc/ etc/passwd=root etc/motd=hello tmp/!1777 lib->usr/lib")
            .pax([
                ("mtime", &b"-1.5"[..]),
                ("SCHILY.xattr.user.colour", b"blue"),
                ("SCHILY.xattr.user.raw", b"\0\xff"),
            ])
            .file("usr/lib/libc.so", &[b'x'; 3000]);
    let middle =
        layer("etc/ etc/passwd=root,app etc/.wh.motd dev/ cdev/null@1:3 bdev/sda@8:0 run/p| bin/ash=>bin/sh");
    let top = layer("etc/.wh..wh..opq etc/hostname=box srv/data=12345!600 srv/link=>srv/data");
    write(dir.path(), "app.tar", &docker(&[Written::new("app:1", [base, middle, top])]));
    dir
}

/// A directory with an image `names.tar` of names that nobody should trust.
pub fn hostile_names() -> TempDir {
    let dir = TempDir::new().unwrap();
    let names = [
        &b"\x1b[31mred"[..],
        b"new\nline",
        "gnp.\u{202e}exe".as_bytes(),
        b"not utf-8 \xff",
        b"back\\slash",
        "\u{e9}t\u{e9}".as_bytes(),
    ];
    let tar = names.iter().fold(Layer::new(), |tar, name| tar.add(EntryType::Regular, name, b"1", |_| {}));
    let tar = tar.pax([("linkpath", &b"\x1b]0;title\x07"[..])]).add(EntryType::Symlink, b"link", b"", |_| {});
    write(dir.path(), "names.tar", &tar.finish());
    dir
}

/// A directory with `two.tar`, which holds two images, and `platforms.tar`, one for two platforms.
pub fn several() -> TempDir {
    let dir = TempDir::new().unwrap();
    let image = |tag, line: &str| Written::new(tag, [layer(line)]);
    write(
        dir.path(),
        "two.tar",
        &docker(&[image("one:1", "f=one"), image("docker.io/library/two:latest", "f=two")]),
    );
    let mut arm = image("both:1", "f=arm");
    arm.platform = ("linux", "arm64");
    let mut other = image("both:1", "f=s390x");
    other.platform = ("linux", "s390x");
    write(dir.path(), "platforms.tar", &oci(&[arm, other]));
    dir
}

/// A directory with an image `image.tar` of one layer with one file `f`, and of this configuration.
pub fn configured(config: &str, tag: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let manifest = format!("[{{\"Config\":\"c.json\",\"RepoTags\":[\"{tag}\"],\"Layers\":[\"l.tar\"]}}]");
    let tar = Layer::new().file("c.json", config.as_bytes()).file("l.tar", &layer("f=1").finish());
    write(dir.path(), "image.tar", &tar.file("manifest.json", manifest.as_bytes()).finish());
    dir
}

/// A directory with one image of each kind of layer: `gzip.tar`, `zstd.tar`, `plain.tar`, `small.tar`.
pub fn stored() -> TempDir {
    let dir = TempDir::new().unwrap();
    let image = |name, layers: &[fn() -> Layer], store| {
        let mut image = Written::new("app:1", layers.iter().map(|layer| layer()));
        image.store = store;
        write(dir.path(), name, &oci(&[image]));
    };
    image("gzip.tar", &[many, long], gzip);
    // One frame, and more than what is decoded to reach a block: it is kept in chunks.
    image("zstd.tar", &[long], |tar| zstd::encode_all(tar, 3).unwrap());
    image("plain.tar", &[many], <[u8]>::to_vec);
    image("small.tar", &[|| layer("small=1")], <[u8]>::to_vec);
    dir
}

/// A layer with more names than are read anew each time.
pub fn many() -> Layer {
    (0..300).fold(Layer::new(), |tar, no| tar.file(&format!("many/{no:03}"), format!("{no}").as_bytes()))
}

/// A layer with one long file, whose lines tell where they are.
fn long() -> Layer {
    Layer::new().file("long", &long_file())
}

fn long_file() -> Vec<u8> {
    (0..100_000u32)
        .map(|no| format!("{:08x} {no}\n", no.wrapping_mul(2_654_435_761)))
        .collect::<String>()
        .into()
}

pub fn write(dir: &Path, name: &str, bytes: &[u8]) {
    fs::write(dir.join(name), bytes).unwrap();
}
