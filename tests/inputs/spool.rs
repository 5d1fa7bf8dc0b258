//! The spool: where streams are decoded that cannot be read in place, which without a cache are those of xz and
//! bzip2; what it needs, and that nothing of it stays.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{bzip2, gzip, peelfs_in, refused, shown, xz, zstd};
use crate::support::archive::{Written, docker};
use crate::support::mount::PEELFS;
use crate::support::need::{has_fuse, is_root, need};
use crate::support::proc::{daemon_of, daemons_of, eventually};
use crate::support::{Mount, Nobody, layer, peelfs};

/// A directory with an image whose layers cannot be read in place, and with a directory to decode them in.
fn prepare() -> TempDir {
    let dir = TempDir::new().unwrap();
    let mut image = Written::new("app:1", [layer("a=1").file("large", &[7; 3_000_000]), layer("b=2")]);
    image.store = bzip2;
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
    let mount =
        Mount::new(["--no-cache".as_ref(), "--spool-dir".as_ref(), spool.as_os_str(), image.as_os_str()]);
    assert_eq!(unlinked(daemon_of(mount.path()), &spool), 2);
    assert_eq!(fs::read_dir(&spool).unwrap().count(), 0, "a file with a name");
    assert!(fs::read(mount.join("large")).unwrap() == [7; 3_000_000]);
    let words = format!("no_cache,spool_dir={}", spool.display());
    let mount = Mount::new(["-o".as_ref(), words.as_ref(), image.as_os_str()]);
    assert_eq!(unlinked(daemon_of(mount.path()), &spool), 2, "-o spool_dir=");
}

#[test]
fn tmpdir_is_the_default_and_the_option_wins() {
    let dir = prepare();
    let run = |tmpdir: &str, args: &[&str]| {
        let mut command = Command::new(PEELFS);
        command
            .args(["ls", "--no-cache"])
            .args(args)
            .arg("image")
            .current_dir(dir.path())
            .env("TMPDIR", tmpdir);
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
        let said = String::from_utf8(
            peelfs_in(dir.path(), &format!("ls --no-cache --spool-dir {spool} image")).stderr,
        )
        .unwrap();
        assert!(said.contains(&format!("spool directory {spool}: {reason}")), "{said}");
    }
}

#[test]
fn a_spool_directory_of_someone_else_is_named() {
    need!(is_root(), "needs root");
    let nobody = Nobody::new();
    let image = nobody.write("image", &xz(&layer("a=1").finish()));
    let output =
        nobody.peelfs().args(["ls", "--no-cache", "--spool-dir", "/proc/1"]).arg(&image).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("spool directory /proc/1: "), "{said}");
}

#[test]
fn what_can_be_read_in_place_needs_no_spool() {
    let dir = TempDir::new().unwrap();
    for store in [<[u8]>::to_vec, gzip, zstd] {
        let mut image = Written::new("app:1", [layer("a=1")]);
        image.store = store;
        fs::write(dir.path().join("image"), store(&docker(&[image]))).unwrap();
        assert_eq!(shown(dir.path(), "--no-cache --spool-dir /nowhere image"), "a=1");
    }
}

#[test]
fn with_a_cache_nothing_is_spooled() {
    let dir = TempDir::new().unwrap();
    for store in [xz, bzip2] {
        let mut image = Written::new("app:1", [layer("a=1").file("large", &[7; 3_000_000]), layer("b=2")]);
        image.store = store;
        fs::write(dir.path().join("image"), store(&docker(&[image]))).unwrap();
        let output = peelfs_in(dir.path(), "cat --cache-dir cache --spool-dir /nowhere image a large b");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        assert!(output.stdout == [b"1", &[7; 3_000_000][..], b"2"].concat());
    }
}

#[test]
fn what_decodes_to_more_than_it_may_is_not_spooled() {
    let dir = prepare();
    let tar = layer("").file("large", &[0; 3_000_000]).finish();
    for (name, store) in [("xz", xz as fn(&[u8]) -> Vec<u8>), ("bzip2", bzip2)] {
        let stream = store(&tar);
        fs::write(dir.path().join("layer"), &stream).unwrap();
        let said = refused(dir.path(), "--no-cache --max-layer-size 1M --spool-dir spool layer");
        let near = format!("layer: {name} stream, near offset {}", stream.len());
        assert_eq!(said, format!("{near}: it decodes to more than 1048576 bytes (--max-layer-size)"));
    }
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
    let said = refused_when_read(dir.path(), "--no-cache --spool-dir spool image");
    assert!(said.contains("spool directory spool: no space for the decoded bzip2 stream"), "{said}");
    assert!(said.contains("choose another with --spool-dir"), "{said}");
    assert!(said.starts_with("peelfs: image: "), "{said}");
    assert_eq!(small.used(), before);
    // Nothing is wrong with the image; to read it from front to back takes no space.
    assert_eq!(peelfs_in(dir.path(), "verify --no-cache --spool-dir spool image").status.code(), Some(0));
}

#[test]
fn free_space_is_left_to_others() {
    need!(is_root(), "needs root");
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("spool")).unwrap();
    // 40 MiB decoded would fit into the 90, but only 26 may be taken.
    fs::write(dir.path().join("image"), xz(&layer("").file("large", &vec![0; 40 << 20]).finish())).unwrap();
    let spool = dir.path().join("spool");
    let small = Small::on(&spool, c"size=90m");
    let said = refused(dir.path(), "--no-cache --spool-dir spool image");
    assert!(said.contains("no space for the decoded xz stream"), "{said}");
    assert_eq!(small.used(), 0);
    assert_eq!(peelfs_in(dir.path(), "verify --no-cache --spool-dir spool image").status.code(), Some(2));
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
            "--no-cache".as_ref(),
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
