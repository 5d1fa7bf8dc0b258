//! Making a mount, by ourselves where the kernel lets us, else through `fusermount3`.
//!
//! fuser's own mounting is not used: it unmounts by path even after someone else has, its unmount is not
//! lazy, and a comma in a name becomes an option (docs/findings.md).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountFlags;

use super::fusermount;
use super::unmount::Mount;

/// The type that mountinfo shows.
pub(super) const FS_TYPE: &str = "fuse.peelfs";

/// The device that requests come through.
const DEVICE: &str = "/dev/fuse";

/// How a mount is to behave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MountOptions {
    /// What mountinfo names as the source.
    pub source: String,
    /// Who may use it.
    pub access: Access,
    /// The kernel checks permissions even for the one who mounts it.
    pub default_permissions: bool,
    /// Set-user-ID bits count.
    pub suid: bool,
    /// Devices can be opened.
    pub dev: bool,
    /// Programs cannot be run.
    pub noexec: bool,
    /// The mount goes when the daemon dies.
    pub auto_unmount: bool,
    /// It can be written.
    pub writable: bool,
    /// The kernel reads and writes files of the upper by itself, where it grants that.
    pub passthrough: bool,
}

/// Who may use a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Who mounts it, as FUSE has it if nothing is said.
    #[default]
    Owner,
    /// Root too (`allow_root`).
    OwnerAndRoot,
    /// Everyone, as far as the modes go (`allow_other`).
    Everyone,
}

/// Why a mount could not be made or taken away.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The directory cannot be mounted on.
    #[error("{}: {source}", .dir.display())]
    Point {
        /// The directory.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What serves the mount there has died.
    #[error(
        "{dir}: a mount whose daemon has died is in the way (transport endpoint is not connected); \
         run: peelfs umount {dir}", dir = .0.display()
    )]
    Dead(PathBuf),
    /// There is no FUSE on this machine, or not for this process.
    #[error("{DEVICE}: {0}; without it, ls, tree, cat, stat and the other commands still work")]
    Device(io::Error),
    /// The kernel refuses.
    #[error("cannot mount on {}: {source}", .dir.display())]
    Mount {
        /// The directory.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no mount of ours there.
    #[error("{}: not a peelfs mount", .0.display())]
    NotMounted(PathBuf),
    /// It is someone else's.
    #[error("{}: mounted by another user (uid {user})", .dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// Who mounted it.
        user: u32,
    },
    /// Something else is mounted on it, or on a directory above it.
    #[error("{}: covered by another mount, left behind", .0.display())]
    Covered(PathBuf),
    /// Someone uses the mount.
    #[error("{dir}: busy; end what uses it, or run: peelfs umount --lazy {dir}", dir = .0.display())]
    Busy(PathBuf),
    /// The kernel does not unmount.
    #[error("cannot unmount {}: {source}", .dir.display())]
    Unmount {
        /// The directory.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A directory that can be mounted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint(PathBuf);

impl MountOptions {
    /// Whether the kernel is to check permissions.
    ///
    /// It must, where others come in, and does for root, who mounts for others. A user who mounts for
    /// himself can read all bytes of the image anyway, and asked to see what is in it.
    pub fn checks_permissions(&self) -> bool {
        self.default_permissions || self.access != Access::Owner || rustix::process::geteuid().is_root()
    }

    /// Whether the kernel is to let others in; `allow_root` is not a word of its own there.
    fn lets_others_in(&self) -> bool {
        self.access != Access::Owner
    }
}

impl MountPoint {
    /// Looks at a directory before any work is done for it.
    pub fn new(dir: &Path) -> Result<MountPoint, MountError> {
        let error = |source: io::Error| match source.raw_os_error() {
            Some(libc::ENOTCONN) => MountError::Dead(dir.to_owned()),
            _ => MountError::Point { dir: dir.to_owned(), source },
        };
        let path = dir.canonicalize().map_err(error)?;
        match path.metadata().map_err(error)?.is_dir() {
            true => Ok(MountPoint(path)),
            false => Err(error(io::ErrorKind::NotADirectory.into())),
        }
    }

    /// The directory, without symlinks.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Mounts; what comes back must be served, or everyone who looks at the directory waits.
    pub fn mount(self, options: &MountOptions) -> Result<(OwnedFd, Mount), MountError> {
        let (fd, through_helper) = match mount_ourselves(&self.0, options) {
            Err(Refusal::NeedsHelper(refusal)) => match mount_through_helper(&self.0, options) {
                Ok(fd) => (fd, true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(refusal),
                Err(source) => return Err(MountError::Mount { dir: self.0, source }),
            },
            Err(Refusal::Final(error)) => return Err(error),
            Ok(fd) => (fd, false),
        };
        Ok((fd, Mount::at(self.0, through_helper)))
    }
}

enum Refusal {
    /// Not for us, but perhaps for the setuid helper.
    NeedsHelper(MountError),
    Final(MountError),
}

fn mount_ourselves(dir: &Path, options: &MountOptions) -> Result<OwnedFd, Refusal> {
    let fd = match rustix::fs::open(DEVICE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        Ok(fd) => fd,
        Err(errno @ (Errno::ACCESS | Errno::PERM)) => {
            return Err(Refusal::NeedsHelper(MountError::Device(errno.into())));
        }
        Err(errno) => return Err(Refusal::Final(MountError::Device(errno.into()))),
    };
    let refused = |source| MountError::Mount { dir: dir.to_owned(), source };
    let mut flags = MountFlags::empty();
    flags.set(MountFlags::RDONLY, !options.writable);
    flags.set(MountFlags::NOSUID, !options.suid);
    flags.set(MountFlags::NODEV, !options.dev);
    flags.set(MountFlags::NOEXEC, options.noexec);
    let source =
        CString::new(options.source.as_str()).map_err(|error| Refusal::Final(refused(error.into())))?;
    let data =
        CString::new(mount_data(&fd, options)).map_err(|error| Refusal::Final(refused(error.into())))?;
    match rustix::mount::mount(&*source, dir, FS_TYPE, flags, Some(&*data)) {
        Ok(()) => Ok(fd),
        Err(errno @ Errno::PERM) => Err(Refusal::NeedsHelper(refused(errno.into()))),
        Err(errno) => Err(Refusal::Final(refused(errno.into()))),
    }
}

fn mount_data(fd: &OwnedFd, options: &MountOptions) -> String {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let mut data = format!("fd={},rootmode=40000,user_id={uid},group_id={gid}", fd.as_raw_fd());
    if options.checks_permissions() {
        data.push_str(",default_permissions");
    }
    if options.lets_others_in() {
        data.push_str(",allow_other");
    }
    data
}

fn mount_through_helper(dir: &Path, options: &MountOptions) -> io::Result<OwnedFd> {
    let mut words = vec![if options.writable { "rw" } else { "ro" }.to_owned(), "subtype=peelfs".to_owned()];
    // The helper takes a comma in a name for the end of it, unless it is escaped.
    words.push(format!("fsname={}", options.source.replace('\\', "\\\\").replace(',', "\\,")));
    let switches = [
        (options.lets_others_in(), "allow_other"),
        (options.checks_permissions(), "default_permissions"),
        (options.suid, "suid"),
        (options.dev, "dev"),
        (options.noexec, "noexec"),
    ];
    words.extend(switches.iter().filter(|(on, _)| *on).map(|(_, word)| (*word).to_owned()));
    fusermount::mount(dir, &words.join(","))
}
