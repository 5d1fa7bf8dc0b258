//! lseek(2) with SEEK_DATA and SEEK_HOLE: what a sparse member says of itself.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use tar::EntryType;

use super::{mount, mount_lines, succeed};
use crate::support::need::{has, has_fuse, need};
use crate::support::{Layer, Mount};

/// A member in GNU's PAX format 1.0: 100,000 bytes, data at 1,000 and at 50,000, 3,000 bytes each.
fn sparse() -> Layer {
    let map = b"2\n1000\n3000\n50000\n3000\n";
    let contents = [&map[..], &vec![0; 512 - map.len()], &[b'a'; 3000], &[b'b'; 3000]].concat();
    let records = [
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"f"),
        ("GNU.sparse.realsize", b"100000"),
    ];
    Layer::new().pax(records).add(EntryType::Regular, b"GNUSparseFile.0/f", &contents, |_| {})
}

/// Stretches of data, each with its end, as a program that copies a file looks for them.
fn data(path: &Path) -> Vec<(u64, u64)> {
    let file = File::open(path).unwrap();
    let (mut found, mut at) = (Vec::new(), 0);
    loop {
        match seek(&file, SeekFrom::Data(at)) {
            Ok(start) => {
                at = seek(&file, SeekFrom::Hole(start)).unwrap();
                found.push((start, at));
            }
            Err(errno) => {
                assert_eq!(errno, Errno::NXIO);
                return found;
            }
        }
    }
}

#[test]
fn data_and_holes_are_where_the_member_has_them() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount([sparse()]);
    let path = mount.join("f");
    assert_eq!(data(&path), [(1000, 4000), (50_000, 53_000)]);
    let file = File::open(&path).unwrap();
    for (from, to) in [
        (SeekFrom::Data(0), Ok(1000)),
        (SeekFrom::Data(2000), Ok(2000)),
        (SeekFrom::Data(4000), Ok(50_000)),
        (SeekFrom::Data(53_000), Err(Errno::NXIO)),
        (SeekFrom::Hole(0), Ok(0)),
        (SeekFrom::Hole(1000), Ok(4000)),
        (SeekFrom::Hole(52_999), Ok(53_000)),
        (SeekFrom::Hole(99_999), Ok(99_999)),
        (SeekFrom::Hole(100_000), Err(Errno::NXIO)),
        (SeekFrom::Data(100_000), Err(Errno::NXIO)),
    ] {
        assert_eq!(seek(&file, from), to, "{from:?}");
    }
}

#[test]
fn holes_read_as_zeros_and_take_no_space() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount([sparse()]);
    let mut expected = vec![0; 100_000];
    expected[1000..4000].fill(b'a');
    expected[50_000..53_000].fill(b'b');
    assert!(fs::read(mount.join("f")).unwrap() == expected);
    let stat = fs::metadata(mount.join("f")).unwrap();
    assert_eq!((stat.len(), stat.blocks()), (100_000, 12));
}

#[test]
fn a_file_without_holes_is_all_data() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["f=hello empty"]);
    assert_eq!(data(&mount.join("f")), [(0, 5)]);
    assert_eq!(data(&mount.join("empty")), []);
}

#[test]
fn gnu_tar_and_cp_find_the_holes_again() {
    need!(has_fuse() && has("tar"), "needs FUSE and GNU tar");
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("f");
    let file = File::create(&source).unwrap();
    file.set_len(64 << 20).unwrap();
    for at in [0, 7 << 20, (63 << 20) + 12345] {
        std::os::unix::fs::FileExt::write_all_at(&file, &[7; 9000], at).unwrap();
    }
    drop(file);
    for format in ["gnu", "posix"] {
        let tar = dir.path().join("f.tar");
        let mut command = std::process::Command::new("tar");
        command.args(["--create", "--sparse", "--format", format, "--file"]).arg(&tar);
        succeed(command.arg("--directory").arg(dir.path()).arg("f"));
        let mount = Mount::new([&tar]);
        assert_eq!(data(&mount.join("f")), data(&source), "{format}");
        let copy = dir.path().join("copy");
        succeed(std::process::Command::new("cp").arg("--sparse=auto").arg(mount.join("f")).arg(&copy));
        assert!(fs::read(&copy).unwrap() == fs::read(&source).unwrap(), "{format}");
        assert!(fs::metadata(&copy).unwrap().blocks() < 1000, "{format}");
    }
}
