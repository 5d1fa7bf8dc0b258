//! The largest things that real images hold, mounted, walked and compared.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tar::EntryType;

use crate::support::layer::header;
use crate::support::need::{has_fuse, need};
use crate::support::{Layer, Mount, Overlay, Tree, layer, overlay, write_tars};

/// What Linux says of a name of more than 255 bytes.
const ENAMETOOLONG: i32 = 36;

/// Directories in the large layer, each with as many files but for itself.
const DIRECTORIES: usize = 2_000;
const FILES: usize = 499;

/// Writes a layer of a million entries; file `i` of a directory holds `i` bytes.
fn write_million(path: &Path) {
    let mut tar = tar::Builder::new(BufWriter::new(fs::File::create(path).unwrap()));
    let bytes = [b'x'; FILES];
    for d in 0..DIRECTORIES {
        let mut directory = header(EntryType::Directory, 0);
        tar.append_data(&mut directory, format!("d{:02}/s{d:04}", d % 50), &[][..]).unwrap();
        for f in 0..FILES {
            let mut file = header(EntryType::Regular, f as u64);
            file.set_mtime(1_600_000_000 + (d * FILES + f) as u64);
            tar.append_data(&mut file, format!("d{:02}/s{d:04}/f{f:03}", d % 50), &bytes[..f]).unwrap();
        }
    }
    tar.into_inner().unwrap().flush().unwrap();
}

#[test]
fn a_layer_of_a_million_entries() {
    need!(has_fuse(), "needs FUSE");
    let dir = tempfile::tempdir().unwrap();
    let tar = dir.path().join("million.tar");
    write_million(&tar);
    let mount = Mount::of_tars(&[tar]);
    let mut inodes = BTreeSet::new();
    let mut files = 0;
    for d in 0..DIRECTORIES {
        let directory = mount.join(&format!("d{:02}/s{d:04}", d % 50));
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            let f: usize = entry.file_name().to_str().unwrap()[1..].parse().unwrap();
            let metadata = entry.metadata().unwrap();
            let expected = (f as u64, 1_600_000_000 + (d * FILES + f) as i64);
            assert_eq!((metadata.len(), metadata.mtime()), expected, "{}", entry.path().display());
            assert!(inodes.insert(metadata.ino()));
            files += 1;
        }
        let sample = directory.join(format!("f{:03}", d % FILES));
        assert_eq!(fs::read(sample).unwrap().len(), d % FILES);
    }
    assert_eq!(files, DIRECTORIES * FILES);
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 50);
}

#[test]
fn an_image_of_127_layers() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let lines = (0..127).map(|no| match no % 4 {
        0 => format!("./ d/ d/e/ d/e/f{no}={no} both={no} d/old{no}={no}"),
        1 => format!("./ d/ d/.wh.old{} d/new{no}={no} l{no}->d", no - 1),
        2 => format!("./ d/ d/e/ d/e/.wh.f{} d/e/g{no}={no} x{no}/ x{no}/y={no}", no - 2),
        _ => format!("./ x{}/ x{}/.wh..wh..opq x{}/z={no} .wh.l{}", no - 1, no - 1, no - 1, no - 2),
    });
    let dir = tempfile::tempdir().unwrap();
    let tars = write_tars(dir.path(), lines.map(|line| layer(&line)));
    let (mount, overlay) = (Mount::of_tars(&tars), Overlay::of_tars(&tars));
    let tree = Tree::read(mount.path());
    assert!(tree.0.len() > 120, "{}", tree.0.len());
    assert_eq!(tree.differences(&Tree::read_overlay(&overlay.path()), 10), "");
}

#[test]
fn a_directory_of_100_000_names_in_one_layer_and_in_two() {
    need!(has_fuse(), "needs FUSE");
    let names = |from: usize, step: usize| (from..100_000).step_by(step).map(|i| format!("name-{i:06}"));
    let layer_of = |names: &mut dyn Iterator<Item = String>| {
        names.fold(layer("d/"), |layer, name| {
            layer.add(EntryType::Regular, format!("d/{name}").as_bytes(), b"", |_| {})
        })
    };
    let dir = tempfile::tempdir().unwrap();
    let whole = write_tars(dir.path(), [layer_of(&mut names(0, 1))]);
    let expected: BTreeSet<OsString> = names(0, 1).map(OsString::from).collect();
    let list = |mount: &Mount| -> BTreeSet<OsString> {
        let mut listed = BTreeSet::new();
        for entry in fs::read_dir(mount.join("d")).unwrap() {
            assert!(listed.insert(entry.unwrap().file_name()), "a name listed twice");
        }
        listed
    };
    assert!(list(&Mount::of_tars(&whole)) == expected);
    let halves = dir.path().join("halves");
    fs::create_dir(&halves).unwrap();
    let halves = write_tars(&halves, [layer_of(&mut names(0, 2)), layer_of(&mut names(1, 2))]);
    assert!(list(&Mount::of_tars(&halves)) == expected);
}

#[test]
fn a_path_of_a_thousand_levels_and_a_name_of_255_bytes() {
    need!(has_fuse(), "needs FUSE");
    let deep = "d/".repeat(1000);
    let name = "n".repeat(255);
    let file = format!("{deep}f");
    let layers = [
        Layer::new().long(EntryType::Regular, file.as_bytes(), b"bottom").long(
            EntryType::Regular,
            name.as_bytes(),
            b"1",
        ),
        Layer::new().long(EntryType::Regular, format!("{deep}g").as_bytes(), b"top"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mount = Mount::of_tars(&write_tars(dir.path(), layers));
    assert_eq!(fs::read(mount.join(&file)).unwrap(), b"bottom");
    assert_eq!(fs::read(mount.join(&format!("{deep}g"))).unwrap(), b"top");
    assert_eq!(fs::read(mount.join(&name)).unwrap(), b"1");
    assert_eq!(
        fs::symlink_metadata(mount.join(&"n".repeat(256))).unwrap_err().raw_os_error(),
        Some(ENAMETOOLONG)
    );
    let mut levels = 0;
    let mut path = mount.path().to_owned();
    while let Some(next) =
        fs::read_dir(&path).unwrap().map(Result::unwrap).find(|entry| entry.file_name() == "d")
    {
        path = next.path();
        levels += 1;
    }
    assert_eq!(levels, 1000);
}
