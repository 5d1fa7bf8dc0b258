//! Compressed images: the same tree and the same bytes as the plain image, whatever is compressed in what, however
//! it is read, and however little memory there is for it.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::text;
use crate::support::archive::{Written, docker, oci};
use crate::support::bytes::{Random, mixed};
use crate::support::compress::{bzip2, xz};
use crate::support::need::{has_fuse, need};
use crate::support::{Layer, Mount, Tree, layer, peelfs};

type Store = fn(&[u8]) -> Vec<u8>;

/// The length of the largest files: several blocks of any compression.
const LARGE: usize = 1_700_000;

fn layers() -> [Layer; 3] {
    let small = (0..150)
        .fold(layer("small/"), |tar, i| tar.file(&format!("small/{i}"), &mixed(i * 37 % 5000, i as u32)));
    [
        small.file("large", &mixed(LARGE, 1)).file("hidden", &mixed(100_000, 2)),
        layer("d/ d/e=1 .wh.hidden").file("d/large", &mixed(LARGE, 3)),
        layer("small/ small/.wh.7").file("middle", &mixed(600_000, 4)),
    ]
}

fn image(store: Store) -> Written {
    let mut image = Written::new("app:1", layers());
    image.store = store;
    image
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn zstd_frames(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(100_000).flat_map(zstd).collect()
}

/// What is compared with: the layers as plain tars.
struct Plain {
    mount: Mount,
    tree: Tree,
    _dir: TempDir,
}

impl Plain {
    fn new() -> Plain {
        let (mount, dir) = super::mount(layers());
        Plain { tree: Tree::read(mount.path()), mount, _dir: dir }
    }

    /// Compares every file at random offsets first, and then all there is, from front to back.
    #[track_caller]
    fn assert_same(&self, name: &str, mount: &Mount, seed: u32) {
        let files = self.tree.0.iter().filter(|(_, entry)| entry.kind == 'f');
        for (path, _) in files {
            let path = str::from_utf8(path).unwrap();
            compare_at_random(&self.mount.join(path), &mount.join(path), seed);
        }
        let differences = Tree::read(mount.path()).differences(&self.tree, 10);
        assert!(differences.is_empty(), "{name}:\n{differences}");
    }
}

/// Reads two files at the same random offsets; more often those that are large.
#[track_caller]
fn compare_at_random(expected: &Path, found: &Path, seed: u32) {
    let (expected, file) = (fs::read(expected).unwrap(), File::open(found).unwrap());
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random).unwrap();
    let mut random = Random::new(seed);
    for _ in 0..2 + expected.len() / 50_000 {
        let offset = random.below(expected.len() + 10);
        let mut buffer = vec![0; random.below(9000)];
        let n = file.read_at(&mut buffer, offset as u64).unwrap();
        let rest = expected.get(offset..).unwrap_or_default();
        let rest = &rest[..rest.len().min(buffer.len())];
        assert!(buffer[..n] == *rest, "{}: {} bytes at {offset}", found.display(), buffer.len());
    }
}

/// Compares mounts of an archive: with a cache, first and second time, and without, with more and less memory.
#[track_caller]
fn check(name: &str, archive: &[u8]) {
    need!(has_fuse(), "needs FUSE");
    let plain = Plain::new();
    let dir = TempDir::new().unwrap();
    let (path, cache) = (dir.path().join("image"), dir.path().join("cache"));
    fs::write(&path, archive).unwrap();
    let cached = format!("cache_dir={}", cache.display());
    let options = [
        cached.clone(),
        cached.clone(),
        format!("{cached},cache_mem=0"),
        format!("{cached},cache_mem=1M"),
        "no_cache".to_owned(),
        "no_cache,cache_mem=0".to_owned(),
        "no_cache,cache_mem=1M".to_owned(),
    ];
    for (seed, words) in (1..).zip(&options) {
        let mount = Mount::new(["-o".as_ref(), words.as_ref(), path.as_os_str()]);
        plain.assert_same(&format!("{name}, {words}"), &mount, seed);
    }
}

#[test]
fn gzip_layers() {
    check("gzip", &oci(&[image(gzip)]));
}

#[test]
fn zstd_layers_of_one_frame() {
    check("zstd", &oci(&[image(zstd)]));
}

#[test]
fn zstd_layers_of_many_frames() {
    check("zstd frames", &docker(&[image(zstd_frames)]));
}

#[test]
fn bzip2_layers() {
    check("bzip2", &docker(&[image(bzip2)]));
}

#[test]
fn gzip_layers_inside_gzip() {
    check("gzip inside gzip", &gzip(&docker(&[image(gzip)])));
}

#[test]
fn plain_layers_inside_gzip() {
    check("gzip outside", &gzip(&docker(&[image(<[u8]>::to_vec)])));
}

#[test]
fn zstd_layers_inside_zstd() {
    check("zstd inside zstd", &zstd(&oci(&[image(zstd)])));
}

#[test]
fn gzip_layers_inside_xz() {
    check("gzip inside xz", &xz(&oci(&[image(gzip)])));
}

#[test]
fn five_readers_at_once_read_the_same() {
    need!(has_fuse(), "needs FUSE");
    let plain = Plain::new();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("image");
    let archives = [("gzip", gzip(&oci(&[image(gzip)]))), ("zstd", oci(&[image(zstd)]))];
    for (name, archive) in archives {
        fs::write(&path, archive).unwrap();
        for memory in ["0", "1M", "64M"] {
            let words = format!("cache_dir={}/cache,cache_mem={memory}", dir.path().display());
            let mount = Mount::new(["-o".as_ref(), words.as_ref(), path.as_os_str()]);
            std::thread::scope(|scope| {
                for seed in 1..=5 {
                    let (plain, mount) = (&plain, &mount);
                    scope.spawn(move || plain.assert_same(&format!("{name}, {memory}"), mount, seed));
                }
            });
        }
    }
}

/// The files that hold what is known of layers, with what tells that one was written again.
fn kept(cache: &Path) -> Vec<(PathBuf, u64, (i64, i64))> {
    let files = fs::read_dir(cache.join("v1/layers")).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = files
        .map(|file| {
            let metadata = file.metadata().unwrap();
            (file.path(), metadata.ino(), (metadata.mtime(), metadata.mtime_nsec()))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn layers_that_images_share_are_read_once() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let cache = dir.path().join("cache");
    let open = |name: &str, archive: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, archive).unwrap();
        let mount = Mount::new(["--cache-dir".as_ref(), cache.as_os_str(), path.as_os_str()]);
        Tree::read(mount.path())
    };
    for store in [gzip as Store, zstd] {
        let first = open("first", &oci(&[image(store)]));
        let found = kept(&cache);
        assert!(found.len() >= 6, "{found:?}");
        // Another file of another image.
        let mut renamed = image(store);
        renamed.tag = "other:2";
        let second = open("second", &oci(&[renamed]));
        assert_eq!(second.differences(&first, 10), "");
        assert_eq!(kept(&cache), found);
        fs::remove_dir_all(&cache).unwrap();
    }
}

#[test]
fn an_archive_of_images_that_share_layers_reads_them_once() {
    let dir = TempDir::new().unwrap();
    let mut renamed = image(gzip);
    renamed.tag = "other:2";
    fs::write(dir.path().join("image"), oci(&[image(gzip), renamed])).unwrap();
    let ls = |tag: &str| {
        let (image, cache) = (dir.path().join("image"), dir.path().join("cache"));
        let args = ["ls", "-R", "--image", tag, "--cache-dir"].map(AsRef::as_ref);
        let output = peelfs(args.into_iter().chain([cache.as_os_str(), image.as_os_str()]));
        assert!(output.status.success(), "{}", text(&output.stderr));
        output.stdout
    };
    let first = ls("app:1");
    let found = kept(&dir.path().join("cache"));
    assert_eq!(ls("other:2"), first);
    assert_eq!(kept(&dir.path().join("cache")), found);
}
