//! W9: an upper directory belongs to one image and to one mount; and mounts that keep none.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use super::host::{names, xattr};
use super::{NEEDS, can_compare};
use crate::support::mount::command;
use crate::support::need::need;
use crate::support::proc::assert_gone;
use crate::support::{By, Mount, Writable, layer, write_tars};

/// What comes of mounting layers with an upper directory; nothing is to be mounted then.
fn refused(options: &[&str], upper: &Path, image: &Path) -> String {
    let point = TempDir::new().unwrap();
    let mut command = command();
    command.arg("mount").args(options).arg("--upper").arg(upper).arg(image).arg(point.path());
    let Output { status, stderr, .. } = command.output().unwrap();
    assert_eq!(status.code(), Some(2), "{command:?}");
    assert_gone(point.path());
    String::from_utf8(stderr).unwrap()
}

fn with_upper(writable: &Writable, options: &[&str], image: &Path) -> Mount {
    let upper = writable.upper();
    let options = options.iter().map(|option| option.as_ref());
    Mount::new(options.chain(["--upper".as_ref(), upper.as_os_str(), image.as_os_str()]))
}

#[test]
fn w9_two_mounts_cannot_hold_one_upper() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of_lines(&["./ a=1"]);
    let mount = writable.mount(By::Peelfs);
    let said = refused(&[], &writable.upper(), &writable.tars()[0]);
    assert!(said.contains("in use by a mount; umount that first"), "{said}");
    let said = refused(&["--force"], &writable.upper(), &writable.tars()[0]);
    assert!(said.contains("in use by a mount; umount that first"), "{said}");
    fs::write(mount.join("a"), "goes on").unwrap();
    mount.unmount();
    // As soon as the mount is gone, the next one may have it.
    for _ in 0..3 {
        let mount = writable.mount(By::Peelfs);
        assert_eq!(fs::read_to_string(mount.join("a")).unwrap(), "goes on");
        mount.unmount();
    }
}

#[test]
fn w9_two_mounts_cannot_hold_one_work_directory() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of_lines(&["./ a=1"]);
    let (work, other) = (writable.upper().with_file_name("shared"), writable.upper().with_file_name("other"));
    let work_option = format!("--work={}", work.display());
    let mount = with_upper(&writable, &[&work_option], &writable.tars()[0]);
    let said = refused(&[&work_option], &other, &writable.tars()[0]);
    assert!(said.contains("shared: in use by a mount; umount that first"), "{said}");
    fs::write(mount.join("a"), "goes on").unwrap();
    drop(mount);
    drop(with_upper(&writable, &[&work_option], &writable.tars()[0]));
}

#[test]
fn w9_a_killed_mount_holds_nothing() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of_lines(&["./ a=1"]);
    let mut daemon = crate::support::Foreground::new(writable.arguments());
    fs::write(daemon.path().join("a"), "kept").unwrap();
    daemon.signal(rustix::process::Signal::KILL);
    daemon.status();
    let mount = writable.mount(By::Peelfs);
    assert_eq!(fs::read_to_string(mount.join("a")).unwrap(), "kept");
}

#[test]
fn w9_an_upper_of_another_image_is_refused_unless_forced() {
    need!(can_compare(), NEEDS);
    let (writable, dir) = (Writable::of_lines(&["./ a=1"]), TempDir::new().unwrap());
    let mount = writable.mount(By::Peelfs);
    fs::write(mount.join("b"), "2").unwrap();
    mount.unmount();
    let recorded = xattr(&writable.upper(), "trusted.overlay.peelfs.base").unwrap();
    let other = write_tars(dir.path(), [layer("./ a=other")]).remove(0);
    let said = refused(&[], &writable.upper(), &other);
    assert!(said.contains(&recorded) && said.contains("--force"), "{said}");
    assert_eq!(xattr(&writable.upper(), "trusted.overlay.peelfs.base").unwrap(), recorded);

    let mount = with_upper(&writable, &["--force"], &other);
    let read = |name| fs::read_to_string(mount.join(name)).unwrap();
    assert_eq!((read("a"), read("b")), ("other".to_owned(), "2".to_owned()));
    drop(mount);
    // It still belongs to the one that it was made over.
    assert_eq!(xattr(&writable.upper(), "trusted.overlay.peelfs.base").unwrap(), recorded);
    refused(&[], &writable.upper(), &other);
    let mount = with_upper(&writable, &[], &writable.tars()[0]);
    assert_eq!(fs::read_to_string(mount.join("a")).unwrap(), "1");
}

#[test]
fn w9_what_the_image_is_called_and_how_it_is_packed_does_not_matter() {
    need!(can_compare(), NEEDS);
    let (writable, dir) = (Writable::of_lines(&["./ a=1"]), TempDir::new().unwrap());
    let mount = writable.mount(By::Peelfs);
    fs::write(mount.join("b"), "2").unwrap();
    mount.unmount();
    let tar = fs::read(&writable.tars()[0]).unwrap();
    let packed = dir.path().join("packed");
    fs::write(&packed, zstd::encode_all(&*tar, 1).unwrap()).unwrap();
    let mount = with_upper(&writable, &[], &packed);
    assert_eq!(fs::read_to_string(mount.join("b")).unwrap(), "2");
}

#[test]
fn w9_an_upper_that_cannot_be_one_is_refused() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of_lines(&["./ a=1"]);
    let (image, dir) = (&writable.tars()[0], TempDir::new().unwrap());
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refused(&[], &file, image).contains("file"));
    assert!(refused(&[], &dir.path().join("none/upper"), image).contains("none/upper"));
    let upper = dir.path().join("upper");
    let inside = upper.join("work");
    assert!(refused(&["--work", inside.to_str().unwrap()], &upper, image).contains("work"));
    let elsewhere = super::host::Tmpfs::new("size=1m");
    let said = refused(&["--work", elsewhere.path().to_str().unwrap()], &upper, image);
    assert!(said.contains("file system"), "{said}");
}

#[test]
fn an_ephemeral_mount_leaves_nothing_behind() {
    need!(can_compare(), NEEDS);
    let (tars, temporary) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let tar = write_tars(tars.path(), [layer("./ a=1 d/ d/b=2")]).remove(0);
    let bytes = fs::read(&tar).unwrap();
    for signal in [None, Some(rustix::process::Signal::TERM)] {
        let point = TempDir::new().unwrap();
        let mut command = command();
        command.env("TMPDIR", temporary.path()).args(["mount", "--ephemeral"]).arg(&tar).arg(point.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::write(point.path().join("a"), "written").unwrap();
        fs::rename(point.path().join("d"), point.path().join("e")).unwrap();
        fs::write(point.path().join("e/new"), "written").unwrap();
        assert_eq!(fs::read_to_string(point.path().join("a")).unwrap(), "written");
        assert!(!names(temporary.path()).is_empty());
        match signal {
            None => drop(crate::support::peelfs(["umount".as_ref(), point.path().as_os_str()])),
            Some(signal) => {
                rustix::process::kill_process(crate::support::proc::daemon_of(point.path()), signal).unwrap();
                crate::support::proc::eventually("it is unmounted", || {
                    crate::support::proc::mounts_at(point.path()).is_empty()
                });
            }
        }
        assert_gone(point.path());
        assert_eq!(names(temporary.path()), [""; 0], "{signal:?}");
    }
    assert!(fs::read(&tar).unwrap() == bytes, "the image");
}
