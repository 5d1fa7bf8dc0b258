//! Layer tars as others read them: GNU tar, bsdtar, Python, and our own reader.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use peelfs::commit::{Body, LayerTar, Member};
use peelfs::entry::{Device, Time, Xattr};
use tempfile::TempDir;

use crate::support::Tree;
use crate::support::need::{has, is_root, need};

const MTIME: Time = Time { secs: 1_700_000_000, nanos: 0 };

fn member(path: &str, body: Body) -> Member {
    let mode = if body == Body::Directory { 0o755 } else { 0o644 };
    Member { path: path.into(), body, mode, uid: 0, gid: 0, mtime: MTIME, xattrs: Vec::new() }
}

fn xattr(name: &str, value: &[u8]) -> Xattr {
    Xattr { name: name.as_bytes().into(), value: value.into() }
}

/// One of everything that a header cannot say in its fields, and of everything that it can.
fn members() -> Vec<(Member, Vec<u8>)> {
    let long_dir = "d".repeat(90);
    let long = format!("{long_dir}/{}", "f".repeat(200));
    let file = |path: &str, text: &str| (member(path, Body::Regular(text.len() as u64)), text.into());
    let link = |path: &str, body| (member(path, body), Vec::new());
    let mut all = vec![
        link("", Body::Directory),
        link("dev", Body::Directory),
        link("dev/null", Body::CharDevice(Device { major: 1, minor: 3 })),
        link("dev/sda", Body::BlockDevice(Device { major: 259, minor: 1_048_575 })),
        link(&long_dir, Body::Directory),
        file(&long, "long"),
        link("hard", Body::HardLink(long.clone().into())),
        link("pipe", Body::Fifo),
        file("plain", "text"),
        link("soft", Body::Symlink("t".repeat(101).into())),
        file("new\nline \u{fc}", "x"),
    ];
    let mut odd = member("odd", Body::Regular(3));
    (odd.mode, odd.uid, odd.gid) = (0o6755, 3_000_000_000, 2_097_152);
    odd.mtime = Time { secs: -2, nanos: 500_000_000 };
    odd.xattrs = vec![xattr("user.bytes", b"\0\n=\xff"), xattr("user.empty", b"")];
    all.push((odd, b"odd".to_vec()));
    all.push((Member::whiteout(b"dev", b"gone"), Vec::new()));
    all.push((Member::opaque(b"dev"), Vec::new()));
    all.push((Member::whiteout(b"", b"gone"), Vec::new()));
    all
}

fn tar(members: &[(Member, Vec<u8>)]) -> Vec<u8> {
    let mut tar = LayerTar::new(Vec::new());
    members.iter().for_each(|(member, data)| tar.add_file(member, &**data).unwrap());
    tar.finish().unwrap()
}

fn write(dir: &Path) -> PathBuf {
    let path = dir.join("layer.tar");
    fs::write(&path, tar(&members())).unwrap();
    path
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn our_own_reader_finds_what_was_written() {
    let tar = tar(&members());
    let index = peelfs::index::LayerIndex::of_tar(&tar).unwrap();
    assert_eq!(peelfs::index::check(&index, Some(tar.len() as u64)), Vec::<String>::new());
    assert_eq!((index.rejected().len(), index.member_count()), (0, members().len() as u64));
    assert_eq!(index.end(), Some(tar.len() as u64));
    let image = crate::support::Image::of_tars([tar]);
    let odd = image.stat("odd");
    assert_eq!((odd.mode, odd.uid, odd.gid), (0o6755, 3_000_000_000, 2_097_152));
    assert_eq!(odd.mtime, Time { secs: -2, nanos: 500_000_000 });
    assert_eq!(image.xattrs("odd"), ["user.bytes=\\x00\\n=\\xff", "user.empty="]);
    assert_eq!(image.read(b"hard"), b"long");
    assert_eq!(image.stat("hard").nlink, 2);
    assert_eq!(image.stat("dev/sda").device, Device { major: 259, minor: 1_048_575 });
}

#[test]
fn an_attribute_whose_name_has_an_equals_sign_is_kept() {
    let mut f = member("f", Body::Regular(0));
    f.xattrs = vec![xattr("user.a=b%", b"\0=")];
    assert_eq!(crate::support::Image::of_tars([tar(&[(f, Vec::new())])]).xattrs("f"), ["user.a=b%=\\x00="]);
}

#[test]
fn the_same_members_are_the_same_bytes() {
    assert!(tar(&members()) == tar(&members()));
}

#[test]
fn a_file_that_is_not_as_long_as_it_was_is_an_error() {
    let mut tar = LayerTar::new(Vec::new());
    let error = tar.add_file(&member("f", Body::Regular(10)), &b"short"[..]).unwrap_err();
    assert_eq!(error.to_string(), "ended 5 bytes early");
}

#[test]
fn a_size_of_8_gib_or_more_stands_in_a_record() {
    let size = 8 << 30;
    let mut tar = LayerTar::new(Head(Vec::new()));
    // The data is not needed to see the header.
    let _ = tar.add_file(&member("large", Body::Regular(size)), std::io::empty());
    let head = tar.finish().unwrap().0;
    let text = String::from_utf8_lossy(&head);
    assert!(text.contains(&format!(" size={size}\n")), "{text}");
}

/// Keeps what is written.
struct Head(Vec<u8>);

impl std::io::Write for Head {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn gnu_tar_unpacks_what_was_written() {
    need!(is_root() && has("tar"), "needs root and tar");
    let dir = TempDir::new().unwrap();
    let tar = write(dir.path());
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    let mut command = Command::new("tar");
    command.args(["--extract", "--preserve-permissions", "--same-owner", "--numeric-owner", "--xattrs"]);
    command
        .args(["--warning=no-timestamp", "--xattrs-include=*", "--delay-directory-restore", "--file"])
        .arg(&tar);
    output(command.arg("--directory").arg(&root));
    let tree = Tree::read(&root);
    let names: Vec<_> = tree.0.keys().map(|name| name.escape_ascii().to_string()).collect();
    let long_dir = "d".repeat(90);
    let long = format!("{long_dir}/{}", "f".repeat(200));
    let mut expected =
        vec![".", ".wh.gone", "dev", "dev/.wh..wh..opq", "dev/.wh.gone", "dev/null", "dev/sda"];
    expected.extend([&*long_dir, &*long, "hard", "new\\nline \\xc3\\xbc", "odd", "pipe", "plain", "soft"]);
    expected.sort();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, expected);
    let odd = &tree.0[&b"odd"[..]];
    assert_eq!((odd.mode, odd.owner, odd.mtime), (0o6755, (3_000_000_000, 2_097_152), (-2, 500_000_000)));
    assert_eq!(odd.xattrs[&b"user.bytes"[..]], b"\0\n=\xff");
    assert_eq!(tree.0[&b"hard"[..]].linked.as_deref(), Some(long.as_bytes()));
    assert_eq!(tree.0[&b"dev/sda"[..]].device, (259, 1_048_575));
    assert_eq!(tree.0[&b"soft"[..]].target.len(), 101);
}

#[test]
fn bsdtar_and_python_list_what_was_written() {
    need!(has("bsdtar") && has("python3"), "needs bsdtar and python3");
    let dir = TempDir::new().unwrap();
    let tar = write(dir.path());
    let listed = output(Command::new("bsdtar").arg("-tf").arg(&tar).env("LC_ALL", "C.UTF-8"));
    assert_eq!(listed.lines().count(), members().len(), "{listed}");
    const SCRIPT: &str = "import sys, tarfile\n\
        for m in tarfile.open(sys.argv[1]):\n    \
        print(m.type.decode(), oct(m.mode), m.uid, m.gid, m.size, m.mtime, len(m.name), len(m.linkname), m.devmajor, m.devminor)";
    let listed = output(Command::new("python3").args(["-c", SCRIPT]).arg(&tar));
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), members().len());
    assert_eq!(lines[5], "0 0o644 0 0 4 1700000000 291 0 0 0");
    assert_eq!(lines[6], "1 0o644 0 0 0 1700000000 4 291 0 0");
    assert_eq!(lines[9], "2 0o644 0 0 0 1700000000 4 101 0 0");
    assert_eq!(lines[11], "0 0o6755 3000000000 2097152 3 -1.5 3 0 0 0");
}
