//! Extended attributes: names, values, sizes, and what ACLs and capabilities do.

use std::fs;
use std::process::Command;

use rustix::fs::{getxattr, getxattr_query, lgetxattr, listxattr, listxattr_query, llistxattr};
use rustix::io::Errno;
use tar::EntryType;

use super::{mount, mount_lines, mount_with, succeed, text};
use crate::support::need::{has, has_fuse, is_root, need};
use crate::support::user::as_nobody;
use crate::support::{Layer, layer};

/// A file, and before it its attributes.
fn with(tar: Layer, name: &str, xattrs: &[(&str, &[u8])]) -> Layer {
    let records: Vec<(String, &[u8])> =
        xattrs.iter().map(|(key, value)| (format!("SCHILY.xattr.{key}"), *value)).collect();
    tar.pax(records.iter().map(|(key, value)| (&**key, *value))).file(name, b"text")
}

fn some() -> Layer {
    // `user.` alone is no name to Linux, and left out (S8).
    let tar = with(
        layer("plain=1"),
        "f",
        &[("user.colour", b"blue"), ("user.bytes", b"\0\n=\xff"), ("user.", b"")],
    );
    let tar = with(tar, "one", &[("user.x", b"")]);
    tar.pax([("SCHILY.xattr.user.dir", &b"yes"[..])]).add(EntryType::Directory, b"d/", b"", |_| {})
}

#[test]
fn values_are_the_bytes_that_the_layer_has() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount([some()]);
    let value = |name: &str, xattr: &str| {
        let mut buffer = [0; 100];
        getxattr(mount.join(name), xattr, &mut buffer).map(|n| buffer[..n].to_vec())
    };
    assert_eq!(value("f", "user.colour"), Ok(b"blue".to_vec()));
    assert_eq!(value("f", "user.bytes"), Ok(b"\0\n=\xff".to_vec()));
    assert_eq!(value("one", "user.x"), Ok(Vec::new()));
    assert_eq!(value("d", "user.dir"), Ok(b"yes".to_vec()));
    for (name, xattr) in [("f", "user.x"), ("plain", "user.x"), ("d", "user.x"), (".", "user.x")] {
        assert_eq!(value(name, xattr), Err(Errno::NODATA), "{name} {xattr}");
    }
}

#[test]
fn a_size_of_0_asks_for_the_size_and_a_small_buffer_is_erange() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount([some()]);
    let (f, plain) = (mount.join("f"), mount.join("plain"));
    let names = b"user.colour\0user.bytes\0".len();
    assert_eq!(getxattr_query(&f, "user.colour"), Ok(4));
    assert_eq!(listxattr_query(&f), Ok(names));
    assert_eq!(listxattr_query(&plain), Ok(0));
    for (room, expected) in [(1, Err(Errno::RANGE)), (3, Err(Errno::RANGE)), (4, Ok(4)), (5, Ok(4))] {
        assert_eq!(getxattr(&f, "user.colour", &mut vec![0; room]), expected, "room for {room}");
    }
    for (room, expected) in [(1, Err(Errno::RANGE)), (names - 1, Err(Errno::RANGE)), (names, Ok(names))] {
        assert_eq!(listxattr(&f, &mut vec![0; room]), expected, "room for {room}");
    }
    assert_eq!(listxattr(&plain, &mut [0; 10]), Ok(0));
}

#[test]
fn a_list_has_every_name_once() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount([some()]);
    let mut buffer = [0; 100];
    let n = listxattr(mount.join("f"), &mut buffer).unwrap();
    let mut names: Vec<&str> = str::from_utf8(&buffer[..n]).unwrap().split_terminator('\0').collect();
    names.sort_unstable();
    assert_eq!(names, ["user.bytes", "user.colour"]);
}

#[test]
fn a_value_may_be_64_kib_long() {
    need!(has_fuse(), "needs FUSE");
    let value: Vec<u8> = (0..65_536u32).map(|i| (i / 3) as u8).collect();
    let (mount, _dir) = mount([with(Layer::new(), "f", &[("user.long", &value)])]);
    let mut buffer = vec![0; 65_536];
    assert_eq!(getxattr(mount.join("f"), "user.long", &mut buffer), Ok(65_536));
    assert!(buffer == value);
}

#[test]
fn a_symlink_has_its_own() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let tar = with(Layer::new(), "f", &[("user.of", b"file")]);
    let tar = tar.pax([("SCHILY.xattr.trusted.of", &b"link"[..]), ("linkpath", b"f")]).add(
        EntryType::Symlink,
        b"l",
        b"",
        |_| {},
    );
    let (mount, _dir) = mount([tar]);
    let mut buffer = [0; 100];
    assert_eq!(getxattr(mount.join("l"), "user.of", &mut buffer), Ok(4));
    assert_eq!(lgetxattr(mount.join("l"), "trusted.of", &mut buffer), Ok(4));
    assert_eq!(&buffer[..4], b"link");
    assert_eq!(llistxattr(mount.join("l"), &mut buffer), Ok(b"trusted.of\0".len()));
}

#[test]
fn s14_overlayfs_own_attributes_do_not_show() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let own = [("trusted.overlay.origin", &b"1"[..]), ("user.overlay.metacopy", b""), ("user.x", b"2")];
    let (mount, _dir) = mount([with(Layer::new(), "f", &own)]);
    let mut buffer = [0; 100];
    assert_eq!(listxattr(mount.join("f"), &mut buffer), Ok(b"user.x\0".len()));
    assert_eq!(getxattr(mount.join("f"), "trusted.overlay.origin", &mut buffer), Err(Errno::NODATA));
    assert_eq!(getxattr(mount.join("f"), "user.overlay.metacopy", &mut buffer), Err(Errno::NODATA));
}

#[test]
fn where_no_layer_has_any_the_mount_says_that_it_supports_none() {
    need!(has_fuse(), "needs FUSE");
    let (mount, dir) = mount_lines(&["f=1 d/", "d/g=2"]);
    for _ in 0..2 {
        assert_eq!(getxattr(mount.join("f"), "user.x", &mut [0; 10]), Err(Errno::OPNOTSUPP));
        assert_eq!(listxattr(mount.join("f"), &mut [0; 10]), Err(Errno::OPNOTSUPP));
    }
    // Programs that copy attributes find nothing wrong with that.
    let copy = dir.path().join("copy");
    let mut cp = Command::new("cp");
    let output = cp.args(["-a", "--"]).arg(mount.path()).arg(&copy).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let mut ls = Command::new("ls");
    let output = ls.arg("-lR").arg(mount.path()).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert_eq!(fs::read(copy.join("d/g")).unwrap(), b"2");
}

/// `cap_net_raw=ep`, as capabilities(7) has it in revision 2.
const NET_RAW: &[u8] = &[1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn capabilities_are_those_of_the_layer() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let (mount, _dir) = mount([with(layer("plain=1"), "ping", &[("security.capability", NET_RAW)])]);
    let mut buffer = [0; 100];
    assert_eq!(getxattr(mount.join("ping"), "security.capability", &mut buffer), Ok(NET_RAW.len()));
    assert_eq!(&buffer[..NET_RAW.len()], NET_RAW);
    assert_eq!(getxattr(mount.join("plain"), "security.capability", &mut buffer), Err(Errno::NODATA));
    if has("getcap") {
        let shown = succeed(Command::new("getcap").arg(mount.join("ping")));
        assert!(shown.contains("cap_net_raw"), "{shown}");
    }
}

/// An ACL as the kernel keeps it (acl(5)): a version, then tag, permissions and ID of each entry.
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let entry = |(tag, perm, id): &(u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &perm.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    [2u32.to_le_bytes().to_vec(), entries.iter().flat_map(entry).collect()].concat()
}

const NO_ID: u32 = u32::MAX;

#[test]
fn an_acl_decides_who_may_read() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let (user_obj, user, group_obj, mask, other) = (0x01, 0x02, 0x04, 0x10, 0x20);
    let lets_in = |id| {
        acl(&[
            (user_obj, 6, NO_ID),
            (user, 4, id),
            (group_obj, 0, NO_ID),
            (mask, 4, NO_ID),
            (other, 0, NO_ID),
        ])
    };
    let keeps_out = acl(&[
        (user_obj, 6, NO_ID),
        (user, 0, 65_534),
        (group_obj, 4, NO_ID),
        (mask, 4, NO_ID),
        (other, 4, NO_ID),
    ]);
    let file = |tar: Layer, name: &str, mode, acl: &[u8]| {
        let tar = tar.pax([("SCHILY.xattr.system.posix_acl_access", acl)]);
        tar.add(EntryType::Regular, name.as_bytes(), b"text", |header| header.set_mode(mode))
    };
    let tar = file(layer("all=text nobody=text!600"), "for_nobody", 0o640, &lets_in(65_534));
    let tar = file(tar, "for_another", 0o640, &lets_in(1234));
    let tar = file(tar, "not_for_nobody", 0o644, &keeps_out);
    let (mount, _dir) = mount_with(["-o", "allow_other"], [tar]);
    for (name, may) in [
        ("all", true),
        ("nobody", false),
        ("for_nobody", true),
        ("for_another", false),
        ("not_for_nobody", false),
    ] {
        let output = as_nobody("cat").arg(mount.join(name)).output().unwrap();
        assert_eq!(output.status.success(), may, "{name}: {}", text(&output.stderr));
        assert_eq!(fs::read_to_string(mount.join(name)).unwrap(), "text", "{name} by root");
    }
    if has("getfacl") {
        let shown = succeed(
            Command::new("getfacl")
                .args(["--absolute-names", "--omit-header", "--numeric"])
                .arg(mount.join("for_nobody")),
        );
        assert_eq!(shown.trim(), "user::rw-\nuser:65534:r--\ngroup::---\nmask::r--\nother::---");
    }
}

#[test]
fn a_default_acl_of_a_directory_shows_and_does_no_harm() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let default = acl(&[(1, 7, NO_ID), (4, 5, NO_ID), (32, 0, NO_ID)]);
    let tar = Layer::new().pax([("SCHILY.xattr.system.posix_acl_default", &*default)]);
    let (mount, _dir) = mount([tar.add(EntryType::Directory, b"d/", b"", |_| {}).file("d/f", b"1")]);
    let mut buffer = [0; 100];
    assert_eq!(getxattr(mount.join("d"), "system.posix_acl_default", &mut buffer), Ok(default.len()));
    assert_eq!(buffer[..default.len()], *default);
    assert_eq!(getxattr(mount.join("d"), "system.posix_acl_access", &mut buffer), Err(Errno::NODATA));
    assert_eq!(fs::read(mount.join("d/f")).unwrap(), b"1");
}
