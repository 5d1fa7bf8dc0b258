//! Taking a mount away: our own when we end, anyone's of peelfs for `peelfs umount`.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use super::fusermount;
use super::mount::{FS_TYPE, MountError};
use super::mountinfo::{self, MountId, Mounted};

/// How long a mount may be busy before that is said: a process that another one has just forked holds what was open
/// there until it runs its program.
const PATIENCE: Duration = Duration::from_millis(300);

/// A mount of ours.
#[derive(Debug)]
pub struct Mount {
    dir: PathBuf,
    /// `None` where there is no /proc to tell.
    id: Option<MountId>,
    /// What tells it from mounts that are given its `id` later; `None` where the kernel does not say.
    unique: Option<u64>,
    through_helper: bool,
}

/// What became of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmounted {
    /// It does not stand any more, whoever took it away.
    Gone,
    /// It is covered by another one, which is not ours to take away; a mount cannot be taken from below.
    NotYet,
}

impl Mount {
    /// What has just been mounted on a directory.
    pub fn at(dir: PathBuf, through_helper: bool) -> Mount {
        let id = mountinfo::topmost_at(&dir).ok().flatten().map(|mounted| mounted.id);
        let root = id.as_ref().and_then(|id| open_root(&dir, id).ok().flatten());
        let unique = root.and_then(mountinfo::unique_number);
        Mount { dir, id, unique, through_helper }
    }

    /// Where it was made.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The device number that its file system has been given, `MAJOR:MINOR`.
    pub fn device(&self) -> Option<&str> {
        self.id.as_ref().map(|id| &*id.device)
    }

    /// Says to another process which mount this is.
    pub fn name(&self) -> Option<String> {
        let unique = self.unique.unwrap_or(0);
        self.id.as_ref().map(|id| format!("{} {unique} {id}", self.through_helper))
    }

    /// The mount that another process has named.
    pub fn named(name: &str) -> io::Result<Mount> {
        let mut words = name.splitn(3, ' ');
        let mut word = || words.next().ok_or(io::ErrorKind::InvalidData);
        let (through_helper, unique, id) = (word()? == "true", word()?.parse(), word()?);
        let id: MountId = id.parse()?;
        let dir = mountinfo::find(&id)?.map(|mounted| mounted.point).unwrap_or_default();
        Ok(Mount { dir, id: Some(id), unique: unique.ok().filter(|&unique| unique > 0), through_helper })
    }

    /// Takes the mount away, whoever still uses it; nothing else that came to stand there.
    pub fn unmount(&self) -> Result<Unmounted, MountError> {
        let refused = |source| MountError::Unmount { dir: self.dir.clone(), source };
        let Some(id) = &self.id else {
            // That it still stands is likelier than that another has taken its place, and a dead mount is in
            // everybody's way.
            return detach(&self.dir, true, self.through_helper).map(|()| Unmounted::Gone);
        };
        // Not necessarily where it was made: a directory above may have been renamed.
        let Some(Mounted { point, .. }) = mountinfo::find(id).map_err(refused)? else {
            return Ok(Unmounted::Gone);
        };
        let Some(root) = open_root(&point, id).map_err(refused)? else { return Ok(Unmounted::NotYet) };
        if self.unique.is_some_and(|unique| mountinfo::unique_number(&root).is_some_and(|now| now != unique))
        {
            // Ours has gone, and its numbers were given to this one.
            return Ok(Unmounted::Gone);
        }
        if self.through_helper {
            return detach(&point, true, true).map(|()| Unmounted::Gone);
        }
        // By what has been looked at: the path may lead elsewhere by now.
        let root = Path::new("/proc/self/fd").join(root.as_raw_fd().to_string());
        match rustix::mount::unmount(&root, UnmountFlags::DETACH) {
            Ok(()) | Err(Errno::INVAL) => Ok(Unmounted::Gone),
            Err(errno) => Err(refused(errno.into())),
        }
    }
}

/// Opens the root of a mount, if its path leads there. No request is made of who serves it.
fn open_root(point: &Path, id: &MountId) -> io::Result<Option<OwnedFd>> {
    match rustix::fs::open(point, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Ok(fd) => Ok(mountinfo::is_in(&fd, id)?.then_some(fd)),
        // What covers a directory above has no such path.
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Unmounts a mount of peelfs at `dir`, a dead one too; with `lazy` even while it is used.
pub fn unmount(dir: &Path, lazy: bool) -> Result<(), MountError> {
    let path = absolute(dir).map_err(|source| MountError::Point { dir: dir.to_owned(), source })?;
    let mounted =
        mountinfo::topmost_at(&path).map_err(|source| MountError::Unmount { dir: path.clone(), source })?;
    let Some(mounted) = mounted.filter(|mounted| mounted.kind == FS_TYPE) else {
        return Err(no_mount(path));
    };
    match (detach_once_free(&path, lazy), mounted.user) {
        (Err(MountError::Unmount { dir, .. }), Some(user)) if user != rustix::process::getuid().as_raw() => {
            Err(MountError::Foreign { dir, user })
        }
        (result, _) => result,
    }
}

fn no_mount(path: PathBuf) -> MountError {
    match path.symlink_metadata() {
        Err(source) if source.kind() == io::ErrorKind::NotFound => MountError::Point { dir: path, source },
        _ => MountError::NotMounted(path),
    }
}

/// The path with symlinks resolved, its last component left alone: a dead mount cannot be looked at.
fn absolute(dir: &Path) -> io::Result<PathBuf> {
    if let Ok(path) = dir.canonicalize() {
        return Ok(path);
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = dir.file_name().ok_or(io::ErrorKind::NotFound)?;
    Ok(parent.canonicalize()?.join(name))
}

fn detach_once_free(dir: &Path, lazy: bool) -> Result<(), MountError> {
    let since = Instant::now();
    loop {
        match detach(dir, lazy, false) {
            Err(MountError::Busy(_)) if since.elapsed() < PATIENCE => thread::sleep(PATIENCE / 15),
            result => return result,
        }
    }
}

fn detach(dir: &Path, lazy: bool, through_helper: bool) -> Result<(), MountError> {
    let mut flags = UnmountFlags::NOFOLLOW;
    flags.set(UnmountFlags::DETACH, lazy);
    let result = match through_helper {
        true => Err(Errno::PERM),
        false => rustix::mount::unmount(dir, flags),
    };
    let source = match result {
        Ok(()) => return Ok(()),
        Err(Errno::BUSY) => return Err(MountError::Busy(dir.to_owned())),
        Err(Errno::PERM) => match fusermount::unmount(dir, lazy) {
            Ok(()) => return Ok(()),
            Err(error) if error.to_string().contains("busy") => return Err(MountError::Busy(dir.to_owned())),
            Err(error) => error,
        },
        Err(errno) => errno.into(),
    };
    Err(MountError::Unmount { dir: dir.to_owned(), source })
}
