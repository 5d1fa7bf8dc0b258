//! A cache directory that cannot be used: all works without it, and why is said once.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags};

use super::{Place, Store, gzip, image, many, zstd};
use crate::support::archive::{Written, oci};
use crate::support::need::{is_root, need};
use crate::support::peelfs;

/// Opens an image of three layers; gives what was said.
#[track_caller]
fn said(place: &Place) -> String {
    let expected = peelfs([
        "ls".as_ref(),
        "-R".as_ref(),
        "--json".as_ref(),
        "--no-cache".as_ref(),
        place.image().as_os_str(),
    ]);
    let output = place.command("ls").args(["-R", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == expected.stdout);
    assert_eq!(place.read(), place.truth());
    String::from_utf8(output.stderr).unwrap()
}

fn three_layers() -> Place {
    let mut image = Written::new("app:1", (1..4).map(|i| many(i, 300_000)));
    image.store = gzip;
    Place::new(&oci(&[image]))
}

#[test]
fn a_file_in_its_place() {
    let place = three_layers();
    fs::write(place.cache(), b"mine").unwrap();
    let dir = place.cache().display().to_string();
    assert_eq!(
        said(&place),
        format!("peelfs: warning: cache directory {dir}: File exists (os error 17); going on without it\n")
    );
    assert_eq!(fs::read(place.cache()).unwrap(), b"mine");
}

#[test]
fn a_file_in_the_way_to_it() {
    let place = three_layers();
    fs::write(place.dir.path().join("file"), b"").unwrap();
    std::os::unix::fs::symlink("file/cache", place.cache()).unwrap();
    let dir = place.cache().display().to_string();
    let said = said(&place);
    assert!(said.starts_with(&format!("peelfs: warning: cache directory {dir}: ")), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_file_system_that_is_only_read() {
    need!(is_root(), "needs root");
    let place = three_layers();
    fs::create_dir(place.cache()).unwrap();
    let cache = place.cache();
    let _small = Small::on(&cache, MountFlags::RDONLY);
    let dir = cache.display().to_string();
    assert_eq!(
        said(&place),
        format!(
            "peelfs: warning: cache directory {dir}: Read-only file system (os error 30); going on without it\n"
        )
    );
}

/// A file system of a mebibyte.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn on(dir: &Path, flags: MountFlags) -> Small<'_> {
        rustix::mount::mount("small", dir, "tmpfs", flags, Some(c"size=1m")).unwrap();
        Small(dir)
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        rustix::mount::unmount(self.0, UnmountFlags::DETACH).unwrap();
    }
}

/// What is said of an image of one layer where nothing fits any more but so many bytes; `DIR` is the cache.
#[track_caller]
fn said_on_full_disk(store: Store, room: usize) -> String {
    let place = Place::new(&image(store, many(1, 3_000_000)));
    fs::create_dir(place.cache()).unwrap();
    let cache = place.cache();
    let _small = Small::on(&cache, MountFlags::empty());
    fs::write(cache.join("others"), vec![0; (1 << 20) - room]).unwrap();
    let said = said(&place);
    assert_eq!(place.files(), Vec::<PathBuf>::new());
    let places = [("IMAGE", place.image()), ("DIR", cache.clone())];
    places.iter().fold(said, |said, (word, path)| said.replace(path.to_str().unwrap(), word))
}

#[test]
fn a_disk_that_is_full() {
    need!(is_root(), "needs root");
    let full = "peelfs: warning: cache directory DIR: No space left on device (os error 28); \
                what does not fit is not kept\n";
    for room in [0, 8192] {
        assert_eq!(said_on_full_disk(gzip, room), full, "{room}");
        let said = said_on_full_disk(zstd, room);
        let slow = "its chunks do not fit into the cache directory DIR: every read";
        assert!(said.contains(full) || said.contains(slow), "{room}: {said}");
    }
}
