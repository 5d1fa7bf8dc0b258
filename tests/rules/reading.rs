//! S1–S8: what one layer is, on its own.

use peelfs::entry::{Device, Time};
use tar::EntryType;

use super::{check, check_rejected};
use crate::support::layer::{Layer, header};
use crate::support::{Image, layer};

#[test]
fn s1_names_are_keys() {
    check(&[
        (&["/a=1 ./b=2 c//d=3 ./e/./f=4 g/"], "a=1 b=2 c/ c/d=3 e/ e/f=4 g/"),
        (&["/etc/passwd=x"], "etc/ etc/passwd=x"),
        (&["a=1", "./a=2", "/a=3"], "a=3"),
        (&[". ./ / a=1"], "a=1"),
    ]);
}

#[test]
fn s1_names_are_bytes() {
    let names: [&[u8]; 4] = [b"\xff\xfe", b"a b", b"\x1b[31m", b"new\nline"];
    let latin =
        names.iter().fold(Layer::new(), |layer, name| layer.add(EntryType::Regular, name, b"", |_| {}));
    let image = Image::one(latin);
    for name in names {
        assert!(image.node(name).is_some(), "{}", name.escape_ascii());
    }
}

#[test]
fn s2_escapes_are_rejected_and_the_rest_stands() {
    let long = "x".repeat(256);
    let names: [&[u8]; 6] = [b"..", b"../a", b"a/../b", b"/..", long.as_bytes(), &b"d/".repeat(2048)];
    for name in names {
        let image =
            Image::one(layer("ok=1").pax([("path", name)]).add(EntryType::Regular, b"x", b"", |_| {}));
        assert_eq!(image.tree(), "ok=1", "{}", name.escape_ascii());
        assert_eq!(image.rejected().len(), 1);
    }
    let nul = Layer::new().pax([("path", &b"a\0b"[..])]).file("x", b"").file("ok", b"1");
    assert_eq!(Image::one(nul).tree(), "ok=1");
    let empty = Layer::new().add(EntryType::Regular, b"", b"", |_| {}).file("ok", b"1");
    assert_eq!(Image::one(empty).rejected(), ["0 : empty name"]);
}

#[test]
fn s2_links_that_no_kernel_would_make_are_rejected() {
    let target = |target: &[u8]| {
        Image::one(Layer::new().pax([("linkpath", target)]).add(EntryType::Symlink, b"l", b"", |_| {}))
    };
    assert_eq!(target(&[b'x'; 4095]).tree().len(), "l->".len() + 4095);
    assert_eq!(target(&[b'x'; 4096]).rejected(), ["0 l: link target: name longer than 4095 bytes"]);
    assert_eq!(target(b"a\0b").rejected(), ["0 l: link target: NUL in name"]);
    let empty = Layer::new().add(EntryType::Symlink, b"l", b"", |_| {});
    assert_eq!(Image::one(empty).rejected(), ["0 l: link target: empty name"]);
    // Where a symlink points is its own affair.
    assert_eq!(target(b"../../../../etc/passwd").tree(), "l->../../../../etc/passwd");
    check_rejected(&[("h=>../a", &["0 h: link target: `..` in name"])]);
}

#[test]
fn s2_device_numbers_that_no_kernel_would_take_are_rejected() {
    check_rejected(&[
        ("ca@4095:1048575", &[]),
        ("ca@4096:0", &["0 a: device number out of range"]),
        ("ba@0:1048576", &["0 a: device number out of range"]),
    ]);
}

#[test]
fn s2_values_that_make_no_sense_reject_their_member_alone() {
    for (at, field) in [(100, "mode"), (108, "uid"), (116, "gid"), (136, "mtime"), (329, "devmajor")] {
        let bad = layer("ok=1").add(EntryType::Char, b"bad", b"", |header| header.as_mut_bytes()[at] = b'x');
        let image = Image::one(bad.file("too", b"2"));
        assert_eq!(image.tree(), "ok=1 too=2");
        assert_eq!(image.rejected(), [format!("0 bad: bad {field} in header")]);
    }
    for (key, value) in [("uid", "4294967295"), ("gid", "x"), ("mtime", "1.x")] {
        let image =
            Image::one(layer("ok=1").pax([(key, value.as_bytes())]).file("bad", b"1").file("too", b"2"));
        assert_eq!(image.tree(), "ok=1 too=2");
        assert_eq!(image.rejected(), [format!("0 bad: bad PAX record `{key}`")]);
    }
    // A marker is one whatever is said of it (S10).
    let marker = Layer::new().pax([("uid", b"x".as_slice())]).file(".wh.a", b"");
    assert_eq!(Image::of([layer("a b"), marker]).tree(), "b");
}

#[test]
fn s2_what_a_rejected_value_was_to_replace_does_not_come_back() {
    let bad = |layer: Layer, name| layer.pax([("uid", &b"x"[..])]).file(name, b"");
    let base = || layer("d/ d/x=1 f=old");
    for (top, shown) in [
        (bad(Layer::new(), "f"), "d/ d/x=1"),
        (bad(Layer::new(), "d"), "f=old"),
        (bad(layer("f=new"), "f"), "d/ d/x=1"),
        // Nor by a link to it, whichever comes first.
        (bad(layer("l=>f"), "f"), "d/ d/x=1"),
        (bad(Layer::new(), "f").raw(&layer("l=>f").finish_open()), "d/ d/x=1"),
        // A directory hides nothing, and a good repeat is as good as any.
        (
            Layer::new().pax([("uid", &b"x"[..])]).add(EntryType::Directory, b"d/", b"", |_| {}),
            "d/ d/x=1 f=old",
        ),
        (bad(Layer::new(), "f").raw(&layer("f=new").finish_open()), "d/ d/x=1 f=new"),
    ] {
        assert_eq!(Image::of([base(), top]).tree(), shown);
    }
}

#[test]
fn s2_a_file_longer_than_offsets_go_is_rejected() {
    let sparse = |size: &'static str| {
        let records = [("GNU.sparse.name", "f"), ("GNU.sparse.map", "0,0"), ("GNU.sparse.size", size)];
        Image::one(Layer::new().pax(records.map(|(key, value)| (key, value.as_bytes()))).file("x", b""))
    };
    assert_eq!(sparse("9223372036854775807").stat("f").size, i64::MAX as u64);
    assert_eq!(sparse("9223372036854775808").rejected(), ["0 f: file of 9223372036854775808 bytes"]);
}

#[test]
fn s2_more_attributes_than_can_be_listed_reject_their_member() {
    // 16 bytes a name with its NUL: 4,096 of them are 64 KiB.
    let with = |count: usize| {
        let keys: Vec<String> = (0..count).map(|i| format!("SCHILY.xattr.user.{i:010}")).collect();
        Image::one(
            Layer::new().pax(keys.iter().map(|key| (&**key, b"".as_slice()))).file("f", b"").file("g", b""),
        )
    };
    assert_eq!(with(4096).xattrs("f").len(), 4096);
    assert_eq!(with(4097).rejected(), ["0 f: 65552 bytes of extended attributes' names; the limit is 65536"]);
}

#[test]
fn s3_the_later_of_two_entries_stays() {
    check(&[
        (&["a=1 a=2"], "a=2"),
        (&["a=1 a->x"], "a->x"),
        (&["a=1 a/"], "a/"),
        (&["d/ d/a=1 d=2"], "d=2"),
        (&["d/ d/a=1 d->x"], "d->x"),
        // A directory over a directory keeps the children; anything else removes the subtree.
        (&["d/ d/a=1 d/"], "d/ d/a=1"),
        (&["d/a=1 d=2 d/"], "d/"),
        (&["d/e/a=1 d=2 d/b=3 d/"], "d/"),
        (&["d/e/a=1 d=2 d/ d/b=3"], "d/ d/b=3"),
    ]);
    assert_eq!(Image::one(layer("d/!700 d/a d/!711")).stat("d").mode, 0o711);
}

#[test]
fn s3_a_link_keeps_what_it_linked_when_the_name_is_replaced() {
    check(&[(&["a=1 b=>a a=2"], "a=2 b=1"), (&["a=1 b=>a a=>b"], "a=1 b=1"), (&["a=1 a=>a"], "a=1")]);
}

#[test]
fn s4_missing_parents_are_directories() {
    check(&[(&["a/b/c=1"], "a/ a/b/ a/b/c=1"), (&["a/b/c=1 a/"], "a/ a/b/ a/b/c=1")]);
}

#[test]
fn s4_an_implied_directory_shows_the_attributes_of_the_layer_below() {
    let image = Image::of([layer("d/!700 d/e/!711"), layer("d/e/f=1")]);
    assert_eq!((image.stat("d").mode, image.stat("d/e").mode), (0o700, 0o711));
}

#[test]
fn s4_where_nothing_says_more_it_is_root_s_with_the_newest_time_of_its_layer() {
    let at = |layer: Layer, name: &[u8], secs| {
        layer.add(EntryType::Regular, name, b"", |header| header.set_mtime(secs))
    };
    let old = at(Layer::new(), b"z", 2_000_000_000);
    let new = at(at(Layer::new(), b"d/a", 1_600_000_000), b"d/b", 1_600_000_500);
    let d = Image::of([old, new]).stat("d");
    assert_eq!((d.mode, d.uid, d.gid, d.mtime), (0o755, 0, 0, Time { secs: 1_600_000_500, nanos: 0 }));
    // A marker is a member like any other.
    let d = Image::of([layer("d/a"), at(Layer::new(), b"d/.wh.a", 1_800_000_000)]).stat("d");
    assert_eq!(d.mtime, Time { secs: 1_800_000_000, nanos: 0 });
}

#[test]
fn s5_a_hard_link_may_stand_before_its_target() {
    check(&[
        (&["a=1 b=>a"], "a=1 b=1"),
        (&["b=>a a=1"], "a=1 b=1"),
        (&["c=>b b=>a a=1"], "a=1 b=1 c=1"),
        (&["b=>./d//a d/a=1"], "b=1 d/ d/a=1"),
        (&["l->x h=>l"], "h->x l->x"),
        // The file that stands there in the end.
        (&["b=>a a=1 a=2"], "a=2 b=2"),
    ]);
    let image = Image::one(layer("c=>b b=>a a=1"));
    assert_eq!((image.ino("a"), image.ino("a")), (image.ino("b"), image.ino("c")));
    assert_eq!(image.stat("c").nlink, 3);
}

#[test]
fn s5_a_hard_link_to_a_directory_is_rejected() {
    let reason = "hard link to a directory";
    check(&[(&["d/a=1 h=>d"], "d/ d/a=1"), (&["h=>d d/a=1"], "d/ d/a=1")]);
    for line in ["d/ h=>d", "h=>d d/", "h=>/ d/"] {
        assert_eq!(Image::one(layer(line)).rejected().len(), 1, "{line}");
    }
    check_rejected(&[("d/ h=>d", &[&format!("0 h: {reason}")])]);
}

#[test]
fn s5_a_target_that_is_not_in_the_layer_is_looked_for_below() {
    check(&[
        (&["a=1", "b=>a"], "a=1 b=1"),
        (&["d/a->x", "b=>d/a"], "b->x d/ d/a->x"),
        // In the merged view of what lies below: not what is hidden there, and not what lies above.
        (&["a=1", ".wh.a", "b=>a"], ""),
        (&["a=1", "a=2", "b=>a"], "a=2 b=2"),
        (&["b=>a", "a=1"], "a=1"),
        (&["a=1", "b=>a", "a=3"], "a=3 b=1"),
        (&["a=1", "b=>a", ".wh.a"], "b=1"),
        (&["a=1", "b=>a", "c=>b"], "a=1 b=1 c=1"),
        // A circle is no target.
        (&["a=1 b=2", "a=>b b=>a"], "a=2 b=1"),
        (&["x=1", "c=>b b=>x"], "b=1 c=1 x=1"),
    ]);
}

#[test]
fn s5_a_link_into_a_lower_layer_is_an_inode_of_its_own() {
    let image = Image::of([layer("a=12345!640 x=>a"), layer("b=>a c=>b")]);
    assert_eq!((image.stat("b").mode, image.stat("b").size), (0o640, 5));
    assert_eq!((image.stat("a").nlink, image.stat("b").nlink), (2, 2));
    assert_eq!(image.ino("b"), image.ino("c"));
    assert_ne!(image.ino("a"), image.ino("b"));
}

#[test]
fn s5_a_target_that_is_nowhere_is_rejected_and_hides_nothing() {
    let nothing = "hard link to nothing";
    check(&[
        (&["b=1", "b=>a"], "b=1"),
        (&["d/x=1 b=1", "b=>d"], "b=1 d/ d/x=1"),
        (&["a=1 b=2", "a=>b b=>a x=>x", "c=3"], "a=2 b=1 c=3"),
        // Nor does it in the view in which a higher layer looks for its own targets.
        (&["d/a=1", "d=>x", "b=>d/a"], "b=1 d/ d/a=1"),
    ]);
    check_rejected(&[
        ("b=>a", &[&format!("0 b: {nothing}")]),
        ("x=>x", &[&format!("0 x: {nothing}")]),
        ("d/ h=>g g=>d", &[&format!("0 h: {nothing}"), "0 g: hard link to a directory"]),
    ]);
}

#[test]
fn s6_symlinks_of_other_layers_are_never_followed() {
    check(&[
        (&["lib->usr/lib usr/lib/a=1", "lib/b=2"], "lib/ lib/b=2 usr/ usr/lib/ usr/lib/a=1"),
        // Opaque does not reach through a lower symlink (stereoscope PR#694).
        (&["l->d d/a=1", "l/.wh..wh..opq"], "d/ d/a=1 l/"),
        (&["l->d d/a=1", "l/.wh.a"], "d/ d/a=1 l/"),
    ]);
}

#[test]
fn s6_an_entry_below_a_symlink_of_its_own_layer_goes_where_it_points() {
    check(&[
        (&["lib->usr/lib usr/lib/ lib/x=1"], "lib->usr/lib usr/ usr/lib/ usr/lib/x=1"),
        (&["lib->/usr/lib lib/x=1"], "lib->/usr/lib usr/ usr/lib/ usr/lib/x=1"),
        (&["a/b/ a/l->../b/c b/c/ a/l/x=1"], "a/ a/b/ a/l->../b/c b/ b/c/ b/c/x=1"),
        // `..` and absolute targets stay within the layer's root.
        (&["l->../../../../etc l/x=1"], "etc/ etc/x=1 l->../../../../etc"),
        (&["l->m m->d d/ l/x=1"], "d/ d/x=1 l->m m->d"),
        // Markers and hard links go the same way.
        (&["d/a=1 d/b=2", "l->d l/.wh.a"], "d/ d/b=2 l->d"),
        (&["l->d d/a=1 h=>l/a"], "d/ d/a=1 h=1 l->d"),
        // A symlink that stands later replaces the directory (S3).
        (&["lib/x=1 lib->usr/lib"], "lib->usr/lib"),
    ]);
}

#[test]
fn s2_where_a_name_leads_may_be_no_longer_than_a_name() {
    let long = |len: usize| "x".repeat(len);
    let (dir, rest) = ([long(200).as_str(); 20].join("/"), 4095 - 20 * 201);
    let layer = |name: usize| layer("").symlink("l", &dir).file(&format!("l/{}", long(name)), b"1");
    assert_eq!(Image::one(layer(rest)).read(format!("{dir}/{}", long(rest)).as_bytes()), b"1");
    let rejected = Image::one(layer(rest + 1)).rejected();
    assert_eq!(rejected, [format!("0 l/{}: name longer than 4095 bytes", long(rest + 1))]);
    // Nor are directories made on the way to what is too far down.
    let deeper = layer(1).symlink("l/l", &dir).file("l/l/f", b"");
    assert_eq!(Image::one(deeper).rejected(), ["0 l/l/f: name longer than 4095 bytes"]);
}

#[test]
fn s6_a_way_has_as_many_components_as_a_layer_could_need() {
    let up_and_down =
        |times: usize| Image::one(layer("d/").symlink("l", &"d/../".repeat(times)).file("l/f", b""));
    assert_eq!(up_and_down(256).rejected(), Vec::<String>::new());
    assert_eq!(up_and_down(257).rejected(), ["0 l/f: too many symlinks on the way"]);
}

#[test]
fn s6_a_symlink_that_leads_nowhere_rejects_what_lies_below_it() {
    check(&[
        (&["a->b b->a a/x=1 ok=1"], "a->b b->a ok=1"),
        (&["l->f f=1 l/x=1 ok=1"], "f=1 l->f ok=1"),
        (&["f=1 f/x=2 ok=1"], "f=1 ok=1"),
    ]);
    check_rejected(&[
        ("a->a a/x", &["0 a/x: too many symlinks on the way"]),
        ("f=1 l->f l/x", &["0 l/x: its parent is not a directory"]),
        ("f=1 f/x", &["0 f/x: its parent is not a directory"]),
    ]);
}

#[test]
fn s7_types() {
    let image = Image::one(layer("d/ f=1 l->f h=>f cnull@1:3 bsda@8:0 p|"));
    assert_eq!(image.tree(), "d/ f=1 h=1 l->f cnull@ p| bsda@");
    assert_eq!(image.stat("null").device, Device { major: 1, minor: 3 });
    let contiguous = Layer::new().add(EntryType::Continuous, b"f", b"data", |_| {});
    assert_eq!(Image::one(contiguous).tree(), "f=data");
}

#[test]
fn s7_unknown_types_are_rejected() {
    for flag in [b'A', b'Z', b'9', 0xff] {
        let image =
            Image::one(Layer::new().add(EntryType::new(flag), b"x", b"data", |_| {}).file("ok", b"1"));
        assert_eq!(image.tree(), "ok=1");
        assert!(image.rejected()[0].starts_with("0 x: unknown type flag"), "{:?}", image.rejected());
    }
}

#[test]
fn s7_sparse_files_read_as_the_expanded_file() {
    // GNU's PAX formats; its old one is in `tar`, made by GNU tar itself.
    let expanded = [&[0; 100][..], b"hello", &[0; 395], b"world", &[0; 95]].concat();
    let sparse = |records: &[(&str, &[u8])], data: &[u8]| {
        let records = records.iter().copied().chain([("GNU.sparse.size", &b"600"[..])]);
        Image::one(Layer::new().pax(records).add(EntryType::Regular, b"GNUSparseFile.0/f", data, |_| {}))
    };
    let map = b"2\n100\n5\n500\n5\n";
    let mut with_map = map.to_vec();
    with_map.resize(512, 0);
    with_map.extend_from_slice(b"helloworld");
    let pair = |at: &'static [u8]| [("GNU.sparse.offset", at), ("GNU.sparse.numbytes", &b"5"[..])];
    let v00: Vec<(&str, &[u8])> =
        [("path", &b"f"[..])].into_iter().chain(pair(b"100")).chain(pair(b"500")).collect();
    for (format, image) in [
        ("0.0", sparse(&v00, b"helloworld")),
        ("0.1", sparse(&[("GNU.sparse.name", b"f"), ("GNU.sparse.map", b"100,5,500,5")], b"helloworld")),
        (
            "1.0",
            sparse(
                &[("GNU.sparse.name", b"f"), ("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")],
                &with_map,
            ),
        ),
    ] {
        assert_eq!(image.read(b"f"), expanded, "format {format}");
        assert_eq!((image.stat("f").size, image.stat("f").blocks), (600, 1), "format {format}");
    }
}

#[test]
fn s8_attributes() {
    let image = Image::one(Layer::new().add(EntryType::Regular, b"f", b"", |header| {
        header.set_mode(0o106755);
        header.set_uid(70_000);
        header.set_gid(4_000_000_000);
        header.set_mtime(1_234_567_890);
    }));
    let f = image.stat("f");
    assert_eq!((f.mode, f.uid, f.gid), (0o6755, 70_000, 4_000_000_000));
    let time = Time { secs: 1_234_567_890, nanos: 0 };
    assert_eq!((f.mtime, f.atime, f.ctime), (time, time, time));
}

#[test]
fn s8_a_symlink_has_all_permissions_as_linux_has_it() {
    assert_eq!(Image::one(layer("l->x!750")).stat("l").mode, 0o777);
}

#[test]
fn s8_pax_overrides_the_header() {
    let records: [(&str, &[u8]); 6] = [
        ("uid", b"3000000000"),
        ("gid", b"7"),
        ("mtime", b"-1.5"),
        ("atime", b"10.25"),
        ("path", b"real"),
        ("size", b"4"),
    ];
    let image = Image::one(
        Layer::new().pax(records).add(EntryType::Regular, b"made-up", b"data", |_| {}).file("g", b""),
    );
    let f = image.stat("real");
    assert_eq!((f.uid, f.gid, f.size), (3_000_000_000, 7, 4));
    assert_eq!(f.mtime, Time { secs: -2, nanos: 500_000_000 });
    assert_eq!(f.atime, Time { secs: 10, nanos: 250_000_000 });
    assert_eq!(f.ctime, f.mtime);
    // It is said of one entry only.
    assert_eq!(image.stat("g").uid, 0);
}

#[test]
fn s8_global_pax_headers_stay_until_they_are_overridden() {
    let image = Image::one(
        Layer::new()
            .pax_global([("uid", &b"5"[..]), ("gid", b"6")])
            .file("a", b"")
            .pax([("uid", &b"7"[..])])
            .file("b", b"")
            .file("c", b"")
            .pax_global([("uid", &b""[..])])
            .file("d", b""),
    );
    let owners: Vec<_> =
        ["a", "b", "c", "d"].iter().map(|path| (image.stat(path).uid, image.stat(path).gid)).collect();
    assert_eq!(owners, [(5, 6), (7, 6), (5, 6), (0, 6)]);
}

#[test]
fn s8_extended_attributes() {
    let image = Image::one(
        layer("d/")
            .pax([
                ("SCHILY.xattr.security.capability", &b"\x01\0\0\x02\n=x\0"[..]),
                ("SCHILY.xattr.user.a", b"1"),
                ("SCHILY.xattr.user.a", b"2"),
                ("LIBARCHIVE.xattr.user.b%20c", b"AP8="),
            ])
            .file("f", b""),
    );
    assert_eq!(
        image.xattrs("f"),
        ["security.capability=\\x01\\x00\\x00\\x02\\n=x\\x00", "user.a=2", "user.b c=\\x00\\xff"]
    );
    assert_eq!(image.xattrs("d"), Vec::<String>::new());
}

#[test]
fn s8_attributes_that_linux_cannot_have_are_left_out() {
    let long = format!("SCHILY.xattr.user.{}", "n".repeat(251));
    let large = vec![b'v'; 65_537];
    let records: [(&str, &[u8]); 8] = [
        ("SCHILY.xattr.", b"1"),
        ("SCHILY.xattr.com.apple.quarantine", b"1"),
        ("SCHILY.xattr.user.", b"1"),
        ("SCHILY.xattr.user.a\0b", b"1"),
        ("LIBARCHIVE.xattr.user.a%00b", b"AP8="),
        (&long, b"1"),
        ("SCHILY.xattr.user.large", &large),
        ("SCHILY.xattr.user.a", b"1"),
    ];
    let image = Image::one(Layer::new().pax(records).file("f", b""));
    assert_eq!((image.xattrs("f"), image.rejected()), (vec!["user.a=1".to_owned()], vec![]));
}

#[test]
fn s8_long_names_and_links() {
    let name = "n".repeat(200);
    let target = "t/".repeat(150) + "x";
    let gnu = |flag: u8, text: &str| {
        let body = [text.as_bytes(), b"\0"].concat();
        Layer::new().add(EntryType::new(flag), b"././@LongLink", &body, |_| {}).finish_open()
    };
    let tar = Layer::new().raw(&gnu(b'L', &name)).raw(&gnu(b'K', &target)).add(
        EntryType::Symlink,
        b"short",
        b"",
        |_| {},
    );
    assert_eq!(Image::one(tar).tree(), format!("{name}->{target}"));
    // PAX is the last word, whichever stands first.
    let both = Layer::new().raw(&gnu(b'L', &name)).pax([("path", &b"pax"[..])]).file("x", b"1");
    assert_eq!(Image::one(both).tree(), "pax=1");
    let both = Layer::new().pax([("path", &b"pax"[..])]).raw(&gnu(b'L', &name)).file("x", b"1");
    assert_eq!(Image::one(both).tree(), "pax=1");
}

#[test]
fn s8_a_prefix_stands_before_the_name() {
    let mut header = header(EntryType::Regular, 0);
    header.as_ustar_mut().unwrap().prefix[..5].copy_from_slice(b"a/b/c");
    header.as_old_mut().name[..1].copy_from_slice(b"d");
    header.set_cksum();
    assert_eq!(Image::one(Layer::new().raw(header.as_bytes())).tree(), "a/ a/b/ a/b/c/ a/b/c/d");
    // Go before 1.8 wrote one into GNU headers.
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    header.as_mut_bytes()[345..352].copy_from_slice(b"usr/lib");
    header.as_old_mut().name[..1].copy_from_slice(b"x");
    header.set_cksum();
    assert_eq!(Image::one(Layer::new().raw(header.as_bytes())).tree(), "usr/ usr/lib/ usr/lib/x");
}
