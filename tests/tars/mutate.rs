//! Bytes flipped, cut out and put in: errors are fine, panics, hangs and bytes of something else are not.

use std::sync::Arc;

use peelfs::blob::Blob;
use peelfs::fs::{Filesystem, InodeNo};
use peelfs::image::{Image as ImageInfo, IndexedLayer};
use peelfs::index::{Content, LayerIndex, check};
use peelfs::path::TreePath;
use peelfs::stack::Stack;
use proptest::prelude::*;

use crate::support::layer;

/// A tar with something of everything in it.
fn seed() -> Vec<u8> {
    let map =
        b"2\n100\n5\n500\n5\n".iter().copied().chain([0; 498]).chain(*b"helloworld").collect::<Vec<u8>>();
    layer(
        "./ d/ d/a=1!4755 d/e/ d/e/f=2 l->d h=>d/a g=>later later=3 cnull@1:3 p| .wh.x d/.wh..wh..opq l/in=4",
    )
    .pax([("path", "long/".repeat(40).as_bytes()), ("SCHILY.xattr.user.x", b"a\nb"), ("mtime", b"-1.5")])
    .file("x", b"contents")
    .pax([
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.realsize", b"600"),
    ])
    .file("GNUSparseFile.0/sparse", &map)
    .pax_global([("uid", &b"7"[..])])
    .file("z", &[9; 1500])
    .finish()
}

/// Indexes a tar, and if that works, reads everything that it says is there.
fn use_all(tar: Vec<u8>) {
    let Ok(index) = LayerIndex::of_tar(&tar) else { return };
    assert_eq!(check(&index, Some(tar.len() as u64)), Vec::<String>::new());
    let blob: Blob = Arc::new(tar);
    let layer = IndexedLayer::new(index, Content::Tar(blob));
    let fs = Filesystem::new(Stack::new(ImageInfo::of_layers(Vec::new()), vec![layer]).unwrap());
    let union = &fs.stack().union;
    for walked in union.walk(TreePath::root(), union.root().clone()) {
        let ino = InodeNo::of(union, &walked.unwrap().node);
        let size = fs.attributes(ino).unwrap().size;
        let mut bytes = [0; 4096];
        for offset in [0, size / 2, size.saturating_sub(1), size, u64::MAX] {
            let _ = fs.read(ino, offset, &mut bytes);
        }
        fs.xattrs(ino).unwrap();
        let _ = fs.readlink(ino);
    }
}

/// Makes the checksum of the header at an offset right again, so that what was changed is looked at.
fn fix_checksum(tar: &mut [u8], at: usize) {
    let at = at / 512 * 512;
    let Some(block) = tar.get_mut(at..at + 512) else { return };
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn every_byte_flipped_and_every_length() {
    let seed = seed();
    use_all(seed.clone());
    for len in 0..seed.len() {
        use_all(seed[..len].to_vec());
    }
    for (at, flip) in (0..seed.len()).zip([1, 0x80, 0xff].into_iter().cycle()) {
        let mut tar = seed.clone();
        tar[at] ^= flip;
        use_all(tar.clone());
        fix_checksum(&mut tar, at);
        use_all(tar);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_moved_about_and_bytes_written_over(
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..12)), 1..6),
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4),
    ) {
        let mut tar = seed();
        for (from, to) in moves {
            let (from, to) = (from.index(tar.len() / 512) * 512, to.index(tar.len() / 512) * 512);
            let block = tar[from..from + 512].to_vec();
            tar.splice(to..to, block);
        }
        for (at, bytes) in edits {
            let at = at.index(tar.len());
            let end = (at + bytes.len()).min(tar.len());
            tar[at..end].copy_from_slice(&bytes[..end - at]);
            fix_checksum(&mut tar, at);
        }
        use_all(tar);
    }

    #[test]
    fn bytes_at_random(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        use_all(bytes);
    }
}

#[test]
fn the_seed_is_what_it_is_meant_to_be() {
    let image = crate::support::Image::of_tars([seed()]);
    assert_eq!(image.rejected(), Vec::<String>::new());
    assert_eq!(image.read(b"sparse").len(), 600);
}
