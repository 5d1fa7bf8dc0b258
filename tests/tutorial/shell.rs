//! One shell that a whole lesson is typed into, in a directory of its own.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::support::mount::{PEELFS, cache_home};
use crate::support::{overlay, peelfs, user};

/// How long a lesson may take; a busy machine is slow, a hang is for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// What stands behind each command's output: no command prints it.
const END: &str = "\u{1e}";

/// What a command needs, and what is granted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    User,
    /// To mount overlayfs.
    Root,
}

impl Rights {
    pub fn here() -> Rights {
        if overlay::is_available() { Rights::Root } else { Rights::User }
    }
}

/// Where a lesson is tried; mounts in it go with it.
pub struct Scratch(TempDir);

impl Scratch {
    pub fn new() -> Scratch {
        Scratch(TempDir::new().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// What each command printed, in lines.
    pub fn run(&self, commands: &[String]) -> Vec<Vec<String>> {
        // Not in the directory that the lesson sees.
        let (place, cache) = (TempDir::new().unwrap(), cache_home());
        let (script, said) = (place.path().join("script"), place.path().join("said"));
        fs::write(&script, script_of(commands)).unwrap();
        let out = File::create(&said).unwrap();
        let mut shell = Command::new("sh");
        shell.arg(&script).current_dir(self.path()).stdin(Stdio::null());
        shell.stdout(out.try_clone().unwrap()).stderr(out).process_group(0);
        shell.env("PATH", user::path_with(Path::new(PEELFS).parent().unwrap()));
        shell.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("XDG_CACHE_HOME", cache);
        for name in ["RUST_LOG", "TMPDIR", "SOURCE_DATE_EPOCH"] {
            shell.env_remove(name);
        }
        wait(shell.spawn().unwrap());
        let text = String::from_utf8_lossy(&fs::read(&said).unwrap()).into_owned();
        // A tool names the script in its complaints, a shell that is typed into does not.
        let text = text.replace(&format!("{}: ", script.display()), "sh: ");
        let mut said: Vec<_> = text.split(END).map(lines).collect();
        // Behind the last mark, if the shell came so far, there is nothing.
        if said.last().is_some_and(Vec::is_empty) {
            said.pop();
        }
        said
    }

    /// What is mounted in it, deepest first.
    pub fn mounts(&self) -> Vec<PathBuf> {
        let text = fs::read("/proc/self/mountinfo").unwrap();
        let points =
            text.split(|&byte| byte == b'\n').filter_map(|line| line.split(|&byte| byte == b' ').nth(4));
        let points = points.map(|point| PathBuf::from(std::ffi::OsStr::from_bytes(point)));
        let mut points: Vec<PathBuf> = points.filter(|point| point.starts_with(self.path())).collect();
        points.reverse();
        points
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for point in self.mounts() {
            if rustix::mount::unmount(&point, UnmountFlags::DETACH).is_err() {
                peelfs(["umount".as_ref(), "--lazy".as_ref(), point.as_os_str()]);
            }
        }
    }
}

/// The commands one after the other, a mark behind the output of each.
fn script_of(commands: &[String]) -> String {
    // Root needs no sudo, and a machine need not have it.
    let mut script = "umask 022\nsudo() { \"$@\"; }\n".to_owned();
    for command in commands {
        // `$?` is the command's for the one behind it.
        script.push_str(&format!("{command}\nstatus=$?; printf '\\036'; (exit $status)\n"));
    }
    script
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Waits for the shell; one that hangs is ended with all that it started.
fn wait(mut shell: std::process::Child) {
    let start = Instant::now();
    while shell.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            let group = Pid::from_raw(shell.id().try_into().unwrap()).unwrap();
            kill_process_group(group, Signal::KILL).unwrap();
            shell.wait().unwrap();
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
