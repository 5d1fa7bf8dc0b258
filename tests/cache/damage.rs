//! Files of the cache that are cut, changed or replaced by something else: noticed, and made again.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{Place, gzip, image, many, zstd};
use crate::support::archive::Written;
use crate::support::archive::docker;

/// Images whose caches hold all kinds of files.
fn places() -> [(&'static str, Place); 4] {
    let whole = gzip(&docker(&[Written::new("app:1", [many(4, 600_000)])]));
    [
        ("gzip", Place::new(&image(gzip, many(1, 1_200_000)))),
        ("zstd", Place::new(&image(zstd, many(2, 1_200_000)))),
        ("plain", Place::new(&image(<[u8]>::to_vec, many(3, 1000)))),
        ("gzip outside", Place::new(&whole)),
    ]
}

/// Does something to each file of the cache in turn, many times if it wants, and has the image read each time.
fn for_each_file(damage: impl Fn(&Path, &[u8], &dyn Fn(&str))) {
    for (name, place) in places() {
        let truth = place.truth();
        assert_eq!(place.read(), truth, "{name}");
        assert_eq!(place.read(), truth, "{name}, from the cache");
        let before: Vec<_> = place.files().into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect();
        assert!(before.len() >= 3 || name == "plain" && !before.is_empty(), "{before:?}");
        for (bytes, file) in &before {
            damage(file, bytes, &|what| {
                let what = format!("{name}, {}, {what}", file.display());
                assert!(place.read() == truth, "{what}");
                // Noticed then, and made again now.
                assert!(place.read() == truth, "{what}, once more");
                for (bytes, file) in &before {
                    restore(file, bytes);
                }
            });
        }
    }
}

/// Puts a file back, whatever is in its place.
fn restore(file: &Path, bytes: &[u8]) {
    match file.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(file).unwrap(),
        Ok(_) => fs::remove_file(file).unwrap(),
        Err(_) => {}
    }
    fs::write(file, bytes).unwrap();
}

#[test]
fn files_that_are_cut() {
    for_each_file(|file, bytes, read| {
        let len = bytes.len();
        for cut in [0, 1, 7, 24, 63, 64, 500, 4096, len / 3, len / 2, 65_536, len - 5, len - 4, len - 1] {
            if cut < len {
                fs::write(file, &bytes[..cut]).unwrap();
                read(&format!("cut to {cut} of {len}"));
            }
        }
        fs::write(file, [bytes, b"more"].concat()).unwrap();
        read("longer than it was");
        fs::write(file, vec![0; len]).unwrap();
        read("zeros, as after a power cut");
    });
}

#[test]
fn bits_that_are_flipped() {
    for_each_file(|file, bytes, read| {
        let len = bytes.len();
        // All of the header, then more here than there.
        let step = (len / 20).max(1) | 1;
        let positions = (0..40).chain((40..2000).step_by(131)).chain((2000..len).step_by(step));
        for at in positions.chain(len.saturating_sub(12)..len).filter(|&at| at < len) {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1 << (at % 8);
            fs::write(file, &bytes).unwrap();
            read(&format!("flipped at {at} of {len}"));
        }
    });
}

#[test]
fn files_in_whose_place_something_else_is() {
    for_each_file(|file, bytes, read| {
        fs::remove_file(file).unwrap();
        read("missing");
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
        read("a directory");
        let other = file.with_file_name("other");
        fs::write(&other, bytes).unwrap();
        fs::remove_file(file).unwrap();
        symlink(&other, file).unwrap();
        read("a symlink");
        fs::remove_file(&other).unwrap();
        fs::remove_file(file).unwrap();
        symlink("/dev/zero", file).unwrap();
        read("a symlink to a device");
        fs::remove_file(file).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, file, 0o600.into()).unwrap();
        read("a fifo");
    });
}

#[test]
fn what_was_damaged_is_kept_again() {
    for (name, place) in places() {
        let truth = place.truth();
        assert!(place.read() == truth, "{name}");
        let before: Vec<_> = place.files().into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect();
        // A line is asked for only where no other answers.
        let is_layer = |file: &Path| file.parent().unwrap().ends_with("layers");
        for (bytes, file) in before.iter().filter(|(_, file)| is_layer(file)) {
            let mut bytes = bytes.clone();
            // Behind the room for a header, of which not all is used.
            let at = bytes.len() - 40;
            bytes[at] ^= 0x10;
            fs::write(file, &bytes).unwrap();
            assert!(place.read() == truth, "{name}, {}", file.display());
            assert!(place.read() == truth, "{name}, {}", file.display());
            let after = fs::read(file).unwrap();
            assert!(after != bytes, "{name}, {}", file.display());
        }
        let state = place.state();
        place.read();
        assert_eq!(place.state(), state, "{name}");
    }
}
