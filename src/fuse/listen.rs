//! The other end of a trace: who listens to a mount that is served by another process.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::mount::MountError;
use super::sys;
use super::trace::{FROM_NOW, Reply};

/// Listens to a mount. Between two questions nothing of it is open: it can be unmounted.
pub struct Tracer {
    dir: PathBuf,
    id: u64,
    cursor: u64,
}

/// What was heard: lines, each with its end, and how many were missed before them.
#[derive(Debug, Default)]
pub struct Heard {
    /// The lines.
    pub text: String,
    /// Lines missed.
    pub missed: u64,
}

impl Tracer {
    /// Listens from now on.
    pub fn start(dir: &Path) -> Result<Tracer, MountError> {
        let reply = ask(dir, FROM_NOW).map_err(|source| match source.raw_os_error() {
            Some(libc::ENOTCONN) => MountError::Dead(dir.to_owned()),
            Some(libc::ENOTTY | libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP) => {
                MountError::NotMounted(dir.to_owned())
            }
            _ => MountError::Point { dir: dir.to_owned(), source },
        })?;
        // Wherever this process goes.
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        Ok(Tracer { dir, id: reply.id, cursor: reply.cursor })
    }

    /// What there is to hear; `None` once the mount is gone.
    pub fn hear(&mut self) -> Option<Heard> {
        match ask(&self.dir, self.cursor) {
            Ok(reply) if reply.id == self.id => {
                self.cursor = reply.cursor;
                Some(Heard { text: reply.text, missed: reply.missed })
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Some(Heard::default()),
            // Another mount, or none.
            Ok(_) | Err(_) => None,
        }
    }
}

fn ask(dir: &Path, cursor: u64) -> io::Result<Reply> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(dir, flags, Mode::empty())?;
    let bytes = sys::ask_for_trace(&root, cursor)?;
    Reply::parse(&*bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
