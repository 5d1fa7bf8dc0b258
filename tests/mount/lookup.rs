//! Names: what is there, what is not, and what no name can be.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tar::EntryType;

use super::{mount, mount_lines};
use crate::support::Layer;
use crate::support::need::{has_fuse, need};

fn error_of(path: impl AsRef<Path>) -> rustix::io::Errno {
    rustix::fs::lstat(path.as_ref()).map(drop).unwrap_err()
}

#[test]
fn what_is_not_there_is_enoent_however_often_it_is_asked_for() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["a=1 b=2 d/ d/c=3", ".wh.a d/.wh..wh..opq"]);
    for _ in 0..3 {
        for name in ["nothing", "a", "d/c", "d/nothing", ".wh.a", "d/.wh..wh..opq", "nothing/at/all"] {
            assert_eq!(fs::metadata(mount.join(name)).unwrap_err().kind(), ErrorKind::NotFound, "{name}");
        }
        assert_eq!(fs::read(mount.join("b")).unwrap(), b"2");
    }
}

#[test]
fn a_file_is_no_directory() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["f=1 l->f p| cnull@1:3"]);
    for name in ["f/x", "f/", "f/..", "l/x", "p/x", "null/x"] {
        assert_eq!(error_of(mount.join(name)), rustix::io::Errno::NOTDIR, "{name}");
    }
    assert_eq!(fs::read_dir(mount.join("f")).unwrap_err().kind(), ErrorKind::NotADirectory);
    assert_eq!(fs::read(mount.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
}

#[test]
fn a_name_of_255_bytes_is_found_and_a_longer_one_is_too_long() {
    need!(has_fuse(), "needs FUSE");
    let long = "n".repeat(255);
    let (mount, _dir) = mount([Layer::new().long(EntryType::Regular, long.as_bytes(), b"1")]);
    assert_eq!(fs::read(mount.join(&long)).unwrap(), b"1");
    assert_eq!(error_of(mount.join(&"m".repeat(255))), rustix::io::Errno::NOENT);
    for len in [256, 1000, 5000] {
        assert_eq!(error_of(mount.join(&"n".repeat(len))), rustix::io::Errno::NAMETOOLONG, "{len} bytes");
    }
}

#[test]
fn names_are_bytes() {
    need!(has_fuse(), "needs FUSE");
    let names = [&b"not utf-8 \xff\xfe"[..], b"new\nline", b"\x1b[31m", "\u{202e}".as_bytes(), b"a\\b", b" "];
    let tar = names.iter().fold(Layer::new(), |tar, name| tar.add(EntryType::Regular, name, name, |_| {}));
    let (mount, _dir) = mount([tar]);
    for name in names {
        assert_eq!(fs::read(mount.path().join(OsStr::from_bytes(name))).unwrap(), name);
    }
}

#[test]
fn a_path_may_be_as_deep_as_one_likes() {
    need!(has_fuse(), "needs FUSE");
    let deep = "d/".repeat(700);
    let (mount, _dir) = mount([Layer::new().long(EntryType::Regular, format!("{deep}f").as_bytes(), b"1")]);
    assert_eq!(fs::read(mount.join(&format!("{deep}f"))).unwrap(), b"1");
    let up = "../".repeat(700);
    assert_eq!(fs::metadata(mount.join(&format!("{deep}{up}"))).unwrap().len(), 0);
}

#[test]
fn dot_and_dotdot_lead_where_they_say() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["a/ a/b/ a/b/f=1 c/ c/g=2", "a/b/h=3"]);
    assert_eq!(fs::read(mount.join("a/b/../../c/./g")).unwrap(), b"2");
    assert_eq!(fs::canonicalize(mount.join("a/./b/..")).unwrap(), mount.join("a"));
}
