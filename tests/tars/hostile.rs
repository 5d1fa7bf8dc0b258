//! Tars that were made to hurt: errors that say where, and nothing that grows with a claim.

use peelfs::fs::Seek;
use peelfs::index::{Extents, LayerIndex};
use peelfs::union::Node;
use tar::EntryType;

use crate::support::layer::{Layer, header, pax_record};
use crate::support::{Image, layer};

fn error(tar: &[u8]) -> String {
    match LayerIndex::of_tar(&tar.to_vec()) {
        Ok(_) => panic!("no error"),
        Err(error) => error.to_string(),
    }
}

/// An extension header that claims a size and has no data.
fn claim(kind: u8, size: u64) -> Vec<u8> {
    let mut header = header(EntryType::new(kind), size);
    header.as_old_mut().name[..1].copy_from_slice(b"x");
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn a_claim_of_terabytes_costs_nothing() {
    let missing = "offset 0: the archive is cut: 17592186044416 bytes are missing";
    assert_eq!(error(&claim(b'0', 16 << 40)), format!("member x, {missing}"));
    assert_eq!(error(&claim(b'Z', 16 << 40)), format!("member x, {missing}"));
    for kind in [b'x', b'g', b'L', b'K'] {
        let limit = "offset 0: extension header of 4294967296 bytes; the limit is 1048576";
        assert_eq!(error(&claim(kind, 4 << 30)), limit);
        assert!(error(&claim(kind, 1 << 20)).contains("is cut"));
    }
    let pax = Layer::new().pax([("size", &b"18446744073709551615"[..])]).file("f", b"");
    assert!(error(&pax.finish()).contains("is cut"));
}

#[test]
fn a_link_or_directory_that_claims_data_has_none() {
    for kind in [EntryType::Link, EntryType::Symlink, EntryType::Directory, EntryType::Fifo, EntryType::Block]
    {
        let mut header = header(kind, 1 << 30);
        header.as_old_mut().name[..1].copy_from_slice(b"x");
        header.as_old_mut().linkname[..2].copy_from_slice(b"ok");
        header.set_cksum();
        let tar = layer("ok=1").raw(header.as_bytes()).raw(&layer("last=2").finish_open());
        let image = Image::one(tar);
        assert!(image.node(b"x").is_some() && image.node(b"last").is_some(), "{}", image.tree());
    }
}

#[test]
fn a_header_that_is_wrong_is_named_by_its_offset() {
    let mut tar = layer("a=1 b=2 c=3").finish();
    tar[1024 + 3] ^= 1;
    assert_eq!(error(&tar), "offset 1024: bad header checksum");
    // Without a size, what follows cannot be found.
    let mut header = header(EntryType::Regular, 0);
    header.as_old_mut().size[0] = b'x';
    header.set_cksum();
    assert_eq!(error(header.as_bytes()), "offset 0: bad size in header");
}

#[test]
fn global_headers_cannot_make_each_member_dear() {
    let value = vec![b'v'; 300];
    let said = |names: usize| {
        (0..names).fold(Layer::new(), |layer, i| {
            layer.pax_global([(format!("SCHILY.xattr.user.{i:04}").as_str(), &*value)])
        })
    };
    assert_eq!(Image::one(said(13).file("f", b"")).xattrs("f").len(), 13);
    let limit = "4326 bytes in global headers; the limit is 4096";
    assert!(error(&said(14).finish()).ends_with(limit), "{}", error(&said(14).finish()));
    // What is said again is kept once.
    let again = (0..100).fold(Layer::new(), |layer, _| layer.pax_global([("SCHILY.xattr.user.a", &*value)]));
    assert_eq!(Image::one(again.file("f", b"")).xattrs("f").len(), 1);
}

#[test]
fn a_lone_block_of_zeros_is_no_end() {
    let tar = [layer("a=1").finish_open(), vec![0; 512], layer("b=2").finish()].concat();
    assert_eq!(error(&tar), "offset 1024: a lone block of zeros");
    // At the very end of the file it is one, for lack of a second.
    let tar = [layer("a=1").finish_open(), vec![0; 512]].concat();
    assert_eq!(Image::of_tars([tar]).tree(), "a=1");
}

#[test]
fn zeros_with_something_behind_them_are_no_empty_layer() {
    for len in [1024, 4096, 200_000] {
        assert_eq!(Image::of_tars([vec![0; len]]).tree(), "");
    }
    for zeros in [1024, 1536, 200_000] {
        let no_tar = [vec![0; zeros], b"data".to_vec()].concat();
        assert_eq!(error(&no_tar), "offset 0: zeros instead of a first header");
    }
    assert_eq!(error(&[vec![0; 512], vec![1; 512]].concat()), "offset 0: a lone block of zeros");
}

#[test]
fn a_cut_between_a_member_and_what_is_said_of_it_is_noticed() {
    let said = |kind: u8| layer("a=1").add(EntryType::new(kind), b"said", b"10 uid=12\n", |_| {});
    for kind in [b'x', b'L', b'K'] {
        let missing = "offset 2048: the archive is cut: 512 bytes are missing";
        assert_eq!(error(&said(kind).finish_open()), missing);
        assert_eq!(error(&said(kind).finish()), missing);
    }
    // What is said of all members needs none.
    assert_eq!(Image::one(said(b'g')).tree(), "a=1");
}

#[test]
fn malformed_extensions_are_errors_and_smuggle_nothing() {
    for body in ["x", "5 a=b\n\n", "99999999999999999999 a=b\n", "7 path\n"] {
        let tar = Layer::new().add(EntryType::XHeader, b"pax", body.as_bytes(), |_| {}).file("f", b"");
        assert_eq!(error(&tar.finish()), "offset 0: bad PAX record", "{body:?}");
    }
    // The value ends where its length says, whatever it looks like.
    let smuggled = pax_record("path", b"../../etc/shadow");
    let value = [b"x\n".as_slice(), &smuggled].concat();
    let image = Image::one(Layer::new().pax([("SCHILY.xattr.user.x", &*value)]).file("f", b"1"));
    assert_eq!(image.tree(), "f=1");
}

#[test]
fn sparse_maps_that_lie_are_errors() {
    let sparse = |map: &str, size: &str| {
        let records = [
            ("GNU.sparse.size", size.as_bytes()),
            ("GNU.sparse.name", b"f".as_slice()),
            ("GNU.sparse.map", map.as_bytes()),
        ];
        error(&Layer::new().pax(records).file("made/up", b"12345").finish())
    };
    for (map, size) in [
        ("0,5,3,2", "10"),
        ("8,5", "10"),
        ("0,6", "10"),
        ("0", "10"),
        ("5,2,0,2", "10"),
        ("18446744073709551615,5", "18446744073709551615"),
    ] {
        assert!(sparse(map, size).ends_with("bad sparse map"), "{map}");
    }
    assert!(sparse("0,x", "10").ends_with("bad PAX record `GNU.sparse.map`"));
    // Format 1.0 counts its own entries, and cannot count more than are there.
    let records = [
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"f"),
        ("GNU.sparse.realsize", b"99999999"),
    ];
    let mut map = b"18446744073709551615\n0\n1\n".to_vec();
    map.resize(512, b'\n');
    assert!(error(&Layer::new().pax(records).file("x", &map).finish()).ends_with("bad sparse map"));
}

#[test]
fn a_file_of_many_extents_is_looked_at_where_they_are() {
    let map: Vec<String> = (0..50_000).map(|i| format!("{},1", i * 16)).collect();
    let map = map.join(",");
    let records = [
        ("GNU.sparse.size", b"800000".as_slice()),
        ("GNU.sparse.name", b"s"),
        ("GNU.sparse.map", map.as_bytes()),
    ];
    let image = Image::one(Layer::new().pax(records).file("s", &[b'x'; 50_000]));
    assert_eq!(image.stat("s").blocks, 50_000u64.div_ceil(512));
    let Some(Node::Leaf { layer, leaf }) = image.node(b"s") else { panic!("no file") };
    let extents = image.fs.stack().layer(layer).unwrap().index.extents(leaf).unwrap();
    assert!(matches!(extents, Extents::Listed(listed) if listed.len() == 50_000));
    assert_eq!(image.fs.seek(image.ino("s"), 799_985, Seek::Hole).unwrap(), 799_985);
    assert_eq!(image.fs.seek(image.ino("s"), 799_900, Seek::Data).unwrap(), 799_904);
}

#[test]
fn a_path_can_be_no_deeper_than_a_path_can_be_long() {
    let deep = b"d/".repeat(2047);
    let image = Image::one(Layer::new().long(EntryType::Directory, &deep, b""));
    assert_eq!(image.tree().split(' ').count(), 2047);
    let deeper = b"d/".repeat(500_000);
    let image = Image::one(Layer::new().pax([("path", &*deeper)]).file("x", b""));
    assert_eq!((image.tree().as_str(), image.rejected().len()), ("", 1));
}

#[test]
fn a_chain_of_a_hundred_thousand_links_is_followed() {
    let mut tar = Layer::new();
    for i in 0..100_000 {
        tar = tar.raw(&layer(&format!("l{i}=>l{}", i + 1)).finish_open());
    }
    let image = Image::one(tar.file("l100000", b"end"));
    assert_eq!(image.read(b"l0"), b"end");
    assert_eq!(image.stat("l0").nlink, 100_001);
}

#[test]
fn a_circle_of_links_ends() {
    let line: String = (0..1000).map(|i| format!("l{i}=>l{} ", (i + 1) % 1000)).collect();
    let image = Image::one(layer(&line));
    assert_eq!((image.tree().as_str(), image.rejected().len()), ("", 1000));
}

#[test]
fn a_directory_that_is_replaced_again_and_again_leaves_no_trace() {
    let line = "d/a=1 d=x d/ ".repeat(5000) + "d/b=2";
    assert_eq!(Image::one(layer(&line)).tree(), "d/ d/b=2");
    let line = "d/a=1 d->x d/ ".repeat(5000) + "d/b=2";
    assert_eq!(Image::one(layer(&line)).tree(), "d/ d/b=2");
}

#[test]
fn a_slash_at_the_end_makes_a_directory_only_before_ustar() {
    let tree = |flag: u8| {
        let set = |header: &mut tar::Header| header.as_old_mut().linkflag = [flag];
        let slash = Layer::new().add(EntryType::Regular, b"x/", b"data", set);
        Image::one(slash.file("y", b"1")).tree()
    };
    assert_eq!(tree(0), "x/ y=1");
    assert_eq!(tree(b'0'), "x=data y=1");
}
