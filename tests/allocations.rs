//! What the metadata path takes from the allocator: nothing, once a directory has been named.

use allocation_counter::measure;
use peelfs::fs::InodeNo;

use crate::support::{Image, layer};

/// Allocations of a question that has been asked before: at first the directory is found, and then the
/// thread's count of those that were there begins.
fn allocations<T>(ask: impl Fn() -> T) -> u64 {
    for _ in 0..2 {
        ask();
    }
    measure(|| drop(ask())).count_total
}

#[test]
fn lookup_getattr_and_readdir_of_an_unchanging_tree_take_no_memory() {
    let many: String = (0..500).map(|no| format!("d/f{no:03} e/f{no:03} ")).collect();
    let image =
        Image::of([layer(&many), layer("d/f001 d/.wh.f002 d/s/a"), layer("d/s/b d/t/u"), layer("d/s/c x=d")]);
    let (fs, dir) = (&image.fs, image.ino("d"));
    let lookup = |name: &[u8]| allocations(|| fs.lookup(dir, name).unwrap());
    assert_eq!(lookup(b"f001"), 0, "a file");
    assert_eq!(lookup(b"f002"), 0, "a name that is hidden");
    assert_eq!(lookup(b"nowhere"), 0, "a name that is not there");
    assert_eq!(lookup(b"s"), 0, "a directory of three layers");
    for path in ["d", "d/s", "d/f001", "x"] {
        let ino = image.ino(path);
        assert_eq!(allocations(|| fs.attributes(ino).unwrap()), 0, "getattr {path}");
    }
    let readdir = |dir: InodeNo, from: u64| allocations(|| fs.readdir(dir, from, |_| false).unwrap());
    for (path, what) in
        [("", "the root"), ("d", "a directory of four layers"), ("e", "a directory of one layer")]
    {
        let dir = if path.is_empty() { InodeNo::ROOT } else { image.ino(path) };
        assert_eq!(readdir(dir, 0), 0, "{what}");
        assert_eq!(readdir(dir, 100), 0, "{what}, from the middle on");
    }
}
