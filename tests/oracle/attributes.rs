//! S7 and S8 on a mount: types, attributes, contents, as GNU tar unpacks what it and others packed.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tar::EntryType;

use super::{NEEDS, assert_same, can_compare, check, check_as, differences};
use crate::support::need::need;
use crate::support::{Layer, layer};

#[test]
fn s7_types() {
    need!(can_compare(), NEEDS);
    check(
        "all",
        [layer("./ d/ f=1 l->f h=>f p|!622 cnull@1:3!666 bsda@8:1 cbig@4095:1048575 bbig2@300:70000")],
    );
    let contiguous = layer("./").add(EntryType::Continuous, b"f", b"data", |_| {});
    check("contiguous", [contiguous]);
    let unknown = layer("./ a=1").add(EntryType::new(b'Z'), b"x", b"data", |_| {}).file("b", b"2");
    check_as("unknown", [unknown], [layer("./ a=1 b=2")]);
}

/// Files whose data and holes lie in each of the ways that a map has to hold.
fn make_sparse_files(dir: &Path) {
    let file = |name: &str, len: u64, islands: &[(u64, usize)]| {
        let file = File::create(dir.join(name)).unwrap();
        file.set_len(len).unwrap();
        for (i, &(offset, len)) in islands.iter().enumerate() {
            file.write_all_at(&vec![b'a' + i as u8 % 26; len], offset).unwrap();
        }
    };
    file("all-hole", 1 << 20, &[]);
    file("hole-first", 200_000, &[(100_000, 100_000)]);
    file("hole-last", 300_000, &[(0, 5)]);
    file("large", 64 << 20, &[(0, 10), (32 << 20, 10), ((64 << 20) - 3, 3)]);
    let many: Vec<(u64, usize)> = (0..100).map(|i| (i * 30_000 + 7, 4096 + i as usize)).collect();
    file("many", 3_000_100, &many);
}

/// Packs a directory with GNU tar.
fn pack(dir: &Path, options: &[&str]) -> PathBuf {
    let tar = dir.with_extension("tar");
    let output = Command::new("tar")
        .args(["--create", "--numeric-owner"])
        .args(options)
        .arg("--file")
        .arg(&tar)
        .arg("--directory")
        .arg(dir)
        .arg(".")
        .output()
        .unwrap();
    assert!(output.status.success(), "tar {options:?}: {}", String::from_utf8_lossy(&output.stderr));
    tar
}

#[test]
fn s7_sparse_files_of_all_formats() {
    need!(can_compare(), NEEDS);
    for options in [
        &["--format=gnu", "--sparse"][..],
        &["--format=oldgnu", "--sparse"],
        &["--format=posix", "--sparse", "--sparse-version=0.0"],
        &["--format=posix", "--sparse", "--sparse-version=0.1"],
        &["--format=posix", "--sparse", "--sparse-version=1.0"],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("files");
        fs::create_dir(&files).unwrap();
        make_sparse_files(&files);
        let tar = pack(&files, options);
        assert!(tar.metadata().unwrap().len() < 1 << 20, "{options:?}: not sparse");
        assert_same(&format!("{options:?}"), &differences(&[tar]));
    }
}

fn regular(layer: Layer, set: impl FnOnce(&mut tar::Header)) -> Layer {
    layer.add(EntryType::Regular, b"f", b"contents", set)
}

#[test]
fn s8_modes_and_owners() {
    need!(can_compare(), NEEDS);
    check("modes", [layer("./!1777 d/!2775 d/s=1!4755 g=2!2755 t=3!1644 n=4!0 x/!0 p|!6777 cc@1:3!7777")]);
    for (uid, gid) in [(1, 2), (2_097_152, 70_000), (4_000_000_000, 4_294_967_294)] {
        let owned = |layer: Layer| {
            let layer = layer.add(EntryType::Directory, b"d/", b"", |header| header.set_uid(uid));
            regular(layer, |header| {
                header.set_uid(uid);
                header.set_gid(gid);
                header.set_mode(0o6755);
            })
        };
        check("in the header", [owned(layer("./"))]);
        let (uid, gid) = (uid.to_string(), gid.to_string());
        check(
            "in PAX",
            [regular(layer("./").pax([("uid", uid.as_bytes()), ("gid", gid.as_bytes())]), |_| {})],
        );
    }
}

#[test]
fn s8_times() {
    need!(can_compare(), NEEDS);
    for time in ["0", "1.5", "-1.5", "-0.000000001", "1700000000.123456789", "-2000000000.25", "15032385535"]
    {
        let timed =
            layer("./").pax([("mtime", time.as_bytes())]).add(EntryType::Directory, b"d/", b"", |_| {});
        let timed = timed.pax([("mtime", time.as_bytes())]).add(EntryType::Fifo, b"p", b"", |_| {});
        check(time, [regular(timed.pax([("mtime", time.as_bytes())]), |_| {})]);
    }
    // GNU's way to say 1960.
    let early = regular(layer("./"), |header| {
        header.as_old_mut().mtime = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xed, 0x30, 0x06, 0x80];
    });
    check("a negative time in the header", [early]);
}

/// A POSIX ACL as the kernel keeps it: u::rw, u:1000:r, g::r, m::r, o::-.
const ACL: [u8; 44] = *b"\x02\0\0\0\
    \x01\0\x06\0\xff\xff\xff\xff\x02\0\x04\0\xe8\x03\0\0\x04\0\x04\0\xff\xff\xff\xff\
    \x10\0\x04\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff";

/// File capabilities as the kernel keeps them: cap_net_raw+ep.
pub const CAPABILITY: [u8; 20] = *b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn s8_extended_attributes() {
    need!(can_compare(), NEEDS);
    let large = vec![b'v'; 3000];
    let records: [(&str, &[u8]); 6] = [
        ("SCHILY.xattr.security.capability", &CAPABILITY),
        ("SCHILY.xattr.user.newlines", b"a\n11 path=x\nb"),
        ("SCHILY.xattr.user.empty", b""),
        ("SCHILY.xattr.user.binary", b"\0\xff\0"),
        ("SCHILY.xattr.user.large", &large),
        ("SCHILY.xattr.trusted.t", b"1"),
    ];
    check("a file", [regular(layer("./").pax(records), |_| {})]);
    let on_others = layer("./ a=1")
        .pax([("SCHILY.xattr.user.d", &b"1"[..])])
        .add(EntryType::Directory, b"d/", b"", |_| {})
        .pax([("SCHILY.xattr.trusted.l", &b"2"[..])])
        .add(EntryType::Fifo, b"p", b"", |_| {});
    check("others, and above them ones that have none", [on_others, layer("./ d/ b=1")]);
    let acl = |header: &mut tar::Header| header.set_mode(0o640);
    check("an ACL", [regular(layer("./").pax([("SCHILY.xattr.system.posix_acl_access", &ACL[..])]), acl)]);
}

#[test]
fn s8_global_pax_headers() {
    need!(can_compare(), NEEDS);
    let global = layer("./").pax_global([("uid", &b"5"[..]), ("mtime", b"1000.5")]).file("a", b"");
    check("global", [global.pax([("uid", &b"7"[..])]).file("b", b"").file("c", b"")]);
}

/// A tree that every format of GNU tar has to work for.
fn make_tree(dir: &Path) {
    let deep = dir.join("n".repeat(120)).join("m".repeat(200)).join("o".repeat(100));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("f"), b"deep").unwrap();
    fs::hard_link(deep.join("f"), dir.join("hard link")).unwrap();
    std::os::unix::fs::symlink("t/".repeat(200) + "x", deep.join("l")).unwrap();
    std::os::unix::fs::chown(dir.join("hard link"), Some(3_000_000), Some(5)).unwrap();
}

#[test]
fn s8_long_names_and_links_of_gnu_tar() {
    need!(can_compare(), NEEDS);
    for options in [&["--format=gnu"][..], &["--format=posix"], &["--format=oldgnu"]] {
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("files");
        fs::create_dir(&files).unwrap();
        make_tree(&files);
        assert_same(&format!("{options:?}"), &differences(&[pack(&files, options)]));
    }
}
