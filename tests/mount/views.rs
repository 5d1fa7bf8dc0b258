//! `peelfs mount --views`: what `/.peelfs` shows, read-only and with an upper.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;

use rustix::fs::{XattrFlags, getxattr, listxattr, listxattr_query, setxattr};
use rustix::io::Errno;
use serde_json::Value;
use tempfile::TempDir;

use super::{mount_lines, mount_with, succeed, text};
use crate::support::archive::{Written, docker, oci};
use crate::support::need::{has_fuse, is_root, need};
use crate::support::{Layer, Mount, Tree, Writable, layer, peelfs};

const LINES: [&str; 3] = [
    "etc/ etc/motd=hello etc/passwd=root bin/ bin/sh=x l->etc/motd p|",
    "etc/ etc/motd=bye etc/new=1 .wh.bin",
    "etc/.wh..wh..opq etc/motd=last",
];

fn layers() -> impl Iterator<Item = Layer> {
    LINES.iter().map(|line| layer(line))
}

/// The names in a directory, sorted.
fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn fact(path: &Path, name: &str) -> Result<String, Errno> {
    let mut buffer = [0; 200];
    let n = getxattr(path, format!("user.peelfs.{name}"), &mut buffer)?;
    Ok(text(&buffer[..n]))
}

/// The attributes of views that a path lists.
fn facts(path: &Path) -> Vec<String> {
    let mut buffer = [0; 400];
    let n = listxattr(path, &mut buffer).unwrap();
    let names = str::from_utf8(&buffer[..n]).unwrap().split_terminator('\0');
    names.filter_map(|name| name.strip_prefix("user.peelfs.")).map(str::to_owned).collect()
}

/// What every mount with views of [`LINES`] shows there.
fn check(root: &Path) {
    let at = |path: &str| root.join(".peelfs").join(path);
    assert!(!names(root).contains(&".peelfs".to_owned()));
    assert_eq!(names(&at("")), ["diff", "history", "layers", "upto"]);
    assert_eq!(names(&at("upto")), ["0", "1", "2"]);
    assert_eq!(names(&at("diff/1")), ["added", "changed", "deleted"]);
    assert_eq!(names(&at("layers/1")), [".wh.bin", "etc"]);
    assert_eq!(names(&at("layers/2/etc")), [".wh..wh..opq", "motd"]);
    assert_eq!(fs::metadata(at("layers/2/etc/.wh..wh..opq")).unwrap().len(), 0);
    assert_eq!(fs::read_to_string(at("upto/0/etc/motd")).unwrap(), "hello");
    assert_eq!(fs::read_to_string(at("diff/1/changed/etc/motd")).unwrap(), "bye");
    assert_eq!(fs::read_to_string(at("diff/1/deleted/bin/sh")).unwrap(), "x");
    assert_eq!(names(&at("diff/2/deleted/etc")), ["new", "passwd"]);
    assert_eq!(fs::read_link(at("upto/1/l")).unwrap(), Path::new("etc/motd"));
    assert_eq!(fs::read_to_string(at("history")).unwrap().lines().count(), 3);
    for (no, len) in [(0, 1), (1, 2), (2, 3)] {
        let (alone, _dir) = mount_lines(&LINES[..len]);
        let differences = plain(&at(&format!("upto/{no}"))).differences(&Tree::read(alone.path()), 5);
        assert_eq!(differences, "", "upto/{no}");
    }
    let output = Command::new("diff").arg("-r").args([at("upto/1"), at("upto/2")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("Only in") && text(&output.stdout).contains(": passwd"));
}

/// A tree without what views say of it.
fn plain(dir: &Path) -> Tree {
    let mut tree = Tree::read(dir);
    for entry in tree.0.values_mut() {
        entry.xattrs.retain(|name, _| !name.starts_with(b"user.peelfs."));
    }
    tree
}

#[test]
fn views_are_as_unions_of_fewer_layers() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_with(["--views"], layers());
    check(mount.path());
    let (mount, _dir) = mount_with(["-o", "views"], layers());
    check(mount.path());
    let (mount, _dir) = mount_lines(&LINES);
    assert!(!mount.join(".peelfs").exists());
}

#[test]
fn views_lie_beside_an_upper_and_cannot_be_written() {
    need!(has_fuse() && is_root(), "needs FUSE and root");
    let writable = Writable::of(layers());
    let mount = writable.mount_with(["--views"]);
    let at = |path: &str| mount.join(".peelfs").join(path);
    fs::write(mount.join("etc/motd"), "mine").unwrap();
    fs::remove_dir_all(mount.join("etc/new")).unwrap_err();
    fs::remove_file(mount.join("l")).unwrap();
    check(mount.path());
    let refused = |done: std::io::Result<()>, what: &str| {
        let errno = done.expect_err(what).raw_os_error().unwrap();
        assert_eq!(Errno::from_raw_os_error(errno), Errno::ROFS, "{what}");
    };
    refused(fs::write(at("upto/0/etc/motd"), "x"), "write");
    refused(fs::write(at("upto/0/etc/made"), "x"), "create");
    refused(OpenOptions::new().append(true).open(at("history")).map(drop), "append");
    refused(fs::create_dir(at("made")), "mkdir");
    refused(fs::create_dir(at("layers/0/made")), "mkdir in a layer");
    refused(fs::remove_file(at("layers/1/.wh.bin")), "unlink");
    refused(fs::remove_dir(mount.join(".peelfs")), "rmdir");
    refused(fs::rename(at("upto/0/etc/motd"), mount.join("moved")), "rename out");
    refused(fs::rename(mount.join("etc/motd"), at("upto/0/etc/mine")), "rename in");
    refused(fs::rename(mount.join("etc"), mount.join(".peelfs")), "rename over");
    refused(fs::hard_link(at("upto/0/etc/motd"), mount.join("linked")), "link");
    refused(symlink("x", at("diff/1/added/s")), "symlink");
    refused(
        fs::set_permissions(at("upto/0/etc/motd"), fs::metadata(at("history")).unwrap().permissions()),
        "chmod",
    );
    let set = |path: &Path| setxattr(path, "user.peelfs.layer", b"1", XattrFlags::empty());
    assert_eq!(set(&at("upto/0/etc/motd")), Err(Errno::ROFS));
    assert_eq!(set(&mount.join("etc/motd")), Err(Errno::PERM));
    assert_eq!(rustix::fs::removexattr(mount.join("etc/motd"), "user.peelfs.layer"), Err(Errno::PERM));
    mount.unmount();
}

#[test]
fn every_file_and_directory_says_which_layer_shows_it() {
    need!(has_fuse() && is_root(), "needs FUSE and root");
    let writable = Writable::of(layers());
    let mount = writable.mount_with(["--views"]);
    let at = |path: &str| mount.join(path);
    let of = |path: &str| (fact(&at(path), "layer").unwrap(), fact(&at(path), "versions").unwrap());
    let said = |layer: &str, versions: &str| (layer.to_owned(), versions.to_owned());
    assert_eq!(of("etc/motd"), said("2", "3"));
    assert_eq!(of("etc"), said("2", "3"));
    assert_eq!(of(".peelfs/upto/1/etc/motd"), said("1", "2"));
    assert_eq!(of(".peelfs/layers/0/etc/motd"), said("0", "3"));
    assert_eq!(of(".peelfs/diff/1/deleted/bin/sh"), said("0", "1"));
    assert_eq!(facts(&at("etc/motd")), ["layer", "versions"]);
    assert_eq!(fact(&at("etc/motd"), "created_by"), Err(Errno::NODATA));
    // Linux has no attributes of this kind for symlinks.
    assert_eq!(rustix::fs::llistxattr(at("l"), &mut [0u8; 0]), Ok(0));
    fs::OpenOptions::new().append(true).open(at("etc/motd")).unwrap();
    assert_eq!(of("etc/motd"), said("upper", "4"));
    fs::write(at("born"), "1").unwrap();
    assert_eq!(of("born"), said("upper", "1"));
    mount.unmount();
    // What was copied up has none of it.
    assert_eq!(listxattr_query(writable.upper().join("born")), Ok(0));
    let mut names = [0; 400];
    let n = listxattr(writable.upper().join("etc/motd"), &mut names).unwrap();
    assert!(!text(&names[..n]).contains("peelfs"), "{}", text(&names[..n]));
}

#[test]
fn without_views_there_are_no_attributes_of_theirs() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&LINES);
    assert_eq!(listxattr_query(mount.join("etc/motd")), Err(Errno::OPNOTSUPP));
}

#[test]
fn an_image_shows_its_configuration_manifest_and_history() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let image = || Written::new("app:1", layers());
    for (name, bytes, has_manifest) in
        [("docker.tar", docker(&[image()]), false), ("oci.tar", oci(&[image()]), true)]
    {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let mount = Mount::new(["--views".as_ref(), path.as_os_str()]);
        let read = |name: &str| fs::read(mount.join(".peelfs").join(name));
        let config: Value = serde_json::from_slice(&read("config.json").unwrap()).unwrap();
        let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
        assert_eq!(fact(&mount.join("etc/motd"), "diff_id").unwrap(), diff_ids[2].as_str().unwrap());
        assert_eq!(read("manifest.json").is_ok(), has_manifest, "{name}");
        assert_eq!(names(&mount.join(".peelfs")).contains(&"manifest.json".to_owned()), has_manifest);
        if let Ok(manifest) = read("manifest.json") {
            let manifest: Value = serde_json::from_slice(&manifest).unwrap();
            assert_eq!(manifest["layers"].as_array().unwrap().len(), 3);
        }
        let printed = peelfs(["history".as_ref(), path.as_os_str()]).stdout;
        assert_eq!(text(&read("history").unwrap()), text(&printed));
    }
}

#[test]
fn programs_walk_all_of_it() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_with(["--views"], layers());
    let views = mount.join(".peelfs");
    let found = succeed(Command::new("find").arg(&views).args(["-printf", "%i\n"]));
    let mut numbers: Vec<&str> = found.lines().collect();
    let all = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), all, "each has a number of its own");
    let copy = TempDir::new().unwrap();
    succeed(Command::new("cp").arg("-a").arg(&views).arg(copy.path()));
    assert_eq!(plain(&copy.path().join(".peelfs")).differences(&plain(&views), 5), "");
    assert_eq!(fs::metadata(views.join("upto/..")).unwrap().ino(), fs::metadata(&views).unwrap().ino());
}
