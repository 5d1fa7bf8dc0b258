//! A mount by the program itself, taken away when the test ends, however it ends.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// The program under test.
pub const PEELFS: &str = env!("CARGO_BIN_EXE_peelfs");

/// A command of the program, with a cache that is nobody else's.
pub fn command() -> Command {
    let mut command = Command::new(PEELFS);
    command.env("XDG_CACHE_HOME", cache_home()).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// A place for a cache that nobody has used: a test finds neither the user's nor what another test has kept.
///
/// It is not made before something is kept, and goes when the tests run again.
pub fn cache_home() -> PathBuf {
    static HOMES: OnceLock<PathBuf> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let homes = HOMES.get_or_init(|| {
        let homes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches");
        // Of the last run, if it left any.
        let _ = fs::remove_dir_all(&homes);
        homes
    });
    homes.join(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Runs the program to its end.
pub fn peelfs<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    command().args(args).output().unwrap()
}

/// A mount that stands.
pub struct Mount {
    dir: TempDir,
}

impl Mount {
    /// Mounts what the arguments name; options may be among them.
    pub fn new<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Mount {
        let dir = TempDir::new().unwrap();
        let mut command = command();
        command.arg("mount").args(args).arg(dir.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        Mount { dir }
    }

    /// Mounts layer tars, base first.
    pub fn of_tars(tars: &[PathBuf]) -> Mount {
        Mount::new(tars)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub fn join(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let output = peelfs([OsStr::new("umount"), OsStr::new("--lazy"), self.dir.path().as_os_str()]);
        if !output.status.success() && !std::thread::panicking() {
            panic!("umount: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Writes layers as tars into a directory, base first.
pub fn write_tars(dir: &Path, layers: impl IntoIterator<Item = super::Layer>) -> Vec<PathBuf> {
    let write = |(no, layer): (usize, super::Layer)| {
        let path = dir.join(format!("layer{no}.tar"));
        std::fs::write(&path, layer.finish()).unwrap();
        path
    };
    layers.into_iter().enumerate().map(write).collect()
}
