//! Images that change: what was found out about the old one is not taken for the new one.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use peelfs::blob::{Blob, HostFile};
use peelfs::cache::Cache;
use peelfs::digest::{Algorithm, Digest};
use peelfs::tarball::{Claims, InCache, Known, TarReader};

use super::{Place, Store, gzip, image, zstd};
use crate::support::archive::{Written, docker};
use crate::support::bytes::noise;
use crate::support::{Layer, layer};

/// What can be kept: in each, both versions are equally long.
fn versions(version: u8) -> [(&'static str, Vec<u8>); 6] {
    let tar = || {
        let tar = (0..300).fold(Layer::new(), |tar, i| tar.file(&format!("{i}-{version}"), &[version; 10]));
        tar.file("noise", &noise(200_000, 7))
    };
    let archive = |store: Store| {
        let mut image = Written::new("app:1", [tar()]);
        image.store = store;
        docker(&[image])
    };
    [
        ("plain layer", tar().finish()),
        ("stored as it is in gzip", stored_gzip(&tar().finish())),
        ("zstd layer", zstd(&tar().finish())),
        ("plain layer in an archive", archive(<[u8]>::to_vec)),
        ("gzip layer in an archive", archive(stored_gzip)),
        ("archive in gzip", stored_gzip(&archive(<[u8]>::to_vec))),
    ]
}

/// Gzip without compression: of the same length for anything of the same length.
fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes to a file in its place and sets back the time at which it was written to.
fn write_in_place(file: &Path, bytes: &[u8]) {
    let modified = file.metadata().unwrap().modified().unwrap();
    let file = File::options().write(true).open(file).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.set_times(FileTimes::new().set_modified(modified)).unwrap();
}

#[test]
fn an_image_written_to_in_its_place_is_another() {
    for ((name, one), (_, two)) in versions(b'1').into_iter().zip(versions(b'2')) {
        let place = Place::new(&one);
        let truth = place.read();
        assert_eq!(place.read(), truth, "{name}");
        let modified = place.image().metadata().unwrap().modified().unwrap();
        write_in_place(&place.image(), &two);
        assert_eq!(place.image().metadata().unwrap().modified().unwrap(), modified);
        let found = place.read();
        assert_eq!(found, place.truth(), "{name}");
        assert_ne!(found, truth, "{name}");
        write_in_place(&place.image(), &one);
        assert_eq!(place.read(), truth, "{name}, as it was");
    }
}

#[test]
fn an_image_written_to_at_once_after_it_was_read_is_another() {
    // Nothing is won by being faster than the clock by which files are told apart.
    for ((name, one), (_, two)) in versions(b'1').into_iter().zip(versions(b'2')) {
        let place = Place::new(&one);
        for _ in 0..5 {
            for bytes in [&one, &two] {
                write_in_place(&place.image(), bytes);
                let found = place.read();
                assert_eq!(found, place.truth(), "{name}");
            }
        }
    }
}

#[test]
fn an_image_in_whose_place_another_one_is_put_is_another() {
    for ((name, one), (_, two)) in versions(b'1').into_iter().zip(versions(b'2')) {
        let place = Place::new(&one);
        let truth = place.read();
        let new = place.dir.path().join("new");
        fs::write(&new, &two).unwrap();
        let modified = place.image().metadata().unwrap().modified().unwrap();
        File::options().write(true).open(&new).unwrap().set_modified(modified).unwrap();
        fs::rename(&new, place.image()).unwrap();
        let found = place.read();
        assert_eq!(found, place.truth(), "{name}");
        assert_ne!(found, truth, "{name}");
    }
}

#[test]
fn a_copy_and_a_renamed_image_are_the_same() {
    let place = Place::new(&image(gzip, layer("a=1 b=2")));
    let truth = place.read();
    fs::copy(place.image(), place.dir.path().join("copy")).unwrap();
    fs::rename(place.dir.path().join("copy"), place.image()).unwrap();
    assert_eq!(place.read(), truth);
}

#[test]
fn what_is_remembered_stands_for_no_digest_that_was_not_computed() {
    let place = Place::new(&gzip(&layer("a=1").finish()));
    let tars = TarReader { cache: Some(Cache::at(place.cache(), 1 << 30)), ..TarReader::default() };
    let blob: Blob = Arc::new(HostFile::new(File::open(place.image()).unwrap()).unwrap());
    let read = |claims: &Claims| tars.read("layer", blob.clone(), claims).map(|_| ());
    // It is known by its SHA-256 now.
    read(&Claims::default()).unwrap();
    let sha512 = |bytes: &[u8]| Digest::of_reader(Algorithm::Sha512, bytes).unwrap().0;
    for (digest, is_right) in [(sha512(&fs::read(place.image()).unwrap()), true), (sha512(b"other"), false)] {
        let claims = Claims { stored: Some(digest), ..Claims::default() };
        assert_eq!(read(&claims).is_ok(), is_right);
    }
}

#[test]
fn a_digest_that_the_cache_knows_is_not_believed_of_other_bytes() {
    let (ours, theirs) = (stored_gzip(&layer("a=1").finish()), stored_gzip(&layer("b=1").finish()));
    assert_eq!(ours.len(), theirs.len());
    let place = Place::new(&ours);
    let tars = TarReader { cache: Some(Cache::at(place.cache(), 1 << 30)), ..TarReader::default() };
    let claims = Claims { stored: Some(Digest::of(&ours)), ..Claims::default() };
    let read = |bytes: &[u8], name: &str| {
        let file = place.dir.path().join(name);
        fs::write(&file, bytes).unwrap();
        let blob: Blob = Arc::new(HostFile::new(File::open(file).unwrap()).unwrap());
        tars.read("layer", blob, &claims).map(|tarball| tarball.known).map_err(|error| error.to_string())
    };
    let is_cached = |known| matches!(known, Ok(Known::Compressed { in_cache: InCache::Already, .. }));
    assert!(!is_cached(read(&ours, "first")));
    // The same bytes elsewhere are hashed, and known then; others of the same length are not.
    assert!(is_cached(read(&ours, "second")));
    assert!(read(&theirs, "third").unwrap_err().starts_with("digest: found"));
}
