//! Every call that writes is EROFS: by the mount's flag, and by our own answer where that is taken away.

use std::fs::File;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, FileType, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid,
    XattrFlags,
};
use rustix::io::{Errno, Result};
use tempfile::TempDir;

use super::{mount, succeed};
use crate::support::need::{has_fuse, is_root, need};
use crate::support::{Layer, Mount, layer, sys};

type Attempt = (&'static str, fn(&Path) -> Result<()>);

const ATTEMPTS: &[Attempt] = &[
    ("create", |dir| open(dir, "new", OFlags::CREATE | OFlags::WRONLY).map(drop)),
    ("open with O_TRUNC", |dir| open(dir, "f", OFlags::WRONLY | OFlags::TRUNC).map(drop)),
    ("write", |dir| rustix::io::write(open(dir, "f", OFlags::WRONLY)?, b"!").map(drop)),
    ("append", |dir| rustix::io::write(open(dir, "f", OFlags::WRONLY | OFlags::APPEND)?, b"!").map(drop)),
    ("write at an offset", |dir| rustix::io::pwrite(open(dir, "f", OFlags::RDWR)?, b"!", 100).map(drop)),
    ("write directly", |dir| {
        rustix::io::write(open(dir, "f", OFlags::WRONLY | OFlags::DIRECT)?, b"!").map(drop)
    }),
    ("ftruncate", |dir| rustix::fs::ftruncate(open(dir, "f", OFlags::WRONLY)?, 0)),
    ("fallocate", |dir| {
        rustix::fs::fallocate(open(dir, "f", OFlags::WRONLY)?, FallocateFlags::empty(), 0, 100)
    }),
    ("copy_file_range", |dir| {
        let (from, to) = (open(dir, "g", OFlags::RDONLY)?, open(dir, "f", OFlags::WRONLY)?);
        rustix::fs::copy_file_range(from, None, to, None, 1).map(drop)
    }),
    ("mkdir", |dir| rustix::fs::mkdir(dir.join("new"), Mode::RWXU)),
    ("unlink", |dir| rustix::fs::unlink(dir.join("f"))),
    ("rmdir", |dir| rustix::fs::rmdir(dir.join("d"))),
    ("rename", |dir| rustix::fs::rename(dir.join("f"), dir.join("new"))),
    ("rename over another", |dir| rustix::fs::rename(dir.join("f"), dir.join("g"))),
    ("exchange", |dir| {
        rustix::fs::renameat_with(CWD, dir.join("f"), CWD, dir.join("g"), RenameFlags::EXCHANGE)
    }),
    ("symlink", |dir| rustix::fs::symlink("f", dir.join("new"))),
    ("link", |dir| rustix::fs::link(dir.join("f"), dir.join("new"))),
    ("mknod a fifo", |dir| rustix::fs::mknodat(CWD, dir.join("new"), FileType::Fifo, Mode::RWXU, 0)),
    ("mknod a device", |dir| {
        let null = rustix::fs::makedev(1, 3);
        rustix::fs::mknodat(CWD, dir.join("new"), FileType::CharacterDevice, Mode::RWXU, null)
    }),
    ("chmod", |dir| rustix::fs::chmod(dir.join("f"), Mode::RWXU)),
    ("chmod of a directory", |dir| rustix::fs::chmod(dir.join("d"), Mode::RWXU)),
    ("chown", |dir| rustix::fs::chown(dir.join("f"), Some(Uid::from_raw(1)), Some(Gid::from_raw(1)))),
    ("utimens", |dir| {
        let time = Timespec { tv_sec: -2, tv_nsec: 500_000_000 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, dir.join("f"), &times, AtFlags::empty())
    }),
    ("setxattr", |dir| rustix::fs::setxattr(dir.join("f"), "user.new", b"1", XattrFlags::empty())),
    ("removexattr", |dir| rustix::fs::removexattr(dir.join("f"), "user.old")),
];

fn open(dir: &Path, name: &str, flags: OFlags) -> Result<OwnedFd> {
    rustix::fs::open(dir.join(name), flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)
}

/// With attributes and without: the one mount supports them, the other says that it does not.
fn mounts() -> [(Mount, TempDir); 2] {
    let files = |tar: Layer| tar.file("f", b"text").file("g", b"more").file("d/h", b"1");
    [
        mount([files(layer("d/"))]),
        mount([files(layer("d/").pax([("SCHILY.xattr.user.old", &b"1"[..])]).file("x", b""))]),
    ]
}

#[track_caller]
fn assert_all_refused(mount: &Mount, how: &str) {
    for (what, attempt) in ATTEMPTS {
        assert_eq!(attempt(mount.path()), Err(Errno::ROFS), "{what}, {how}");
    }
    let found = succeed(std::process::Command::new("find").arg(mount.path()).args([
        "-type",
        "f",
        "-printf",
        "%P %m %s\\n",
    ]));
    let mut found: Vec<&str> = found.lines().filter(|line| !line.starts_with("x ")).collect();
    found.sort_unstable();
    assert_eq!(found, ["d/h 644 1", "f 644 4", "g 644 4"], "{how}");
    assert_eq!(std::fs::read(mount.join("f")).unwrap(), b"text", "{how}");
}

#[test]
fn every_write_is_erofs() {
    need!(has_fuse(), "needs FUSE");
    for (mount, _dir) in mounts() {
        assert_all_refused(&mount, "as it is mounted");
    }
}

#[test]
fn every_write_is_erofs_after_a_remount_that_asks_for_writing() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    for (mount, _dir) in mounts() {
        succeed(std::process::Command::new("mount").args(["-i", "-o", "remount,rw"]).arg(mount.path()));
        // Twice: no answer may switch an operation off.
        for _ in 0..2 {
            assert_all_refused(&mount, "remounted");
        }
    }
}

#[test]
fn a_shared_mapping_is_not_written_back_after_such_a_remount() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let [(mount, _dir), _] = mounts();
    succeed(std::process::Command::new("mount").args(["-i", "-o", "remount,rw"]).arg(mount.path()));
    let file = File::options().read(true).write(true).open(mount.join("f")).unwrap();
    assert!(sys::write_mapped(&file).is_err(), "a write that went nowhere was not reported");
}

#[test]
fn opening_for_writing_is_erofs_and_for_reading_is_not() {
    need!(has_fuse(), "needs FUSE");
    let [(mount, _dir), _] = mounts();
    for flags in [OFlags::WRONLY, OFlags::RDWR, OFlags::RDONLY | OFlags::TRUNC] {
        assert_eq!(open(mount.path(), "f", flags).map(drop), Err(Errno::ROFS), "{flags:?}");
    }
    for flags in
        [OFlags::RDONLY, OFlags::RDONLY | OFlags::CREATE, OFlags::PATH, OFlags::RDONLY | OFlags::DIRECT]
    {
        assert_eq!(open(mount.path(), "f", flags).map(drop), Ok(()), "{flags:?}");
    }
}
