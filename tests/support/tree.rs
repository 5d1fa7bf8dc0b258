//! A directory tree of the host as text to compare: all that stat(2), readlink(2), getxattr(2) and read(2)
//! say of every name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use peelfs::digest::{Algorithm, Digest};

/// Everything below a directory, one line a name, sorted; the directory itself is `.`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree(pub BTreeMap<Vec<u8>, Entry>);

/// What is compared of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file type's letter, as in `find -printf %y`.
    pub kind: char,
    pub mode: u32,
    pub owner: (u32, u32),
    /// Of directories 0: file systems agree on nothing there.
    pub size: u64,
    pub mtime: (i64, i64),
    pub device: (u32, u32),
    /// Names of a file, in its own layer (S24); of directories 0.
    pub links: u64,
    pub target: Vec<u8>,
    /// The first of all names of a file in this tree, if it has several.
    pub linked: Option<Vec<u8>>,
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The digest of a regular file's contents.
    pub contents: Option<String>,
}

impl Tree {
    /// Reads a whole tree. Names below it are visited in the order that the file system gives them.
    pub fn read(root: &Path) -> Tree {
        Tree::read_where(root, |_| true)
    }

    /// Reads a mount of kernel overlayfs, which lists whiteouts where a directory merges with nothing, and
    /// then does not find them: those are left out (S23).
    pub fn read_overlay(root: &Path) -> Tree {
        let is_gone = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        Tree::read_where(root, |path| !path.symlink_metadata().is_err_and(is_gone))
    }

    fn read_where(root: &Path, is_there: impl Fn(&Path) -> bool) -> Tree {
        let mut tree = Tree::default();
        let mut inodes: BTreeMap<(u64, u64), Vec<Vec<u8>>> = BTreeMap::new();
        let mut todo: Vec<(PathBuf, Vec<u8>)> = vec![(root.to_owned(), b".".to_vec())];
        while let Some((path, name)) = todo.pop() {
            let metadata = fs::symlink_metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            if metadata.is_dir() {
                for entry in fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
                    let entry = entry.unwrap();
                    if !is_there(&entry.path()) {
                        continue;
                    }
                    let child = match &*name {
                        b"." => entry.file_name().into_vec(),
                        name => [name, b"/", entry.file_name().as_bytes()].concat(),
                    };
                    todo.push((entry.path(), child));
                }
            } else {
                inodes.entry((metadata.dev(), metadata.ino())).or_default().push(name.clone());
            }
            tree.0.insert(name, Entry::read(&path, &metadata));
        }
        for mut names in inodes.into_values().filter(|names| names.len() > 1) {
            names.sort();
            for name in &names {
                tree.0.get_mut(name).unwrap().linked = Some(names[0].clone());
            }
        }
        tree
    }

    /// What differs from `other`, one line a difference, at most `limit` of them; empty if nothing.
    pub fn differences(&self, other: &Tree, limit: usize) -> String {
        let mut text = String::new();
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        let different = names.filter(|name| self.0.get(*name) != other.0.get(*name));
        for name in different.take(limit) {
            let show = |entry: Option<&Entry>| entry.map_or("-".to_owned(), Entry::line);
            writeln!(text, "{}", name.escape_ascii()).unwrap();
            writeln!(text, "    {}", show(self.0.get(name))).unwrap();
            writeln!(text, "    {}", show(other.0.get(name))).unwrap();
        }
        text
    }
}

impl Entry {
    fn read(path: &Path, metadata: &fs::Metadata) -> Entry {
        let kind = match metadata.mode() & 0o170_000 {
            0o040_000 => 'd',
            0o100_000 => 'f',
            0o120_000 => 'l',
            0o020_000 => 'c',
            0o060_000 => 'b',
            0o010_000 => 'p',
            _ => 's',
        };
        let is_device = matches!(kind, 'c' | 'b');
        let device = if is_device { metadata.rdev() } else { 0 };
        Entry {
            kind,
            mode: metadata.mode() & 0o7777,
            owner: (metadata.uid(), metadata.gid()),
            size: if kind == 'd' { 0 } else { metadata.size() },
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            device: (rustix::fs::major(device), rustix::fs::minor(device)),
            links: if kind == 'd' { 0 } else { metadata.nlink() },
            target: if kind == 'l' {
                fs::read_link(path).unwrap().into_os_string().into_vec()
            } else {
                Vec::new()
            },
            linked: None,
            xattrs: xattrs(path),
            contents: (kind == 'f').then(|| contents(path)),
        }
    }

    fn line(&self) -> String {
        let Entry {
            kind,
            mode,
            owner: (uid, gid),
            size,
            mtime: (secs, nanos),
            device,
            links,
            target,
            linked,
            xattrs,
            contents,
        } = self;
        let mut line = format!("{kind} {mode:04o} {uid}:{gid} {size} @{secs}.{nanos:09}");
        if *device != (0, 0) {
            write!(line, " device {device:?}").unwrap();
        }
        if *links > 1 {
            write!(line, " links {links}").unwrap();
        }
        if *kind == 'l' {
            write!(line, " -> {}", target.escape_ascii()).unwrap();
        }
        if let Some(linked) = linked {
            write!(line, " linked {}", linked.escape_ascii()).unwrap();
        }
        for (name, value) in xattrs {
            write!(line, " {}={}", name.escape_ascii(), value.escape_ascii()).unwrap();
        }
        if let Some(contents) = contents {
            write!(line, " {}", &contents[..19]).unwrap();
        }
        line
    }
}

fn contents(path: &Path) -> String {
    let file = File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Digest::of_reader(Algorithm::Sha256, file.take(u64::MAX)).unwrap().0.to_string()
}

fn xattrs(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 64 * 1024];
    let len = match rustix::fs::llistxattr(path, &mut names) {
        Ok(len) => len,
        Err(rustix::io::Errno::NOTSUP) => return BTreeMap::new(),
        Err(errno) => panic!("{}: {errno}", path.display()),
    };
    let names = names[..len].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let mut value = vec![0; 64 * 1024];
            let len = rustix::fs::lgetxattr(path, name, &mut value).unwrap();
            (name.to_vec(), value[..len].to_vec())
        })
        .collect()
}
