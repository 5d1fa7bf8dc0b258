//! `docker save` before 1.10: layers that name their parents, and no `manifest.json`.

use serde_json::json;
use tempfile::TempDir;

use super::{Files, inspect, refused, sha256, shown, stdout};
use crate::support::layer;

/// Layers by name, each with its parent, and the images that `repositories` names.
fn archive(layers: &[(&str, Option<&str>, &str)], repositories: &[(&str, &str)]) -> TempDir {
    let mut files = Files::default();
    for (name, parent, line) in layers {
        let id = sha256(name.as_bytes());
        files.add(&format!("{id}/VERSION"), "1.0");
        let json = json!({
            "id": id, "parent": parent.map(|parent| sha256(parent.as_bytes())), "os": "linux",
            "architecture": "amd64", "created": "2015-01-02T03:04:05.6Z",
            "container_config": { "Cmd": ["/bin/sh", "-c", format!("make {name}")] },
        });
        files.add_json(&format!("{id}/json"), &json);
        files.add(&format!("{id}/layer.tar"), layer(line).finish());
    }
    if !repositories.is_empty() {
        let mut names = json!({});
        for (tag, name) in repositories {
            let (repository, tag) = tag.split_once(':').unwrap();
            names[repository][tag] = sha256(name.as_bytes()).into();
        }
        files.add_json("repositories", &names);
    }
    let dir = TempDir::new().unwrap();
    files.write_tar(&dir.path().join("image"));
    files.write_dir(&dir.path().join("unpacked"));
    dir
}

const LAYERS: [(&str, Option<&str>, &str); 3] = [
    ("top", Some("middle"), "d/.wh.b c=3"),
    ("base", None, "d/ d/a=1 d/b=2"),
    ("middle", Some("base"), "d/a=4"),
];

#[test]
fn layers_stack_by_their_parents_and_not_by_their_order() {
    for repositories in [&[("app:1", "top")][..], &[]] {
        let dir = archive(&LAYERS, repositories);
        for image in ["image", "unpacked"] {
            assert_eq!(shown(dir.path(), image), "c=3 d/ d/a=4", "{repositories:?}");
        }
    }
}

#[test]
fn tags_platform_and_history_are_found() {
    let dir = archive(&LAYERS, &[("app:1", "top"), ("app:old", "middle")]);
    let image = inspect(dir.path(), "--image app:1 image");
    assert_eq!((&image["format"], &image["tags"]), (&json!("docker archive v1"), &json!(["app:1"])));
    assert_eq!(image["platform"], "linux/amd64");
    assert_eq!(shown(dir.path(), "--image app:old image"), "d/ d/a=4 d/b=2");
    assert_eq!(shown(dir.path(), &format!("--image {} image", &sha256(b"top")[..12])), "c=3 d/ d/a=4");
    let history = String::from_utf8(stdout(dir.path(), "history --image app:1 image")).unwrap();
    let steps: Vec<&str> = history.lines().map(|line| line.rsplit("  ").next().unwrap()).collect();
    assert_eq!(steps, ["/bin/sh -c make base", "/bin/sh -c make middle", "/bin/sh -c make top"]);
}

#[test]
fn several_images_are_listed_with_or_without_names() {
    let layers = [LAYERS[0], LAYERS[1], LAYERS[2], ("other", Some("base"), "o=1")];
    let named = archive(&layers, &[("app:1", "top"), ("other:1", "other")]);
    let said = refused(named.path(), "image");
    assert!(said.starts_with("image: 2 images; choose one with --image TAG|ID:\n"), "{said}");
    assert!(said.contains("app:1") && said.contains("other:1"), "{said}");
    let unnamed = archive(&layers, &[]);
    let said = refused(unnamed.path(), "image");
    let id = &sha256(b"other")[..12];
    assert!(said.contains("2 images") && said.contains(id), "{said}");
    assert_eq!(shown(unnamed.path(), &format!("--image {id} image")), "d/ d/a=1 d/b=2 o=1");
}

#[test]
fn a_parent_that_is_not_there_is_named() {
    let dir = archive(&[("top", Some("gone"), "a=1")], &[("app:1", "top")]);
    let gone = sha256(b"gone");
    assert_eq!(
        refused(dir.path(), "image"),
        format!("image: the json of layer {gone} is not in the archive")
    );
}

#[test]
fn parents_that_form_a_loop_are_an_error() {
    let dir = archive(&[("a", Some("b"), "a=1"), ("b", Some("a"), "b=1")], &[("app:1", "a")]);
    let said = refused(dir.path(), "image");
    assert!(said.ends_with("a loop of parents"), "{said}");
}
