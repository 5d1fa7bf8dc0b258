//! Docker's own daemon, with a socket and a data directory of its own; it ends with the last test that
//! uses it, however that ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use super::need::{has, is_root};

/// How long the daemon may take to start, or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The daemon that is running, if one is.
static RUNNING: Mutex<Weak<Docker>> = Mutex::new(Weak::new());

/// A daemon that answers.
pub struct Docker {
    daemon: Child,
    dir: TempDir,
}

/// Whether a daemon can be started here.
pub fn is_available() -> bool {
    is_root() && has("dockerd") && has("docker")
}

impl Docker {
    /// The daemon that all tests share.
    pub fn get() -> Arc<Docker> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let docker = Arc::new(Docker::start());
            *running = Arc::downgrade(&docker);
            docker
        })
    }

    fn start() -> Docker {
        let dir = TempDir::new().unwrap();
        let log = File::create(dir.path().join("log")).unwrap();
        let mut command = Command::new("dockerd");
        // No network: the tests need none, and the machine's own is not to be touched.
        command.args(["--iptables=false", "--bridge=none", "--ip-forward=false", "--ip-masq=false"]);
        command.arg("--storage-driver=overlay2");
        for (option, name) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")] {
            command.arg(option).arg(dir.path().join(name));
        }
        command.arg("-H").arg(socket(dir.path())).stdin(Stdio::null());
        let daemon = command.stderr(log.try_clone().unwrap()).stdout(log).spawn().unwrap();
        let mut docker = Docker { daemon, dir };
        docker.wait_until_it_answers();
        docker
    }

    fn wait_until_it_answers(&mut self) {
        let started = Instant::now();
        while !self.command(&["version"]).output().unwrap().status.success() {
            let ended = self.daemon.try_wait().unwrap();
            if ended.is_some() || started.elapsed() > PATIENCE {
                panic!("dockerd: {}", fs::read_to_string(self.dir.path().join("log")).unwrap());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("-H").arg(socket(self.dir.path())).args(args).stdin(Stdio::null());
        command
    }

    /// Runs `docker`; gives what it writes, without the newline behind it.
    pub fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The directories of an image's layers, base first.
    pub fn layer_dirs(&self, image: &str) -> Vec<PathBuf> {
        let data = self.run(&["inspect", "--format", "{{json .GraphDriver.Data}}", image]);
        let data: serde_json::Value = serde_json::from_str(&data).unwrap();
        let lower = data["LowerDir"].as_str().unwrap_or_default().split(':').filter(|dir| !dir.is_empty());
        let top_first = [data["UpperDir"].as_str().unwrap()].into_iter().chain(lower);
        let mut dirs: Vec<PathBuf> = top_first.map(PathBuf::from).collect();
        dirs.reverse();
        dirs
    }

    /// Asks the daemon to end, which ends its containers and its containerd too.
    fn stop(&mut self) -> Result<(), String> {
        let pid = Pid::from_child(&self.daemon);
        rustix::process::kill_process(pid, Signal::TERM).map_err(|errno| format!("kill: {errno}"))?;
        let asked = Instant::now();
        while self.daemon.try_wait().map_err(|error| error.to_string())?.is_none() {
            if asked.elapsed() > PATIENCE {
                self.daemon.kill().and_then(|()| self.daemon.wait()).map_err(|error| error.to_string())?;
                return Err("dockerd did not end when asked".to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        let stopped = self.stop();
        // A daemon may leave its data directory mounted on itself: one that was killed, or whose root is a
        // directory of another file system.
        let _not_mounted = rustix::mount::unmount(self.dir.path().join("data"), UnmountFlags::DETACH);
        if !std::thread::panicking() {
            stopped.unwrap();
        }
    }
}

fn socket(dir: &Path) -> String {
    format!("unix://{}/socket", dir.display())
}
