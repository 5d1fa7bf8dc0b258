//! Images that real tools make and convert: each opens, and shows what `umoci unpack` makes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::XattrFlags;
use tempfile::TempDir;

use super::{inspect, refused, shown, stdout};
use crate::support::need::{has, has_fuse, is_root, need};
use crate::support::{Mount, Tree};

/// Runs a program that must succeed; gives what it wrote.
#[track_caller]
fn run(dir: &Path, program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = command.args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A store of images for buildah and podman; all of it goes away with its directory.
struct Store {
    dir: TempDir,
}

impl Store {
    fn new() -> Store {
        Store { dir: TempDir::new().unwrap() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    #[track_caller]
    fn run(&self, program: &str, args: &[&str]) -> String {
        let (root, run) = (self.path().join("store"), self.path().join("run"));
        let store =
            ["--root", root.to_str().unwrap(), "--runroot", run.to_str().unwrap(), "--storage-driver", "vfs"];
        self::run(self.path(), program, &[&store[..], args].concat())
    }

    /// Builds `app:1`: a base with a bit of everything, and a layer that takes from it and adds to it.
    fn build(&self) {
        write_source(&self.path().join("source"));
        self.run("buildah", &["from", "--name", "base", "scratch"]);
        self.run("buildah", &["copy", "--quiet", "base", "source", "/"]);
        self.run("buildah", &["config", "--created-by", "COPY source /", "base"]);
        self.run("buildah", &["commit", "--quiet", "base", "base"]);
        self.run("buildah", &["from", "--name", "app", "base"]);
        let root = PathBuf::from(self.run("buildah", &["mount", "app"]));
        fs::remove_file(root.join("etc/motd")).unwrap();
        fs::remove_dir_all(root.join("var/cache")).unwrap();
        fs::create_dir(root.join("var/cache")).unwrap();
        fs::write(root.join("var/cache/new"), b"new").unwrap();
        fs::remove_file(root.join("etc/link")).unwrap();
        fs::write(root.join("etc/link"), b"no link").unwrap();
        fs::set_permissions(root.join("srv"), fs::Permissions::from_mode(0o750)).unwrap();
        self.run("buildah", &["umount", "app"]);
        self.run("buildah", &["config", "--cmd", "sh", "--label", "a=b", "app"]);
        self.run("buildah", &["commit", "--quiet", "app", "localhost/app:1"]);
    }
}

const TREE: &str = "etc/ etc/hard=contents etc/link=no link etc/name=contents \
     srv/ srv/program=#!/bin/sh\\n var/ var/cache/ var/cache/new=new";

/// Files with owners, modes, attributes and several names.
fn write_source(dir: &Path) {
    for name in ["etc", "srv", "var/cache/old"] {
        fs::create_dir_all(dir.join(name)).unwrap();
    }
    for (name, contents) in [
        ("etc/motd", "hello"),
        ("etc/name", "contents"),
        ("srv/program", "#!/bin/sh\n"),
        ("var/cache/old/x", "x"),
    ] {
        fs::write(dir.join(name), contents).unwrap();
    }
    fs::hard_link(dir.join("etc/name"), dir.join("etc/hard")).unwrap();
    symlink("motd", dir.join("etc/link")).unwrap();
    chown(dir.join("srv/program"), Some(1000), Some(100)).unwrap();
    fs::set_permissions(dir.join("srv/program"), fs::Permissions::from_mode(0o4755)).unwrap();
    rustix::fs::setxattr(dir.join("srv/program"), "user.colour", b"blue", XattrFlags::empty()).unwrap();
}

/// What umoci makes of an image of an OCI layout.
fn unpacked_by_umoci(dir: &Path, image: &str) -> Tree {
    run(dir, "umoci", &["unpack", "--image", image, "bundle"]);
    let tree = Tree::read(&dir.join("bundle/rootfs"));
    fs::remove_dir_all(dir.join("bundle")).unwrap();
    tree
}

/// Verifies an image, mounts it, and compares everything that the kernel says of it.
#[track_caller]
fn assert_shows(dir: &Path, image: &str, expected: &Tree) {
    stdout(dir, &format!("verify {image}"));
    assert_mounts(dir, image, expected);
}

/// S4: a root that no layer has is as new as what is in it; umoci gives it the beginning of time.
#[track_caller]
fn assert_mounts(dir: &Path, image: &str, expected: &Tree) {
    let mount = Mount::new([dir.join(image)]);
    let mut tree = Tree::read(mount.path());
    let root = &expected.0[&b"."[..]];
    if root.mtime == (0, 0) {
        tree.0.get_mut(&b"."[..]).unwrap().mtime = root.mtime;
    }
    assert_eq!(tree.differences(expected, 20), "", "{image}: peelfs first, umoci second");
}

#[test]
fn what_buildah_writes_and_skopeo_converts_shows_what_umoci_unpacks() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    need!(has("buildah") && has("skopeo") && has("umoci"), "needs buildah, skopeo and umoci");
    let store = Store::new();
    store.build();
    for to in ["docker-archive:docker.tar:app:1", "oci-archive:oci.tar:1", "oci:layout:1"] {
        store.run("buildah", &["push", "--quiet", "localhost/app:1", to]);
    }
    for (from, to) in [
        ("docker-archive:docker.tar", "oci-archive:docker-to-oci.tar"),
        ("oci-archive:oci.tar", "docker-archive:oci-to-docker.tar:app:2"),
        ("oci:layout:1", "docker-archive:layout-to-docker.tar"),
        ("docker-archive:docker.tar", "oci:docker-to-layout"),
    ] {
        run(store.path(), "skopeo", &["copy", "--quiet", from, to]);
    }
    let zstd =
        ["copy", "--quiet", "--dest-compress-format", "zstd", "docker-archive:docker.tar", "oci:zstd:1"];
    run(store.path(), "skopeo", &zstd);
    let media_types = inspect(store.path(), "zstd")["layers"].to_string();
    assert!(media_types.contains("tar+zstd"), "{media_types}");

    let expected = unpacked_by_umoci(store.path(), "layout:1");
    assert_eq!(shown(store.path(), "layout"), TREE);
    for image in [
        "docker.tar",
        "oci.tar",
        "layout",
        "docker-to-oci.tar",
        "oci-to-docker.tar",
        "layout-to-docker.tar",
        "docker-to-layout",
        "zstd",
    ] {
        assert_shows(store.path(), image, &expected);
    }
    let tags = inspect(store.path(), "docker.tar")["tags"].clone();
    assert_eq!(tags, serde_json::json!(["docker.io/library/app:1", "localhost/app:1"]));
    let history = stdout(store.path(), "history docker.tar");
    assert!(String::from_utf8(history).unwrap().contains("COPY source /"));

    run(store.path(), "skopeo", &["copy", "--quiet", "oci:layout:1", "dir:dir"]);
    assert!(refused(store.path(), "dir").contains("convert it: skopeo copy dir:DIR oci-archive:FILE"));
    run(store.path(), "skopeo", &["copy", "--quiet", "dir:dir", "oci-archive:dir.tar"]);
    assert_shows(store.path(), "dir.tar", &expected);
}

#[test]
fn what_podman_saves_shows_what_umoci_unpacks() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    need!(has("buildah") && has("podman") && has("umoci"), "needs buildah, podman and umoci");
    let store = Store::new();
    store.build();
    for (format, to) in [("docker-archive", "docker.tar"), ("oci-archive", "oci.tar"), ("oci-dir", "layout")]
    {
        store.run("podman", &["save", "--quiet", "--format", format, "--output", to, "localhost/app:1"]);
    }
    // The names that `podman save` gives images in a layout are full ones.
    let index = fs::read_to_string(store.path().join("layout/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let digest = index["manifests"][0]["digest"].as_str().unwrap();
    run(store.path(), "skopeo", &["copy", "--quiet", "oci:layout", "oci:named:1"]);
    let expected = unpacked_by_umoci(store.path(), "named:1");
    for image in ["docker.tar", "oci.tar", "layout"] {
        assert_shows(store.path(), image, &expected);
    }
    assert_eq!(inspect(store.path(), "layout")["manifest"], digest);
}

#[test]
fn several_images_of_podman_save_are_told_apart() {
    need!(is_root() && has("buildah") && has("podman"), "needs root, buildah and podman");
    let store = Store::new();
    store.build();
    let save = [
        "save",
        "--quiet",
        "--multi-image-archive",
        "--output",
        "both.tar",
        "localhost/app:1",
        "localhost/base",
    ];
    store.run("podman", &save);
    let said = refused(store.path(), "both.tar");
    assert!(said.contains("2 images; choose one") && said.contains("localhost/app:1"), "{said}");
    assert_eq!(shown(store.path(), "--image localhost/app:1 both.tar"), TREE);
    let base = shown(store.path(), "--image localhost/base both.tar");
    assert!(base.contains("etc/motd=hello") && base.contains("etc/link->motd"), "{base}");
}

#[test]
fn an_image_that_buildah_builds_from_a_dockerfile() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    need!(has("buildah") && has("umoci"), "needs buildah and umoci");
    let store = Store::new();
    write_source(&store.path().join("source"));
    let dockerfile =
        "FROM scratch\nCOPY source/etc /etc\nENV A=b\nCOPY source/srv /srv\nCOPY source/var /var\n";
    fs::write(store.path().join("Dockerfile"), dockerfile).unwrap();
    let build = ["bud", "--quiet", "--layers", "--isolation", "chroot", "--tag", "built:1", "."];
    store.run("buildah", &build);
    store.run("buildah", &["push", "--quiet", "built:1", "oci:layout:1"]);
    store.run("buildah", &["push", "--quiet", "built:1", "docker-archive:docker.tar"]);
    let expected = unpacked_by_umoci(store.path(), "layout:1");
    assert!(expected.0.contains_key(&b"var/cache/old/x"[..]));
    assert_shows(store.path(), "layout", &expected);
    assert_shows(store.path(), "docker.tar", &expected);
    let history: serde_json::Value =
        serde_json::from_slice(&stdout(store.path(), "history --json docker.tar")).unwrap();
    let layers: Vec<_> = history.as_array().unwrap().iter().map(|step| step["layer"].clone()).collect();
    assert_eq!(serde_json::Value::from(layers).to_string(), "[0,null,1,2]");
}

#[test]
fn an_image_that_umoci_repacks_shows_what_it_unpacks() {
    need!(has_fuse() && is_root() && has("umoci"), "needs root, FUSE and umoci");
    let dir = TempDir::new().unwrap();
    run(dir.path(), "umoci", &["init", "--layout", "layout"]);
    run(dir.path(), "umoci", &["new", "--image", "layout:1"]);
    run(dir.path(), "umoci", &["unpack", "--image", "layout:1", "work"]);
    let root = dir.path().join("work/rootfs");
    let repack = ["repack", "--refresh-bundle", "--image", "layout:1", "work"];
    write_source(&root);
    run(dir.path(), "umoci", &repack);
    fs::remove_file(root.join("etc/name")).unwrap();
    fs::remove_dir_all(root.join("var/cache/old")).unwrap();
    fs::write(root.join("var/cache/new"), b"new").unwrap();
    run(dir.path(), "umoci", &repack);
    fs::remove_file(root.join("etc/motd")).unwrap();
    fs::create_dir(root.join("etc/motd")).unwrap();
    fs::write(root.join("etc/name"), b"again").unwrap();
    run(dir.path(), "umoci", &repack);
    assert_eq!(inspect(dir.path(), "layout")["layers"].as_array().unwrap().len(), 3);
    let expected = unpacked_by_umoci(dir.path(), "layout:1");
    assert_shows(dir.path(), "layout", &expected);
    run(dir.path(), "tar", &["--create", "--file", "layout.tar", "--directory", "layout", "."]);
    assert_shows(dir.path(), "layout.tar", &expected);
}

#[test]
fn a_directory_that_umoci_turns_into_a_file_is_that_file() {
    need!(has_fuse() && is_root() && has("umoci"), "needs root, FUSE and umoci");
    let dir = TempDir::new().unwrap();
    run(dir.path(), "umoci", &["init", "--layout", "layout"]);
    run(dir.path(), "umoci", &["new", "--image", "layout:1"]);
    run(dir.path(), "umoci", &["unpack", "--image", "layout:1", "work"]);
    let root = dir.path().join("work/rootfs");
    let repack = ["repack", "--refresh-bundle", "--image", "layout:1", "work"];
    write_source(&root);
    run(dir.path(), "umoci", &repack);
    // It writes the file, and whiteouts below it as if it were a directory still.
    fs::remove_dir_all(root.join("var/cache")).unwrap();
    fs::write(root.join("var/cache"), b"a file now").unwrap();
    run(dir.path(), "umoci", &repack);
    assert_mounts(dir.path(), "layout", &unpacked_by_umoci(dir.path(), "layout:1"));
}
