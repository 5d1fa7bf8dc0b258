//! What a lesson makes, the kernel and peelfs see as the same tree.

use std::fs;
use std::process::Command;

use peelfs::lesson::{LESSONS, Lesson};

use super::shell::Scratch;
use crate::support::need::{has_fuse, need};
use crate::support::{Mount, Tree, overlay};

/// Has the kernel stack the layers that a lesson unpacked.
fn by_kernel(lesson: &Lesson, scratch: &Scratch) -> Tree {
    fs::create_dir_all(scratch.path().join("kernel")).unwrap();
    let layers = lesson.images[0].layers().count();
    let top_first: Vec<String> = (0..layers).rev().map(|no| format!("layers/{no}")).collect();
    let status = Command::new("mount")
        .args(["-t", "overlay", "overlay", "kernel", "-o"])
        .arg(format!("userxattr,lowerdir={}", top_first.join(":")))
        .current_dir(scratch.path())
        .status()
        .unwrap();
    assert!(status.success(), "lesson {}", lesson.number);
    Tree::read_overlay(&scratch.path().join("kernel"))
}

#[test]
fn a_lessons_image_is_to_peelfs_what_its_layers_are_to_the_kernel() {
    need!(has_fuse(), "/dev/fuse");
    need!(overlay::is_available(), "root, and overlayfs");
    for lesson in &LESSONS {
        let scratch = Scratch::new();
        let made = lesson.make(scratch.path()).unwrap();
        assert!(made.no_layers.is_none(), "{made:?}");
        let kernel = by_kernel(lesson, &scratch);
        let mount = Mount::new([scratch.path().join("image.tar")]);
        let peelfs = Tree::read(mount.path());
        assert!(peelfs == kernel, "lesson {}: {}", lesson.number, peelfs.differences(&kernel, 10));
    }
}

#[test]
fn a_lessons_image_is_in_order() {
    for lesson in &LESSONS {
        let scratch = Scratch::new();
        lesson.make(scratch.path()).unwrap();
        for image in lesson.images {
            let archive = scratch.path().join(image.archive());
            let output = crate::support::peelfs(["verify".as_ref(), archive.as_os_str()]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.starts_with("ok: "), "{}: {said}", archive.display());
        }
    }
}
