//! What `/proc` says: what is mounted where, and which processes serve it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::mount::PEELFS;

/// How long anything may take that is waited for; a busy machine is slow, a hang is for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// A line of mountinfo (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The flags of this mount: `ro,nosuid,nodev,relatime`.
    pub flags: String,
    pub kind: String,
    pub source: OsString,
    /// The options of the file system: `ro,user_id=0,…`.
    pub options: String,
}

/// The mounts on a directory, in the order they were made.
pub fn mounts_at(dir: &Path) -> Vec<Mounted> {
    let text = fs::read("/proc/self/mountinfo").unwrap();
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let fields = lines.map(|line| line.split(|&byte| byte == b' ').map(unescape).collect::<Vec<_>>());
    fields.filter(|fields| fields[4] == dir.as_os_str().as_bytes()).map(mounted).collect()
}

fn mounted(fields: Vec<Vec<u8>>) -> Mounted {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let dash = fields.iter().position(|field| field == b"-").unwrap();
    Mounted {
        flags: text(&fields[5]),
        kind: text(&fields[dash + 1]),
        source: OsString::from_vec(fields[dash + 2].clone()),
        options: text(&fields[dash + 3]),
    }
}

/// Takes `\040` and the like for the bytes they stand for.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| first == b'\\').map(|digits| str::from_utf8(digits).unwrap());
        match octal.map(|digits| u8::from_str_radix(digits, 8).unwrap()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

/// The processes of the program under test that have a directory among their arguments.
pub fn daemons_of(dir: &Path) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    let pids = processes.filter_map(|name| Pid::from_raw(name.to_str()?.parse().ok()?));
    pids.filter(|pid| is_daemon_of(*pid, dir)).collect()
}

/// The one process that serves a directory.
#[track_caller]
pub fn daemon_of(dir: &Path) -> Pid {
    match *daemons_of(dir) {
        [daemon] => daemon,
        ref other => panic!("{}: {other:?}", dir.display()),
    }
}

/// The same where another process waits for its end (`auto_unmount`): the one that has the device open.
#[track_caller]
pub fn server_of(dir: &Path) -> Pid {
    let mut daemons = daemons_of(dir);
    daemons.retain(|pid| {
        let open =
            fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|fd| fs::read_link(fd.unwrap().path()));
        open.flatten().any(|path| path == Path::new("/dev/fuse"))
    });
    match *daemons {
        [server] => server,
        ref other => panic!("{}: {other:?}", dir.display()),
    }
}

fn is_daemon_of(pid: Pid, dir: &Path) -> bool {
    // A process may be gone by now, and a zombie has no arguments.
    let Ok(arguments) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut arguments = arguments.split(|&byte| byte == 0);
    let program = arguments.next().unwrap_or_default();
    program.ends_with(Path::new(PEELFS).file_name().unwrap().as_bytes())
        && arguments.any(|argument| argument == dir.as_os_str().as_bytes())
}

/// Waits for what happens in another process.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until nothing is left of a mount: no line in mountinfo, no process.
#[track_caller]
pub fn assert_gone(dir: &Path) {
    assert_eq!(mounts_at(dir), [], "still mounted");
    eventually("the daemon ends", || daemons_of(dir).is_empty());
}
