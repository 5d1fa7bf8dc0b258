//! The program's mounts as programs use them, one file an operation or a subject.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{Layer, Mount, layer, write_tars};

mod compressed;
mod damage;
mod explained;
mod lookup;
mod lseek;
mod mount8;
mod options;
mod privileges;
mod read;
mod readdir;
mod readlink;
mod readonly;
mod start;
mod stat;
mod statfs;
mod stats;
mod stop;
mod trace;
mod views;
mod xattr;

/// Mounts layers, base first; the directory with their tars is to be kept as long.
fn mount(layers: impl IntoIterator<Item = Layer>) -> (Mount, TempDir) {
    mount_with([], layers)
}

/// Mounts layers, base first, each in the words of [`layer`].
fn mount_lines(lines: &[&str]) -> (Mount, TempDir) {
    mount(lines.iter().map(|line| layer(line)))
}

/// Mounts layers, base first, with options.
fn mount_with<const N: usize>(
    options: [&str; N],
    layers: impl IntoIterator<Item = Layer>,
) -> (Mount, TempDir) {
    let dir = TempDir::new().unwrap();
    let tars = write_tars(dir.path(), layers);
    let options = options.iter().map(PathBuf::from);
    (Mount::new(options.chain(tars)), dir)
}

/// Writes one layer to a tar.
fn write_tar(dir: &Path, line: &str) -> PathBuf {
    write_tars(dir, [layer(line)]).remove(0)
}

/// Runs a command that must succeed; gives what it wrote.
#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, text(&output.stderr));
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command that could not do it said; its status must be 2 and its stdout empty.
#[track_caller]
fn complaint(output: &Output) -> String {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(text(&output.stdout), "");
    assert!(stderr.starts_with("peelfs: "), "{stderr}");
    stderr
}
