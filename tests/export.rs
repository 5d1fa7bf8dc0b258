//! `peelfs export`: the tar is the tree, whoever unpacks it.

use std::fs;
use std::path::Path;
use std::process::Command;

use peelfs::blob::Progress;
use peelfs::export::Export;
use peelfs::path::TreePath;
use peelfs::union::Node;
use proptest::prelude::*;
use tar::EntryType;
use tempfile::TempDir;

use crate::support::mount::command;
use crate::support::need::{has, has_fuse, is_root, need};
use crate::support::overlay;
use crate::support::stacks::{Stack, on_stacks};
use crate::support::{By, Image, Layer, Mount, Tree, Writable, layer, write_tars};

/// A share of the random stacks of other tests.
const SHARE: u32 = 10;

struct Silent;

impl Progress for Silent {
    fn expect(&self, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
}

fn export(image: &Image) -> Vec<u8> {
    let stack = image.fs.stack();
    let mut export = Export::new(stack, Vec::new(), &Silent);
    export.add_tree(&TreePath::root(), &Node::Dir(stack.union.root().clone()), b"").unwrap();
    export.finish().unwrap()
}

#[test]
fn random_stacks_are_the_same_when_they_are_read_again() {
    on_stacks(SHARE, Stack::any(), |stack| {
        let image = Image::of(stack.layers());
        let again = Image::of_tars([export(&image)]);
        prop_assert_eq!(again.tree(), image.tree());
        prop_assert_eq!(export(&again), export(&image), "not the same bytes");
        Ok(())
    });
}

/// Unpacks what `peelfs export` writes of tars, base first.
fn unpacked_by(tars: &[std::path::PathBuf], program: &[&str]) -> TempDir {
    let (top, lower) = tars.split_last().unwrap();
    let out = TempDir::new().unwrap();
    let tar = out.path().join("rootfs.tar");
    let mut export = command();
    export.arg("export").arg(top).arg("-o").arg(&tar);
    lower.iter().for_each(|layer| _ = export.arg("--lower").arg(layer));
    run(&mut export);
    unpack(&tar, program, &out.path().join("rootfs"));
    out
}

fn unpack(tar: &Path, program: &[&str], dir: &Path) {
    fs::create_dir(dir).unwrap();
    run(Command::new(program[0]).args(&program[1..]).arg("-f").arg(tar).arg("-C").arg(dir));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const GNU_TAR: &[&str] = &["tar", "-xp", "--xattrs", "--xattrs-include=*", "--numeric-owner"];
const BSDTAR: &[&str] = &["bsdtar", "-xp", "--xattrs", "--numeric-owner"];

fn check(layers: Vec<Layer>) {
    let dir = TempDir::new().unwrap();
    let tars = write_tars(dir.path(), layers);
    let mount = Mount::of_tars(&tars);
    let shown = Tree::read(mount.path());
    for program in [GNU_TAR, BSDTAR] {
        let unpacked = unpacked_by(&tars, program);
        let root = unpacked.path().join("rootfs");
        // bsdtar leaves the time of the directory that it unpacks into.
        run(Command::new("touch").arg("-r").arg(mount.path()).arg(&root));
        let differences = shown.differences(&Tree::read(&root), 20);
        assert!(differences.is_empty(), "{}; the mount first:\n{differences}", program[0]);
    }
}

#[test]
fn what_is_unpacked_is_what_the_mount_shows() {
    need!(has_fuse() && is_root() && has("bsdtar"), "needs root, FUSE and bsdtar");
    let long = "n".repeat(120);
    let attributes = layer("./!711").pax([
        ("mtime", &b"-1.5"[..]),
        ("SCHILY.xattr.user.colour", b"blue"),
        ("SCHILY.xattr.trusted.raw", b"\0\xff"),
    ]);
    check(vec![
        attributes.file("a/b", &[b'x'; 70_000]).long(EntryType::Regular, long.as_bytes(), b"long"),
        layer("./!711 a/ a/c=1!4755 h=>a/c cnull@1:3 bsda@8:1 p|!622 d/ d/old=1 d/gone=2"),
        layer("a/.wh.b d/.wh..wh..opq d/new=3 tmp/!1777 e=4"),
    ]);
}

#[test]
fn a_hole_takes_no_bytes_and_is_a_hole_again() {
    need!(has("bsdtar") && has_fuse() && is_root(), "needs root, FUSE and bsdtar");
    let dir = TempDir::new().unwrap();
    let file = fs::File::create(dir.path().join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"data", 5 << 20).unwrap();
    file.set_len(8 << 20).unwrap();
    let tar = dir.path().join("layer.tar");
    run(Command::new("tar")
        .args(["-cS", "--format=gnu", "-f"])
        .arg(&tar)
        .arg("-C")
        .arg(dir.path())
        .arg("sparse"));
    for program in [GNU_TAR, BSDTAR] {
        let unpacked = unpacked_by(std::slice::from_ref(&tar), program);
        assert!(fs::metadata(unpacked.path().join("rootfs.tar")).unwrap().len() < 32 << 10);
        let bytes = fs::read(unpacked.path().join("rootfs/sparse")).unwrap();
        assert!(bytes == fs::read(dir.path().join("sparse")).unwrap(), "{}", program[0]);
    }
}

#[test]
fn with_an_upper_it_is_what_a_mount_with_it_shows() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let writable = Writable::of_lines(&["./ a=1 d/ d/x=1 d/y=2 e/ e/f=2 l=>a", "d/z=3"]);
    let mount = writable.mount(By::Peelfs);
    fs::write(mount.join("a"), "changed").unwrap();
    fs::rename(mount.join("e"), mount.join("renamed")).unwrap();
    fs::remove_file(mount.join("d/x")).unwrap();
    fs::create_dir(mount.join("new")).unwrap();
    fs::write(mount.join("new/file"), "new").unwrap();
    fs::hard_link(mount.join("new/file"), mount.join("new/link")).unwrap();
    mount.unmount();
    let out = TempDir::new().unwrap();
    let tar = out.path().join("rootfs.tar");
    let (top, lower) = writable.tars().split_last().unwrap();
    let mut export = command();
    export.arg("export").arg(top).arg("-o").arg(&tar).arg("--upper").arg(writable.upper());
    lower.iter().for_each(|layer| _ = export.arg("--lower").arg(layer));
    run(&mut export);
    unpack(&tar, GNU_TAR, &out.path().join("rootfs"));
    let mount = writable.mount(By::Peelfs);
    let differences = Tree::read(mount.path()).differences(&Tree::read(&out.path().join("rootfs")), 20);
    mount.unmount();
    assert!(differences.is_empty(), "the mount first:\n{differences}");
}
