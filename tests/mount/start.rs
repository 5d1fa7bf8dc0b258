//! `peelfs mount`: it returns when the mount answers, or says why there is none and leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{complaint, succeed, text, write_tar};
use crate::support::mount::{PEELFS, cache_home};
use crate::support::need::{has_fuse, is_root, need};
use crate::support::proc::{assert_gone, daemon_of, daemons_of, eventually, mounts_at};
use crate::support::{Foreground, Mount, peelfs, user::path_with};

/// A shell script that finds `peelfs`, run in a directory.
fn script(dir: &Path, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-ec", script]).current_dir(dir).stdin(Stdio::null());
    command
        .env("PATH", path_with(Path::new(PEELFS).parent().unwrap()))
        .env("XDG_CACHE_HOME", cache_home())
        .env_remove("RUST_LOG");
    command
}

#[test]
fn it_returns_when_the_mount_answers() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    fs::create_dir(dir.path().join("mnt")).unwrap();
    // No sleep and no second try anywhere.
    let round = "peelfs mount layer0.tar mnt; cat mnt/f; peelfs umount mnt;";
    let output = succeed(&mut script(dir.path(), &round.repeat(20)));
    assert_eq!(output, "text".repeat(20));
    assert_gone(&dir.path().join("mnt"));
}

#[test]
fn it_lets_go_of_the_output_that_it_was_started_with() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    fs::create_dir(dir.path().join("mnt")).unwrap();
    // `cat` ends only when nobody has its input open any more.
    let mount =
        "{ peelfs -vvv mount layer0.tar mnt 2>&1 | cat; } >said; cat mnt/f; peelfs umount mnt; wc -c <said";
    let output = succeed(&mut script(dir.path(), mount));
    let said = output.strip_prefix("text").unwrap().trim();
    assert_ne!(said, "0", "-vvv said nothing");
}

#[test]
fn relative_paths_mean_what_they_meant_where_it_was_started() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("a/mnt")).unwrap();
    write_tar(dir.path(), "f=text");
    let output = "cd a; peelfs mount --log-file log ../layer0.tar mnt; cat mnt/f; cd ..; peelfs umount ./a/../a/mnt; ls a/log";
    assert_eq!(succeed(&mut script(dir.path(), output)), "texta/log\n");
}

#[test]
fn the_daemon_keeps_no_directory_no_terminal_and_no_standard_stream() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let mount = Mount::new([&tar]);
    let daemon = daemon_of(mount.path());
    let proc = |name: &str| format!("/proc/{daemon}/{name}");
    assert_eq!(fs::read_link(proc("cwd")).unwrap(), Path::new("/"));
    for fd in 0..3 {
        assert_eq!(fs::read_link(proc(&format!("fd/{fd}"))).unwrap(), Path::new("/dev/null"));
    }
    // A session of its own: no signal of a terminal reaches it.
    let stat = fs::read_to_string(proc("stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let (session, terminal) = (fields[3], fields[4]);
    assert_eq!((session, terminal), (&*daemon.to_string(), "0"));
}

#[test]
fn in_the_foreground_it_stays_and_says_when_it_is_ready() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mut foreground = Foreground::new([write_tar(dir.path(), "f=text")]);
    assert_eq!(fs::read(foreground.path().join("f")).unwrap(), b"text");
    assert!(foreground.is_running());
    assert_eq!(peelfs(["umount".as_ref(), foreground.path().as_os_str()]).status.code(), Some(0));
    assert_eq!((foreground.status().code(), foreground.stderr().as_str()), (Some(0), ""));
}

#[test]
fn ready_fd_gets_a_newline_when_the_mount_answers_and_is_closed() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    fs::create_dir(dir.path().join("mnt")).unwrap();
    for options in ["", "--foreground"] {
        // `read` gives the line, `cat` the end of the file; the mount must be there after the first.
        let wait = format!(
            "mkfifo ready$$; peelfs mount {options} --ready-fd 9 layer0.tar mnt 9>ready$$ & \
             {{ read line; cat mnt/f; cat; }} <ready$$; peelfs umount mnt; wait $!; rm ready$$"
        );
        assert_eq!(succeed(&mut script(dir.path(), &wait)), "text", "{options}");
    }
}

#[test]
fn ready_fd_is_closed_without_a_word_when_there_will_be_no_mount() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("bad.tar"), b"no tar").unwrap();
    fs::create_dir(dir.path().join("mnt")).unwrap();
    let wait = "{ peelfs mount --ready-fd 3 bad.tar mnt 3>&1 >/dev/null 2>/dev/null || true; } | wc -c";
    assert_eq!(succeed(&mut script(dir.path(), wait)).trim(), "0");
}

#[test]
fn ready_fd_may_be_a_standard_stream() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    fs::create_dir(dir.path().join("mnt")).unwrap();
    for redirected in ["--ready-fd 1 layer0.tar mnt", "--ready-fd 2 layer0.tar mnt 2>&1 >/dev/null"] {
        let wait = format!("peelfs mount {redirected} | wc -c; cat mnt/f; peelfs umount mnt");
        assert_eq!(succeed(&mut script(dir.path(), &wait)), "1\ntext", "{redirected}");
    }
}

#[test]
fn a_mount_stays_though_nobody_reads_from_ready_fd() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let (point, log) = (dir.path().join("mnt"), dir.path().join("log"));
    fs::create_dir(&point).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut mount = crate::support::mount::command();
    mount.args(["mount", "--ready-fd", "1", "--log-file"]).args([&log, &tar, &point]);
    assert!(mount.stdout(writer).status().unwrap().success());
    assert_eq!(fs::read(point.join("f")).unwrap(), b"text");
    let said = fs::read_to_string(log).unwrap();
    assert!(said.contains("--ready-fd") && said.contains("Broken pipe"), "{said}");
    assert!(peelfs(["umount".as_ref(), point.as_os_str()]).status.success());
    assert_gone(&point);
}

#[test]
fn the_daemon_lets_go_of_the_descriptors_that_it_was_started_with() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    fs::create_dir(dir.path().join("mnt")).unwrap();
    let pipe = "(exec 7>&1; peelfs mount --log-file log layer0.tar mnt) | cat; ";
    let lock =
        "peelfs umount mnt; (exec 9>lock; flock 9; peelfs mount layer0.tar mnt); flock -n lock cat mnt/f; ";
    let output = succeed(&mut script(dir.path(), &format!("{pipe}{lock} peelfs umount mnt")));
    assert_eq!(output, "text");
    assert_gone(&dir.path().join("mnt"));
}

#[test]
fn a_verb_is_a_verb_whatever_files_are_called() {
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    // A file of the verb's name, and an image whose name looks like a mount option.
    let lines = "touch ls; mkdir lowerdir=y; mv layer0.tar lowerdir=y/i.tar; peelfs ls lowerdir=y/i.tar";
    assert_eq!(succeed(&mut script(dir.path(), lines)), "f\n");
}

/// A damaged tar: its second header has a wrong checksum.
fn damaged(dir: &Path) {
    let mut tar = fs::read(write_tar(dir, "a=1 b=2")).unwrap();
    tar[1024 + 148] ^= 1;
    fs::write(dir.join("damaged.tar"), tar).unwrap();
}

#[test]
fn a_mount_that_cannot_be_made_says_why_and_leaves_nothing_behind() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    damaged(dir.path());
    fs::write(dir.path().join("text"), b"just text\n").unwrap();
    fs::create_dir(dir.path().join("mnt")).unwrap();
    for (args, reason) in [
        ("layer0.tar nowhere", "peelfs: nowhere: No such file or directory"),
        ("layer0.tar nowhere/at/all", "peelfs: nowhere/at/all: No such file or directory"),
        ("layer0.tar text", "peelfs: text: not a directory"),
        ("layer0.tar text/mnt", "peelfs: text/mnt: Not a directory"),
        ("missing.tar mnt", "peelfs: missing.tar: No such file or directory"),
        ("missing.tar layer0.tar mnt", "peelfs: missing.tar: No such file or directory"),
        ("text mnt", "peelfs: text: text; expected an image archive"),
        ("damaged.tar mnt", "peelfs: damaged.tar: offset 1024: "),
        ("layer0.tar", "peelfs: no mount point, only layer0.tar; usage: peelfs mount IMAGE MOUNTPOINT"),
        ("mnt", "peelfs: no image to mount, only mnt; usage: peelfs mount IMAGE MOUNTPOINT"),
        ("-o frobnicate layer0.tar mnt", "peelfs: unknown mount option `frobnicate`"),
        ("-o remount,rw layer0.tar mnt", "peelfs: mount option `remount`: a mount cannot be changed"),
        ("--ready-fd 77 layer0.tar mnt", "peelfs: --ready-fd: Bad file descriptor"),
        (
            "--log-file no/such/log layer0.tar mnt",
            "peelfs: --log-file no/such/log: No such file or directory",
        ),
        ("--log-file mnt layer0.tar mnt", "peelfs: --log-file mnt: Is a directory"),
        (
            "-o upperdir=u,lowerdir=layer0.tar mnt",
            "peelfs: upperdir= needs workdir=, on the same file system",
        ),
    ] {
        for foreground in ["", "--foreground "] {
            let mount = format!("exec peelfs mount {foreground}{args}");
            let output = script(dir.path(), &mount).output().unwrap();
            let said = complaint(&output);
            assert!(said.starts_with(reason), "{mount}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert_gone(&dir.path().join("mnt"));
        }
    }
}

#[test]
fn a_daemon_that_is_killed_before_the_mount_answers_is_reported() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("mnt")).unwrap();
    // Long in decoding: 4 GiB of zeros.
    let zeros = "head -c 4G /dev/zero | zstd -q >zeros.zst; ";
    let kill = "peelfs mount zeros.zst mnt & \
        until child=$(pgrep -P $!); do :; done; kill -9 $child; wait $! || echo status $?";
    let mut script = script(dir.path(), &format!("{zeros}{kill}"));
    let output = script.output().unwrap();
    assert_eq!(text(&output.stderr), "peelfs: the daemon was ended by signal 9\n");
    assert_eq!(text(&output.stdout), "status 2\n");
    assert_gone(&dir.path().join("mnt"));
}

#[test]
fn without_the_device_it_says_so_and_the_other_commands_still_work() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "f=text");
    fs::create_dir(dir.path().join("mnt")).unwrap();
    let inner = "mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; peelfs ls layer0.tar; peelfs mount layer0.tar mnt";
    let output = script(dir.path(), "exec unshare -m sh -ec \"$0\"").arg(inner).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "f\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("peelfs: /dev/fuse: No such file or directory"), "{said}");
    assert!(said.contains("ls, tree, cat, stat and the other commands still work"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn names_with_spaces_newlines_commas_and_backslashes_are_names() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    for name in ["a b", "a,b", "a\nb", "a\\b", "a\\040b", "a:b", "#a", "\u{e9}", "-o", "a\tb"] {
        let (image, point) = (dir.path().join(format!("{name}.tar")), dir.path().join(name));
        fs::rename(write_tar(dir.path(), "f=text"), &image).unwrap();
        fs::create_dir(&point).unwrap();
        let args = ["mount".as_ref(), image.as_os_str(), point.as_os_str()];
        let output = peelfs(args);
        assert!(output.status.success(), "{name:?}: {output:?}");
        let mounted = mounts_at(&point);
        assert_eq!(mounted.len(), 1, "{name:?}");
        assert_eq!(mounted[0].source, image.as_os_str(), "{name:?}");
        assert_eq!(fs::read(point.join("f")).unwrap(), b"text", "{name:?}");
        assert_eq!(peelfs(["umount".as_ref(), point.as_os_str()]).status.code(), Some(0), "{name:?}");
        assert_gone(&point);
    }
}

#[test]
fn a_mount_point_may_be_a_symlink_to_a_directory() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let (point, link) = (dir.path().join("mnt"), dir.path().join("link"));
    fs::create_dir(&point).unwrap();
    std::os::unix::fs::symlink("mnt", &link).unwrap();
    assert!(peelfs(["mount".as_ref(), tar.as_os_str(), link.as_os_str()]).status.success());
    assert_eq!(fs::read(link.join("f")).unwrap(), b"text");
    assert_eq!(mounts_at(&point).len(), 1);
    assert!(peelfs(["umount".as_ref(), link.as_os_str()]).status.success());
    assert_eq!(mounts_at(&point), []);
    eventually("the daemon ends", || daemons_of(&link).is_empty());
}

#[test]
fn a_directory_that_is_not_empty_is_covered_and_comes_back() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    fs::write(point.join("mine"), b"1").unwrap();
    fs::set_permissions(&point, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(peelfs(["mount".as_ref(), tar.as_os_str(), point.as_os_str()]).status.success());
    assert!(!point.join("mine").exists() && point.join("f").exists());
    assert!(peelfs(["umount".as_ref(), point.as_os_str()]).status.success());
    assert_eq!(fs::read(point.join("mine")).unwrap(), b"1");
    assert_eq!(fs::metadata(&point).unwrap().permissions().mode() & 0o7777, 0o700);
    assert_gone(&point);
}
