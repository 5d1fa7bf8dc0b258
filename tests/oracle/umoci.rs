//! OCI layouts as umoci unpacks them, and as umoci makes them.
//!
//! umoci unpacks all layers over each other, so a file's names in layers that were replaced are not
//! counted: `links` is left out (S24).

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use rustix::fs::XattrFlags;
use tar::EntryType;
use tempfile::TempDir;

use super::{assert_same, without_links};
use crate::support::archive::{Written, oci};
use crate::support::need::{has, has_fuse, is_root, need};
use crate::support::{Layer, Mount, Tree, layer};

const NEEDS_UMOCI: &str = "needs root, FUSE and umoci";

fn has_umoci() -> bool {
    is_root() && has_fuse() && has("umoci")
}

/// Runs a program to its end.
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn umoci(args: &[&str], dir: &Path) {
    run(Command::new("umoci").args(args).current_dir(dir));
}

/// An OCI layout in `layout` of a temporary directory.
fn layout(layers: impl IntoIterator<Item = Layer>) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("oci.tar"), oci(&[Written::new("latest", layers)])).unwrap();
    fs::create_dir(dir.path().join("layout")).unwrap();
    run(Command::new("tar").args(["-xf", "oci.tar", "-C", "layout"]).current_dir(dir.path()));
    dir
}

/// Compares what umoci unpacks with a mount of the same layout.
fn check(name: &str, dir: &Path) {
    umoci(&["unpack", "--image", "layout:latest", "bundle"], dir);
    let mount = Mount::new([dir.join("layout")]);
    let unpacked = without_links(Tree::read(&dir.join("bundle/rootfs")));
    let differences = without_links(Tree::read(mount.path())).differences(&unpacked, 20);
    assert_same(name, &differences);
}

#[test]
fn umoci_unpacks_what_a_mount_shows() {
    need!(has_umoci(), NEEDS_UMOCI);
    for stack in [
        &["./ a=1!4755 d/!2750 d/b=2 l->a h=>a cnull@1:3 bsda@8:1 p|!622"][..],
        &["./ d/ d/a=1 d/b=2 e=3", "./ d/ d/.wh.a d/c=3", "./ d/ d/.wh..wh..opq d/e=4", "./ .wh.e"],
        &["./ d/ d/old=1 f=2", "./ .wh.d d/ d/new=3 .wh.f f=4"],
        &["./ a=1 b=>a c=>a", "./ a=2", "./ .wh.c d/ d/e=3"],
        &["./ d/ d/e/ d/e/f=1 x=2", "./ d=3", "./ d/ d/g=4 x/ x/y=5"],
        &["./!1711 d/!700", "./!755 d/!750 d/a=1"],
        &["./ a=1 a=2 d/ d/x=3 d/!711", "./ a->d"],
    ] {
        check(&format!("{stack:?}"), layout(stack.iter().map(|line| layer(line))).path());
    }
}

#[test]
fn umoci_unpacks_the_same_attributes_and_names() {
    need!(has_umoci(), NEEDS_UMOCI);
    let records: [(&str, &[u8]); 4] = [
        ("SCHILY.xattr.user.a", b"1\n2"),
        ("SCHILY.xattr.trusted.b", b"\0\xff"),
        ("mtime", b"1234567890.123456789"),
        ("uid", b"3000000000"),
    ];
    let (dir, file) = ("n".repeat(250), "n".repeat(250) + "/" + &"m".repeat(200));
    let lower = layer("./ d/").pax(records).file("d/f", b"contents");
    let lower =
        lower.long(EntryType::Directory, dir.as_bytes(), b"").long(EntryType::Regular, file.as_bytes(), b"");
    let upper = layer("./ d/ a=1 h=>a").pax([("mtime", &b"-1.5"[..])]).file("old", b"");
    check("attributes", layout([lower, upper]).path());
    let names = [&b"new\nline"[..], b"a b", b"\x1b[31m", b"\xc3\xbc"];
    let odd = names.iter().fold(layer("./"), |layer, name| layer.long(EntryType::Regular, name, name));
    check("names", layout([odd]).path());
}

#[test]
fn s11_umoci_honours_an_opaque_root() {
    need!(has_umoci(), NEEDS_UMOCI);
    check("opaque root", layout(["./ a=1 d/ d/b=2", "./ .wh..wh..opq c=3 d/ d/e=4"].map(layer)).path());
}

/// A layout whose layers umoci wrote.
fn make_image(dir: &Path) {
    let tree = dir.join("tree");
    fs::create_dir_all(tree.join("opt/app")).unwrap();
    fs::create_dir_all(tree.join("etc/conf.d")).unwrap();
    for name in ["opt/app/old", "etc/passwd", "etc/conf.d/a", "etc/conf.d/b", "file", "keep"] {
        fs::write(tree.join(name), name).unwrap();
    }
    fs::hard_link(tree.join("keep"), tree.join("keep too")).unwrap();
    symlink("../etc/passwd", tree.join("opt/link")).unwrap();
    fs::set_permissions(tree.join("file"), fs::Permissions::from_mode(0o4711)).unwrap();
    fs::create_dir(dir.join("app")).unwrap();
    fs::write(dir.join("app/new"), "new").unwrap();
    umoci(&["init", "--layout", "layout"], dir);
    umoci(&["new", "--image", "layout:latest"], dir);
    umoci(&["insert", "--image", "layout:latest", "tree", "/"], dir);
    umoci(&["insert", "--image", "layout:latest", "--opaque", "app", "/opt/app"], dir);
    umoci(&["insert", "--image", "layout:latest", "--whiteout", "/etc/conf.d/a"], dir);
    umoci(&["unpack", "--image", "layout:latest", "work"], dir);
    let root = dir.join("work/rootfs");
    fs::remove_dir_all(root.join("etc/conf.d")).unwrap();
    fs::remove_file(root.join("file")).unwrap();
    fs::create_dir(root.join("file")).unwrap();
    fs::write(root.join("file/now a directory"), "1").unwrap();
    fs::remove_file(root.join("keep")).unwrap();
    rustix::fs::setxattr(root.join("etc/passwd"), "user.seen", b"yes", XattrFlags::empty()).unwrap();
    umoci(&["repack", "--image", "layout:latest", "work"], dir);
}

#[test]
fn a_mount_shows_what_umoci_unpacks_of_its_own_layers() {
    need!(has_umoci(), NEEDS_UMOCI);
    let dir = TempDir::new().unwrap();
    make_image(dir.path());
    check("umoci's own", dir.path());
    let root = dir.path().join("bundle/rootfs");
    assert!(root.join("file/now a directory").exists() && !root.join("etc/conf.d").exists());
}
