//! The spool: where compressed streams are decoded, what it needs, and that nothing of it stays.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{gzip, peelfs_in, refused, shown};
use crate::support::archive::{Written, docker};
use crate::support::mount::PEELFS;
use crate::support::need::{has_fuse, is_root, need};
use crate::support::proc::{daemon_of, daemons_of, eventually};
use crate::support::{Mount, Nobody, layer, peelfs};

/// A directory with an image whose layers are compressed, and with a directory to decode them in.
fn prepare() -> TempDir {
    let dir = TempDir::new().unwrap();
    let mut image = Written::new("app:1", [layer("a=1").file("large", &[7; 3_000_000]), layer("b=2")]);
    image.store = gzip;
    fs::write(dir.path().join("image"), docker(&[image])).unwrap();
    fs::create_dir(dir.path().join("spool")).unwrap();
    dir
}

/// Files that a process has open and that have no name any more, in a directory.
fn unlinked(process: rustix::process::Pid, dir: &Path) -> usize {
    let fds = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let targets = fds.filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
    let target = |target: &Path| target.starts_with(dir) && target.to_string_lossy().ends_with(" (deleted)");
    targets.filter(|path| target(path)).count()
}

#[test]
fn streams_are_decoded_where_it_is_said_into_files_without_a_name() {
    need!(has_fuse(), "needs FUSE");
    let dir = prepare();
    let spool = dir.path().join("spool");
    let image = dir.path().join("image");
    let mount = Mount::new(["--spool-dir".as_ref(), spool.as_os_str(), image.as_os_str()]);
    assert_eq!(unlinked(daemon_of(mount.path()), &spool), 2);
    assert_eq!(fs::read_dir(&spool).unwrap().count(), 0, "a file with a name");
    assert!(fs::read(mount.join("large")).unwrap() == [7; 3_000_000]);
    let mount =
        Mount::new(["-o".into(), format!("spool_dir={}", spool.display()).into(), image.into_os_string()]);
    assert_eq!(unlinked(daemon_of(mount.path()), &spool), 2, "-o spool_dir=");
}

#[test]
fn tmpdir_is_the_default_and_the_option_wins() {
    let dir = prepare();
    let run = |tmpdir: &str, args: &[&str]| {
        let mut command = Command::new(PEELFS);
        command.arg("ls").args(args).arg("image").current_dir(dir.path()).env("TMPDIR", tmpdir);
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, said) = run("/nowhere/at/all", &[]);
    assert_eq!(status, Some(2));
    assert!(said.contains("spool directory /nowhere/at/all: "), "{said}");
    assert_eq!(run("/nowhere/at/all", &["--spool-dir", "spool"]), (Some(0), String::new()));
    assert_eq!(run("spool", &[]), (Some(0), String::new()));
    assert_eq!(run("", &[]), (Some(0), String::new()));
}

#[test]
fn a_spool_directory_that_cannot_be_written_is_named() {
    let dir = prepare();
    fs::write(dir.path().join("file"), b"").unwrap();
    for (spool, reason) in [("nowhere", "No such file or directory"), ("file", "Not a directory")] {
        let said = String::from_utf8(peelfs_in(dir.path(), &format!("ls --spool-dir {spool} image")).stderr)
            .unwrap();
        assert!(said.contains(&format!("spool directory {spool}: {reason}")), "{said}");
    }
}

#[test]
fn a_spool_directory_of_someone_else_is_named() {
    need!(is_root(), "needs root");
    let nobody = Nobody::new();
    let image = nobody.write("image", &gzip(&layer("a=1").finish()));
    let output = nobody.peelfs().arg("ls").arg("--spool-dir").arg("/proc/1").arg(&image).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("spool directory /proc/1: "), "{said}");
}

#[test]
fn what_needs_no_decoding_needs_no_spool() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("image"), docker(&[Written::new("app:1", [layer("a=1")])])).unwrap();
    assert_eq!(shown(dir.path(), "--spool-dir /nowhere image"), "a=1");
}

/// A small file system, until it is dropped.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn on<'a>(dir: &'a Path, size: &std::ffi::CStr) -> Small<'a> {
        rustix::mount::mount("small", dir, "tmpfs", MountFlags::empty(), Some(size)).unwrap();
        Small(dir)
    }

    fn used(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.0).unwrap();
        stat.f_blocks - stat.f_bfree
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        rustix::mount::unmount(self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn a_full_spool_directory_is_named_with_what_to_do_and_left_clean() {
    need!(is_root(), "needs root");
    let dir = prepare();
    let spool = dir.path().join("spool");
    let small = Small::on(&spool, c"size=1m");
    let before = small.used();
    let said = refused_when_read(dir.path(), "--spool-dir spool image");
    assert!(said.contains("spool directory spool: no space for the decoded gzip stream"), "{said}");
    assert!(said.contains("choose another with --spool-dir"), "{said}");
    assert!(said.starts_with("peelfs: image: "), "{said}");
    assert_eq!(small.used(), before);
    // Nothing is wrong with the image.
    let verify = peelfs_in(dir.path(), "verify --spool-dir spool image");
    assert_eq!((verify.status.code(), String::from_utf8(verify.stderr).unwrap()), (Some(2), said));
}

#[test]
fn free_space_is_left_to_others() {
    need!(is_root(), "needs root");
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("spool")).unwrap();
    // 40 MiB decoded would fit into the 90, but only 26 may be taken.
    fs::write(dir.path().join("image"), gzip(&layer("").file("large", &vec![0; 40 << 20]).finish())).unwrap();
    let spool = dir.path().join("spool");
    let small = Small::on(&spool, c"size=90m");
    let said = refused(dir.path(), "--spool-dir spool image");
    assert!(said.contains("no space for the decoded gzip stream"), "{said}");
    assert_eq!(small.used(), 0);
    assert_eq!(peelfs_in(dir.path(), "verify --spool-dir spool image").status.code(), Some(2));
}

/// What `ls` says of an image whose layers cannot be read.
fn refused_when_read(dir: &Path, image: &str) -> String {
    let output = peelfs_in(dir, &format!("ls {image}"));
    assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn nothing_of_it_stays_however_the_daemon_ends() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = prepare();
    let spool = dir.path().join("spool");
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    let small = Small::on(&spool, c"size=200m");
    let before = small.used();
    for signal in [Signal::TERM, Signal::KILL] {
        let image = dir.path().join("image");
        let args = [
            "mount".as_ref(),
            "--spool-dir".as_ref(),
            spool.as_os_str(),
            image.as_os_str(),
            point.as_os_str(),
        ];
        let output = peelfs(args);
        assert!(output.status.success(), "{output:?}");
        assert!(small.used() > before);
        rustix::process::kill_process(daemon_of(&point), signal).unwrap();
        eventually("the daemon ends", || daemons_of(&point).is_empty());
        eventually("its files are gone", || small.used() == before);
        assert_eq!(fs::read_dir(&spool).unwrap().count(), 0);
    }
    assert!(peelfs(["umount".as_ref(), point.as_os_str()]).status.success());
}
