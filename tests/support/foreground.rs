//! A mount whose daemon is a child of the test: how it ends can be seen.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use super::mount::command;
use super::proc::{eventually, mounts_at};

/// `peelfs mount --foreground`, once it answers.
pub struct Foreground {
    child: Child,
    dir: TempDir,
}

impl Foreground {
    /// Mounts what the arguments name; options may be among them.
    pub fn new<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Foreground {
        match Foreground::start(command(), args) {
            Ok(foreground) => foreground,
            Err(mut ended) => panic!("{}", ended.stderr()),
        }
    }

    /// The same in an environment, where it may end before it answers: then how it did.
    pub fn with_env<'a, S: AsRef<OsStr>>(
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Foreground, ExitStatus> {
        let mut command = command();
        command.envs(environment);
        Foreground::start(command, args).map_err(|mut ended| ended.status())
    }

    fn start<S: AsRef<OsStr>>(
        mut command: Command,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Foreground, Foreground> {
        let dir = TempDir::new().unwrap();
        command.args(["mount", "--foreground", "--ready-fd", "1"]).args(args).arg(dir.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut ready = String::new();
        child.stdout.take().unwrap().read_to_string(&mut ready).unwrap();
        let foreground = Foreground { child, dir };
        if ready == "\n" { Ok(foreground) } else { Err(foreground) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it ended, once it has.
    pub fn status(&mut self) -> ExitStatus {
        eventually("the daemon ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }

    /// What it said on stderr, once it has ended.
    pub fn stderr(&mut self) -> String {
        self.status();
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if self.is_running() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        for _ in mounts_at(self.dir.path()) {
            rustix::mount::unmount(self.dir.path(), UnmountFlags::DETACH).unwrap();
        }
    }
}
