//! The new image: its configuration, its names, its bytes, and what becomes of it when something goes wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::case::{Case, run};
use super::{NEEDS, can_compare};
use crate::support::archive::{Written, docker, oci};
use crate::support::mount::command;
use crate::support::need::{has, need};
use crate::support::{layer, peelfs};

/// The files of an archive, by name.
fn member(archive: &Path, name: &str) -> Vec<u8> {
    let mut tar = tar::Archive::new(fs::File::open(archive).unwrap());
    let mut bytes = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path_bytes() == name.as_bytes() {
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            return bytes;
        }
    }
    panic!("{}: no {name}", archive.display());
}

fn json_of(archive: &Path, name: &str) -> Value {
    serde_json::from_slice(&member(archive, name)).unwrap()
}

fn blob(digest: &Value) -> String {
    format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"))
}

/// The manifest and the configuration of the one image.
fn documents(archive: &Path) -> (Value, Value) {
    let index = json_of(archive, "index.json");
    let manifest = json_of(archive, &blob(&index["manifests"][0]["digest"]));
    let config = json_of(archive, &blob(&manifest["config"]["digest"]));
    (manifest, config)
}

#[test]
fn the_configuration_is_the_bases_with_one_layer_more() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&["./ a=1", "./ b=2"]);
    case.write("echo 1 >c");
    let new = case.commit(&["-t", "app:2", "-t", "ghcr.io/team/app", "-m", "add c", "--author", "me"]);
    let (manifest, config) = documents(&new);
    assert_eq!(config["config"], json!({ "Cmd": ["sh"] }));
    assert_eq!(config["author"], "me");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 3);
    let history = config["history"].as_array().unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(history[2], json!({ "created_by": "CMD", "empty_layer": true }));
    let last = &history[3];
    assert_eq!(last["created"], config["created"]);
    assert_eq!(
        (&last["created_by"], &last["author"], &last["comment"]),
        (&json!("peelfs commit"), &json!("me"), &json!("add c"))
    );
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 3);
    let list = json_of(&new, "manifest.json");
    assert_eq!(list[0]["RepoTags"], json!(["app:2", "ghcr.io/team/app:latest"]));
    let index = json_of(&new, "index.json");
    let names: Vec<Value> =
        index["manifests"].as_array().unwrap().iter().map(|entry| entry["annotations"].clone()).collect();
    let annotations = |full: &str, tag: &str| json!({ "io.containerd.image.name": full, "org.opencontainers.image.ref.name": tag });
    assert_eq!(
        names,
        [annotations("docker.io/library/app:2", "2"), annotations("ghcr.io/team/app:latest", "latest")]
    );
}

#[test]
fn layers_of_the_base_are_copied_as_they_are_and_once() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&["./ a=1"]);
    case.write("echo 1 >c");
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let layers = ["./ a=1", "./ b=2", "./ a=1"].map(layer);
    let image = Written { store: gzip, ..Written::new("app:1", layers) };
    let stored = gzip(&image.layers[0]);
    let (as_docker, as_oci) = (docker(std::slice::from_ref(&image)), oci(&[image]));
    for (base, form) in [(as_docker, "docker"), (as_oci, "oci")] {
        fs::write(case.path("base.tar"), base).unwrap();
        let new = case.commit(&[]);
        let (manifest, config) = documents(&new);
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 4);
        assert_eq!(layers[0], layers[2]);
        assert!(layers[0]["mediaType"].as_str().unwrap().ends_with("tar+gzip"));
        assert!(layers[3]["mediaType"].as_str().unwrap().ends_with("v1.tar"));
        assert!(member(&new, &blob(&layers[0]["digest"])) == stored);
        assert_eq!(config["rootfs"]["diff_ids"][0], config["rootfs"]["diff_ids"][2]);
        let listed = Command::new("tar").arg("-tf").arg(&new).output().unwrap().stdout;
        let listed = String::from_utf8(listed).unwrap();
        // Two layers, the new one, the configuration, the manifest.
        assert_eq!(listed.matches("blobs/sha256/").count(), 1 + 5, "{listed}");
        assert_eq!(listed.contains("manifest.json"), form == "docker", "{listed}");
    }
}

#[test]
fn with_source_date_epoch_the_same_upper_is_the_same_bytes() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&["./ d/ d/a=1 d/b=2"]);
    case.write("for i in 3 1 2; do echo $i >d/new$i; done; rm d/a; touch -d @1000 d/b");
    // The same, but for the order in which the host lists it.
    run(
        case.dir.path(),
        "cp -a upper other; rm other/d/new1 other/d/new2; cp -a upper/d/new2 upper/d/new1 other/d/; touch -r upper/d other/d",
    );
    let commit = |upper: &str, how: &str| {
        let mut command = command();
        command.args([
            "commit",
            "base.tar",
            "-t",
            "a:1",
            "-o",
            "new.tar",
            "--compression",
            how,
            "--upper",
            upper,
        ]);
        command.env("SOURCE_DATE_EPOCH", "1000000000").current_dir(case.dir.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(case.path("new.tar")).unwrap()
    };
    for how in ["none", "gzip", "zstd"] {
        let first = commit("upper", how);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(first == commit("upper", how), "{how}");
        assert!(first == commit("other", how), "{how}, other");
    }
    let (_, config) = documents(&case.path("new.tar"));
    assert_eq!(config["created"], "2001-09-09T01:46:40Z");
    let mtimes = peelfs(["ls".as_ref(), "-l".as_ref(), case.path("new.tar").as_os_str(), "d".as_ref()]);
    let mtimes = String::from_utf8(mtimes.stdout).unwrap();
    assert_eq!(mtimes.matches("2001-09-09 01:46").count(), 3, "{mtimes}");
    assert_eq!(mtimes.matches("1970-01-01 00:16").count(), 1, "{mtimes}");
}

#[test]
fn without_an_image_around_them_layers_get_one() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&["./ a=1 h=>a", "./ b=2 .wh.a"]);
    run(
        case.dir.path(),
        "mkdir dir; cd dir; echo 1 >f; ln f g; mkdir o; setfattr -n trusted.overlay.opaque -v y o",
    );
    case.write("echo 1 >c");
    for (image, layers) in
        [(&["layer0.tar"][..], 2), (&["layer1.tar", "--lower", "layer0.tar"], 3), (&["dir"], 2)]
    {
        let mut command = command();
        command.arg("commit").args(image).args(["--upper", "upper", "-o", "new.tar"]);
        let output = command.current_dir(case.dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let verified = peelfs(["verify".as_ref(), case.path("new.tar").as_os_str()]);
        let report = String::from_utf8(verified.stdout).unwrap();
        assert!(report.starts_with(&format!("ok: {layers} layers")), "{report}");
        let (_, config) = documents(&case.path("new.tar"));
        assert_eq!(config["history"].as_array().unwrap().len(), layers);
    }
    let tree = peelfs(["ls".as_ref(), "-lR".as_ref(), case.path("new.tar").as_os_str()]);
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("f") && tree.lines().filter(|line| line.contains(" 2 0")).count() == 2, "{tree}");
}

#[test]
fn the_image_goes_to_a_pipe_as_well() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&["./ a=1"]);
    case.write("echo 1 >c");
    let piped = case.peelfs("commit", &["-o", "-", "--layer-only"]);
    case.succeed("commit", &["-o", "layer.tar", "--layer-only"]);
    assert!(piped.stdout == fs::read(case.path("layer.tar")).unwrap());
    let mut null = case.peelfs("commit", &["-o", "/dev/null"]);
    assert!(null.status.success() && null.stdout.starts_with(b"sha256:"), "{:?}", null.stdout);
    null = case.peelfs("commit", &["-o", "layer.tar.gz", "--layer-only"]);
    assert!(null.status.success());
    assert!(fs::read(case.path("layer.tar.gz")).unwrap().starts_with(&[0x1f, 0x8b]));
}

#[test]
fn what_is_written_can_take_the_place_of_what_is_read() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&["./ a=1"]);
    case.write("echo 1 >c");
    case.succeed("commit", &["-o", "base.tar"]);
    case.check("in its own place", &case.path("base.tar"));
}

#[test]
fn nothing_half_done_stays() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&["./ a=1"]);
    case.write("head -c 50000000 /dev/zero >big");
    let names = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names(case.dir.path());
    // A layer that is not what the image says.
    let mut wrong = fs::read(case.path("base.tar")).unwrap();
    let at = wrong.windows(4).rposition(|bytes| bytes == b"1\0\0\0").unwrap();
    let good = wrong.clone();
    wrong[at] = b'2';
    fs::write(case.path("base.tar"), &wrong).unwrap();
    let output = case.peelfs("commit", &["-o", "new.tar"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("diff ID: found sha256:") && stderr.contains("--no-verify"), "{stderr}");
    assert_eq!(names(case.dir.path()), before);
    assert!(case.peelfs("commit", &["-o", "new.tar", "--no-verify"]).status.success());
    fs::remove_file(case.path("new.tar")).unwrap();
    fs::write(case.path("base.tar"), &good).unwrap();
    // Ended in the middle.
    let mut slow = command();
    slow.args(["commit", "base.tar", "--upper", "upper", "-o", "new.tar", "--compression", "gzip"]);
    let mut child = slow.current_dir(case.dir.path()).stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(30));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(case.dir.path()), before);
    for (path, message) in [("upper", "upper: is a directory"), ("no/new.tar", "no/new.tar: No such file")] {
        let output = case.peelfs("commit", &["-o", path]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(&format!("peelfs: {message}")), "{stderr}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn memory_is_flat_at_any_size() {
    need!(can_compare() && has("sh"), NEEDS);
    let case = Case::of(&["./ a=1"]);
    case.write("head -c 300000000 /dev/zero >big");
    let script = "ulimit -v 250000; exec \"$0\" commit base.tar --no-cache --upper upper -o new.tar";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(crate::support::mount::PEELFS).current_dir(case.dir.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn sizes_and_words_that_make_no_sense_are_refused() {
    let dir = TempDir::new().unwrap();
    let refused = |args: &[&str], words: &str| {
        let mut command = command();
        let output = command.arg("commit").args(args).current_dir(dir.path()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    };
    fs::write(dir.path().join("base.tar"), docker(&[Written::new("a:1", [layer("./ a=1")])])).unwrap();
    refused(&["base.tar", "--upper", "none", "-o", "x"], "none: No such file");
    refused(&["base.tar", "--upper", ".", "-o", "x", "-t", "App"], "no name of an image");
    refused(&["base.tar", "--upper", ".", "-o", "x", "--layer-only", "-t", "a"], "cannot be used with");
    refused(&["base.tar", "--upper", ".", "-o", "x", "--format", "zip"], "possible values: docker, oci");
    refused(&["base.tar", "--upper", "."], "--output");
    refused(
        &["base.tar", "--upper", ".", "-o", "x.tar.gz"],
        "x.tar.gz: an archive is not compressed as a whole",
    );
    refused(&["base.tar", "--upper", ".", "-o", "x.tar.xz", "--layer-only"], "not so compressed");
    let other = ["base.tar", "--upper", ".", "-o", "x.tar.gz", "--layer-only", "--compression", "zstd"];
    refused(&other, "not so compressed");
}
