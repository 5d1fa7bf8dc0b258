//! readlink(2).

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;
use tar::EntryType;

use super::{mount, mount_lines};
use crate::support::Layer;
use crate::support::need::{has_fuse, need};

#[test]
fn a_target_is_the_bytes_that_the_image_has() {
    need!(has_fuse(), "needs FUSE");
    let long = [b"x/".repeat(2000), b"end".to_vec()].concat();
    let targets =
        [&b"f"[..], b"../../../etc/passwd", b"/absolute", b"nowhere", b"\xff\n \x1b", b"d//", &long];
    let tar = targets.iter().enumerate().fold(Layer::new(), |tar, (no, target)| {
        tar.pax([("linkpath", *target)]).add(EntryType::Symlink, no.to_string().as_bytes(), b"", |_| {})
    });
    let (mount, _dir) = mount([tar]);
    for (no, target) in targets.into_iter().enumerate() {
        let path = mount.join(&no.to_string());
        // Twice: the second time the kernel may know.
        for _ in 0..2 {
            assert_eq!(fs::read_link(&path).unwrap(), Path::new(OsStr::from_bytes(target)));
        }
        assert_eq!(fs::symlink_metadata(path).unwrap().len(), target.len() as u64);
    }
}

#[test]
fn symlinks_lead_through_the_merged_tree() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["lib->usr/lib usr/lib/a=old x->y", "usr/lib/a=new usr/lib/b=2 y->x"]);
    assert_eq!(fs::read(mount.join("lib/a")).unwrap(), b"new");
    assert_eq!(fs::read(mount.join("lib/b")).unwrap(), b"2");
    assert_eq!(rustix::fs::stat(mount.join("x")).map(drop), Err(Errno::LOOP));
}

#[test]
fn nothing_but_a_symlink_has_a_target() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["f=1 d/ p|"]);
    for name in ["f", "d", "p"] {
        assert_eq!(rustix::fs::readlink(mount.join(name), Vec::new()).unwrap_err(), Errno::INVAL, "{name}");
    }
}
