//! A layer that has some of everything, for others to lie above.

use tar::{EntryType, Header};

use crate::support::{By, Layer};

/// Files of several pages, with holes, with several names (but for who parts them, W6), a deep directory, owners,
/// attributes and set-user-ID bits.
pub fn layer(by: By) -> Layer {
    let large: Vec<u8> = (0..70_000u32).map(|at| (at ^ (at >> 8)) as u8).collect();
    let names = match by {
        By::Peelfs => "one=shared d/ d/two=>one d/three=>one",
        By::Kernel => "one=shared d/ d/two=shared d/three=shared",
    };
    let layer = names.split_whitespace().fold(crate::support::layer("./"), Layer::entry);
    let layer = with_attributes(layer).add(EntryType::Regular, b"large", &large, others(0o4755));
    let layer = with_attributes(holes(layer)).add(EntryType::Directory, b"tree/", b"", others(0o2750));
    let deep =
        "tree/below/ tree/below/deep/ tree/below/deep/leaf=leaf tree/below/a=deep link->tree/below null|";
    deep.split_whitespace().fold(layer, Layer::entry)
}

fn with_attributes(layer: Layer) -> Layer {
    layer.pax([("SCHILY.xattr.user.one", &b"1"[..]), ("SCHILY.xattr.trusted.one", b"2")])
}

fn others(mode: u32) -> impl FnOnce(&mut Header) {
    move |header| {
        header.set_mode(mode);
        header.set_uid(1000);
        header.set_gid(100);
    }
}

/// 200,000 bytes of which two pages are data.
fn holes(layer: Layer) -> Layer {
    let mut stored = b"3\n0\n4096\n131072\n4096\n200000\n0\n".to_vec();
    stored.resize(512, 0);
    stored.extend([b'h'; 8192]);
    let records = [
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"holes"),
        ("GNU.sparse.realsize", b"200000"),
    ];
    layer.pax(records).add(EntryType::Regular, b"GNUSparseFile.0/holes", &stored, |_| {})
}
