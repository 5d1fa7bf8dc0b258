//! Images and tars that other projects made and somebody collected, where the folder of them stands: each
//! shows what overlayfs shows over its layers as GNU tar unpacks them, or is refused for the right reason.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::listed;
use super::{NEEDS, assert_same, can_compare, compare};
use crate::support::need::{need, note};
use crate::support::{Mount, Overlay, Tree, peelfs};

/// What is refused, by the name in the folder, each with words of the error.
const REFUSED: [(&str, &str); 13] = [
    (
        "go-containerregistry__sparse_foreign.tar",
        "layer 1 of 2 (015b6ec6d1bc15e26c868d36ef75577c7a0405609ea9abc028b69204b56e7325.tar.gz) is not in \
         the archive; it is non-distributable and has to be fetched from",
    ),
    // Its layers are texts.
    ("image__oci_layout_fixtures_delete_image_multiple_images", ": text; expected a layer tar"),
    (
        "imgutil__layout_testdata_layout_busybox-sparse",
        "layer 0 of 1 (sha256:405fecb6a2fa4f29683f977e7e3b852bf6f8975a2aba647d234d2371894943da) is not in",
    ),
    (
        "trivy__pkg_fanal_test_testdata_test_invalid_oci_image.oci",
        "index.json: the image (sha256:bad744871f99e0ff8e6f253244836ed34c5d805fdb096d3a205ffaf",
    ),
    // libarchive reads comments in a map; GNU tar, whose format it is, does not either.
    (
        "libarchive_libarchive__test_read_format_gtar_sparse_1_17_posix10_modified.a9120a2.tar",
        "member sparse, offset 1024: bad sparse map",
    ),
    ("mxmlnkn_ratarmount__truncated.tar", "member /foo/foo, offset 1024: the archive is cut: 3 bytes"),
    ("oras-go__nontar.tar", ": text; expected an image archive"),
    ("vbatts_tar-split__issue11169.tar", "offset 0: the archive is cut: 422 bytes"),
    ("vbatts_tar-split__issue12435.tar", "offset 0: bad size in header"),
    ("vbatts_tar-split__neg-size.5deea3d.tar", "offset 0: bad size in header"),
    (
        "vbatts_tar-split__writer-big-long.tar",
        "16gig.txt, offset 1024: the archive is cut: 17179869184 bytes",
    ),
    ("vbatts_tar-split__writer-big.753e883.tar", "offset 0: the archive is cut: 17179865600 bytes"),
    ("vbatts_tar-split__writer-big.tar", "offset 0: the archive is cut: 17179869184 bytes"),
];

/// What GNU tar unpacks with a complaint.
const COMPLAINTS: [(&str, &str); 2] = [
    // Its base layers are not in it, so links lead nowhere (S5).
    ("container-inspector__windows-mini-image.tar.gz", "Cannot hard link to"),
    ("fanal__testdir.tar.zstd", "Unexpected EOF in archive"),
];

/// What peelfs shows and GNU tar unpacks empty: all of its bytes are there, but not all of its last block.
const MORE: [(&str, &str); 1] = [("fanal__testdir.tar.zstd", "testdir/badworld.txt")];

/// Layers that are not what their digests say, with words of the error: refused, and shown to who looks anyway.
const NOT_AS_CLAIMED: [(&str, &str); 1] =
    [("snyk-docker-plugin__nginx.e606bef.tar", ": digest: found sha256:")];

/// Images that the folder's archives and layouts hold at the least: a reader that finds none proves nothing.
const IMAGES: usize = 60;

fn of<'a>(table: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, words)| *words)
}

/// The folder, if it is there; no machine need have it.
pub fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/images");
    if !folder.is_dir() {
        note("there are no collected images in ../shared/images");
        return None;
    }
    Some(folder)
}

/// All of a kind in it, with their names there.
fn collected(folder: &Path, kind: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder.join(kind)).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect()
}

/// Compares one image, or one tar, with its layers, base first; or finds it refused.
fn check(name: &str, args: &[&OsStr], layers: &[PathBuf]) {
    if let Some(words) = of(&REFUSED, name) {
        return assert_refused(name, args, words);
    }
    let mut args = args.to_vec();
    if let Some(words) = of(&NOT_AS_CLAIMED, name) {
        assert_refused(name, &args, words);
        args.insert(0, "--no-verify".as_ref());
    }
    let overlay = Overlay::of_tars_despite(layers, of(&COMPLAINTS, name));
    let (mut tree, mut truth) = (Tree::read(Mount::new(args).path()), Tree::read_overlay(&overlay.path()));
    if let Some(more) = of(&MORE, name).map(str::as_bytes) {
        let size = |tree: &mut Tree| tree.0.remove(more).map(|entry| entry.size);
        assert!(size(&mut tree) > Some(0) && size(&mut truth) == Some(0), "{name}: {more:?}");
    }
    assert_same(name, &compare(&tree, truth));
}

fn assert_refused(name: &str, args: &[&OsStr], words: &str) {
    let dir = TempDir::new().unwrap();
    let output = peelfs([&["mount".as_ref()], args, &[dir.path().as_os_str()]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains(words), "{name}: {said}");
}

/// Compares all images of an archive or layout, which stands unpacked in `dir`; gives how many.
fn check_images(name: &str, path: &Path, dir: &Path) -> usize {
    let images = listed::images(dir);
    if images.is_empty() {
        assert_refused(name, &[path.as_os_str()], of(&REFUSED, name).expect(name));
    }
    for image in &images {
        check(name, &["--image".as_ref(), image.choice.as_ref(), path.as_os_str()], &image.layers);
    }
    images.len()
}

#[test]
fn collected_archives_and_layouts() {
    need!(can_compare(), NEEDS);
    let Some(folder) = folder() else { return };
    let mut images = 0;
    for (name, path) in collected(&folder, "archives") {
        let dir = TempDir::new().unwrap();
        let tar = Command::new("tar").arg("-xf").arg(&path).arg("-C").arg(dir.path()).status().unwrap();
        assert!(tar.success(), "{name}");
        images += check_images(&name, &path, dir.path());
    }
    for (name, path) in collected(&folder, "ocidirs") {
        images += check_images(&name, &path, &path);
    }
    assert!(images >= IMAGES, "only {images} images found");
}

#[test]
fn collected_tars() {
    need!(can_compare(), NEEDS);
    let Some(folder) = folder() else { return };
    for (name, path) in collected(&folder, "tars") {
        check(&name, &[path.as_os_str()], std::slice::from_ref(&path));
    }
}

#[test]
fn all_that_the_tables_name_is_there() {
    let Some(folder) = folder() else { return };
    let found = ["archives", "ocidirs", "tars"].iter().flat_map(|kind| collected(&folder, kind));
    let names: BTreeSet<String> = found.map(|(name, _)| name).collect();
    for (name, _) in REFUSED.iter().chain(&COMPLAINTS).chain(&MORE).chain(&NOT_AS_CLAIMED) {
        assert!(names.contains(*name), "{name}");
    }
}
