//! Writable mounts: layers with an upper directory over them, mounted by the program or by the kernel, in turn.

use std::ffi::{CString, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use tempfile::TempDir;

use super::mount::command;
use super::proc::{assert_gone, eventually};
use super::{Layer, Mount, Overlay, Tree, write_tars};

/// Who mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The program, over the layers as tars.
    Peelfs,
    /// The kernel's overlayfs, over the layers as GNU tar unpacked them.
    Kernel,
}

impl By {
    /// The other one.
    pub fn other(self) -> By {
        match self {
            By::Peelfs => By::Kernel,
            By::Kernel => By::Peelfs,
        }
    }
}

/// Layers, and an upper directory that belongs to them.
pub struct Writable {
    _dir: TempDir,
    /// Where the upper directory is.
    place: PathBuf,
    tars: Vec<PathBuf>,
    unpacked: Overlay,
}

impl Writable {
    /// Layers, base first, and an upper directory that is not there yet.
    pub fn of(layers: impl IntoIterator<Item = Layer>) -> Writable {
        let dir = TempDir::new().unwrap();
        let tars = write_tars(dir.path(), layers);
        let unpacked = Overlay::of_tars(&tars);
        Writable { place: dir.path().to_owned(), _dir: dir, tars, unpacked }
    }

    /// With the upper directory in another place.
    pub fn placed(mut self, place: &Path) -> Writable {
        self.place = place.to_owned();
        self
    }

    /// The same in the words of [`super::layer`].
    pub fn of_lines(lines: &[&str]) -> Writable {
        Writable::of(lines.iter().map(|line| super::layer(line)))
    }

    /// The layers as tars, base first.
    pub fn tars(&self) -> &[PathBuf] {
        &self.tars
    }

    /// The upper directory.
    pub fn upper(&self) -> PathBuf {
        self.place.join("upper")
    }

    /// Whether nothing is in the upper directory.
    pub fn is_upper_empty(&self) -> bool {
        fs::read_dir(self.upper()).unwrap().next().is_none()
    }

    /// The work directory that peelfs makes beside it.
    pub fn work(&self) -> PathBuf {
        self.place.join("upper.work")
    }

    /// A plain directory with all that the layers show.
    pub fn copy(&self) -> TempDir {
        let (source, copy) = (Mount::of_tars(&self.tars), TempDir::new().unwrap());
        let status = Command::new("cp").arg("-a").arg(source.join(".")).arg(copy.path()).status().unwrap();
        assert!(status.success());
        copy
    }

    /// Mounts them for writing.
    pub fn mount(&self, by: By) -> WritableMount {
        match by {
            By::Peelfs => self.mount_with::<&str>([]),
            By::Kernel => self.mount_by_kernel("redirect_dir=on"),
        }
    }

    /// What `peelfs mount` is to be told, but for the mount point.
    pub fn arguments(&self) -> Vec<OsString> {
        // As any file system that root mounts; by itself peelfs honours neither devices nor set-user-ID bits.
        let options = ["-o", "dev,suid", "--upper"].map(OsString::from);
        let upper = [self.upper().into_os_string()];
        options
            .into_iter()
            .chain(upper)
            .chain(self.tars.iter().map(|tar| tar.clone().into_os_string()))
            .collect()
    }

    /// Has peelfs mount them with further options.
    pub fn mount_with<S: Into<OsString>>(&self, options: impl IntoIterator<Item = S>) -> WritableMount {
        let dir = TempDir::new().unwrap();
        let mut command = command();
        command.arg("mount").args(options.into_iter().map(Into::into)).args(self.arguments()).arg(dir.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        WritableMount { dir, by: Some(By::Peelfs) }
    }

    /// Has the kernel mount them: with `redirect_dir=on` it does what peelfs does without being asked.
    pub fn mount_by_kernel(&self, option: &str) -> WritableMount {
        let work = self.place.join("kernel.work");
        if !self.upper().exists() {
            fs::create_dir(self.upper()).unwrap();
            // The root shows what the upper says of it: as peelfs, begin with what the layers say.
            self.copy_root();
        }
        fs::create_dir_all(&work).unwrap();
        let lower: Vec<&str> =
            self.unpacked.layers().iter().rev().map(|layer| layer.to_str().unwrap()).collect();
        let data = format!(
            "lowerdir={},upperdir={},workdir={},{option},index=off,metacopy=off",
            lower.join(":"),
            self.upper().display(),
            work.display(),
        );
        let dir = TempDir::new().unwrap();
        let data = CString::new(data).unwrap();
        rustix::mount::mount("overlay", dir.path(), "overlay", MountFlags::empty(), Some(&*data))
            .unwrap_or_else(|errno| panic!("{data:?}: {errno}"));
        WritableMount { dir, by: Some(By::Kernel) }
    }

    fn copy_root(&self) {
        let below = fs::metadata(self.unpacked.layers().last().unwrap()).unwrap();
        fs::set_permissions(self.upper(), below.permissions()).unwrap();
        std::os::unix::fs::chown(self.upper(), Some(below.uid()), Some(below.gid())).unwrap();
        fs::File::open(self.upper()).unwrap().set_modified(below.modified().unwrap()).unwrap();
    }
}

/// A writable mount that stands.
pub struct WritableMount {
    dir: TempDir,
    /// Until it is unmounted.
    by: Option<By>,
}

impl WritableMount {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub fn join(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// What it shows.
    pub fn tree(&self) -> Tree {
        match self.by {
            Some(By::Kernel) => Tree::read_overlay(self.path()),
            _ => Tree::read(self.path()),
        }
    }

    /// Unmounts it; returns when nothing is left of it. Nothing in it may be open.
    #[track_caller]
    pub fn unmount(mut self) {
        // A process that another thread has just forked holds what is open here, until it runs its program.
        eventually("nobody uses the mount", || {
            let unmounted = rustix::mount::unmount(self.path(), UnmountFlags::empty());
            assert!(matches!(unmounted, Ok(()) | Err(Errno::BUSY)), "{unmounted:?}");
            unmounted.is_ok()
        });
        if self.by.take() == Some(By::Peelfs) {
            assert_gone(self.path());
        }
    }
}

impl Drop for WritableMount {
    fn drop(&mut self) {
        if self.by.is_some() {
            // Only tests that failed come here with a daemon that may be gone.
            let _ = rustix::mount::unmount(self.path(), UnmountFlags::DETACH);
        }
    }
}
