//! Compression: of an archive as a whole, of the layers in it, of both; told by the bytes.

use std::fs;

use tempfile::TempDir;

use super::{bzip2, gzip, refused, shown, stdout, xz, zstd};
use crate::support::archive::{Written, docker, oci};
use crate::support::layer;

type Compress = fn(&[u8]) -> Vec<u8>;

const COMPRESSIONS: [(&str, Compress); 4] = [("gzip", gzip), ("zstd", zstd), ("xz", xz), ("bzip2", bzip2)];

fn image(store: Compress) -> Written {
    let mut image = Written::new("app:1", [layer("d/ d/a=1 d/b=2"), layer("d/.wh.a c=3")]);
    image.store = store;
    image
}

const TREE: &str = "c=3 d/ d/b=2";

#[test]
fn an_archive_may_be_compressed_as_a_whole() {
    let dir = TempDir::new().unwrap();
    for (name, compress) in COMPRESSIONS {
        for (form, archive) in
            [("docker", docker(&[image(<[u8]>::to_vec)])), ("oci", oci(&[image(<[u8]>::to_vec)]))]
        {
            fs::write(dir.path().join("image"), compress(&archive)).unwrap();
            assert_eq!(shown(dir.path(), "image"), TREE, "{form}, {name}");
            stdout(dir.path(), "verify image");
        }
    }
}

#[test]
fn a_layer_on_its_own_may_be_compressed() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("base"), layer("a=1 b=2").finish()).unwrap();
    for (name, compress) in COMPRESSIONS {
        fs::write(dir.path().join("top"), compress(&layer(".wh.a c=3").finish())).unwrap();
        assert_eq!(shown(dir.path(), "--lower base top"), "b=2 c=3", "{name}");
    }
}

#[test]
fn layers_in_an_archive_may_be_compressed_and_the_archive_too() {
    let dir = TempDir::new().unwrap();
    for (inner, store) in COMPRESSIONS {
        for (form, archive) in [("docker", docker(&[image(store)])), ("oci", oci(&[image(store)]))] {
            fs::write(dir.path().join("image"), &archive).unwrap();
            assert_eq!(shown(dir.path(), "image"), TREE, "{form} of {inner}");
            stdout(dir.path(), "verify image");
        }
        fs::write(dir.path().join("image"), gzip(&docker(&[image(store)]))).unwrap();
        assert_eq!(shown(dir.path(), "image"), TREE, "{inner} inside gzip");
    }
}

#[test]
fn a_name_says_nothing() {
    let dir = TempDir::new().unwrap();
    for name in ["image.zip", "image.tar.gz", "image.json", "IMAGE", ".tar", "image.tar.xz"] {
        fs::write(dir.path().join(name), zstd(&docker(&[image(gzip)]))).unwrap();
        assert_eq!(shown(dir.path(), name), TREE, "{name}");
    }
}

#[test]
fn streams_in_several_pieces_are_read_to_their_end() {
    let dir = TempDir::new().unwrap();
    let tar = layer("a=1 b=2 c=3").finish();
    let (first, second) = tar.split_at(700);
    for (name, compress) in COMPRESSIONS {
        fs::write(dir.path().join("layer"), [compress(first), compress(second)].concat()).unwrap();
        assert_eq!(shown(dir.path(), "layer"), "a=1 b=2 c=3", "{name}");
    }
    fs::write(dir.path().join("layer"), [gzip(&tar), vec![0; 1000]].concat()).unwrap();
    assert_eq!(shown(dir.path(), "layer"), "a=1 b=2 c=3", "gzip with padding");
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    fs::write(dir.path().join("layer"), [skippable, zstd(&tar)].concat()).unwrap();
    assert_eq!(shown(dir.path(), "layer"), "a=1 b=2 c=3", "zstd behind a skippable frame");
}

#[test]
fn a_stream_that_is_cut_or_damaged_is_named_with_its_place() {
    let dir = TempDir::new().unwrap();
    let noise: Vec<u8> = (0..40_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let tar = layer("a=1").file("noise", &noise).finish();
    for (name, compress) in COMPRESSIONS {
        let whole = compress(&tar);
        let cut = whole[..whole.len() - 10].to_vec();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 0x55;
        for (damage, bytes) in [("cut", cut), ("flipped", flipped)] {
            fs::write(dir.path().join("layer"), &bytes).unwrap();
            let said = refused(dir.path(), "layer");
            assert!(said.starts_with(&format!("layer: {name} stream, near offset ")), "{damage}: {said}");
            let (_, rest) = said.split_once("near offset ").unwrap();
            let offset: usize = rest.split(':').next().unwrap().parse().unwrap();
            assert!(offset <= bytes.len(), "{damage}: {said}");
        }
    }
}

#[test]
fn a_damaged_layer_in_an_archive_is_named_with_archive_and_member() {
    let dir = TempDir::new().unwrap();
    fn cut(layer: &[u8]) -> Vec<u8> {
        let mut stream = gzip(layer);
        stream.truncate(stream.len() - 20);
        stream
    }
    let member = Written::new("app:1", [layer("a=1")]);
    let stored = cut(&member.layers[0]);
    let mut image = member;
    image.store = cut;
    fs::write(dir.path().join("image"), docker(&[image])).unwrap();
    let said = String::from_utf8(super::peelfs_in(dir.path(), "ls image").stderr).unwrap();
    let place = format!("peelfs: image: {}/layer.tar: gzip stream, near offset ", super::sha256(&stored));
    assert!(said.starts_with(&place), "{said}");
}

#[test]
fn what_is_behind_a_stream_is_not_passed_over() {
    let dir = TempDir::new().unwrap();
    let tar = layer("a=1").finish();
    for (name, compress) in COMPRESSIONS {
        fs::write(dir.path().join("layer"), [&compress(&tar)[..], b"and more"].concat()).unwrap();
        let said = refused(dir.path(), "layer");
        assert!(said.starts_with(&format!("layer: {name} stream, near offset ")), "{said}");
    }
}

#[test]
fn a_compressed_text_is_still_no_image() {
    let dir = TempDir::new().unwrap();
    for (name, compress) in COMPRESSIONS {
        fs::write(dir.path().join("text"), compress(b"just text\n")).unwrap();
        assert!(refused(dir.path(), "text").starts_with("text: text; expected an image archive"), "{name}");
        fs::write(dir.path().join("text"), compress(b"")).unwrap();
        assert!(refused(dir.path(), "text").starts_with("text: an empty file; expected"), "{name}");
    }
}
