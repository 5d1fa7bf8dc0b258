//! Another user, for what root is spared.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use rustix::fs::FlockOperation;
use tempfile::TempDir;

use super::mount::PEELFS;

/// The user ID, and the group ID, of nobody.
pub const NOBODY: u32 = 65534;

/// The user nobody, with a directory of his own and the program under test in it; /dev/fuse is open to him.
pub struct Nobody {
    dir: TempDir,
    _fuse: OpenFuse,
}

impl Nobody {
    /// Needs root.
    pub fn new() -> Nobody {
        let dir = TempDir::new().unwrap();
        // The build directory may be out of his reach. Copied by another process: a file that this one has
        // open for writing while some thread forks cannot be run.
        let copied = Command::new("cp").arg(PEELFS).arg(dir.path().join("peelfs")).status().unwrap();
        assert!(copied.success());
        std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        Nobody { dir, _fuse: OpenFuse::new() }
    }

    /// A path in his directory.
    pub fn join(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// A file of his.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, bytes).unwrap();
        self.own(&path);
        path
    }

    /// A directory of his.
    pub fn create_dir(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir(&path).unwrap();
        self.own(&path);
        path
    }

    fn own(&self, path: &Path) {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }

    /// The program under test, started by him.
    pub fn peelfs(&self) -> Command {
        self.with_cache(as_nobody(self.join("peelfs")))
    }

    /// A script of his; `peelfs` is in its PATH, and its directory is his.
    pub fn script(&self, script: &str) -> Command {
        let mut command = as_nobody("sh");
        command.arg("-ec").arg(script).current_dir(self.dir.path());
        command.env("PATH", path_with(self.dir.path()));
        self.with_cache(command)
    }

    /// Root's cache is out of his reach.
    fn with_cache(&self, mut command: Command) -> Command {
        command.env("XDG_CACHE_HOME", self.join(".cache"));
        command
    }
}

/// `PATH` with a directory before all others.
pub fn path_with(dir: &Path) -> String {
    format!("{}:{}", dir.display(), std::env::var("PATH").unwrap())
}

/// A command that nobody runs.
pub fn as_nobody(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--"]);
    command.arg(program).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// /dev/fuse as udev makes it everywhere, with mode 0666, as long as any of these is alive.
struct OpenFuse;

/// How many there are, and what the first one found.
static OPEN_FUSE: Mutex<(usize, Option<Found>)> = Mutex::new((0, None));

/// The mode that the device had, and a lock that keeps other runs of these tests from changing it.
struct Found {
    mode: u32,
    device: File,
}

impl OpenFuse {
    fn new() -> OpenFuse {
        let mut open = OPEN_FUSE.lock().unwrap();
        if open.0 == 0 {
            let device = File::open("/dev/fuse").unwrap();
            rustix::fs::flock(&device, FlockOperation::LockExclusive).unwrap();
            let mode = device.metadata().unwrap().permissions().mode() & 0o7777;
            if mode != 0o666 {
                eprintln!("/dev/fuse has mode {mode:04o}; it is set to 0666 for the tests of other users");
                device.set_permissions(Permissions::from_mode(0o666)).unwrap();
            }
            open.1 = Some(Found { mode, device });
        }
        open.0 += 1;
        OpenFuse
    }
}

impl Drop for OpenFuse {
    fn drop(&mut self) {
        let mut open = OPEN_FUSE.lock().unwrap();
        open.0 -= 1;
        if open.0 == 0 {
            let Found { mode, device } = open.1.take().unwrap();
            device.set_permissions(Permissions::from_mode(mode)).unwrap();
        }
    }
}
