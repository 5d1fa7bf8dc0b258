//! Everything that can be opened, and what is said of everything else: recognised by content, never by name.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Output;

use peelfs::digest::Digest;
use serde_json::{Value, json};
use tar::EntryType;

use crate::support::Layer;
use crate::support::compress::{bzip2, gzip, xz};
use crate::support::mount::command;

mod bad_streams;
mod choose;
mod compressed;
mod docker;
mod docker_v1;
mod layers;
mod oci;
mod spool;
mod toc;
mod tools;

mod unknown;

/// Runs a command of the program in a directory; its arguments stand in one line.
fn peelfs_in(dir: &Path, line: &str) -> Output {
    command().args(line.split_whitespace()).current_dir(dir).env_remove("TMPDIR").output().unwrap()
}

/// The same, of a command that must succeed and have nothing to complain of.
#[track_caller]
fn stdout(dir: &Path, line: &str) -> Vec<u8> {
    let output = peelfs_in(dir, line);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "peelfs {line}");
    output.stdout
}

/// The tree that an image shows, in the words of [`crate::support::layer`], as `ls` and `cat` have it.
#[track_caller]
fn shown(dir: &Path, image: &str) -> String {
    let entries: Vec<Value> = serde_json::from_slice(&stdout(dir, &format!("ls -R --json {image}"))).unwrap();
    let path = |entry: &Value| entry["path"].as_str().unwrap().to_owned();
    let files: Vec<String> = entries.iter().filter(|entry| entry["type"] == "file").map(path).collect();
    let contents = match files.is_empty() {
        true => Vec::new(),
        false => stdout(dir, &format!("cat {image} {}", files.join(" "))),
    };
    let mut contents = &*contents;
    let words = entries.iter().map(|entry| match entry["type"].as_str().unwrap() {
        "directory" => format!("{}/", path(entry)),
        "symlink" => format!("{}->{}", path(entry), entry["target"].as_str().unwrap()),
        "fifo" => format!("{}|", path(entry)),
        "file" => {
            let (own, rest) = contents.split_at(entry["size"].as_u64().unwrap() as usize);
            contents = rest;
            if own.is_empty() { path(entry) } else { format!("{}={}", path(entry), own.escape_ascii()) }
        }
        other => format!("{} ({other})", path(entry)),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What is said of an input that cannot be opened, by every command alike; `verify` may take it for a
/// problem of the image.
#[track_caller]
fn refused(dir: &Path, image: &str) -> String {
    let said = ["ls", "inspect"].map(|command| {
        let output = peelfs_in(dir, &format!("{command} {image}"));
        assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]), "peelfs {command} {image}");
        let said = String::from_utf8(output.stderr).unwrap();
        said.strip_prefix("peelfs: ").unwrap().trim_end().to_owned()
    });
    assert_eq!(said[0], said[1]);
    let verify = peelfs_in(dir, &format!("verify {image}"));
    let report = String::from_utf8([verify.stdout, verify.stderr].concat()).unwrap();
    assert!(
        matches!(verify.status.code(), Some(1 | 2)) && report.contains(&said[0]),
        "{}\n{report}",
        said[0]
    );
    said[0].clone()
}

/// What `inspect` says of an image.
#[track_caller]
fn inspect(dir: &Path, image: &str) -> Value {
    serde_json::from_slice(&stdout(dir, &format!("inspect --json {image}"))).unwrap()
}

/// Files by path: of an archive, or of the directory that one is unpacked into.
#[derive(Clone, Default)]
struct Files(Vec<(String, File)>);

#[derive(Clone)]
enum File {
    Bytes(Vec<u8>),
    Symlink(String),
}

impl Files {
    fn add(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((path.to_owned(), File::Bytes(bytes.into())));
    }

    fn add_json(&mut self, path: &str, value: &Value) {
        self.add(path, value.to_string());
    }

    fn add_symlink(&mut self, path: &str, target: &str) {
        self.0.push((path.to_owned(), File::Symlink(target.to_owned())));
    }

    fn remove(&mut self, path: &str) {
        let before = self.0.len();
        self.0.retain(|(known, _)| known != path);
        assert_eq!(self.0.len() + 1, before, "{path}");
    }

    /// Writes an archive.
    fn write_tar(&self, to: &Path) {
        let tar = self.0.iter().fold(Layer::new(), |tar, (path, file)| match file {
            File::Bytes(bytes) => tar.long(EntryType::Regular, path.as_bytes(), bytes),
            File::Symlink(target) => {
                let records = [("path", path.as_bytes()), ("linkpath", target.as_bytes())];
                tar.pax(records).add(EntryType::Symlink, b"link", b"", |_| {})
            }
        });
        fs::write(to, tar.finish()).unwrap();
    }

    /// Writes what the archive unpacks to.
    fn write_dir(&self, to: &Path) {
        for (path, file) in &self.0 {
            let path = to.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match file {
                File::Bytes(bytes) => fs::write(path, bytes).unwrap(),
                File::Symlink(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            }
        }
    }
}

/// A configuration for layers that are given uncompressed, base first.
fn config(layers: &[&[u8]]) -> Value {
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    let rootfs = json!({ "type": "layers", "diff_ids": diff_ids });
    json!({ "os": "linux", "architecture": "amd64", "rootfs": rootfs })
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).hex().to_owned()
}

/// With a checksum, as the program of that name writes it.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
