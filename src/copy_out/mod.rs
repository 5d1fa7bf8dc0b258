//! Copying out of an image: what stands at a path, and all below it, onto the host, and never outside of where it is to go.
//!
//! The image is hostile. A name is only ever used in a directory that is open and was made here, or was there before and
//! is a directory and no symlink; whatever a name had before is replaced, never written through.

mod dress;
mod file;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::blob::Progress;
use crate::entry::{Attributes, Kind};
use crate::host::open_beneath;
use crate::layer::{self, LayerNo, LeafId};
use crate::path::TreePath;
use crate::stack::Stack;
use crate::union::{MergedDir, Node};

use dress::Dress;

/// How it is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Owners, set-id bits, devices and attributes of the system are kept, too: for root.
    pub archive: bool,
}

/// Why something was not copied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host says no.
    #[error(transparent)]
    Host(#[from] io::Error),
    /// A layer cannot answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
    /// Something that is no directory stands where one is to be.
    #[error("not copied over {}, which is no directory", .0.display())]
    NoDirectory(PathBuf),
    /// A directory stands where something else is to be.
    #[error("not copied over {}, which is a directory", .0.display())]
    IsDirectory(PathBuf),
    /// It is something that is made as it was with `--archive` alone.
    #[error("{0} left out; root makes them with --archive")]
    Special(&'static str),
    /// It was copied, and lacks this.
    #[error("copied without {what}: {source}")]
    Without {
        /// What it lacks.
        what: String,
        /// Why.
        source: io::Error,
    },
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Error {
        Error::Host(errno.into())
    }
}

/// What comes of a copy.
pub type Result<T> = std::result::Result<T, Error>;

/// Who hears of what was not copied; the rest is.
pub type Complain<'a> = &'a mut dyn FnMut(&TreePath, Error);

/// A place on the host: a directory that is open, and a name in it.
pub struct Place {
    dir: OwnedFd,
    name: Vec<u8>,
    /// What it is called in messages.
    shown: PathBuf,
}

impl Place {
    /// A name in a directory, which whoever asks may have reached through any path.
    pub fn new(dir: &Path, name: &[u8]) -> io::Result<Place> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // As one would write it: what is here needs no `./` before it.
        let place = if dir == Path::new(".") { Path::new("") } else { dir };
        let shown = if name.is_empty() { place.to_owned() } else { place.join(OsStr::from_bytes(name)) };
        Ok(Place { dir: rustix::fs::open(dir, flags, Mode::empty())?, name: name.to_vec(), shown })
    }
}

/// A copy that is being made.
pub struct CopyOut<'a> {
    stack: &'a Stack,
    dress: Dress,
    /// Where all goes to.
    root: OwnedFd,
    shown: PathBuf,
    /// Each file that may have several names, once it has been copied under one.
    firsts: HashMap<(LayerNo, LeafId), Copied>,
    progress: &'a dyn Progress,
    complain: Complain<'a>,
}

/// A file that has been copied: where it is below the root, and what tells it from whatever else may come to be there.
struct Copied {
    path: TreePath,
    dev: u64,
    ino: u64,
}

/// Where something goes: a name in a directory that is open, and its path below the root of the copy.
struct Target<'t> {
    at: BorrowedFd<'t>,
    name: &'t [u8],
    path: &'t TreePath,
}

/// A directory that is being filled.
struct Level {
    fd: OwnedFd,
    /// In the image, and below the root of the copy.
    from: TreePath,
    to: TreePath,
    /// Its looks in the end; those of a directory that was there, and in which the copy goes, stay.
    attributes: Option<Attributes>,
    dir: MergedDir,
    /// What is still to come, the next one last.
    names: Vec<(Vec<u8>, Node)>,
}

impl<'a> CopyOut<'a> {
    /// Copies something to a place: a directory merges with one that is there, anything else replaces what is no
    /// directory. Goes on behind what cannot be copied.
    pub fn run(
        stack: &'a Stack,
        from: &TreePath,
        node: &Node,
        to: Place,
        manner: Manner,
        progress: &'a dyn Progress,
        complain: Complain<'a>,
    ) -> Result<()> {
        let Place { dir, name, shown } = to;
        let shown = if name.is_empty() { shown } else { shown.parent().unwrap_or(Path::new("")).to_owned() };
        let firsts = HashMap::new();
        let mut copy =
            CopyOut { stack, dress: Dress::new(manner), root: dir, shown, firsts, progress, complain };
        let place = match name.is_empty() {
            true => TreePath::root(),
            false => TreePath::root().join(&name),
        };
        let root = copy.root.try_clone()?;
        match node {
            Node::Dir(dir) if name.is_empty() => {
                let attributes = manner.archive.then(|| stack.union.dir_attributes(dir)).transpose()?;
                let level = copy.level(root, from.clone(), place, dir.clone(), attributes)?;
                copy.fill(level);
                Ok(())
            }
            Node::Dir(dir) => {
                let level = copy.enter(root.as_fd(), &name, from.clone(), place, dir)?;
                copy.fill(level);
                Ok(())
            }
            Node::Leaf { layer, leaf } => {
                copy.leaf(&Target { at: root.as_fd(), name: &name, path: &place }, (*layer, *leaf))
            }
        }
    }

    /// Copies what is in a directory, and in those in it.
    fn fill(&mut self, first: Level) {
        let mut levels = vec![first];
        while let Some(level) = levels.last_mut() {
            let Some((name, node)) = level.names.pop() else {
                self.leave(levels.pop());
                continue;
            };
            let (from, to) = (level.from.join(&name), level.to.join(&name));
            match node {
                Node::Dir(dir) => match self.enter(level.fd.as_fd(), &name, from.clone(), to, &dir) {
                    Ok(next) => levels.push(next),
                    Err(error) => (self.complain)(&from, error),
                },
                Node::Leaf { layer, leaf } => {
                    let to = Target { at: level.fd.as_fd(), name: &name, path: &to };
                    if let Err(error) = self.leaf(&to, (layer, leaf)) {
                        (self.complain)(&from, error);
                    }
                }
            }
        }
    }

    /// Makes a directory, or takes one that is there.
    fn enter(
        &mut self,
        at: BorrowedFd<'_>,
        name: &[u8],
        from: TreePath,
        to: TreePath,
        dir: &MergedDir,
    ) -> Result<Level> {
        let attributes = self.stack.union.dir_attributes(dir)?;
        let is_new = match rustix::fs::mkdirat(at, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(errno.into()),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(at, name, flags, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(Error::NoDirectory(self.shown(&to))),
            fd => fd?,
        };
        // Whoever made a directory that was there said what it is to look like.
        let attributes = (is_new || self.dress.manner.archive).then_some(attributes);
        self.level(fd, from, to, dir.clone(), attributes)
    }

    fn level(
        &self,
        fd: OwnedFd,
        from: TreePath,
        to: TreePath,
        dir: MergedDir,
        attributes: Option<Attributes>,
    ) -> Result<Level> {
        let list = self.stack.union.list(&dir)?;
        let names = list.map(|listed| listed.map(|listed| (listed.name.to_vec(), listed.node)));
        let mut names = names.collect::<layer::Result<Vec<_>>>()?;
        names.reverse();
        Ok(Level { fd, from, to, attributes, dir, names })
    }

    /// Gives a directory its looks once it is full: it might not let anything in with them.
    fn leave(&mut self, level: Option<Level>) {
        let Some(Level { fd, from, attributes: Some(attributes), dir, .. }) = level else { return };
        let xattrs = match self.stack.union.dir_xattrs(&dir) {
            Ok(xattrs) => xattrs,
            Err(error) => return (self.complain)(&from, error.into()),
        };
        let mut complain = |error| (self.complain)(&from, error);
        if let Err(error) = self.dress.open(fd.as_fd(), &attributes, &xattrs, &mut complain) {
            complain(error);
        }
    }

    fn leaf(&mut self, to: &Target<'_>, file: (LayerNo, LeafId)) -> Result<()> {
        let attributes = self.stack.union.leaf_attributes(file.0, file.1)?;
        if let Some(first) = self.copied(&file)? {
            return self.link(to, &first);
        }
        let made = self.make(to, file, &attributes);
        if attributes.nlink > 1 && matches!(made, Ok(()) | Err(Error::Without { .. })) {
            let stat = rustix::fs::statat(to.at, to.name, AtFlags::SYMLINK_NOFOLLOW)?;
            self.firsts.insert(file, Copied { path: to.path.clone(), dev: stat.st_dev, ino: stat.st_ino });
        }
        made
    }

    /// A file that has been copied, and is still where it was put.
    fn copied(&self, file: &(LayerNo, LeafId)) -> Result<Option<OwnedFd>> {
        let Some(first) = self.firsts.get(file) else { return Ok(None) };
        let Ok(found) = open_beneath(&self.root, &first.path, OFlags::PATH) else { return Ok(None) };
        let stat = rustix::fs::fstat(&found)?;
        Ok(((stat.st_dev, stat.st_ino) == (first.dev, first.ino)).then_some(found))
    }

    /// Gives a file that has been copied one name more.
    fn link(&self, to: &Target<'_>, first: &OwnedFd) -> Result<()> {
        let proc = format!("/proc/self/fd/{}", first.as_raw_fd());
        let link = |name: &[u8]| rustix::fs::linkat(CWD, &*proc, to.at, name, AtFlags::SYMLINK_FOLLOW);
        self.put(&file::temporary(link)?, to)
    }

    /// Makes something under a name of our own, and puts it into its place once it is whole.
    fn make(&self, to: &Target<'_>, file: (LayerNo, LeafId), attributes: &Attributes) -> Result<()> {
        let xattrs = self.stack.union.leaf_xattrs(file.0, file.1)?;
        let mut lacks: Vec<Error> = Vec::new();
        let lack = &mut |error| lacks.push(error);
        let (temporary, made) = match attributes.kind {
            Kind::Regular => {
                let (temporary, fd) = file::create(to.at)?;
                let filled = self.stack.with_file(file.0, file.1, |extents, source| {
                    file::fill(&fd, extents, attributes.size, source, self.progress)
                });
                let mut dressed = || self.dress.open(fd.as_fd(), attributes, &xattrs, lack);
                (temporary, filled.map_err(Error::from).and_then(|()| dressed()))
            }
            kind => {
                let target = match kind {
                    Kind::Symlink => self.stack.union.link_target(file.0, file.1)?,
                    _ => Default::default(),
                };
                let temporary = file::temporary(|name| self.bare(to.at, name, attributes, &target));
                let temporary = temporary.map_err(|errno| special(kind, errno))?;
                let dressed = self.dress.named(to.at, &temporary, attributes, &xattrs, lack);
                (temporary, dressed)
            }
        };
        if made.is_err() {
            let _ = rustix::fs::unlinkat(to.at, &*temporary, AtFlags::empty());
        }
        made?;
        self.put(&temporary, to)?;
        lacks.into_iter().next().map_or(Ok(()), Err)
    }

    /// Makes what is neither file nor directory.
    fn bare(&self, at: BorrowedFd<'_>, name: &[u8], a: &Attributes, target: &[u8]) -> rustix::io::Result<()> {
        let device = rustix::fs::makedev(a.device.major, a.device.minor);
        let kind = match a.kind {
            Kind::Symlink => return rustix::fs::symlinkat(target, at, name),
            Kind::Fifo => FileType::Fifo,
            Kind::CharDevice if self.dress.manner.archive => FileType::CharacterDevice,
            Kind::BlockDevice if self.dress.manner.archive => FileType::BlockDevice,
            _ => return Err(Errno::PERM),
        };
        rustix::fs::mknodat(at, name, kind, Mode::RUSR | Mode::WUSR, device)
    }

    /// Puts something that is whole into its place.
    fn put(&self, temporary: &[u8], to: &Target<'_>) -> Result<()> {
        // An image may have a name that is like ours.
        if temporary == to.name {
            return Ok(());
        }
        let placed = rustix::fs::renameat(to.at, temporary, to.at, to.name);
        // Of two names of one file a rename does nothing.
        let _ = rustix::fs::unlinkat(to.at, temporary, AtFlags::empty());
        match placed {
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                Err(Error::IsDirectory(self.shown(to.path)))
            }
            placed => Ok(placed?),
        }
    }

    fn shown(&self, to: &TreePath) -> PathBuf {
        self.shown.join(OsStr::from_bytes(to.as_bytes()))
    }
}

/// What only root makes.
fn special(kind: Kind, errno: Errno) -> Error {
    match (kind, errno) {
        (Kind::CharDevice | Kind::BlockDevice, Errno::PERM) => Error::Special("a device"),
        (Kind::Socket, _) => Error::Special("a socket"),
        _ => errno.into(),
    }
}
