//! A tree packed by GNU tar, bsdtar and Python, in every format they have, reads as the tree.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use peelfs::entry::{Kind, Time};
use rustix::fs::{CWD, FileType, Mode};

use crate::support::Image;
use crate::support::need::{has, need};

/// Names, types and sizes that every format can hold.
fn make_tree(root: &Path, long_names: bool) {
    fs::create_dir_all(root.join("dir/empty")).unwrap();
    fs::write(root.join("dir/file"), b"contents").unwrap();
    fs::write(root.join("nothing"), b"").unwrap();
    fs::hard_link(root.join("dir/file"), root.join("dir/other name")).unwrap();
    symlink("dir/file", root.join("link")).unwrap();
    rustix::fs::mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let sparse = File::create(root.join("sparse")).unwrap();
    sparse.set_len(3_000_000).unwrap();
    for i in 0..40 {
        sparse.write_all_at(format!("island {i}").as_bytes(), i * 70_000 + 4096).unwrap();
    }
    if long_names {
        let deep = root.join("n".repeat(120)).join("m".repeat(200));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("f"), b"deep").unwrap();
        symlink("t/".repeat(100) + "x", deep.join("l")).unwrap();
    }
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    File::open(root.join("dir/file")).unwrap().set_modified(time).unwrap();
}

/// Compares the index with the tree that was packed. `exact` formats keep fractions of seconds.
fn check(tar: &Path, root: &Path, exact: bool) {
    let image = Image::of_tars([fs::read(tar).unwrap()]);
    assert_eq!(image.rejected(), Vec::<String>::new());
    for path in ["dir/file", "dir/other name", "nothing", "sparse"] {
        assert!(
            image.read(path.as_bytes()) == fs::read(root.join(path)).unwrap(),
            "{path} in {}",
            tar.display()
        );
    }
    assert_eq!(image.ino("dir/file"), image.ino("dir/other name"));
    let kinds = ["dir/empty", "link"].map(|path| image.stat(path).kind);
    assert_eq!(kinds, [Kind::Directory, Kind::Symlink]);
    assert!(image.node(b"pipe").is_none_or(|_| image.stat("pipe").kind == Kind::Fifo));
    assert_eq!(&*image.fs.readlink(image.ino("link")).unwrap(), b"dir/file");
    let nanos = if exact { 123_456_789 } else { 0 };
    assert_eq!(image.stat("dir/file").mtime, Time { secs: 1_234_567_890, nanos });
    let deep = format!("{}/{}", "n".repeat(120), "m".repeat(200));
    if root.join(&deep).exists() {
        assert_eq!(image.read(format!("{deep}/f").as_bytes()), b"deep");
        let target = image.fs.readlink(image.ino(&format!("{deep}/l"))).unwrap();
        assert_eq!(target.len(), 201);
    }
}

fn pack_and_check(program: &str, args: &[&str], long_names: bool, exact: bool) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    make_tree(&root, long_names);
    let tar = dir.path().join("layer.tar");
    let mut command = Command::new(program);
    let output = command.args(args).arg("-cf").arg(&tar).arg("-C").arg(&root).arg(".").output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    check(&tar, &root, exact);
    if args.contains(&"--sparse") {
        let image = Image::of_tars([fs::read(&tar).unwrap()]);
        let blocks = image.stat("sparse").blocks;
        assert!(blocks < 1000, "{args:?}: {blocks} blocks of 3 MB with holes");
    }
}

#[test]
fn gnu_tar_in_every_format() {
    pack_and_check("tar", &["--format=ustar"], false, false);
    // The oldest format has no fifos; GNU tar leaves them out.
    pack_and_check("tar", &["--format=v7", "--exclude=pipe"], false, false);
    for format in ["oldgnu", "gnu"] {
        pack_and_check("tar", &[&format!("--format={format}")], true, false);
        pack_and_check("tar", &[&format!("--format={format}"), "--sparse"], true, false);
    }
    pack_and_check("tar", &["--format=posix"], true, true);
    for version in ["0.0", "0.1", "1.0"] {
        let sparse_version = format!("--sparse-version={version}");
        pack_and_check("tar", &["--format=posix", "--sparse", &sparse_version], true, true);
    }
    pack_and_check("tar", &["--format=gnu", "--label=a label"], true, false);
}

#[test]
fn bsdtar_in_every_format() {
    need!(has("bsdtar"), "needs bsdtar");
    pack_and_check("bsdtar", &["--format=ustar"], false, false);
    pack_and_check("bsdtar", &["--format=gnutar"], true, false);
    pack_and_check("bsdtar", &["--format=pax"], true, true);
}

#[test]
fn python_in_every_format() {
    need!(has("python3"), "needs python3");
    let script = "import sys, tarfile\n\
        with tarfile.open(sys.argv[1], 'w', format=int(sys.argv[3])) as tar: tar.add(sys.argv[2], '.')";
    // Python keeps fractions of seconds as floats, which have too few digits for nanoseconds.
    for (format, long_names) in [("0", false), ("1", true), ("2", true)] {
        let dir = tempfile::tempdir().unwrap();
        let (root, tar) = (dir.path().join("root"), dir.path().join("layer.tar"));
        make_tree(&root, long_names);
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 0);
        File::open(root.join("dir/file")).unwrap().set_modified(time).unwrap();
        let status =
            Command::new("python3").args(["-c", script]).arg(&tar).arg(&root).arg(format).status().unwrap();
        assert!(status.success());
        check(&tar, &root, false);
    }
}
