//! Tables of contents by hand: what is read, and what is not believed.

use std::io::Write;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::entry::Time;
use crate::index::check as check_index;
use crate::layer::{Found, Layer, LeafId};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

/// A tar of one file.
fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut tar = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    tar.append_data(&mut header, name, bytes).unwrap();
    tar.into_inner().unwrap()
}

/// A footer as stargz-snapshotter writes it.
fn stargz_footer(offset: u64) -> Vec<u8> {
    let field = format!("{offset:016x}STARGZ");
    let extra = [&[b'S', b'G', 22, 0][..], field.as_bytes()].concat();
    footer_member(&extra)
}

/// An empty gzip member with an extra field.
fn footer_member(extra: &[u8]) -> Vec<u8> {
    let header = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, extra.len() as u8, 0];
    [&header[..], extra, &[1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]].concat()
}

fn skippable(bytes: &[u8]) -> Vec<u8> {
    let len = (bytes.len() as u32).to_le_bytes();
    [&[0x50, 0x2a, 0x4d, 0x18], &len[..], bytes].concat()
}

/// A footer as containers/storage writes it, with numbers for a second list or without.
fn chunked_footer(offset: u64, stored: u64, decoded: u64, kind: u64, is_old: bool) -> Vec<u8> {
    let mut numbers: Vec<u8> =
        [offset, stored, decoded, kind].into_iter().flat_map(u64::to_le_bytes).collect();
    numbers.extend(if is_old { vec![] } else { vec![7; 24] });
    numbers.extend(if is_old { b"GnUlInUx" } else { b"GNUlInUx" });
    skippable(&numbers)
}

fn toc_json(entries: &Value) -> Vec<u8> {
    json!({ "version": 1, "entries": entries }).to_string().into_bytes()
}

/// A layer of one file, "data" at offset 0 of the stream, with a table.
fn estargz(entries: &Value) -> Blob {
    let data = gzip(b"data");
    let toc = gzip(&tar("stargz.index.json", &toc_json(entries)));
    let footer = stargz_footer(data.len() as u64);
    Arc::new([data, toc, footer].concat())
}

fn zstd_chunked(entries: &Value, is_old: bool) -> Blob {
    let data = zstd(b"data");
    let json = toc_json(entries);
    let toc = zstd(&json);
    let footer = chunked_footer(data.len() as u64 + 8, toc.len() as u64, json.len() as u64, 1, is_old);
    Arc::new([data, skippable(&toc), footer].concat())
}

/// The entry of a file whose only chunk is "data".
fn file(name: &str) -> Value {
    json!({ "type": "reg", "name": name, "size": 4, "chunkDigest": Digest::of(b"data").to_string() })
}

fn trusting() -> TarReader {
    TarReader { trust_toc: true, ..TarReader::default() }
}

fn trust(blob: &Blob, claims: &Claims) -> Result<Option<Tarball>, Error> {
    trusting().recall("layer", blob, claims)
}

#[test]
fn a_table_is_found_behind_each_footer() {
    let entries = json!([file("a")]);
    let data = gzip(b"data");
    let old_footer = footer_member(format!("{:016x}STARGZ", data.len()).as_bytes());
    let toc = gzip(&tar("stargz.index.json", &toc_json(&entries)));
    let stargz: Blob = Arc::new([data, toc, old_footer].concat());
    for blob in [estargz(&entries), stargz, zstd_chunked(&entries, false), zstd_chunked(&entries, true)] {
        let tarball = trust(&blob, &Claims::default()).unwrap().unwrap();
        assert!(matches!(tarball.index.find(crate::layer::DirId(0), b"a").unwrap(), Found::Leaf(_)));
        assert_eq!(check_index(&tarball.index, Some(tarball.tar.len())), Vec::<String>::new());
        let mut bytes = [0; 4];
        assert_eq!(tarball.tar.read_at(0, &mut bytes).unwrap(), 4);
        assert_eq!(&bytes, b"data");
    }
}

#[test]
fn a_table_is_used_only_where_it_is_trusted() {
    let blob = estargz(&json!([file("a")]));
    assert!(TarReader::default().recall("layer", &blob, &Claims::default()).unwrap().is_none());
    let verifying = TarReader { recall: false, ..trusting() };
    assert!(verifying.recall("layer", &blob, &Claims::default()).unwrap().is_none());
    for plain in [gzip(b"data"), zstd(b"data"), b"data".to_vec(), vec![]] {
        let plain: Blob = Arc::new(plain);
        assert!(trust(&plain, &Claims::default()).unwrap().is_none());
    }
}

#[test]
fn a_table_that_is_not_what_is_claimed_is_refused() {
    let entries = json!([file("a")]);
    let json_digest = Digest::of(&toc_json(&entries));
    let stored_digest = Digest::of(&zstd(&toc_json(&entries)));
    let claim = |digest: &Digest| Claims { toc: Some(digest.clone()), ..Claims::default() };
    let (gzip, zstd) = (estargz(&entries), zstd_chunked(&entries, false));
    for (blob, digest) in [(&gzip, &json_digest), (&zstd, &json_digest), (&zstd, &stored_digest)] {
        assert!(trust(blob, &claim(digest)).unwrap().is_some());
    }
    let other = Digest::of(b"other");
    for (blob, found) in [(&gzip, &json_digest), (&zstd, &stored_digest)] {
        let Err(error) = trust(blob, &claim(&other)) else { panic!("not refused") };
        assert_eq!(error.to_string(), format!("table of contents: found {found}, expected {other}"));
        let looking = TarReader { verify: false, ..trusting() };
        assert!(looking.recall("layer", blob, &claim(&other)).unwrap().is_some());
    }
}

#[test]
fn footers_that_lie_are_errors_and_others_are_none() {
    let data = gzip(b"data");
    let toc = gzip(&tar("stargz.index.json", &toc_json(&json!([file("a")]))));
    let with = |footer: Vec<u8>| -> Blob { Arc::new([data.clone(), toc.clone(), footer].concat()) };
    let end = (data.len() + toc.len()) as u64;
    for offset in [0, 1, end - 1, end, end + 1, u64::MAX] {
        assert!(Toc::find(&with(stargz_footer(offset)), Compression::Gzip).is_err(), "{offset}");
    }
    let no_footers = [
        footer_member(b"SG\x16\x00zzzzzzzzzzzzzzzzSTARGZ"),
        footer_member(b"SG\x16\x00+000000000000000STARGZ"),
        footer_member(b"SG\x16\x000000000000000000STARGX"),
        footer_member(b"XX\x16\x000000000000000000STARGZ"),
        vec![],
    ];
    for footer in no_footers {
        assert!(Toc::find(&with(footer), Compression::Gzip).unwrap().is_none());
    }
    let other_name: Blob = Arc::new([gzip(&tar("other.json", b"{}")), stargz_footer(0)].concat());
    assert!(Toc::find(&other_name, Compression::Gzip).is_err());

    let json = toc_json(&json!([]));
    let toc = zstd(&json);
    let (stored, decoded) = (toc.len() as u64, json.len() as u64);
    for (offset, stored, decoded, kind) in [
        (9, stored, decoded, 1),
        (8, stored - 1, decoded, 1),
        (8, stored, decoded - 1, 1),
        (8, stored, decoded + 1, 1),
        (8, stored, decoded, 2),
        (8, stored + 100, decoded, 1),
        (u64::MAX, stored, decoded, 1),
        (8, u64::MAX, decoded, 1),
        (8, stored, u64::MAX, 1),
        (0, 0, 0, 1),
    ] {
        let footer = chunked_footer(offset, stored, decoded, kind, false);
        let blob: Blob = Arc::new([skippable(&toc), footer].concat());
        let found = Toc::find(&blob, Compression::Zstd);
        let read = found.and_then(|toc| toc.unwrap().contents(u64::MAX).map(drop));
        assert!(read.is_err(), "{offset} {stored} {decoded} {kind}");
    }
}

#[test]
fn a_table_that_decodes_without_end_is_cut_short() {
    let zeros = vec![0; MAX_TABLE as usize + 1];
    let toc = gzip(&tar("stargz.index.json", &zeros));
    let blob: Blob = Arc::new([toc, stargz_footer(0)].concat());
    assert!(matches!(Toc::find(&blob, Compression::Gzip), Err(TocError::Large)));
    let toc = zstd(&zeros);
    let footer = chunked_footer(8, toc.len() as u64, 100, 1, false);
    let blob: Blob = Arc::new([skippable(&toc), footer].concat());
    assert!(matches!(Toc::find(&blob, Compression::Zstd), Err(TocError::Missing(_))));
}

fn read(entries: &Value) -> Result<(LayerIndex, ChunkTable), serde_json::Error> {
    list::read(&toc_json(entries), 1000, 1 << 40)
}

#[test]
fn all_that_an_entry_says_is_taken() {
    let (index, chunks) = read(&json!([
        { "type": "dir", "name": "d/", "mode": 0o41755, "modtime": "2018-04-03T20:30:23.5Z" },
        { "type": "reg", "name": "d/f", "mode": 0o104755, "size": 10, "uid": 7, "gid": 8, "offset": 100,
          "modtime": "0001-01-01T00:00:00Z", "accesstime": "1969-12-31T23:59:59.75Z",
          "changetime": "0001-01-01T00:00:00Z", "xattrs": { "user.a": "Yg==", "bad": "" },
          "chunkSize": 3, "chunkDigest": Digest::of(b"one").to_string() },
        { "type": "chunk", "name": "d/f", "chunkOffset": 3, "chunkSize": 2, "chunkType": "zeros" },
        { "type": "chunk", "name": "d/f", "chunkOffset": 5, "offset": 200, "innerOffset": 9,
          "chunkDigest": Digest::of(b"three").to_string() },
        { "type": "reg", "name": "d/old", "size": 4, "offset": 300, "digest": Digest::of(b"data").to_string() },
        { "type": "reg", "name": "d/empty", "digest": "" },
        { "type": "hardlink", "name": "d/h", "linkName": "d/f" },
        { "type": "symlink", "name": "d/l", "linkName": "f", "mode": 0o755 },
        { "type": "char", "name": "d/c", "devMajor": 1, "devMinor": 3 },
        { "type": "block", "name": "d/b", "devmajor": 8, "devminor": 1 },
        { "type": "fifo", "name": "d/p" },
        { "type": "reg", "name": "d/.wh.gone" },
        { "type": "reg", "name": "d/.wh..wh..opq" },
    ]))
    .unwrap();
    assert_eq!((chunks.len(), index.data_size(), index.rejected().len()), (14, 14, 0));
    assert_eq!(check_index(&index, Some(chunks.len())), Vec::<String>::new());
    let Found::Dir { dir, opaque: true } = index.find(crate::layer::DirId(0), b"d").unwrap() else {
        panic!("d")
    };
    assert_eq!(index.find(dir, b"gone").unwrap(), Found::Whiteout);
    let leaf = |name: &[u8]| match index.find(dir, name).unwrap() {
        Found::Leaf(leaf) => leaf,
        other => panic!("{other:?}"),
    };
    let attributes = |leaf: LeafId| index.attributes(leaf.into()).unwrap().unwrap();
    let f = attributes(leaf(b"f"));
    assert_eq!((f.mode, f.uid, f.gid, f.nlink, f.mtime), (0o4755, 7, 8, 2, Time::default()));
    assert_eq!((f.atime, f.ctime), (Time { secs: -1, nanos: 750_000_000 }, Time::default()));
    assert_eq!(index.xattrs(leaf(b"f").into()).unwrap().len(), 1);
    assert_eq!(leaf(b"h"), leaf(b"f"));
    assert_eq!(index.extents(leaf(b"old")).unwrap()[0].source, 10);
    assert_eq!((attributes(leaf(b"c")).device.minor, attributes(leaf(b"b")).device.major), (3, 8));
    assert_eq!(*index.link_target(leaf(b"l")).unwrap(), *b"f");
    let root = index.attributes(dir.into()).unwrap().unwrap();
    assert_eq!(root.mtime, Time { secs: 1_522_787_423, nanos: 500_000_000 });
}

#[test]
fn names_and_numbers_that_make_no_sense_cost_their_member() {
    for (entry, why) in [
        (json!({ "type": "fifo", "name": "../a" }), "`..` in name"),
        (json!({ "type": "fifo", "name": "" }), "empty name"),
        (json!({ "type": "fifo", "name": "a\0" }), "NUL in name"),
        (json!({ "type": "what", "name": "a" }), "unknown type flag '?'"),
        (json!({ "type": "fifo", "name": "a", "uid": -1 }), "bad uid in header"),
        (json!({ "type": "fifo", "name": "a", "gid": 4_294_967_295u32 }), "bad gid in header"),
        (json!({ "type": "fifo", "name": "a", "modtime": "yesterday" }), "bad mtime in header"),
        (json!({ "type": "fifo", "name": "a", "xattrs": { "user.a": "?" } }), "bad xattrs in header"),
        (json!({ "type": "char", "name": "a", "devMajor": 1u64 << 40 }), "bad devmajor in header"),
        (json!({ "type": "char", "name": "a", "devMajor": 1 << 12 }), "device number out of range"),
        (json!({ "type": "symlink", "name": "a" }), "link target: empty name"),
        (json!({ "type": "hardlink", "name": "a", "linkName": "../b" }), "link target: `..` in name"),
    ] {
        let (index, _) = read(&json!([entry, { "type": "fifo", "name": "good" }])).unwrap();
        let rejected: Vec<String> = index.rejected().iter().map(|r| r.reason.to_string()).collect();
        assert_eq!((rejected, index.member_count()), (vec![why.to_owned()], 2));
    }
}

#[test]
fn chunks_that_make_no_sense_cost_the_table() {
    let digest = Digest::of(b"x").to_string();
    let reg = |more: &Value| {
        let mut entry =
            json!({ "type": "reg", "name": "a", "size": 10, "chunkSize": 5, "chunkDigest": digest });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let chunk = |more: &Value| {
        let mut entry = json!({ "type": "chunk", "name": "a", "chunkOffset": 5, "chunkDigest": digest });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let none = &json!({});
    assert!(read(&json!([reg(none), chunk(none)])).is_ok());
    for (entries, why) in [
        (json!([reg(none)]), "not listed"),
        (json!([reg(none), { "type": "fifo", "name": "b" }]), "not listed"),
        (json!([chunk(none)]), "another file"),
        (json!([reg(none), chunk(&json!({ "name": "b" }))]), "another file"),
        (json!([reg(none), chunk(&json!({ "chunkOffset": 4 }))]), "follow"),
        (json!([reg(none), chunk(&json!({ "chunkOffset": 6 }))]), "follow"),
        (json!([reg(none), chunk(&json!({ "chunkSize": 6 }))]), "follow"),
        (json!([reg(none), chunk(none), chunk(&json!({ "chunkOffset": 10 }))]), "follow"),
        (json!([reg(&json!({ "chunkSize": 0 })), chunk(none)]), "follow"),
        (json!([reg(&json!({ "chunkSize": 11 }))]), "follow"),
        (json!([reg(&json!({ "chunkOffset": 1 }))]), "follow"),
        (json!([reg(&json!({ "offset": 1000 }))]), "outside"),
        (json!([reg(&json!({ "offset": u64::MAX }))]), "outside"),
        (json!([reg(&json!({ "chunkDigest": "" }))]), "without a digest"),
        (json!([reg(&json!({ "chunkDigest": "sha256:0" }))]), "without a digest"),
        (json!([reg(&json!({ "chunkDigest": "", "digest": digest }))]), "without a digest"),
        (json!([reg(&json!({ "chunkType": "ones" }))]), "unknown type"),
        (json!([reg(&json!({ "size": MAX + 1, "chunkSize": 0 }))]), "longer than any"),
        (json!([reg(&json!({ "innerOffset": MAX + 1 }))]), "longer than any"),
        (json!([reg(&json!({ "size": u64::MAX, "chunkSize": 0, "chunkType": "zeros" }))]), "more bytes"),
        (json!([reg(&json!({ "size": -1 }))]), "invalid value"),
        (json!([reg(&json!({ "size": 1.5 }))]), "invalid type"),
        (json!([reg(&json!({ "offset": -1 }))]), "invalid value"),
        (json!({}), "a list of entries"),
        (json!(["a"]), "struct Entry"),
    ] {
        let Err(error) = read(&entries) else { panic!("{entries}") };
        assert!(error.to_string().contains(why), "{entries}: {error}");
    }
    for (table, why) in [
        (&b"{}"[..], "missing field `entries`"),
        (b"[]", "a table of contents"),
        (b"{\"version\":2,\"entries\":[]}", "version 2"),
        (b"{\"entries\":[],\"entries\":[]}", "duplicate"),
        (b"{\"entries\":[]} more", "trailing"),
        (b"{\"entries\":[", "EOF"),
    ] {
        let Err(error) = list::read(table, 1000, 1 << 40) else { panic!("{}", table.escape_ascii()) };
        assert!(error.to_string().contains(why), "{error}");
    }
}

const MAX: u64 = crate::blob::MAX_CHUNK;

#[test]
fn many_small_claims_do_not_add_up_to_more_than_a_layer_may_have() {
    let zeros =
        |i: u32| json!({ "type": "reg", "name": i.to_string(), "size": 1u64 << 39, "chunkType": "zeros" });
    assert!(read(&json!([zeros(1), zeros(2)])).is_ok());
    assert!(read(&json!([zeros(1), zeros(2), zeros(3)])).is_err());
}

#[test]
fn a_message_is_not_as_long_as_a_table_can_be() {
    let name = "\u{1b}".repeat(1_000_000);
    for entry in [json!({ "type": "chunk", "name": name }), json!({ "size": name })] {
        let Err(error) = read(&json!([entry])) else { panic!("read") };
        let said = TocError::from(error).to_string();
        assert!(said.len() < 1000 && !said.contains('\u{1b}') && said.ends_with('…'), "{said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_layers_neither_panic_nor_hang(
        at in any::<prop::sample::Index>(), flip in 1..=255u8, cut in any::<prop::sample::Index>(), old: bool
    ) {
        let entries = json!([file("a"), { "type": "dir", "name": "d" }, file("d/b")]);
        for blob in [estargz(&entries), zstd_chunked(&entries, old)] {
            let mut bytes = crate::blob::read_all(&*blob, 1 << 20).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if cut.index(2) == 1 {
                bytes.drain(..cut.index(bytes.len()));
            }
            let blob: Blob = Arc::new(bytes);
            if let Ok(Some(tarball)) = trust(&blob, &Claims::default()) {
                let mut read = vec![0; 8];
                for offset in 0..tarball.tar.len().min(100) {
                    let _ = tarball.tar.read_at(offset, &mut read);
                }
            }
        }
    }
}
