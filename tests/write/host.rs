//! What stands in an upper directory, seen from the host; and a small file system to put one on.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags};
use tempfile::TempDir;

/// All names below a directory, sorted.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(at) = todo.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            names.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            todo.extend(path.symlink_metadata().unwrap().is_dir().then_some(path));
        }
    }
    names.sort();
    names
}

/// An extended attribute of a file, if it has it.
pub fn xattr(path: &Path, name: &str) -> Option<String> {
    let mut value = vec![0; 1024];
    let len = rustix::fs::lgetxattr(path, name, &mut value).ok()?;
    Some(String::from_utf8(value[..len].to_vec()).unwrap())
}

/// Whether a file is overlayfs's whiteout.
pub fn is_whiteout(path: &Path) -> bool {
    let metadata = path.symlink_metadata().unwrap();
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

/// So many numbers of four bytes, each another one.
pub fn noise(len: u32) -> Vec<u8> {
    (0..len).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// A tmpfs that goes away with it.
pub struct Tmpfs {
    dir: TempDir,
}

impl Tmpfs {
    /// One with options as mount(8) takes them.
    pub fn new(options: &str) -> Tmpfs {
        let dir = TempDir::new().unwrap();
        let options = std::ffi::CString::new(options).unwrap();
        rustix::mount::mount("tmpfs", dir.path(), "tmpfs", MountFlags::empty(), Some(&*options)).unwrap();
        Tmpfs { dir }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes all of it read-only.
    pub fn forbid_writing(&self) -> rustix::io::Result<()> {
        rustix::mount::mount_remount(self.path(), MountFlags::RDONLY, c"")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        rustix::mount::unmount(self.path(), UnmountFlags::DETACH).unwrap();
    }
}
