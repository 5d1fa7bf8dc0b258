//! Mount options: what mountinfo shows of them, and what they do.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::process::Command;

use tar::EntryType;

use super::{mount_with, succeed, text};
use crate::support::need::{has_fuse, is_root, need};
use crate::support::proc::mounts_at;
use crate::support::user::as_nobody;
use crate::support::{layer, peelfs};

#[test]
fn flags_are_those_that_were_asked_for() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    for (options, flags) in [
        ("defaults", "ro,nosuid,nodev,relatime"),
        ("rw", "ro,nosuid,nodev,relatime"),
        ("suid", "ro,nodev,relatime"),
        ("dev", "ro,nosuid,relatime"),
        ("suid,dev,noexec", "ro,noexec,relatime"),
        ("suid,dev,nosuid,nodev", "ro,nosuid,nodev,relatime"),
        ("noexec,exec", "ro,nosuid,nodev,relatime"),
    ] {
        let (mount, _dir) = mount_with(["-o", options], [layer("f=1")]);
        let mounts = mounts_at(mount.path());
        assert_eq!(
            (mounts.len(), &*mounts[0].kind, &*mounts[0].flags),
            (1, "fuse.peelfs", flags),
            "{options}"
        );
    }
}

#[test]
fn permissions_are_checked_for_root_and_whenever_others_come_in() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    for (options, expected) in [
        ("defaults", "ro,user_id=0,group_id=0,default_permissions"),
        ("allow_other", "ro,user_id=0,group_id=0,default_permissions,allow_other"),
        ("default_permissions,allow_root", "ro,user_id=0,group_id=0,default_permissions,allow_other"),
    ] {
        let (mount, _dir) = mount_with(["-o", options], [layer("f=1")]);
        assert_eq!(mounts_at(mount.path())[0].options, expected, "{options}");
    }
}

#[test]
fn the_source_is_the_image_or_what_fsname_says() {
    need!(has_fuse(), "needs FUSE");
    let (mount, dir) = mount_with([], [layer("f=1")]);
    assert_eq!(mounts_at(mount.path())[0].source, dir.path().join("layer0.tar"));
    let (mount, _dir) = mount_with(["-o", r"fsname=my image\,1"], [layer("f=1")]);
    assert_eq!(mounts_at(mount.path())[0].source, "my image,1");
    let (mount, _dir) = mount_with([], [layer("f=1"), layer("g=1")]);
    assert_eq!(mounts_at(mount.path())[0].source, "peelfs");
}

#[test]
fn the_source_is_absolute_wherever_it_was_mounted_from() {
    need!(has_fuse(), "needs FUSE");
    let dir = tempfile::TempDir::new().unwrap();
    let tar = super::write_tar(dir.path(), "f=1");
    std::os::unix::fs::symlink("layer0.tar", dir.path().join("link")).unwrap();
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    for relative in ["layer0.tar", "./mnt/../link"] {
        let mut mount = crate::support::mount::command();
        succeed(mount.args(["mount", relative, "mnt"]).current_dir(&dir));
        assert_eq!(mounts_at(&point)[0].source, tar, "{relative}");
        assert!(peelfs(["umount".as_ref(), point.as_os_str()]).status.success());
    }
}

/// What nobody hears when he reads a file.
fn nobody_reads(path: &std::path::Path) -> Result<String, String> {
    let output = as_nobody("cat").arg(path).env("LC_ALL", "C").output().unwrap();
    let reason = text(&output.stderr).trim().rsplit(": ").next().unwrap().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(reason) }
}

#[test]
fn others_come_in_only_where_they_are_let_and_only_as_far_as_modes_go() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let image = || [layer("f=text own=text!600 d/!700 d/f=text x/!711 x/f=text")];
    let denied = || Err("Permission denied".to_owned());
    let allowed = || Ok("text".to_owned());
    let (mount, _dir) = mount_with([], image());
    for name in ["f", "own", "d/f", "x/f"] {
        assert_eq!(nobody_reads(&mount.join(name)), denied(), "{name}");
    }
    let (mount, _dir) = mount_with(["-o", "allow_root"], image());
    assert_eq!(nobody_reads(&mount.join("f")), denied(), "allow_root");
    let (mount, _dir) = mount_with(["-o", "allow_other"], image());
    for (name, expected) in [("f", allowed()), ("own", denied()), ("d/f", denied()), ("x/f", allowed())] {
        assert_eq!(nobody_reads(&mount.join(name)), expected, "allow_other, {name}");
    }
    let (mount, _dir) = mount_with(["-o", "allow_other,uid=65534"], image());
    for name in ["f", "own", "d/f", "x/f"] {
        assert_eq!(nobody_reads(&mount.join(name)), allowed(), "uid=65534, {name}");
    }
    let (mount, _dir) = mount_with(["-o", "allow_other,umask=077"], image());
    assert_eq!(nobody_reads(&mount.join("f")), denied(), "umask=077");
}

#[test]
fn set_user_id_counts_only_with_suid() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let id = fs::read("/usr/bin/id").unwrap();
    let image = || {
        let set_user_id = |header: &mut tar::Header| header.set_mode(0o4755);
        [layer("").add(EntryType::Regular, b"id", &id, set_user_id)]
    };
    for (options, uid) in [("allow_other", "65534"), ("allow_other,suid", "0")] {
        let (mount, _dir) = mount_with(["-o", options], image());
        let said = succeed(as_nobody(mount.join("id")).arg("-u"));
        assert_eq!(said.trim(), uid, "{options}");
    }
}

#[test]
fn devices_open_only_with_dev() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let (mount, _dir) = mount_with([], [layer("czero@1:5")]);
    let refused = File::open(mount.join("zero")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    let (mount, _dir) = mount_with(["-o", "dev"], [layer("czero@1:5")]);
    let mut byte = [1];
    File::open(mount.join("zero")).unwrap().read_exact(&mut byte).unwrap();
    assert_eq!(byte, [0]);
}

#[test]
fn nothing_runs_with_noexec() {
    need!(has_fuse(), "needs FUSE");
    let image = || {
        [layer("").add(EntryType::Regular, b"run", b"#!/bin/sh\nexit 0\n", |header| header.set_mode(0o755))]
    };
    let (mount, _dir) = mount_with([], image());
    succeed(&mut Command::new(mount.join("run")));
    let (mount, _dir) = mount_with(["-o", "noexec"], image());
    let refused = Command::new(mount.join("run")).status().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
}
