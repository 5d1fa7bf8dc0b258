//! What is kept of layers between runs: whatever is done to it, what is shown is right.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use peelfs::cache::Cache;
use peelfs::digest::Digest;
use peelfs::entry::Kind;
use peelfs::fs::{Filesystem, InodeNo};
use peelfs::image::{Input, Opening};
use peelfs::path::TreePath;
use peelfs::stack::Stack;
use peelfs::tarball::TarReader;
use tempfile::TempDir;

use crate::support::archive::{Written, oci};
use crate::support::bytes::noise;
use crate::support::compress::gzip;
use crate::support::mount::PEELFS;
use crate::support::{Layer, layer};

mod changed;
mod damage;
mod ended;
mod mounted;
mod unusable;

type Store = fn(&[u8]) -> Vec<u8>;

/// One frame: to be read in the middle it needs chunks.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// As many members as a plain tar must have to be kept, and some bytes.
fn many(seed: u32, len: usize) -> Layer {
    let tar = layer("d/ d/link->../f0 d/.wh.gone");
    let tar = (0..250).fold(tar, |tar, i| tar.file(&format!("f{i}"), format!("{seed} {i}").as_bytes()));
    tar.pax([("SCHILY.xattr.user.seed", seed.to_string().as_bytes())]).file("noise", &noise(len, seed))
}

/// An image of one layer, stored so.
fn image(store: Store, layer: Layer) -> Vec<u8> {
    let mut image = Written::new("app:1", [layer]);
    image.store = store;
    oci(&[image])
}

/// A directory with a file to open, called `image`, and with a cache, called `cache`, once there is one.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new(file: &[u8]) -> Place {
        let place = Place { dir: TempDir::new().unwrap() };
        fs::write(place.image(), file).unwrap();
        place
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// A command on the image, with the cache.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(PEELFS);
        command.arg(name).arg("--cache-dir").arg(self.cache()).arg(self.image());
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    /// All that the image shows, by the program.
    #[track_caller]
    fn shown(&self) -> Vec<u8> {
        succeed(&self.command("ls").args(["-R", "--json"]).output().unwrap())
    }

    /// All that the image shows, and all bytes of its files, read here.
    fn read(&self) -> String {
        read(&self.image(), Some(&self.cache()))
    }

    /// The same as it is, without a cache.
    fn truth(&self) -> String {
        read(&self.image(), None)
    }

    /// All files of the cache, sorted.
    fn files(&self) -> Vec<PathBuf> {
        let rooms = ["layers", "known"].map(|room| self.cache().join("v1").join(room));
        let entries = rooms.iter().filter_map(|room| fs::read_dir(room).ok()).flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The one file of the cache whose name has a word.
    #[track_caller]
    fn file(&self, word: &str) -> PathBuf {
        let files = self.files();
        let mut with_word = files.iter().filter(|file| file.to_str().unwrap().contains(word));
        let file = with_word.next().unwrap_or_else(|| panic!("no {word} among {files:?}"));
        assert_eq!(with_word.next(), None);
        file.clone()
    }

    /// What tells that a file of the cache was written again.
    fn state(&self) -> Vec<(PathBuf, u64)> {
        self.files().into_iter().map(|file| (file.clone(), file.metadata().unwrap().ino())).collect()
    }
}

/// What a command wrote that must succeed and have nothing to complain of.
#[track_caller]
fn succeed(output: &Output) -> Vec<u8> {
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
    output.stdout.clone()
}

/// Bytes that are read at a time.
const PIECE: usize = 100_000;

/// All that an image shows, with the digests of all contents.
#[track_caller]
fn read(image: &Path, cache: Option<&Path>) -> String {
    let cache = cache.map(|dir| Cache::at(dir, 1 << 30));
    let opening = Opening { tars: TarReader { cache, ..TarReader::default() }, ..Opening::default() };
    let stack = Stack::open(&opening, &Input::Paths(vec![image.to_owned()])).unwrap();
    let fs = Filesystem::new(stack);
    let union = &fs.stack().union;
    let lines = union.walk(TreePath::root(), union.root().clone()).map(|walked| {
        let walked = walked.unwrap();
        let ino = InodeNo::of(union, &walked.node);
        let attributes = fs.attributes(ino).unwrap();
        let xattrs = fs.xattrs(ino).unwrap();
        let contents = match attributes.kind {
            Kind::Regular => {
                let mut bytes = vec![0; attributes.size as usize];
                // From the back: no decoder that went before comes to what is kept of a block.
                for (no, piece) in bytes.chunks_mut(PIECE).enumerate().rev() {
                    assert_eq!(fs.read(ino, (no * PIECE) as u64, piece).unwrap(), piece.len());
                }
                Digest::of(&bytes).to_string()
            }
            Kind::Symlink => fs.readlink(ino).unwrap().escape_ascii().to_string(),
            _ => String::new(),
        };
        format!("{} {attributes:?} {xattrs:?} {contents}", walked.path)
    });
    lines.collect::<Vec<_>>().join("\n")
}
