//! A mount by the program itself, taken away when the test ends, however it ends.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The program under test.
pub const PEELFS: &str = env!("CARGO_BIN_EXE_peelfs");

/// Runs the program to its end.
pub fn peelfs<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(PEELFS).args(args).env_remove("RUST_LOG").stdin(Stdio::null()).output().unwrap()
}

/// A mount that stands.
pub struct Mount {
    dir: TempDir,
}

impl Mount {
    /// Mounts what the arguments name; options may be among them.
    pub fn new<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Mount {
        let dir = TempDir::new().unwrap();
        let mut command = Command::new(PEELFS);
        command.arg("mount").args(args).arg(dir.path()).stdin(Stdio::null());
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
