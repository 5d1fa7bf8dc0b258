//! An unpacked layer directory, `overlay2/<id>/diff` and the like, as a layer.
//!
//! It is walked once, when it is opened, into the same index as a tar: the same rules, stable numbers,
//! and a view that does not change under a reader. Files are opened when they are read.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, SeekFrom, Stat};

use crate::blob::HostFile;
use crate::entry::{Data, Device, Extent, Time, Xattr};
use crate::path::TreePath;

use super::item::{Item, Leaf, Meta};
use super::layout;
use super::table::Tables;
use super::tree::Tree;

/// Attribute values and lists of names are at most this long, by the kernel's own limit.
const MAX_XATTR: usize = 64 * 1024;

/// Why a directory could not be indexed.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", .path.display())]
pub struct DirectoryError {
    /// The host path.
    pub path: PathBuf,
    /// What the host said.
    pub source: io::Error,
}

/// A directory of the host that is a layer.
#[derive(Debug)]
pub struct HostTree {
    root: OwnedFd,
    path: PathBuf,
}

impl HostTree {
    /// Opens a directory.
    pub fn open(path: &Path) -> io::Result<HostTree> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(HostTree { root: rustix::fs::open(path, flags, Mode::empty())?, path: path.to_owned() })
    }

    /// The host path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a regular file for reading; no symlink is followed, and no other file system entered.
    pub fn open_file(&self, path: &TreePath) -> io::Result<HostFile> {
        // A fifo that took the file's place must not block.
        let fd = self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK)?;
        if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("no longer a regular file"));
        }
        HostFile::new(File::from(fd))
    }

    /// Opens a path component by component, so that no symlink on the way can lead out.
    fn open_at(&self, path: &TreePath, flags: OFlags) -> io::Result<OwnedFd> {
        let mut dir: Option<OwnedFd> = None;
        let mut components = path.components().peekable();
        if components.peek().is_none() {
            return Ok(rustix::fs::openat(&self.root, ".", flags | OFlags::CLOEXEC, Mode::empty())?);
        }
        let mut opened = None;
        while let Some(name) = components.next() {
            let at = dir.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            let step = if components.peek().is_some() { OFlags::PATH | OFlags::DIRECTORY } else { flags };
            let fd = rustix::fs::openat(at, name, step | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
            match components.peek() {
                Some(_) => dir = Some(fd),
                None => opened = Some(fd),
            }
        }
        opened.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Walks the whole directory once.
    pub(super) fn index(&self) -> Result<Tables, DirectoryError> {
        let mut scan = Scan { host: self, tree: Tree::new(), seen: FxHashMap::default(), device: 0 };
        scan.run()?;
        Ok(layout::tables(scan.tree))
    }

    fn error(&self, path: &TreePath, source: io::Error) -> DirectoryError {
        let relative = std::ffi::OsStr::from_encoded(path);
        DirectoryError { path: self.path.join(relative), source }
    }
}

/// A host path of a tree path, for messages.
trait FromTreePath {
    fn from_encoded(path: &TreePath) -> &Self;
}

impl FromTreePath for std::ffi::OsStr {
    fn from_encoded(path: &TreePath) -> &Self {
        std::os::unix::ffi::OsStrExt::from_bytes(path.as_bytes())
    }
}

struct Scan<'a> {
    host: &'a HostTree,
    tree: Tree,
    /// The first name of each file that has several.
    seen: FxHashMap<u64, TreePath>,
    /// The file system of the root; what is mounted below is not part of the layer, as in overlayfs.
    device: u64,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), DirectoryError> {
        let root = TreePath::root();
        let stat =
            rustix::fs::fstat(&self.host.root).map_err(|errno| self.host.error(&root, errno.into()))?;
        self.device = stat.st_dev;
        let proc = proc_path(&self.host.root, b".");
        self.add(b"/", &root, &stat, &proc).map_err(|source| self.host.error(&root, source))?;
        let mut todo = vec![root];
        while let Some(path) = todo.pop() {
            self.scan(&path, &mut todo).map_err(|source| self.host.error(&path, source))?;
        }
        Ok(())
    }

    fn scan(&mut self, path: &TreePath, todo: &mut Vec<TreePath>) -> io::Result<()> {
        let dir = self.host.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        for entry in Dir::read_from(&dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let child = path.join(name.to_bytes());
            let stat = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
            self.add(child.as_bytes(), &child, &stat, &proc_path(&dir, name.to_bytes()))?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory && stat.st_dev == self.device {
                todo.push(child);
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &[u8], path: &TreePath, stat: &Stat, proc: &Path) -> io::Result<()> {
        let xattrs = xattrs(proc)?;
        let meta = meta(stat, &xattrs);
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != FileType::Directory && stat.st_nlink > 1 {
            if let Some(first) = self.seen.get(&stat.st_ino) {
                self.tree.add(name, 0, Item::HardLink { target: first.as_bytes() });
                return Ok(());
            }
            self.seen.insert(stat.st_ino, path.clone());
        }
        let device =
            Device { major: rustix::fs::major(stat.st_rdev), minor: rustix::fs::minor(stat.st_rdev) };
        let target;
        let data;
        let leaf = match kind {
            FileType::Directory => {
                self.tree.add(name, 0, Item::Directory(meta));
                return Ok(());
            }
            FileType::Symlink => {
                target = rustix::fs::readlink(proc, Vec::new())?;
                Leaf::Symlink(target.to_bytes())
            }
            FileType::CharacterDevice => Leaf::CharDevice(device),
            FileType::BlockDevice => Leaf::BlockDevice(device),
            FileType::Fifo => Leaf::Fifo,
            FileType::Socket => Leaf::Socket,
            FileType::RegularFile | FileType::Unknown => {
                data = self.data(path, stat);
                Leaf::Regular(stat.st_size.cast_unsigned(), &data)
            }
        };
        self.tree.add(name, 0, Item::Leaf(meta, leaf));
        Ok(())
    }

    /// Where a file's data is; only a file with less space than length is asked for its holes.
    fn data(&self, path: &TreePath, stat: &Stat) -> Data {
        if stat.st_blocks.saturating_mul(512) >= stat.st_size {
            return Data::Contiguous(0);
        }
        let extents = self.host.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK).and_then(|fd| extents(&fd));
        match extents {
            Ok(extents) => Data::Sparse(extents),
            Err(error) => {
                tracing::debug!(%path, %error, "holes not found, the file reads as one extent");
                Data::Contiguous(0)
            }
        }
    }
}

fn extents(fd: &OwnedFd) -> io::Result<Vec<Extent>> {
    let mut extents = Vec::new();
    let mut at = 0;
    loop {
        let data = match rustix::fs::seek(fd, SeekFrom::Data(at)) {
            Ok(data) => data,
            Err(rustix::io::Errno::NXIO) => return Ok(extents),
            Err(errno) => return Err(errno.into()),
        };
        at = rustix::fs::seek(fd, SeekFrom::Hole(data))?;
        if at <= data {
            return Ok(extents);
        }
        extents.push(Extent { logical: data, source: data, len: at - data });
    }
}

/// A name for what is in a directory that has been opened: the calls for attributes take only paths.
fn proc_path(dir: &OwnedFd, name: &[u8]) -> PathBuf {
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(name);
    Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(name)
}

fn xattrs(path: &Path) -> io::Result<Vec<Xattr>> {
    let mut buffer = [0; 1024];
    let names = match rustix::fs::llistxattr(path, &mut buffer) {
        Ok(0) | Err(rustix::io::Errno::NOTSUP) => return Ok(Vec::new()),
        Ok(n) => buffer.get(..n).unwrap_or_default().to_vec(),
        Err(rustix::io::Errno::RANGE) => {
            let mut names = vec![0; MAX_XATTR];
            let n = rustix::fs::llistxattr(path, &mut names)?;
            names.truncate(n);
            names
        }
        Err(errno) => return Err(errno.into()),
    };
    let mut xattrs = Vec::new();
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; MAX_XATTR];
        match rustix::fs::lgetxattr(path, name, &mut value) {
            Ok(n) => value.truncate(n),
            Err(rustix::io::Errno::NODATA) => continue,
            Err(errno) => return Err(errno.into()),
        }
        xattrs.push(Xattr { name: name.into(), value: value.into() });
    }
    Ok(xattrs)
}

fn meta<'a>(stat: &Stat, xattrs: &'a [Xattr]) -> Meta<'a> {
    let time = |secs, nanos: u64| Time { secs, nanos: nanos as u32 };
    Meta {
        mode: (stat.st_mode & 0o7777) as u16,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        atime: Some(time(stat.st_atime, stat.st_atime_nsec)),
        ctime: Some(time(stat.st_ctime, stat.st_ctime_nsec)),
        xattrs,
    }
}
