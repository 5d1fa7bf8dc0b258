//! Opening an upper directory: is it usable, is it free, and does it belong to these layers (W8, W9)?

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Dir, FlockOperation, Mode, OFlags, XattrFlags};
use rustix::io::Errno;

use crate::entry::overlay_attribute;
use crate::host::{OVERRIDE, Override};
use crate::stack::Stack;
use crate::union::Node;

use super::work::Work;
use super::{Base, Keeping, Look, Marks, Spot, Upper, When, sys};

/// How often a lock is tried.
const RETRY: Duration = Duration::from_millis(10);

/// What is to be the upper directory.
#[derive(Debug, Clone, Default)]
pub struct UpperOptions {
    /// The directory.
    pub dir: PathBuf,
    /// The work directory; beside the upper if nobody says.
    pub work: Option<PathBuf>,
    /// Both are made if they are not there, and an empty upper gets the look of the image's root.
    pub makes: bool,
    /// A directory that goes, with all in it, when the mount goes.
    pub ephemeral: Option<PathBuf>,
    /// It is taken whatever it belongs to.
    pub force: bool,
    /// How long another mount of it may take to end.
    pub patience: Duration,
    /// Nothing is waited for until it is on the disk.
    pub is_volatile: bool,
    /// How owners and modes are kept; by what this process may do if nobody says.
    pub keeping: Option<Keeping>,
}

/// Why an upper directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host says no.
    #[error("{}: {source}", .path.display())]
    Host {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another mount has it.
    #[error("{}: in use by a mount; umount that first", .0.display())]
    InUse(PathBuf),
    /// Nothing can be moved from the work directory into it.
    #[error("{}: not on the same file system as {}", .work.display(), .upper.display())]
    OtherFileSystem {
        /// The work directory.
        work: PathBuf,
        /// The upper directory.
        upper: PathBuf,
    },
    /// One contains the other.
    #[error("{}: the work directory and the upper directory must be apart", .0.display())]
    Nested(PathBuf),
    /// It is part of the image.
    #[error("{}: in the layer {}, which must not change", .upper.display(), .layer.display())]
    InLayer {
        /// The upper directory.
        upper: PathBuf,
        /// The layer.
        layer: PathBuf,
    },
    /// Its file system keeps no marks.
    #[error("{}: its file system keeps no extended attributes, which an upper directory needs", .0.display())]
    NoXattrs(PathBuf),
    /// It was made over other layers.
    #[error(
        "{}: made over other layers ({recorded}) than these ({given}); \
         what it shows over them may make no sense; to use it all the same: --force", .path.display()
    )]
    OtherBase {
        /// The directory.
        path: PathBuf,
        /// What it belongs to.
        recorded: Base,
        /// What it was to be put on.
        given: Base,
    },
}

impl Upper {
    /// Opens a directory as the upper of a stack; from here on no other mount may have it.
    pub fn open(options: &UpperOptions, stack: &Stack) -> Result<Upper, OpenError> {
        check_layers(&options.dir, stack)?;
        let upper = Upper::open_any(options)?;
        let at_root = host_error_of(&options.dir);
        if options.makes && upper.is_unused().map_err(&at_root)? {
            upper.look_like_root(stack).map_err(&at_root)?;
        }
        upper.bind(stack, options.force)?;
        Ok(upper)
    }

    /// Opens a directory whatever it belongs to.
    fn open_any(options: &UpperOptions) -> Result<Upper, OpenError> {
        let dir = &options.dir;
        if options.makes {
            make(dir, 0o755).map_err(host_error(dir))?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(dir, flags, Mode::empty()).map_err(host_error(dir))?;
        lock(&root, FlockOperation::NonBlockingLockExclusive, options.patience)
            .map_err(locked_or_host_error(dir))?;
        // Once the upper is ours: a mount of it that ends takes its work directory away.
        let work = open_work(options)?;
        let marks = marks(&work).ok_or_else(|| OpenError::NoXattrs(dir.clone()))?;
        let root = Arc::new(root);
        let keeping = match options.keeping {
            Some(keeping) => keeping,
            None => keeping(&root).map_err(host_error(dir))?,
        };
        Ok(Upper {
            root,
            path: dir.clone(),
            work,
            whiteout: Default::default(),
            marks,
            keeping,
            own_ids: (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
            is_volatile: options.is_volatile,
            ephemeral: options.ephemeral.clone(),
            removes_work: options.makes,
        })
    }

    /// Whether nobody has mounted it before: not we, nor overlayfs, which leaves attributes of its own there too.
    fn is_unused(&self) -> rustix::io::Result<bool> {
        let mut names = Dir::read_from(&*self.root)?;
        let is_empty =
            names.all(|entry| entry.is_ok_and(|e| matches!(e.file_name().to_bytes(), b"." | b"..")));
        let xattrs = self.root_spot().xattrs()?;
        Ok(is_empty && !xattrs.iter().any(|xattr| overlay_attribute(&xattr.name).is_some()))
    }

    /// Gives the root owner, mode and times of the image's.
    pub fn look_like_root(&self, stack: &Stack) -> rustix::io::Result<()> {
        let root = Node::Dir(stack.union.root().clone());
        let attributes = stack.union.attributes(&root).map_err(|_| Errno::IO)?;
        let xattrs = stack.union.xattrs(&root).map_err(|_| Errno::IO)?;
        let spot = self.root_spot();
        if self.keeping == Keeping::Xattr {
            // Who opens it next knows by it that there is more to see.
            self.keep_override(&spot, &Override::of(&attributes))?;
        } else {
            self.set_owner(&spot, Some(attributes.uid), Some(attributes.gid))?;
            self.set_mode(&spot, attributes.mode)?;
        }
        let look = Look::of(&attributes, &xattrs);
        self.set_look_of_rest(&spot, &look)
    }

    fn set_look_of_rest(&self, spot: &Spot, look: &Look<'_>) -> rustix::io::Result<()> {
        for xattr in look.xattrs.iter().filter(|xattr| *xattr.name != *OVERRIDE) {
            match self.set_xattr(spot, &xattr.name, &xattr.value, XattrFlags::empty()) {
                Err(Errno::NOTSUP | Errno::PERM) => {}
                set => set?,
            }
        }
        let Some((atime, mtime)) = look.times else { return Ok(()) };
        self.set_times(spot, Some(When::At(atime)), Some(When::At(mtime)))
    }

    /// Compares what the upper belongs to with the layers below it, and records that (W9).
    fn bind(&self, stack: &Stack, force: bool) -> Result<(), OpenError> {
        let error = host_error(&self.path);
        let Some(given) = Base::of(stack).map_err(&error)? else { return Ok(()) };
        match self.recorded_base().map_err(|errno| error(errno.into()))? {
            Some(recorded) if recorded == given => Ok(()),
            // It is used on other layers this once, and belongs to those it was made over.
            Some(_) if force => Ok(()),
            Some(recorded) => Err(OpenError::OtherBase { path: self.path.clone(), recorded, given }),
            None => self.record_base(&given).map_err(|errno| error(errno.into())),
        }
    }
}

/// An upper that is a layer, or lies in one, would change the image.
fn check_layers(upper: &Path, stack: &Stack) -> Result<(), OpenError> {
    // What is not there yet is where it will be.
    let real = match (upper.canonicalize(), upper.parent()) {
        (Err(_), Some(parent)) => parent.canonicalize().ok(),
        (real, _) => real.ok(),
    };
    let dirs = stack.layers().iter().filter_map(|layer| layer.content.host_dir());
    for layer in dirs.filter_map(|dir| dir.canonicalize().ok()) {
        if real.as_ref().is_some_and(|real| real.starts_with(&layer)) {
            return Err(OpenError::InLayer { upper: upper.to_owned(), layer });
        }
    }
    Ok(())
}

/// Takes a lock of the upper, if nobody holds it against that. Who has just been unmounted may not have ended yet.
pub(super) fn lock(root: &OwnedFd, lock: FlockOperation, patience: Duration) -> rustix::io::Result<()> {
    let until = Instant::now() + patience;
    loop {
        match rustix::fs::flock(root, lock) {
            Err(Errno::WOULDBLOCK) if Instant::now() < until => thread::sleep(RETRY),
            locked => return locked,
        }
    }
}

/// Opens the work directory, made if need be; one that will not do is not left behind.
fn open_work(options: &UpperOptions) -> Result<Work, OpenError> {
    let dir = options.dir.canonicalize().map_err(host_error(&options.dir))?;
    let work = options.work.clone().unwrap_or_else(|| beside(&dir));
    let is_new = options.makes && make(&work, 0o700).map_err(host_error(&work))?;
    let opened = check_places(&dir, &work)
        .and_then(|()| Work::open(&work, options.patience).map_err(locked_or_host_error(&work)));
    if opened.is_err() && is_new {
        // Empty, or it is not ours alone.
        let _ = fs::remove_dir(&work);
    }
    opened
}

/// Where the work directory is if nobody says: a directory of the same file system that is not in the upper.
fn beside(dir: &Path) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(".work");
    name.into()
}

/// Makes a directory; gives whether it was not there.
fn make(dir: &Path, mode: u32) -> io::Result<bool> {
    match DirBuilder::new().mode(mode).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        made => made.map(|()| true),
    }
}

/// Whether things can be moved from one directory into the other.
fn check_places(upper: &Path, work: &Path) -> Result<(), OpenError> {
    let real = |path: &Path| path.canonicalize().map_err(host_error(path));
    let (real_upper, real_work) = (real(upper)?, real(work)?);
    if real_upper.starts_with(&real_work) || real_work.starts_with(&real_upper) {
        return Err(OpenError::Nested(work.to_owned()));
    }
    let device = |path: &Path| rustix::fs::stat(path).map(|stat| stat.st_dev).map_err(host_error_of(path));
    if device(upper)? != device(work)? {
        let (work, upper) = (work.to_owned(), upper.to_owned());
        return Err(OpenError::OtherFileSystem { work, upper });
    }
    Ok(())
}

/// Which names overlayfs's attributes can have here, found out by trying.
fn marks(work: &Work) -> Option<Marks> {
    let spot = Spot::of(work.dir().clone());
    [Marks::Trusted, Marks::User].into_iter().find(|marks| {
        let name = marks.attribute("peelfs.probe");
        let set = sys::setxattr(spot.dir(), spot.name(), &name, b"y", XattrFlags::empty());
        set.and_then(|()| sys::removexattr(spot.dir(), spot.name(), &name)).is_ok()
    })
}

/// How owners are kept: what was begun goes on; else by what this process may do.
pub(super) fn keeping(root: &Arc<OwnedFd>) -> rustix::io::Result<Keeping> {
    let is_kept = Spot::of(root.clone()).xattr(OVERRIDE)?.is_some();
    let may_all = rustix::process::geteuid().is_root() && has_many_ids();
    Ok(if is_kept || !may_all { Keeping::Xattr } else { Keeping::Host })
}

/// Whether there are other owners to give files to: in a user namespace there may be only one.
fn has_many_ids() -> bool {
    let Ok(map) = fs::read_to_string("/proc/self/uid_map") else { return true };
    let counts = map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    counts.sum::<u64>() >= 1 << 16
}

pub(super) fn host_error<E: Into<io::Error>>(path: &Path) -> impl Fn(E) -> OpenError + '_ {
    move |source| OpenError::Host { path: path.to_owned(), source: source.into() }
}

/// The same for who took a lock.
fn locked_or_host_error(path: &Path) -> impl Fn(Errno) -> OpenError + '_ {
    |errno| match errno {
        Errno::WOULDBLOCK => OpenError::InUse(path.to_owned()),
        errno => host_error(path)(errno),
    }
}

fn host_error_of(path: &Path) -> impl Fn(Errno) -> OpenError + '_ {
    host_error(path)
}
