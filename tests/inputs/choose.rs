//! Several images in one archive: `--image` chooses, and without it they are listed.

use std::fs;

use peelfs::digest::Digest;
use tempfile::TempDir;

use super::{refused, shown};
use crate::support::archive::{Written, docker, oci};
use crate::support::layer;

const TAGS: [&str; 4] =
    ["app:1", "app:latest", "docker.io/library/box:latest", "example.com:5000/team/app:1"];

fn images() -> Vec<Written> {
    TAGS.into_iter().map(|tag| Written::new(tag, [layer(&format!("f={tag}"))])).collect()
}

fn id(no: usize) -> String {
    Digest::of(&images()[no].config()).hex().to_owned()
}

/// The same images as a docker archive and as an OCI archive.
fn archives() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("docker"), docker(&images())).unwrap();
    fs::write(dir.path().join("oci"), oci(&images())).unwrap();
    dir
}

#[test]
fn an_image_is_chosen_by_its_tag_in_full_or_as_docker_shows_it() {
    let dir = archives();
    for (wanted, tag) in [
        ("app:1", TAGS[0]),
        ("app", TAGS[1]),
        ("app:latest", TAGS[1]),
        ("docker.io/library/app:1", TAGS[0]),
        ("box", TAGS[2]),
        ("box:latest", TAGS[2]),
        ("library/box", TAGS[2]),
        ("docker.io/library/box:latest", TAGS[2]),
        ("example.com:5000/team/app:1", TAGS[3]),
    ] {
        for archive in ["docker", "oci"] {
            assert_eq!(
                shown(dir.path(), &format!("--image {wanted} {archive}")),
                format!("f={tag}"),
                "{wanted}"
            );
        }
    }
}

#[test]
fn an_image_is_chosen_by_the_first_digits_of_its_id() {
    let dir = archives();
    for (no, tag) in TAGS.into_iter().enumerate() {
        let id = id(no);
        for wanted in [&id[..12], &id, &format!("sha256:{id}"), &format!("sha256:{}", &id[..6])] {
            for archive in ["docker", "oci"] {
                let tree = shown(dir.path(), &format!("--image {wanted} {archive}"));
                assert_eq!(tree, format!("f={tag}"), "{wanted}");
            }
        }
    }
}

#[test]
fn without_a_choice_all_are_listed() {
    let dir = archives();
    for archive in ["docker", "oci"] {
        let said = refused(dir.path(), archive);
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(lines[0], format!("{archive}: 4 images; choose one with --image TAG|ID:"));
        let expected =
            TAGS.iter().enumerate().map(|(no, tag)| format!("  {}  linux/amd64  {tag}", &id(no)[..12]));
        assert_eq!(lines[1..], expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_choice_that_fits_none_lists_what_there_is() {
    let dir = archives();
    for wanted in ["app:2", "other", &id(0)[..3], "sha256:0000", "team/app:1"] {
        let said = refused(dir.path(), &format!("--image {wanted} docker"));
        assert!(said.starts_with(&format!("docker: no image `{wanted}`; there are:\n")), "{said}");
        assert_eq!(said.lines().count(), 5, "{said}");
    }
}

#[test]
fn one_image_with_several_names_needs_no_choice() {
    let dir = TempDir::new().unwrap();
    let mut files = super::Files::default();
    let tar = layer("f=1").finish();
    files.add_json("c.json", &super::config(&[&tar]));
    files.add("l.tar", tar);
    let item = serde_json::json!([{ "Config": "c.json", "RepoTags": ["a:1", "b:2"], "Layers": ["l.tar"] }]);
    files.add_json("manifest.json", &item);
    files.write_tar(&dir.path().join("image"));
    assert_eq!(shown(dir.path(), "image"), "f=1");
    assert_eq!(shown(dir.path(), "--image b:2 image"), "f=1");
}
