//! One operation in a line of words, done in a tree: `write a/b 100 5 x`.
//!
//! Paths are resolved as in a container whose root the tree is; a symlink at the end of a path is not followed.
//! What an operation gives, and its error, is text to compare.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{
    AtFlags, FallocateFlags, FileType, Gid, Mode, OFlags, RenameFlags, ResolveFlags, Timespec, Timestamps,
    Uid, XattrFlags,
};
use rustix::io::{Errno, Result};

use crate::support::sys;

/// What an operation gives, beside an error.
type Given = Result<String>;

/// A tree, and what of it is held open.
pub struct Tree {
    root: OwnedFd,
    held: BTreeMap<String, Held>,
}

/// A descriptor that was opened by an operation before.
pub struct Held {
    file: File,
    /// What the file held when it was opened for reading.
    pub opened_on: Vec<u8>,
}

impl Tree {
    /// The tree below a directory.
    pub fn new(root: &Path) -> Tree {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Tree { root: rustix::fs::open(root, flags, Mode::empty()).unwrap(), held: BTreeMap::new() }
    }

    /// What an operation holds under a name.
    pub fn held(&self, name: &str) -> Option<&Held> {
        self.held.get(name)
    }

    /// Does what a line says.
    pub fn perform(&mut self, line: &str) -> Given {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["hold", path, name] => self.hold(path, name, OFlags::RDONLY),
            ["hold-writing", path, name] => self.hold(path, name, OFlags::RDWR),

            ["read-held", name] => Ok(show(&contents(self.file_of(name)?)?)),
            ["stat-held", name] => stat(self.file_of(name)?),
            ["write-held", name, at, len, fill] => write(self.file_of(name)?, at, len, fill),
            ["truncate-held", name, len] => done(rustix::fs::ftruncate(self.file_of(name)?, number(len))),
            ["sync-held", name] => done(rustix::fs::fsync(self.file_of(name)?)),
            ["create" | "read" | "write" | "append" | "rewrite" | "map", ..] => self.on_contents(&words),
            ["truncate" | "punch" | "allocate" | "copy" | "sync", ..] => self.on_contents(&words),
            ["chmod" | "chown" | "utimes" | "setxattr" | "removexattr", ..] => self.on_attributes(&words),
            _ => self.on_names(&words),
        }
    }

    fn on_contents(&self, words: &[&str]) -> Given {
        let open = |path, flags| self.open(path, flags, Mode::empty());
        let keep = FallocateFlags::KEEP_SIZE;
        match *words {
            ["create", path, mode] => {
                done(self.open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, octal(mode)))
            }
            ["read", path] => Ok(show(&contents(&open(path, OFlags::RDONLY)?)?)),
            ["write", path, at, len, fill] => write(&open(path, OFlags::WRONLY)?, at, len, fill),
            ["append", path, len, fill] => {
                write(&open(path, OFlags::WRONLY | OFlags::APPEND)?, "0", len, fill)
            }
            ["rewrite", path, len, fill] => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
                write(&self.open(path, flags, octal("644"))?, "0", len, fill)
            }
            ["map", path, at, len, fill] => map(&open(path, OFlags::RDWR)?, number(at), &bytes(len, fill)),
            ["truncate", path, len] => done(rustix::fs::ftruncate(open(path, OFlags::WRONLY)?, number(len))),
            ["punch", path, at, len] => done(rustix::fs::fallocate(
                open(path, OFlags::RDWR)?,
                FallocateFlags::PUNCH_HOLE | keep,
                number(at),
                number(len),
            )),
            ["allocate", path, at, len] => done(rustix::fs::fallocate(
                open(path, OFlags::RDWR)?,
                FallocateFlags::empty(),
                number(at),
                number(len),
            )),
            ["copy", from, to, at, len] => {
                let (from, to) = (open(from, OFlags::RDONLY)?, open(to, OFlags::WRONLY)?);
                let (mut from_at, mut to_at) = (0, number(at));
                let len = number(len) as usize;
                let copied =
                    rustix::fs::copy_file_range(from, Some(&mut from_at), to, Some(&mut to_at), len)?;
                Ok(copied.to_string())
            }
            ["sync", path] => done(rustix::fs::fsync(open(path, OFlags::RDONLY)?)),
            _ => panic!("{words:?}"),
        }
    }

    fn on_attributes(&self, words: &[&str]) -> Given {
        match *words {
            ["chmod", path, mode] => {
                let file = self.open(path, OFlags::PATH, Mode::empty())?;
                // There is no mode of a symlink to set, and calls differ in how they say so.
                if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) == FileType::Symlink {
                    return Err(Errno::LOOP);
                }
                done(rustix::fs::chmod(by_descriptor(&file), octal(mode)))
            }
            ["chown", path, uid, gid] => {
                let (dir, name) = self.parent(path)?;
                // `-` leaves it as it is.
                let id = |word: &str| (word != "-").then(|| number(word) as u32);
                let (uid, gid) = (id(uid).map(Uid::from_raw), id(gid).map(Gid::from_raw));
                done(rustix::fs::chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW))
            }
            ["utimes", path, seconds, nanoseconds] => {
                let (dir, name) = self.parent(path)?;
                let time = Timespec { tv_sec: signed(seconds), tv_nsec: signed(nanoseconds) };
                let times = Timestamps { last_access: time, last_modification: time };
                done(rustix::fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW))
            }
            ["setxattr", path, attribute, value] => {
                let (dir, name) = self.parent(path)?;
                let path = by_descriptor(&dir).join(name);
                done(rustix::fs::lsetxattr(path, attribute, value.as_bytes(), XattrFlags::empty()))
            }
            ["removexattr", path, attribute] => {
                let (dir, name) = self.parent(path)?;
                done(rustix::fs::lremovexattr(by_descriptor(&dir).join(name), attribute))
            }
            _ => panic!("{words:?}"),
        }
    }

    fn on_names(&self, words: &[&str]) -> Given {
        let make = |path, kind, mode, device| {
            let (dir, name) = self.parent(path)?;
            done(rustix::fs::mknodat(dir, name, kind, mode, device))
        };
        match *words {
            ["mkdir", path, mode] => {
                let (dir, name) = self.parent(path)?;
                done(rustix::fs::mkdirat(dir, name, octal(mode)))
            }
            ["fifo", path] => make(path, FileType::Fifo, octal("600"), 0),
            ["device", path] => {
                make(path, FileType::CharacterDevice, octal("600"), rustix::fs::makedev(1, 3))
            }
            ["symlink", target, path] => {
                let (dir, name) = self.parent(path)?;
                done(rustix::fs::symlinkat(target, dir, name))
            }
            ["link", from, to] => {
                let ((dir, name), (new_dir, new_name)) = (self.parent(from)?, self.parent(to)?);
                done(rustix::fs::linkat(dir, name, new_dir, new_name, AtFlags::empty()))
            }
            ["unlink", path] => {
                let (dir, name) = self.parent(path)?;
                done(rustix::fs::unlinkat(dir, name, AtFlags::empty()))
            }
            ["rmdir", path] => {
                let (dir, name) = self.parent(path)?;
                done(rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR))
            }
            ["clear", path] => self.clear(path),
            ["rename", from, to] => self.rename(from, to, RenameFlags::empty()),
            ["rename-new", from, to] => self.rename(from, to, RenameFlags::NOREPLACE),
            ["exchange", from, to] => self.rename(from, to, RenameFlags::EXCHANGE),
            _ => panic!("{words:?}"),
        }
    }

    /// Removes all that is in a directory.
    fn clear(&self, path: &str) -> Given {
        let dir = self.open(path, OFlags::DIRECTORY, Mode::empty())?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(format!("{path}/{name}"));
            }
        }
        for name in names {
            let (dir, last) = self.parent(&name)?;
            match rustix::fs::unlinkat(&dir, last, AtFlags::empty()) {
                Err(Errno::ISDIR) => {
                    self.clear(&name)?;
                    rustix::fs::unlinkat(dir, last, AtFlags::REMOVEDIR)?;
                }
                // overlayfs lists whiteouts where a directory merges with nothing.
                Err(Errno::NOENT) => {}
                other => other?,
            }
        }
        Ok(String::new())
    }

    fn rename(&self, from: &str, to: &str, flags: RenameFlags) -> Given {
        let ((dir, name), (new_dir, new_name)) = (self.parent(from)?, self.parent(to)?);
        done(rustix::fs::renameat_with(dir, name, new_dir, new_name, flags))
    }

    fn hold(&mut self, path: &str, name: &str, flags: OFlags) -> Given {
        let file = self.open(path, flags, Mode::empty())?;
        let opened_on = contents(&file)?;
        self.held.insert(name.to_owned(), Held { file, opened_on });
        Ok(String::new())
    }

    fn file_of(&self, name: &str) -> Result<&File> {
        self.held.get(name).map(|held| &held.file).ok_or(Errno::BADF)
    }

    fn open(&self, path: &str, flags: OFlags, mode: Mode) -> Result<File> {
        let (dir, name) = self.parent(path)?;
        // Nobody is at the other end of a fifo.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(dir, name, flags, mode)?.into())
    }

    /// The directory that a path's last name is in, and that name.
    fn parent<'a>(&self, path: &'a str) -> Result<(OwnedFd, &'a str)> {
        let (dir, name) = path.rsplit_once('/').unwrap_or((".", path));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat2(&self.root, dir, flags, Mode::empty(), ResolveFlags::IN_ROOT)?;
        Ok((dir, name))
    }
}

/// A path for what has no call with a descriptor.
fn by_descriptor(file: &impl AsRawFd) -> PathBuf {
    Path::new("/proc/self/fd").join(file.as_raw_fd().to_string())
}

fn done<T>(result: Result<T>) -> Given {
    result.map(|_| String::new())
}

fn write(file: &File, at: &str, len: &str, fill: &str) -> Given {
    let written = file.write_at(&bytes(len, fill), number(at));
    written.map(|len| len.to_string()).map_err(errno)
}

/// Writes through a mapping if the file is large enough: behind its end there is nothing but SIGBUS.
fn map(file: &File, at: u64, bytes: &[u8]) -> Given {
    let metadata = file.metadata().map_err(errno)?;
    if !metadata.is_file() || bytes.is_empty() || metadata.len() < at + bytes.len() as u64 {
        return Err(Errno::NXIO);
    }
    sys::write_through_mapping(file, at as usize, bytes).map(|()| String::new()).map_err(errno)
}

fn contents(file: &File) -> Result<Vec<u8>> {
    let metadata = file.metadata().map_err(errno)?;
    let mut bytes = vec![0; if metadata.is_file() { metadata.len() as usize + 1 } else { 1 }];
    let len = file.read_at(&mut bytes, 0).or_else(|error| match errno(error) {
        // A fifo.
        Errno::SPIPE => Ok(0),
        error => Err(error),
    })?;
    bytes.truncate(len);
    Ok(bytes)
}

fn stat(file: &File) -> Given {
    let metadata = file.metadata().map_err(errno)?;
    let owner = (metadata.uid(), metadata.gid());
    Ok(format!("{:o} {owner:?} {}", metadata.mode(), metadata.len()))
}

/// Contents that fit into a line.
pub fn show(bytes: &[u8]) -> String {
    let (digest, _) = peelfs::digest::Digest::of_reader(peelfs::digest::Algorithm::Sha256, bytes).unwrap();
    format!(
        "{} bytes, {}…, {}",
        bytes.len(),
        bytes[..bytes.len().min(10)].escape_ascii(),
        &digest.to_string()[..19]
    )
}

/// Bytes that differ by where they stand and who wrote them.
fn bytes(len: &str, fill: &str) -> Vec<u8> {
    let fill = fill.as_bytes()[0];
    (0..number(len)).map(|at| fill ^ (at % 31) as u8).collect()
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or_else(|| panic!("{error}"))
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{word}"))
}

fn signed(word: &str) -> i64 {
    word.parse().unwrap_or_else(|_| panic!("{word}"))
}

fn octal(word: &str) -> Mode {
    Mode::from_raw_mode(u32::from_str_radix(word, 8).unwrap())
}
