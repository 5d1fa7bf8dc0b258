//! Files of the cache that are damaged while a mount uses them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Place, gzip, image, zstd};
use crate::support::bytes::noise;
use crate::support::need::{has_fuse, need};
use crate::support::proc::daemon_of;
use crate::support::{Layer, Mount, Tree};

/// A layer whose index has many pages.
fn large() -> Layer {
    let names = (0..6000).map(|i| format!("a-rather-long-name-of-a-file-{:08}", i * 7919 % 1_000_000));
    let tar = names.fold(Layer::new(), |tar, name| tar.file(&name, name.as_bytes()));
    (0..6).fold(tar, |tar, i| tar.file(&format!("large{i}"), &noise(1_000_000, i)))
}

fn mount(place: &Place, options: &[&str]) -> Mount {
    let (cache, image, log) = (place.cache(), place.image(), place.dir.path().join("log"));
    let fixed = ["--cache-dir".as_ref(), cache.as_os_str(), "--log-file".as_ref(), log.as_os_str()];
    Mount::new(options.iter().map(|option| option.as_ref()).chain(fixed).chain([image.as_os_str()]))
}

fn flip(file: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x20], at).unwrap();
}

/// Damages a part of the cache under a mount that has come from it; gives the log.
#[track_caller]
fn log_of_damage(place: &Place, part: &str, damage: impl FnOnce(&Path)) -> String {
    let truth = Tree::read(mount(place, &[]).path());
    let mount = mount(place, &[]);
    damage(&place.file(part));
    let differences = Tree::read(mount.path()).differences(&truth, 5);
    assert!(differences.is_empty(), "{differences}");
    daemon_of(mount.path());
    fs::read_to_string(place.dir.path().join("log")).unwrap()
}

#[test]
fn an_index_that_is_damaged_is_made_again() {
    need!(has_fuse(), "needs FUSE");
    let place = Place::new(&image(gzip, large()));
    let log = log_of_damage(&place, ".index", |index| {
        let len = index.metadata().unwrap().len();
        assert!(len > 4 * 65_536, "{len}");
        for page in 1..len / 65_536 {
            flip(index, page * 65_536 + 1000);
        }
    });
    let lines: Vec<_> =
        log.lines().filter(|line| line.contains("its index in the cache is damaged")).collect();
    assert!(matches!(&*lines, [line] if line.contains("WARN") && line.contains("blobs/sha256/")), "{log}");
}

/// A layer with so many seek points, each with so much in its window, that they take several pages.
fn wide() -> Layer {
    let words: Vec<String> =
        (0..20_000u32).map(|i| format!("{:x} ", i.wrapping_mul(2_654_435_761) >> 9)).collect();
    let text = |seed: u32| -> Vec<u8> {
        let picks = (0..1_200_000u32).map(|i| (i ^ seed).wrapping_mul(2_246_822_519) >> 17);
        picks.flat_map(|pick| words[pick as usize % words.len()].bytes()).collect()
    };
    (0..5).fold(Layer::new(), |tar, i| tar.file(&format!("text{i}"), &text(i)))
}

#[test]
fn seek_points_that_are_damaged_are_made_again() {
    need!(has_fuse(), "needs FUSE");
    let place = Place::new(&image(gzip, wide()));
    let log = log_of_damage(&place, ".seek", |seek| {
        let len = seek.metadata().unwrap().len();
        assert!(len > 2 * 65_536, "{len}");
        for page in 1..len / 65_536 {
            flip(seek, page * 65_536 + 1000);
        }
    });
    let lines: Vec<_> =
        log.lines().filter(|line| line.contains("its seek points in the cache are damaged")).collect();
    assert!(matches!(&*lines, [line] if line.contains("WARN") && line.contains("blobs/sha256/")), "{log}");
}

#[test]
fn chunks_that_are_damaged_are_passed_over() {
    need!(has_fuse(), "needs FUSE");
    let place = Place::new(&image(zstd, large()));
    let log = log_of_damage(&place, ".chunks", |chunks| {
        let len = chunks.metadata().unwrap().len();
        (1..10).for_each(|i| flip(chunks, i * len / 10));
    });
    assert!(log.contains("recovered"), "{log}");
}

#[test]
fn files_that_are_removed_are_still_there_for_who_has_them_open() {
    need!(has_fuse(), "needs FUSE");
    for store in [gzip, zstd] {
        let place = Place::new(&image(store, large()));
        let log = log_of_damage(&place, ".seek", |_| fs::remove_dir_all(place.cache()).unwrap());
        assert_eq!(log, "");
    }
}
