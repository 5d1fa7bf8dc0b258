//! The oracle: the kernel's overlayfs over layers that GNU tar unpacked.
//!
//! GNU tar knows nothing of whiteouts; they are converted afterwards into overlayfs's own, as Docker's
//! overlay2 driver does. An opaque root, which overlayfs ignores and S11 does not, cuts the stack here.

use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{MountFlags, UnmountFlags};
use tempfile::TempDir;

/// The mode that GNU tar is made to give to directories that a layer only implies; no test uses it for
/// any other. Whoever compares knows them by it (S4).
pub const IMPLIED_MODE: u32 = 0o111;

/// A kernel overlayfs mount; all of it goes away with it.
pub struct Overlay {
    dir: TempDir,
    layers: Vec<PathBuf>,
}

impl Overlay {
    /// Unpacks layer tars, base first, and stacks them.
    pub fn of_tars(tars: &[PathBuf]) -> Overlay {
        Overlay::of_tars_despite(tars, None)
    }

    /// The same where GNU tar may complain of one thing, and unpacks the rest.
    pub fn of_tars_despite(tars: &[PathBuf], complaint: Option<&str>) -> Overlay {
        let dir = TempDir::new().unwrap();
        let mut names = Vec::new();
        for (no, tar) in tars.iter().enumerate() {
            let name = no.to_string();
            let layer = dir.path().join(&name);
            fs::create_dir(&layer).unwrap();
            fs::set_permissions(&layer, Permissions::from_mode(IMPLIED_MODE)).unwrap();
            unpack(tar, &layer, complaint);
            if convert(&layer) {
                names.clear();
            }
            names.push(name);
        }
        Overlay::stack(dir, &names)
    }

    /// Stacks directories of `dir`, base first.
    pub fn stack(dir: TempDir, base_first: &[String]) -> Overlay {
        // overlayfs takes no fewer than two lower layers.
        let empty = "empty".to_owned();
        fs::create_dir(dir.path().join(&empty)).unwrap();
        let top_first: Vec<&str> = base_first.iter().rev().chain([&empty]).map(String::as_str).collect();
        fs::create_dir(dir.path().join("merged")).unwrap();
        // Short relative names: all options must fit into one page.
        let status = Command::new("mount")
            .args(["-t", "overlay", "overlay", "merged", "-o"])
            .arg(format!("lowerdir={}", top_first.join(":")))
            .current_dir(dir.path())
            .status()
            .unwrap();
        assert!(status.success(), "mount -t overlay: {status}");
        let layers = base_first.iter().map(|name| dir.path().join(name)).collect();
        Overlay { dir, layers }
    }

    /// The merged tree.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("merged")
    }

    /// The layers that are stacked, base first.
    pub fn layers(&self) -> &[PathBuf] {
        &self.layers
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        rustix::mount::unmount(self.path(), UnmountFlags::DETACH).unwrap();
    }
}

/// Whether overlayfs can be mounted here.
pub fn is_available() -> bool {
    if !super::need::is_root() {
        return false;
    }
    let dir = TempDir::new().unwrap();
    for name in ["a", "b", "m"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    let data = format!("lowerdir={0}/a:{0}/b", dir.path().display());
    let data = std::ffi::CString::new(data).unwrap();
    let target = dir.path().join("m");
    let mounted = rustix::mount::mount("overlay", &target, "overlay", MountFlags::RDONLY, Some(&*data));
    mounted.is_ok() && rustix::mount::unmount(&target, UnmountFlags::DETACH).is_ok()
}

/// Unpacks one layer as root would: owners, modes, times, attributes, devices.
fn unpack(tar: &Path, layer: &Path, complaint: Option<&str>) {
    if tar.metadata().unwrap().len() == 0 {
        // The first versions of Docker wrote empty layers so; GNU tar wants two blocks of zeros.
        return;
    }
    let umask = format!("umask {:o}; exec tar \"$@\"", 0o777 & !IMPLIED_MODE);
    let output = Command::new("sh")
        .args(["-c", &umask, "tar"])
        .args(["--extract", "--preserve-permissions", "--same-owner", "--numeric-owner"])
        .args(["--xattrs", "--xattrs-include=*", "--delay-directory-restore"])
        .arg("--file")
        .arg(tar)
        .arg("--directory")
        .arg(layer)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected =
        |line: &str| complaint.is_some_and(|words| line.contains(words) || line.contains("xiting"));
    assert!(output.status.success() || stderr.lines().all(expected), "tar {}: {stderr}", tar.display());
}

/// Turns a layer's markers into overlayfs's; gives whether its root is opaque.
fn convert(root: &Path) -> bool {
    let mut opaque_root = false;
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        let times = fs::metadata(&dir).unwrap().modified().unwrap();
        let mut markers = Vec::new();
        for entry in fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().as_bytes().starts_with(b".wh.") {
                markers.push(entry.file_name());
            } else if entry.file_type().unwrap().is_dir() {
                todo.push(entry.path());
            }
        }
        for marker in markers {
            let path = dir.join(&marker);
            match path.symlink_metadata().unwrap().is_dir() {
                true => fs::remove_dir_all(&path).unwrap(),
                false => fs::remove_file(&path).unwrap(),
            }
            match marker.as_bytes().strip_prefix(b".wh.").unwrap() {
                b".wh..opq" if dir == root => opaque_root = true,
                b".wh..opq" => make_opaque(&dir),
                name if name.starts_with(b".wh.") => {}
                name => hide(&dir.join(std::ffi::OsStr::from_bytes(name))),
            }
        }
        fs::File::open(&dir).unwrap().set_modified(times).unwrap();
    }
    opaque_root
}

/// S10: a whiteout beside a directory makes that opaque, beside anything else it is nothing.
fn hide(path: &Path) {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => make_opaque(path),
        Ok(_) => {}
        Err(_) => {
            let mode = Mode::empty();
            rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, mode, 0).unwrap();
        }
    }
}

fn make_opaque(dir: &Path) {
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(dir, "trusted.overlay.opaque", b"y", flags).unwrap();
}
