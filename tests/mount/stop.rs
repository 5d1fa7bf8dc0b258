//! How a mount ends: by a signal, by anyone's umount; nothing else that is mounted there is touched.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{complaint, mount_lines, succeed, text, write_tar};
use crate::support::need::{has_fuse, is_root, need};
use crate::support::proc::{assert_gone, daemon_of, daemons_of, eventually, mounts_at, server_of};
use crate::support::{Foreground, peelfs};

fn mount(tar: &Path, point: &Path) -> Output {
    peelfs(["mount".as_ref(), tar.as_os_str(), point.as_os_str()])
}

fn umount(point: &Path) -> Output {
    peelfs(["umount".as_ref(), point.as_os_str()])
}

fn kinds(point: &Path) -> Vec<String> {
    mounts_at(point).into_iter().map(|mounted| mounted.kind).collect()
}

#[test]
fn signals_unmount_and_the_daemon_ends_well() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut foreground = Foreground::new([&tar]);
        foreground.signal(signal);
        assert_eq!((foreground.status().code(), &*foreground.stderr()), (Some(0), ""), "{signal:?}");
        assert_gone(foreground.path());

        assert!(mount(&tar, &point).status.success());
        rustix::process::kill_process(daemon_of(&point), signal).unwrap();
        eventually("the daemon ends", || daemons_of(&point).is_empty());
        assert_eq!(mounts_at(&point), [], "{signal:?} in the background");
    }
}

#[test]
fn a_signal_ends_it_even_while_a_file_is_open() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mut foreground = Foreground::new([write_tar(dir.path(), "f=text g=more")]);
    let mut open = File::open(foreground.path().join("f")).unwrap();
    foreground.signal(Signal::TERM);
    assert_eq!(foreground.status().code(), Some(0));
    assert_gone(foreground.path());
    // Whoever has it open gets an error, and no hang.
    assert!(open.read(&mut [0; 10]).is_err());
}

#[test]
fn two_signals_are_one() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mut foreground = Foreground::new([write_tar(dir.path(), "f=text")]);
    foreground.signal(Signal::TERM);
    foreground.signal(Signal::INT);
    assert_eq!(foreground.status().code(), Some(0));
    assert_gone(foreground.path());
}

#[test]
fn umount_ends_the_daemon() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let mut foreground = Foreground::new([&tar]);
    assert_eq!(umount(foreground.path()).status.code(), Some(0));
    assert_eq!((foreground.status().code(), &*foreground.stderr()), (Some(0), ""));
    assert_gone(foreground.path());
}

#[test]
fn umount_of_another_program_ends_the_daemon() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    for program in [&["umount"][..], &["umount", "--lazy"], &["umount", "--force"], &["fusermount3", "-u"]] {
        let mut foreground = Foreground::new([&tar]);
        succeed(Command::new(program[0]).args(&program[1..]).arg(foreground.path()));
        assert_eq!((foreground.status().code(), &*foreground.stderr()), (Some(0), ""), "{program:?}");
        assert_gone(foreground.path());
    }
}

/// Something else that is mounted, with a file in it, until it is dropped.
struct Tmpfs<'a>(&'a Path);

impl Tmpfs<'_> {
    fn on(point: &Path) -> Tmpfs<'_> {
        rustix::mount::mount("other", point, "tmpfs", MountFlags::empty(), None).unwrap();
        fs::write(point.join("other"), b"1").unwrap();
        Tmpfs(point)
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        rustix::mount::unmount(self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn what_is_mounted_below_stays_when_someone_unmounts() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let below = TempDir::new().unwrap();
    let _other = Tmpfs::on(below.path());
    for unmount in ["umount", "TERM"] {
        let output = mount(&tar, below.path());
        assert!(output.status.success(), "{output:?}");
        assert_eq!(kinds(below.path()), ["tmpfs", "fuse.peelfs"]);
        let daemon = daemon_of(below.path());
        match unmount {
            "umount" => drop(succeed(Command::new("umount").arg(below.path()))),
            _ => rustix::process::kill_process(daemon, Signal::TERM).unwrap(),
        }
        eventually("the daemon ends", || daemons_of(below.path()).is_empty());
        assert_eq!(kinds(below.path()), ["tmpfs"], "{unmount}");
        assert_eq!(fs::read(below.path().join("other")).unwrap(), b"1");
    }
}

#[test]
fn what_is_mounted_on_top_stays_and_so_does_the_mount_below_it() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let (mount, _dir) = mount_lines(&["f=text"]);
    {
        let _other = Tmpfs::on(mount.path());
        let refused = complaint(&umount(mount.path()));
        assert!(refused.contains("not a peelfs mount"), "{refused}");
        assert_eq!(kinds(mount.path()), ["fuse.peelfs", "tmpfs"]);
    }
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"text");
}

#[test]
fn a_signal_leaves_what_is_mounted_on_top_alone_and_is_obeyed_once_that_is_gone() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let mut foreground = Foreground::new([write_tar(dir.path(), "f=text")]);
    let point = foreground.path().to_owned();
    let open = File::open(point.join("f")).unwrap();
    let other = Tmpfs::on(&point);
    foreground.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(fs::read(point.join("other")).unwrap(), b"1");
    assert!(foreground.is_running());
    drop((open, other));
    assert_eq!(foreground.status().code(), Some(0));
    assert_gone(&point);
    assert!(foreground.stderr().contains("covered by another mount"));
}

#[test]
fn a_second_signal_ends_the_daemon_of_a_covered_mount() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let mut foreground = Foreground::new([write_tar(dir.path(), "f=text")]);
    let point = foreground.path().to_owned();
    let other = Tmpfs::on(&point);
    for signal in [Signal::TERM, Signal::INT] {
        foreground.signal(signal);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(foreground.status().code(), Some(2));
    assert!(foreground.stderr().contains("covered by another mount, left behind"));
    drop(other);
    assert_eq!(umount(&point).status.code(), Some(0));
}

#[test]
fn a_mount_below_a_directory_that_is_covered_or_renamed_is_taken_away() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let above = dir.path().join("above");
    let point = above.join("mnt");
    fs::create_dir_all(&point).unwrap();
    assert!(mount(&tar, &point).status.success());
    let daemon = daemon_of(&point);
    let other = Tmpfs::on(&above);
    rustix::process::kill_process(daemon, Signal::TERM).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(kinds(&point), ["fuse.peelfs"]);
    drop(other);
    assert_gone_soon(&point);

    assert!(mount(&tar, &point).status.success());
    let daemon = daemon_of(&point);
    let renamed = dir.path().join("renamed");
    fs::rename(&above, &renamed).unwrap();
    rustix::process::kill_process(daemon, Signal::TERM).unwrap();
    eventually("the daemon ends", || daemons_of(&point).is_empty());
    assert_eq!(mounts_at(&renamed.join("mnt")), []);
}

/// Waits until a mount and its daemon are gone.
#[track_caller]
fn assert_gone_soon(point: &Path) {
    eventually("it is unmounted", || mounts_at(point).is_empty());
    assert_gone(point);
}

#[test]
fn with_auto_unmount_a_mount_goes_when_its_daemon_dies() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text d/");
    for end in [Signal::KILL, Signal::TERM] {
        let mut foreground = Foreground::new(["-o".as_ref(), "auto_unmount".as_ref(), tar.as_os_str()]);
        // What the kernel remembers is answered without us.
        fs::read_dir(foreground.path()).unwrap().count();
        foreground.signal(end);
        foreground.status();
        assert_gone_soon(foreground.path());
    }
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    let args = ["mount".as_ref(), "-o".as_ref(), "auto_unmount".as_ref(), tar.as_os_str(), point.as_os_str()];
    assert!(peelfs(args).status.success());
    rustix::process::kill_process(server_of(&point), Signal::KILL).unwrap();
    assert_gone_soon(&point);
    assert!(peelfs(args).status.success());
    assert_eq!(umount(&point).status.code(), Some(0));
    assert_gone(&point);
}

#[test]
fn auto_unmount_leaves_what_is_mounted_on_top_or_instead_alone() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let args = ["-o".as_ref(), "auto_unmount".as_ref(), tar.as_os_str()];
    let covered = Foreground::new(args);
    let other = Tmpfs::on(covered.path());
    covered.signal(Signal::KILL);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(kinds(covered.path()), ["fuse.peelfs", "tmpfs"]);
    drop(other);
    assert_gone_soon(covered.path());

    let mut replaced = Foreground::new(args);
    succeed(Command::new("umount").arg(replaced.path()));
    replaced.status();
    assert!(mount(&tar, replaced.path()).status.success());
    eventually("the process that waits ends", || daemons_of(replaced.path()).len() == 1);
    assert_eq!(kinds(replaced.path()), ["fuse.peelfs"]);
    assert_eq!(umount(replaced.path()).status.code(), Some(0));
}

#[test]
fn a_mount_that_was_given_the_numbers_of_another_is_not_taken_for_it() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    // Numbers are given anew lowest first; who else mounts meanwhile may get them, but not each time.
    for _ in 0..5 {
        let mut first = Foreground::new(["-o".as_ref(), "auto_unmount".as_ref(), tar.as_os_str()]);
        let server = server_of(first.path());
        let waiting = *daemons_of(first.path()).iter().find(|pid| **pid != server).unwrap();
        rustix::process::kill_process(waiting, Signal::STOP).unwrap();
        succeed(Command::new("umount").arg(first.path()));
        let reap = std::thread::spawn(move || first.status());
        let next = Foreground::new([&tar]);
        rustix::process::kill_process(waiting, Signal::CONT).unwrap();
        reap.join().unwrap();
        eventually("the process that waits ends", || rustix::process::test_kill_process(waiting).is_err());
        assert_eq!(kinds(next.path()), ["fuse.peelfs"]);
    }
}

#[test]
fn a_mount_that_took_the_place_of_another_is_not_taken_for_it() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let mut first = Foreground::new([&tar]);
    // An open file keeps the first daemon alive after the umount.
    let open = File::open(first.path().join("f")).unwrap();
    succeed(Command::new("umount").arg("--lazy").arg(first.path()));
    let output = mount(&tar, first.path());
    assert!(output.status.success(), "{output:?}");
    first.signal(Signal::TERM);
    assert_eq!(first.status().code(), Some(0));
    assert_eq!(kinds(first.path()), ["fuse.peelfs"], "the second mount is gone");
    assert_eq!(fs::read(first.path().join("f")).unwrap(), b"text");
    drop(open);
    assert_eq!(umount(first.path()).status.code(), Some(0));
    assert_gone(first.path());
}

#[test]
fn mounts_on_one_directory_are_taken_away_one_by_one() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    for line in ["f=first", "f=second"] {
        let tar = write_tar(dir.path(), line);
        let named = tar.with_extension(&line[2..]);
        fs::rename(tar, &named).unwrap();
        assert!(mount(&named, &point).status.success());
    }
    assert_eq!(fs::read(point.join("f")).unwrap(), b"second");
    assert_eq!(umount(&point).status.code(), Some(0));
    assert_eq!(fs::read(point.join("f")).unwrap(), b"first");
    assert_eq!(umount(&point).status.code(), Some(0));
    assert_gone(&point);
    assert!(complaint(&umount(&point)).contains("not a peelfs mount"));
}

/// A process that stands in a directory, until it is dropped.
struct Busy(Child);

impl Busy {
    fn in_dir(dir: &Path) -> Busy {
        let mut command = Command::new("sleep");
        Busy(command.arg("1000").current_dir(dir).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_busy_mount_says_what_to_do_and_lazy_does_it() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mut foreground = Foreground::new([write_tar(dir.path(), "f=text d/")]);
    let point = foreground.path().to_owned();
    let busy = Busy::in_dir(&point.join("d"));
    let said = complaint(&umount(&point));
    let run = format!("run: peelfs umount --lazy {}", point.display());
    assert!(said.contains("busy") && said.contains(&run), "{said}");
    assert_eq!(fs::read(point.join("f")).unwrap(), b"text");

    let output = peelfs(["umount".as_ref(), "--lazy".as_ref(), point.as_os_str()]);
    assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(0), ""));
    assert_eq!(mounts_at(&point), []);
    // Its last user keeps it alive, and no longer.
    let inside = format!("/proc/{}/cwd/../f", busy.0.id());
    assert_eq!(fs::read(inside).unwrap(), b"text");
    assert!(foreground.is_running());
    drop(busy);
    assert_eq!((foreground.status().code(), &*foreground.stderr()), (Some(0), ""));
}

#[test]
fn umount_touches_only_mounts_of_peelfs() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let _other = Tmpfs::on(dir.path());
    for (point, reason) in [
        (dir.path().to_owned(), "not a peelfs mount"),
        (dir.path().join("other"), "not a peelfs mount"),
        (dir.path().join("nowhere"), "No such file or directory"),
        (dir.path().join("no/where"), "No such file or directory"),
    ] {
        let said = complaint(&umount(&point));
        assert!(said.contains(reason) && said.contains(&*point.to_string_lossy()), "{said}");
    }
    assert_eq!(kinds(dir.path()), ["tmpfs"]);
}

#[test]
fn umount_takes_several_and_unmount_is_the_same_word() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let mut mounts = [Foreground::new([&tar]), Foreground::new([&tar])];
    let points = mounts.each_ref().map(|mount| mount.path().to_owned());
    let output = peelfs(["unmount".as_ref(), points[0].as_os_str(), points[1].as_os_str()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for mount in &mut mounts {
        assert_eq!(mount.status().code(), Some(0));
        assert_eq!(mounts_at(mount.path()), []);
    }
}

#[test]
fn umount_of_several_goes_on_behind_one_that_fails() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mut foreground = Foreground::new([write_tar(dir.path(), "f=text")]);
    let nowhere = dir.path().join("nowhere");
    let point = foreground.path().to_owned();
    let output = peelfs(["umount".as_ref(), nowhere.as_os_str(), point.as_os_str(), dir.path().as_os_str()]);
    let said = complaint(&output);
    let (nowhere, none) = (nowhere.display(), dir.path().display());
    let expected = format!(
        "peelfs: {nowhere}: No such file or directory (os error 2)\npeelfs: {none}: not a peelfs mount\n"
    );
    assert_eq!(said, expected);
    assert_eq!(foreground.status().code(), Some(0));
    assert_gone(&point);
}

#[test]
fn a_dead_mount_is_refused_with_the_command_that_helps() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    assert!(mount(&tar, &point).status.success());
    rustix::process::kill_process(daemon_of(&point), Signal::KILL).unwrap();
    eventually("the daemon is dead", || daemons_of(&point).is_empty());
    eventually("the mount is dead", || rustix::fs::stat(&point).err() == Some(rustix::io::Errno::NOTCONN));

    let said = complaint(&mount(&tar, &point));
    let run = format!("run: peelfs umount {}", point.display());
    assert!(said.contains("transport endpoint is not connected") && said.contains(&run), "{said}");
    assert_eq!(kinds(&point), ["fuse.peelfs"], "a second mount on the dead one");

    let output = umount(&point);
    assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(0), ""));
    assert!(mount(&tar, &point).status.success());
    assert_eq!(fs::read(point.join("f")).unwrap(), b"text");
    assert_eq!(umount(&point).status.code(), Some(0));
    assert_gone(&point);
}

#[test]
fn a_dead_mount_below_a_mount_point_is_refused_too() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text d/");
    let mut dead = Foreground::new([&tar]);
    dead.signal(Signal::KILL);
    dead.status();
    let below = dead.path().join("d");
    let said = complaint(&mount(&tar, &below));
    assert!(said.contains("ransport endpoint is not connected"), "{said}");
    assert_eq!(umount(dead.path()).status.code(), Some(0));
}
