//! `docker save` archives: from 1.10 to today, and what other tools write in their form.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Files, config, gzip, inspect, peelfs_in, refused, sha256, shown, stdout};
use crate::support::layer;

/// An image of two layers.
const BASE: &str = "d/ d/a=1 d/b=2 l->d/a";
const TOP: &str = "d/.wh.a d/c=3";
const TREE: &str = "d/ d/b=2 d/c=3 l->d/a";

fn tar(line: &str) -> Vec<u8> {
    layer(line).finish()
}

/// `manifest.json`.
fn manifest(config: &str, tags: &[&str], layers: &[String]) -> Value {
    json!([{ "Config": config, "RepoTags": tags, "Layers": layers }])
}

/// As Docker 1.10 to 24 writes it. A layer that comes again is a symlink to the first.
fn legacy(tag: &str, layers: &[Vec<u8>]) -> Files {
    let mut files = Files::default();
    let mut paths: Vec<String> = Vec::new();
    for (no, layer) in layers.iter().enumerate() {
        let id = sha256(format!("{no}").as_bytes());
        files.add(&format!("{id}/VERSION"), "1.0");
        let parent = paths.last().map(|path| path.trim_end_matches("/layer.tar").to_owned());
        files.add_json(&format!("{id}/json"), &json!({ "id": id, "parent": parent }));
        let path = format!("{id}/layer.tar");
        match layers[..no].iter().position(|other| other == layer) {
            Some(first) => files.add_symlink(&path, &format!("../{}", paths[first])),
            None => files.add(&path, layer.clone()),
        }
        paths.push(path);
    }
    let config = config(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>()).to_string();
    let name = format!("{}.json", sha256(config.as_bytes()));
    files.add(&name, config);
    files.add_json("manifest.json", &manifest(&name, &[tag], &paths));
    let (repository, version) = tag.split_once(':').unwrap();
    let top = paths.last().unwrap().trim_end_matches("/layer.tar");
    files.add_json("repositories", &json!({ repository: { version: top } }));
    files
}

fn archive(files: &Files) -> TempDir {
    let dir = TempDir::new().unwrap();
    files.write_tar(&dir.path().join("image"));
    dir
}

#[test]
fn the_form_of_docker_1_10_to_24() {
    let dir = archive(&legacy("app:1", &[tar(BASE), tar(TOP)]));
    assert_eq!(shown(dir.path(), "image"), TREE);
    let image = inspect(dir.path(), "image");
    assert_eq!((&image["format"], &image["tags"]), (&json!("docker archive"), &json!(["app:1"])));
    assert_eq!(image["layers"].as_array().unwrap().len(), 2);
    assert_eq!(
        super::stdout(dir.path(), "verify image").split(|&byte| byte == b':').next(),
        Some(&b"ok"[..])
    );
}

#[test]
fn a_layer_that_comes_again_is_a_symlink_to_the_first() {
    let layers = [tar("a=1 b=2"), tar(".wh.a .wh.b"), tar("a=1 b=2"), tar("c=3"), tar(".wh.a .wh.b")];
    let dir = archive(&legacy("app:1", &layers));
    assert_eq!(shown(dir.path(), "image"), "c=3");
    let ids = inspect(dir.path(), "image")["layers"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 5);
    assert_eq!(ids[0]["diff_id"], ids[2]["diff_id"]);
    assert_ne!(ids[0]["chain_id"], ids[2]["chain_id"]);
}

#[test]
fn the_same_unpacked_into_a_directory() {
    let dir = TempDir::new().unwrap();
    let layers = [tar(BASE), tar(TOP), tar(BASE), tar(TOP)];
    legacy("app:1", &layers).write_dir(&dir.path().join("image"));
    assert_eq!(shown(dir.path(), "image"), TREE);
    assert_eq!(inspect(dir.path(), "image")["format"], "docker archive");
}

#[test]
fn the_flat_forms_of_other_tools() {
    for (names, store) in [
        // skopeo and buildah; jib and kaniko; ko and crane.
        (["HEX.tar", "HEX.tar"], <[u8]>::to_vec as fn(&[u8]) -> Vec<u8>),
        (["HEX.tar.gz", "HEX.tar.gz"], gzip),
        (["sha256:HEX", "sha256:HEX"], gzip),
        (["base", "blobs/top.bin"], gzip),
    ] {
        let layers = [tar(BASE), tar(TOP)];
        let mut files = Files::default();
        let paths: Vec<String> = layers
            .iter()
            .zip(names)
            .map(|(layer, name)| {
                let path = name.replace("HEX", &sha256(&store(layer)));
                files.add(&path, store(layer));
                path
            })
            .collect();
        files.add_json("config.json", &config(&[&layers[0], &layers[1]]));
        files.add_json("manifest.json", &manifest("config.json", &["app:1"], &paths));
        let dir = archive(&files);
        assert_eq!(shown(dir.path(), "image"), TREE, "{names:?}");
        super::stdout(dir.path(), "verify image");
    }
}

/// As Docker writes it since 25: an OCI layout that has a `manifest.json` as well.
fn docker_25(tags: &[&str], layers: &[Vec<u8>]) -> Files {
    let mut layout = super::oci::Layout::default();
    let mut image = layout.image(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>());
    image["annotations"] = json!({ "org.opencontainers.image.ref.name": "1" });
    let blobs = |file: &str| format!("blobs/sha256/{file}");
    let config = config(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>()).to_string();
    let paths: Vec<String> = layers.iter().map(|layer| blobs(&sha256(layer))).collect();
    let mut files = layout.finish(vec![image]);
    files.add_json("manifest.json", &manifest(&blobs(&sha256(config.as_bytes())), tags, &paths));
    files.add_json("repositories", &json!({ "app": { "1": sha256(b"top") } }));
    files
}

#[test]
fn the_form_of_docker_since_25_is_one_image_with_full_names() {
    let dir = archive(&docker_25(&["example.com/app:1"], &[tar(BASE), tar(TOP)]));
    assert_eq!(shown(dir.path(), "image"), TREE);
    let image = inspect(dir.path(), "image");
    assert_eq!((&image["format"], &image["tags"]), (&json!("OCI layout"), &json!(["example.com/app:1"])));
    assert_eq!(shown(dir.path(), "--image example.com/app:1 image"), TREE);
    super::stdout(dir.path(), "verify image");
}

#[test]
fn an_image_without_a_name() {
    let mut files = legacy("app:1", &[tar(BASE), tar(TOP)]);
    files.remove("manifest.json");
    files.remove("repositories");
    let config = config(&[&tar(BASE), &tar(TOP)]).to_string();
    let paths: Vec<String> =
        (0..2).map(|no| format!("{}/layer.tar", sha256(format!("{no}").as_bytes()))).collect();
    let item = json!([{ "Config": format!("{}.json", sha256(config.as_bytes())), "RepoTags": null, "Layers": paths }]);
    files.add_json("manifest.json", &item);
    let dir = archive(&files);
    assert_eq!(shown(dir.path(), "image"), TREE);
    assert_eq!(inspect(dir.path(), "image")["tags"], json!([]));
}

#[test]
fn an_image_without_layers_is_an_empty_directory() {
    for layers in [json!([]), json!(null)] {
        let mut files = Files::default();
        files.add_json("c.json", &config(&[]));
        files.add_json(
            "manifest.json",
            &json!([{ "Config": "c.json", "RepoTags": ["none:1"], "Layers": layers }]),
        );
        let dir = archive(&files);
        assert_eq!(shown(dir.path(), "image"), "", "{layers}");
        assert_eq!(inspect(dir.path(), "image")["layers"], json!([]));
    }
}

#[test]
fn names_in_the_archive_may_begin_with_a_dot_and_a_slash() {
    let files = legacy("app:1", &[tar(BASE), tar(TOP)]);
    let files = Files(files.0.into_iter().map(|(path, file)| (format!("./{path}"), file)).collect());
    assert_eq!(shown(archive(&files).path(), "image"), TREE);
}

#[test]
fn what_a_manifest_names_and_the_archive_lacks_is_named() {
    let whole = legacy("app:1", &[tar(BASE), tar(TOP)]);
    let top = format!("{}/layer.tar", sha256(b"1"));
    let config = format!("{}.json", sha256(config(&[&tar(BASE), &tar(TOP)]).to_string().as_bytes()));
    for (path, said) in [
        (&top, format!("image: manifest.json: layer 1 of 2 ({top}) is not in the archive")),
        (&config, format!("image: manifest.json: the configuration {config} is not in the archive")),
    ] {
        let mut files = whole.clone();
        files.remove(path);
        assert_eq!(refused(archive(&files).path(), "image"), said);
    }
}

#[test]
fn a_non_distributable_layer_that_is_not_there_is_named_with_its_source() {
    let (base, top) = (tar(BASE), tar(TOP));
    let mut files = Files::default();
    files.add("top.tar", top.clone());
    files.add_json("c.json", &config(&[&base, &top]));
    let diff_id = format!("sha256:{}", sha256(&base));
    let item = json!([{
        "Config": "c.json", "RepoTags": ["win:1"], "Layers": ["base.tar", "top.tar"],
        "LayerSources": { diff_id: {
            "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "digest": "sha256:0", "size": 1, "urls": ["https://example.com/base"],
        } },
    }]);
    files.add_json("manifest.json", &item);
    assert_eq!(
        refused(archive(&files).path(), "image"),
        "image: manifest.json: layer 0 of 2 (base.tar) is not in the archive; \
         it is non-distributable and has to be fetched from https://example.com/base"
    );
}

#[test]
fn a_root_file_system_with_a_manifest_json_of_its_own_is_a_layer() {
    for manifest in ["{\"name\": \"web app\"}", "[1, 2]", "not JSON", "", "[{\"Config\": \"x\"}]"] {
        let dir = TempDir::new().unwrap();
        let tar = layer("etc/ etc/os-release=x").file("manifest.json", manifest.as_bytes());
        std::fs::write(dir.path().join("rootfs"), tar.finish()).unwrap();
        let tree = shown(dir.path(), "rootfs");
        assert!(tree.starts_with("etc/ etc/os-release=x manifest.json"), "{manifest}: {tree}");
        assert_eq!(inspect(dir.path(), "rootfs")["format"], "layers");
    }
}

#[test]
fn a_damaged_configuration_or_layer_is_named() {
    let mut files = Files::default();
    files.add("c.json", "{\"rootfs\": {\"diff_ids\": [\"md5:0\"]}}");
    files.add("l.tar", tar(BASE));
    files.add_json("manifest.json", &manifest("c.json", &["app:1"], &["l.tar".to_owned()]));
    let said = refused(archive(&files).path(), "image");
    assert!(said.starts_with("image: c.json: ") && said.contains("md5:0"), "{said}");

    files.remove("c.json");
    files.add("c.json", "{");
    let said = refused(archive(&files).path(), "image");
    assert!(said.starts_with("image: c.json: ") && said.contains("line 1"), "{said}");

    files.remove("c.json");
    files.add_json("c.json", &config(&[b""]));
    files.remove("l.tar");
    let mut damaged = tar("a=1 b=2");
    damaged[1024 + 148] ^= 1;
    files.add("l.tar", damaged);
    let dir = archive(&files);
    let said = String::from_utf8(super::peelfs_in(dir.path(), "ls image").stderr).unwrap();
    assert!(said.starts_with("peelfs: image: l.tar: offset 1024: "), "{said}");
}

#[test]
fn a_configuration_that_many_items_name_is_read_once() {
    let mut config = config(&[&tar("a=1")]);
    // Read for each of the items, this would be 8 GiB of JSON.
    config["config"]["Labels"] = json!({ "large": "x".repeat(4 << 20) });
    let mut files = Files::default();
    files.add("config.json", config.to_string());
    files.add("layer.tar", tar("a=1"));
    let item = |no: usize| json!({ "Config": "config.json", "RepoTags": [format!("app:{no}")], "Layers": ["layer.tar"] });
    files.add_json("manifest.json", &Value::Array((0..2000).map(item).collect()));
    let dir = archive(&files);
    assert_eq!(shown(dir.path(), "--image app:1234 image"), "a=1");
    let said = refused(dir.path(), "image");
    assert_eq!((said.lines().count(), said.lines().last()), (102, Some("  and 1900 more")));
}

#[test]
fn a_root_file_system_with_an_empty_list_in_its_manifest_json_is_a_layer() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("image"), layer("manifest.json=[] a=1").finish()).unwrap();
    assert_eq!(shown(dir.path(), "image"), "a=1 manifest.json=[]");
    // Or a list that is larger than any of images.
    let long = format!("[{}{{\"Layers\":[]}}]", "{\"Layers\":[]},".repeat(5 << 20));
    std::fs::write(dir.path().join("image"), layer("a=1").file("manifest.json", long.as_bytes()).finish())
        .unwrap();
    assert_eq!(String::from_utf8(stdout(dir.path(), "ls image")).unwrap(), "a\nmanifest.json\n");
}

#[test]
fn more_layers_than_overlayfs_stacks_are_refused() {
    let mut files = Files::default();
    files.add("config.json", config(&[]).to_string());
    files.add("layer.tar", tar("a=1"));
    files.add_json("manifest.json", &manifest("config.json", &["app:1"], &vec!["layer.tar".to_owned(); 501]));
    let output = peelfs_in(archive(&files).path(), "ls image");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), &*said),
        (Some(2), "peelfs: 501 layers; no more than 500 can be stacked\n")
    );
}
