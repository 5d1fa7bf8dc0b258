//! `peelfs trace` and `mount --trace`: what is asked, as it is asked, and the decision behind the answer.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{complaint, mount_lines, mount_with, text};
use crate::support::mount::command;
use crate::support::need::{has_fuse, is_root, need};
use crate::support::proc::assert_gone;
use crate::support::{Foreground, Writable, layer, peelfs, write_tars};

const LINES: [&str; 5] = [
    "etc/ etc/hosts=1 etc/motd=0 s->etc/motd d/ d/f",
    "etc/ etc/x",
    "etc/motd=hello",
    "etc/y",
    "etc/.wh.hosts",
];

/// A listener that is a child of the test.
struct Listener {
    child: Child,
    lines: Receiver<String>,
}

impl Listener {
    /// Listens to a mount, once it is heard.
    fn on(dir: &Path) -> Listener {
        let mut command = command();
        let mut child = command.arg("trace").arg(dir).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        let listener = Listener { child, lines };
        // What is not there is asked for again under each other name.
        for no in 0.. {
            let _ = fs::symlink_metadata(dir.join(format!("probe{no}")));
            if listener.lines.recv_timeout(Duration::from_millis(100)).is_ok() {
                break;
            }
            assert!(no < 100, "nothing is heard");
        }
        listener.drain();
        listener
    }

    fn drain(&self) {
        while self.lines.recv_timeout(Duration::from_millis(200)).is_ok() {}
    }

    /// Waits for a line.
    #[track_caller]
    fn hears(&self, line: &str) {
        let mut heard = Vec::new();
        while let Ok(next) = self.lines.recv_timeout(Duration::from_secs(5)) {
            if next == line {
                return;
            }
            heard.push(next);
        }
        panic!("not heard: {line}\nbut:\n{}", heard.join("\n"));
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_layers_word_is_told() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&LINES);
    let listener = Listener::on(mount.path());
    let _ = fs::symlink_metadata(mount.join("etc/hosts"));
    listener.hears(
        "lookup /etc: layer 4 directory · layer 3 directory · layer 2 directory · layer 1 directory \
         · layer 0 directory → merged from layers 4, 3, 2, 1, 0",
    );
    listener.hears("lookup /etc/hosts: layer 4 whiteout → ENOENT");
    assert_eq!(fs::read(mount.join("etc/motd")).unwrap(), b"hello");
    listener.hears("lookup /etc/motd: layer 4 – · layer 3 – · layer 2 file → shown");
    listener.hears("read /etc/motd: 5 B at 0 from layer 2");
    fs::read_link(mount.join("s")).unwrap();
    listener.hears("readlink /s: from layer 0");
    assert_eq!(fs::read_dir(mount.join("etc")).unwrap().count(), 3);
    listener.hears("readdir /etc: merged from layers 4, 3, 2, 1, 0 (3 names)");
    assert_eq!(fs::read_dir(mount.join("d")).unwrap().count(), 1);
    listener.hears("readdir /d: from layer 0 (1 name)");
}

#[test]
fn what_an_upper_makes_of_it_is_told() {
    need!(has_fuse() && is_root(), "needs FUSE and root");
    let writable = Writable::of_lines(&LINES);
    let mount = writable.mount_with(["--no-passthrough"]);
    let listener = Listener::on(mount.path());
    let at = |path: &str| mount.join(path);
    fs::OpenOptions::new().append(true).open(at("etc/motd")).unwrap();
    listener.hears("lookup /etc/motd: upper – · layer 4 – · layer 3 – · layer 2 file → shown");
    listener.hears("open /etc/motd for write: copy-up from layer 2 (5 B)");
    fs::write(at("etc/motd"), "four").unwrap();
    listener.hears("write /etc/motd: 4 B at 0 into the upper");
    fs::remove_file(at("etc/x")).unwrap();
    listener.hears("unlink /etc/x: whiteout made over layer 1");
    let _ = fs::symlink_metadata(at("etc/x"));
    fs::create_dir(at("etc/x")).unwrap();
    listener.hears("mkdir /etc/x: made in the upper, in a whiteout's place");
    fs::remove_dir(at("etc/x")).unwrap();
    fs::rename(at("d"), at("e")).unwrap();
    listener.hears("rename /d to /e: redirect to layer 0; whiteout made over layer 0");
    fs::symlink_metadata(at("e/f")).unwrap();
    listener.hears("lookup /e/f: upper – · layer 0 file → shown");
    fs::create_dir(at("new")).unwrap();
    fs::remove_dir(at("new")).unwrap();
    listener.hears("rmdir /new: removed from the upper");
    fs::remove_dir(at("etc")).unwrap_err();
    listener.hears("rmdir /etc: whiteout made over layers 4, 3, 2, 1, 0 → ENOTEMPTY");
    listener.drain();
    drop(listener);
    mount.unmount();
}

#[test]
fn views_are_told_by_their_paths() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_with(["--views"], LINES.iter().map(|line| layer(line)));
    let listener = Listener::on(mount.path());
    fs::read(mount.join(".peelfs/upto/2/etc/motd")).unwrap();
    listener.hears("lookup /.peelfs/upto/2/etc/motd: layer 2 file → shown");
    listener.hears("read /.peelfs/upto/2/etc/motd: 5 B at 0 from layer 2");
}

#[test]
fn names_are_escaped() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&LINES);
    let listener = Listener::on(mount.path());
    let _ = fs::symlink_metadata(mount.join("a\u{1b}[31m\nb"));
    listener.hears("lookup /a\\u{1b}[31m\\nb: layers 4–0 – → ENOENT");
}

#[test]
fn it_ends_with_the_mount_which_it_does_not_keep_busy() {
    need!(has_fuse(), "needs FUSE");
    let foreground = Foreground::new({
        let dir = tempfile::TempDir::new().unwrap().keep();
        write_tars(&dir, [layer("f=1")])
    });
    let mut listener = Listener::on(foreground.path());
    let point = foreground.path().to_owned();
    // It may be just asking.
    let unmounted = (0..20).any(|_| peelfs(["umount".as_ref(), point.as_os_str()]).status.success());
    assert!(unmounted);
    assert_gone(&point);
    assert_eq!(listener.child.wait().unwrap().code(), Some(0));
}

#[test]
fn several_listen_and_nobody_waits_for_one_that_is_stopped() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&LINES);
    let (one, two) = (Listener::on(mount.path()), Listener::on(mount.path()));
    one.drain();
    let stop = rustix::process::Signal::STOP;
    rustix::process::kill_process(rustix::process::Pid::from_child(&one.child), stop).unwrap();
    for no in 0..20_000 {
        let _ = fs::symlink_metadata(mount.path().join(format!("missing{no}")));
    }
    two.hears("lookup /missing19999: layers 4–0 – → ENOENT");
}

#[test]
fn only_the_owner_and_root_may_listen() {
    need!(has_fuse() && is_root(), "needs FUSE and root");
    let (mount, _dir) = mount_with(["-o", "allow_other"], LINES.iter().map(|line| layer(line)));
    let output = command().arg("trace").arg(mount.path()).uid(65_534).output().unwrap();
    let said = complaint(&output);
    assert!(said.contains("Operation not permitted"), "{said}");
}

#[test]
fn where_there_is_no_mount_of_ours_there_is_nothing_to_trace() {
    let dir = tempfile::TempDir::new().unwrap();
    let said = complaint(&peelfs(["trace".as_ref(), dir.path().as_os_str()]));
    assert!(said.contains("not a peelfs mount"), "{said}");
    let said = complaint(&peelfs(["trace".as_ref(), dir.path().join("no").as_os_str()]));
    assert!(said.contains("No such file"), "{said}");
}

#[test]
fn a_mount_traces_itself_where_that_can_be_read() {
    need!(has_fuse(), "needs FUSE");
    let dir = tempfile::TempDir::new().unwrap();
    let tar = write_tars(dir.path(), [layer("f=text")]).remove(0);
    let mut foreground = Foreground::new(["--trace".as_ref(), tar.as_os_str()]);
    fs::read(foreground.path().join("f")).unwrap();
    assert!(peelfs(["umount".as_ref(), foreground.path().as_os_str()]).status.success());
    let said = foreground.stderr();
    assert!(said.contains("lookup /f: layer 0 file → shown\n"), "{said}");
    assert!(said.contains("read /f: 4 B at 0 from layer 0\n"), "{said}");
    let output = Command::new(crate::support::mount::PEELFS)
        .args(["mount", "--trace"])
        .arg(&tar)
        .arg(dir.path())
        .output();
    let said = complaint(&output.unwrap());
    assert!(said.contains("peelfs trace MOUNTPOINT"), "{said}");
    assert!(!text(said.as_bytes()).is_empty());
}
