//! An unpacked layer directory, `overlay2/<id>/diff` and the like, as a layer.
//!
//! It is walked once, when it is opened, into the same index as a tar: the same rules, stable numbers,
//! and a view that does not change under a reader. Files are opened when they are read.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, SeekFrom, Stat};
use rustix::mount::{MountPropagationFlags, OpenTreeFlags};

use crate::blob::HostFile;
use crate::entry::{Data, Device, Extent, Kind, Time, Xattr};
use crate::host::{self, OVERRIDES, Override, proc_path};
use crate::path::TreePath;

use super::item::{Item, Leaf, Meta};
use super::layout;
use super::table::Tables;
use super::tree::Tree;

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
    /// Whether what is mounted in it, now or later, is not seen.
    is_pinned: bool,
}

impl HostTree {
    /// Opens a directory.
    pub fn open(path: &Path) -> io::Result<HostTree> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        let (root, is_pinned) = match pin(&root) {
            Ok(pinned) => (pinned, true),
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "what is mounted below is in the way");
                (root, false)
            }
        };
        Ok(HostTree { root, path: path.to_owned(), is_pinned })
    }

    /// Whether reading the tree would lead into what is mounted on a directory.
    pub(super) fn leads_into(&self, mount_point: &Path) -> bool {
        let is_below = |root: PathBuf| mount_point != root && mount_point.starts_with(root);
        !self.is_pinned && self.path.canonicalize().is_ok_and(is_below)
    }

    /// The host path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a regular file for reading; no symlink is followed, and no other file system entered.
    pub fn open_file(&self, path: &TreePath) -> io::Result<HostFile> {
        // A fifo that took the file's place must not block.
        let fd =
            self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK).map_err(|error| match error.kind() {
                io::ErrorKind::CrossesDevices => io::Error::other("something else is mounted there"),
                _ => error,
            })?;
        if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("no longer a regular file"));
        }
        HostFile::new(File::from(fd))
    }

    /// Opens a path; no symlink can lead out, and no mount in, least of all one that we serve ourselves.
    fn open_at(&self, path: &TreePath, flags: OFlags) -> io::Result<OwnedFd> {
        host::open_beneath(&self.root, path, flags)
    }

    /// Walks the whole directory once.
    pub(super) fn index(&self) -> Result<Tables, DirectoryError> {
        let mut scan =
            Scan { host: self, tree: Tree::new(), seen: FxHashMap::default(), kept_in: None, device: 0 };
        scan.run()?;
        Ok(layout::tables(scan.tree))
    }

    fn error(&self, path: &TreePath, source: io::Error) -> DirectoryError {
        DirectoryError { path: self.path.join(OsStr::from_bytes(path.as_bytes())), source }
    }
}

/// A directory without what is mounted in it, now or later: a mount of its own that nobody else sees, as overlayfs
/// makes of its layers. For root only.
fn pin(dir: &OwnedFd) -> io::Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = rustix::mount::open_tree(dir, "", flags)?;
    // Or what is mounted where it comes from would come to stand here, too.
    rustix::mount::mount_change(proc_path(&tree, b""), MountPropagationFlags::PRIVATE)?;
    Ok(tree)
}

struct Scan<'a> {
    host: &'a HostTree,
    tree: Tree,
    /// The first name of each file that has several, by its device and number.
    seen: FxHashMap<(u64, u64), TreePath>,
    /// The attribute that keeps owners and modes, if the layer has one.
    kept_in: Option<&'static [u8]>,
    /// The file system of the root; what is mounted below is not part of the layer, as in overlayfs.
    device: u64,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), DirectoryError> {
        let root = TreePath::root();
        let stat =
            rustix::fs::fstat(&self.host.root).map_err(|errno| self.host.error(&root, errno.into()))?;
        self.device = stat.st_dev;
        let own = host::xattrs(&self.host.root, b"").map_err(|source| self.host.error(&root, source))?;
        self.kept_in = OVERRIDES.into_iter().find(|name| own.iter().any(|xattr| *xattr.name == **name));
        self.add(b"/", &root, &stat, &self.host.root, b"")
            .map_err(|source| self.host.error(&root, source))?;
        let mut todo = vec![root];
        while let Some(path) = todo.pop() {
            self.scan(&path, &mut todo).map_err(|source| self.host.error(&path, source))?;
        }
        Ok(())
    }

    fn scan(&mut self, path: &TreePath, todo: &mut Vec<TreePath>) -> io::Result<()> {
        let dir = match self.host.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            // The same file system, mounted there again.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => return Ok(()),
            dir => dir?,
        };
        for entry in Dir::read_from(&dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let child = path.join(name.to_bytes());
            let stat = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
            self.add(child.as_bytes(), &child, &stat, &dir, name.to_bytes())?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory && stat.st_dev == self.device {
                todo.push(child);
            }
        }
        Ok(())
    }

    /// Adds an entry by its name in the tree; on the host it stands in `dir` as `entry`.
    fn add(
        &mut self,
        name: &[u8],
        path: &TreePath,
        stat: &Stat,
        dir: &OwnedFd,
        entry: &[u8],
    ) -> io::Result<()> {
        let mut xattrs = host::xattrs(dir, entry)?;
        let kept = self.kept_in.and_then(|name| take_kept(name, &mut xattrs));
        let mut meta = meta(stat, &xattrs);
        if let Some(Override { uid, gid, mode, .. }) = kept {
            // Older Podman forgets the upper bits in the attribute; who leaves them to the host means them.
            (meta.uid, meta.gid, meta.mode) = (uid, gid, mode | meta.mode & 0o7000);
        }
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind != FileType::Directory && stat.st_nlink > 1 {
            let file = (stat.st_dev, stat.st_ino);
            if let Some(first) = self.seen.get(&file) {
                self.tree.add(name, 0, Item::HardLink { target: first.as_bytes() });
                return Ok(());
            }
            self.seen.insert(file, path.clone());
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
                target = rustix::fs::readlinkat(dir, entry, Vec::new())?;
                Leaf::Symlink(target.to_bytes())
            }
            FileType::CharacterDevice => Leaf::CharDevice(device),
            FileType::BlockDevice => Leaf::BlockDevice(device),
            FileType::Fifo => Leaf::Fifo,
            FileType::Socket => Leaf::Socket,
            FileType::RegularFile | FileType::Unknown => match kept_node(kept) {
                Some(node) => node,
                None => {
                    data = self.data(path, stat);
                    Leaf::Regular(stat.st_size.cast_unsigned(), &data)
                }
            },
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

/// What is kept of a file, which does not show.
fn take_kept(name: &[u8], xattrs: &mut Vec<Xattr>) -> Option<Override> {
    let at = xattrs.iter().position(|xattr| *xattr.name == *name)?;
    Override::parse(&xattrs.remove(at).value)
}

/// What a plain file stands for, if it is not one.
fn kept_node(kept: Option<Override>) -> Option<Leaf<'static>> {
    let (kind, device) = kept?.node()?;
    Some(match kind {
        Kind::CharDevice => Leaf::CharDevice(device),
        Kind::BlockDevice => Leaf::BlockDevice(device),
        Kind::Fifo => Leaf::Fifo,
        _ => Leaf::Socket,
    })
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
