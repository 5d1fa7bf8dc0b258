//! One directory of the cache, held open: what is done in it goes through its descriptor, and follows no
//! symlink.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// Who may do what with our directories.
pub const DIR_MODE: u32 = 0o700;

/// Who may do what with our files.
const FILE_MODE: u32 = 0o600;

const OPEN_DIR: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// A directory held open.
#[derive(Debug)]
pub struct Dir(OwnedFd);

/// What a directory says of a file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The length in bytes.
    pub len: u64,
    /// When it was last used.
    pub used: SystemTime,
}

impl Dir {
    /// Opens a directory of the user's choice, who may have made it a symlink.
    pub fn at(path: &Path) -> io::Result<Dir> {
        Ok(Dir(rustix::fs::openat(CWD, path, OPEN_DIR, Mode::empty())?))
    }

    /// Opens a directory of ours in this one.
    pub fn dir(&self, name: &str) -> io::Result<Dir> {
        let dir = rustix::fs::openat(&self.0, name, OPEN_DIR | OFlags::NOFOLLOW, Mode::empty())?;
        check(&rustix::fs::fstat(&dir)?, FileType::Directory)?;
        Ok(Dir(dir))
    }

    /// Opens a directory of ours in this one, unless something else is mounted there.
    pub fn dir_within(&self, name: &str) -> io::Result<Dir> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let dir = rustix::fs::openat2(&self.0, name, OPEN_DIR, Mode::empty(), resolve)?;
        check(&rustix::fs::fstat(&dir)?, FileType::Directory)?;
        Ok(Dir(dir))
    }

    /// Opens a directory of ours in this one, making it first if it is not there.
    pub fn make_dir(&self, name: &str) -> io::Result<Dir> {
        match rustix::fs::mkdirat(&self.0, name, Mode::from_raw_mode(DIR_MODE)) {
            Ok(()) | Err(Errno::EXIST) => self.dir(name),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a file of ours for reading.
    pub fn file(&self, name: &str) -> io::Result<File> {
        // A fifo that took the file's place must not block; the time of access is ours to set.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOATIME | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, name, flags, Mode::empty())?;
        check(&rustix::fs::fstat(&file)?, FileType::RegularFile)?;
        Ok(file.into())
    }

    /// Makes a file with a name, for writing.
    pub fn new_file(&self, name: &str) -> io::Result<File> {
        self.create(name, OFlags::CREATE | OFlags::EXCL)
    }

    /// Makes a file without a name, for writing; not every file system can.
    pub fn nameless_file(&self) -> io::Result<File> {
        self.create(".", OFlags::TMPFILE)
    }

    /// Gives a nameless file a name that is not taken yet; needs `/proc`.
    pub fn link(&self, file: &File, name: &str) -> io::Result<()> {
        use std::os::fd::AsRawFd as _;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(rustix::fs::linkat(CWD, path, &self.0, name, AtFlags::SYMLINK_FOLLOW)?)
    }

    /// Renames a file; what has the new name loses it.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Takes a file's name away, or a symlink's; whether it had one.
    pub fn remove(&self, name: &str) -> io::Result<bool> {
        self.unlink(name, AtFlags::empty())
    }

    /// Removes an empty directory; whether it was there.
    pub fn remove_dir(&self, name: &str) -> io::Result<bool> {
        self.unlink(name, AtFlags::REMOVEDIR)
    }

    /// What is to be seen of a file of ours; `None` for anything else.
    pub fn look(&self, name: &str) -> Option<Seen> {
        let stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        check(&stat, FileType::RegularFile).ok()?;
        Some(Seen { len: u64::try_from(stat.st_size).ok()?, used: last_used(&stat) })
    }

    /// All names, in no order; those that are no text are not ours.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        names.retain(|name| !matches!(name.as_str(), "." | ".."));
        Ok(names)
    }

    /// Bytes that may still be written to its file system, and bytes of it all.
    pub fn space(&self) -> io::Result<(u64, u64)> {
        let space = rustix::fs::fstatvfs(&self.0)?;
        let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
        Ok((bytes(space.f_bavail), bytes(space.f_blocks)))
    }

    fn create(&self, name: &str, how: OFlags) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | how;
        Ok(rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(FILE_MODE))?.into())
    }

    fn unlink(&self, name: &str, flags: AtFlags) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.0, name, flags) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Whether something is what it should be, belongs to us, and can be changed by nobody else.
fn check(stat: &Stat, kind: FileType) -> io::Result<()> {
    let is_kind = FileType::from_raw_mode(stat.st_mode) == kind;
    let is_ours = stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o022 == 0;
    match is_kind && is_ours {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::PermissionDenied, "something in it is not ours alone")),
    }
}

/// When a file was written or opened last. [`super::Cache::open`] sets the time of access itself: many file
/// systems do not.
fn last_used(stat: &Stat) -> SystemTime {
    let accessed = (stat.st_atime, stat.st_atime_nsec);
    let (secs, nanos) = accessed.max((stat.st_mtime, stat.st_mtime_nsec));
    let since_epoch = Duration::new(secs.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH)
}
