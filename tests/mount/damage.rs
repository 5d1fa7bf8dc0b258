//! An image that is damaged under the mount: EIO and a reason in the log, never wrong bytes, and no end of
//! the daemon.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tempfile::TempDir;

use crate::support::need::{has_fuse, need};
use crate::support::proc::daemon_of;
use crate::support::{Layer, Mount, layer};

/// An image of two files and a mount of it with a log.
fn mounted(dir: &Path) -> Mount {
    let tar = Layer::new().file("small", b"small").file("large", &[b'L'; 300_000]).file("last", b"last");
    fs::write(dir.join("image.tar"), tar.finish()).unwrap();
    Mount::new(["--log-file".as_ref(), dir.join("log").as_os_str(), dir.join("image.tar").as_os_str()])
}

fn read_error(path: &Path) -> Option<i32> {
    let mut bytes = Vec::new();
    let error = File::open(path).unwrap().read_to_end(&mut bytes).unwrap_err();
    assert_eq!(bytes, b"", "{}: bytes of an image that is not what it was", path.display());
    error.raw_os_error()
}

#[track_caller]
fn assert_damage_is_noticed(dir: &Path, mount: &Mount) {
    for name in ["small", "large", "last"] {
        assert_eq!(read_error(&mount.join(name)), Some(libc::EIO), "{name}");
    }
    let log = fs::read_to_string(dir.join("log")).unwrap();
    for name in ["small", "large", "last"] {
        let line = log.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}:\n{log}"));
        assert!(line.contains("ERROR") && line.contains("image.tar"), "{line}");
        assert!(line.contains("has changed"), "{line}");
    }
    // The tree is still there, and so is the daemon.
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 3);
    assert_eq!(fs::metadata(mount.join("large")).unwrap().len(), 300_000);
    daemon_of(mount.path());
}

#[test]
fn an_image_that_is_cut_is_eio() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mount = mounted(dir.path());
    File::options().write(true).open(dir.path().join("image.tar")).unwrap().set_len(1000).unwrap();
    assert_damage_is_noticed(dir.path(), &mount);
}

#[test]
fn an_image_that_is_written_to_is_eio() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mount = mounted(dir.path());
    let image = File::options().write(true).open(dir.path().join("image.tar")).unwrap();
    image.write_all_at(b"other", 512).unwrap();
    assert_damage_is_noticed(dir.path(), &mount);
}

#[test]
fn an_image_that_grows_is_eio() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mount = mounted(dir.path());
    let image = File::options().append(true).open(dir.path().join("image.tar")).unwrap();
    std::io::Write::write_all(&mut &image, &[0; 1024]).unwrap();
    assert_damage_is_noticed(dir.path(), &mount);
}

#[test]
fn what_was_read_before_stays_what_it_was() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mount = mounted(dir.path());
    assert_eq!(fs::read(mount.join("small")).unwrap(), b"small");
    File::create(dir.path().join("image.tar")).unwrap();
    // Out of the kernel's memory, or not at all.
    match fs::read(mount.join("small")) {
        Ok(bytes) => assert_eq!(bytes, b"small"),
        Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EIO)),
    }
    assert_eq!(read_error(&mount.join("last")), Some(libc::EIO));
}

#[test]
fn a_file_of_a_layer_directory_that_changes_is_eio_and_its_neighbours_are_not() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let below = dir.path().join("below");
    fs::create_dir(&below).unwrap();
    for name in ["grown", "shrunk", "replaced", "gone", "same"] {
        fs::write(below.join(name), b"0123456789").unwrap();
    }
    let top = dir.path().join("top.tar");
    fs::write(&top, layer("x=1").finish()).unwrap();
    let mount = Mount::new([&below, &top]);
    fs::write(below.join("grown"), b"0123456789 and more").unwrap();
    fs::write(below.join("shrunk"), b"012").unwrap();
    fs::remove_file(below.join("replaced")).unwrap();
    fs::create_dir(below.join("replaced")).unwrap();
    fs::remove_file(below.join("gone")).unwrap();
    for name in ["grown", "shrunk", "replaced", "gone"] {
        assert_eq!(read_error(&mount.join(name)), Some(libc::EIO), "{name}");
    }
    assert_eq!(fs::read(mount.join("same")).unwrap(), b"0123456789");
    assert_eq!(fs::read(mount.join("x")).unwrap(), b"1");
}
