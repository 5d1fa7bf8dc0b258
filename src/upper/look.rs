//! Opening an upper directory that is not to be mounted: to see what was written, or to forget some of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::stack::Stack;

use super::open::{OpenError, host_error, keeping, lock as take_lock};
use super::work::Work;
use super::{Base, Keeping, Marks, Upper};

/// How long a mount that has just been taken away may take to end.
const PATIENCE: Duration = Duration::from_millis(200);

/// An upper directory that was opened to be looked at.
#[derive(Debug)]
pub struct Looked {
    /// The upper. Nothing can be put into it that needs a work directory: it has none.
    pub upper: Upper,
    /// It is mounted, so that it may change meanwhile.
    pub is_in_use: bool,
}

impl Upper {
    /// Opens an upper directory as it is; no mount can begin with it meanwhile. What it belongs to is
    /// compared, unless that is to be ignored, and not recorded (W9).
    pub fn look(dir: &Path, stack: &Stack, force: bool) -> Result<Looked, OpenError> {
        let (upper, is_in_use) = open(dir, FlockOperation::NonBlockingLockShared)?;
        if !force {
            upper.check_base(stack)?;
        }
        Ok(Looked { upper, is_in_use })
    }

    /// Opens an upper directory to remove things from it, which is for nobody but us then.
    pub fn open_unmounted(dir: &Path, stack: &Stack, force: bool) -> Result<Upper, OpenError> {
        let (mut upper, is_in_use) = open(dir, FlockOperation::NonBlockingLockExclusive)?;
        if is_in_use {
            return Err(OpenError::InUse(dir.to_owned()));
        }
        if !force {
            upper.check_base(stack)?;
        }
        // What is set from here on is kept as a mount would keep it.
        upper.keeping = keeping(&upper.root).map_err(host_error(dir))?;
        Ok(upper)
    }

    fn check_base(&self, stack: &Stack) -> Result<(), OpenError> {
        let recorded = self.recorded_base().map_err(host_error(&self.path))?;
        // A plain tar may have to be hashed for it.
        let Some(recorded) = recorded else { return Ok(()) };
        match Base::of(stack).map_err(host_error(&self.path))? {
            Some(given) if given != recorded => {
                Err(OpenError::OtherBase { path: self.path.clone(), recorded, given })
            }
            _ => Ok(()),
        }
    }
}

/// Opens the directory; gives too whether the lock is someone else's.
fn open(dir: &Path, lock: FlockOperation) -> Result<(Upper, bool), OpenError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(dir, flags, Mode::empty()).map_err(host_error(dir))?;
    // Who only looks need not wait long: that it is in use is no reason not to.
    let patience = if lock == FlockOperation::NonBlockingLockShared { PATIENCE } else { PATIENCE * 10 };
    let is_in_use = match take_lock(&root, lock, patience) {
        Err(Errno::WOULDBLOCK) => true,
        locked => locked.map(|()| false).map_err(host_error(dir))?,
    };
    let root = Arc::new(root);
    let is_root = rustix::process::geteuid().is_root();
    let upper = Upper {
        work: Work::none(&root),
        whiteout: Default::default(),
        root,
        path: PathBuf::from(dir),
        marks: if is_root { Marks::Trusted } else { Marks::User },
        // Who made it may have been granted less than we are.
        keeping: Keeping::Xattr,
        own_ids: (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
        is_volatile: true,
        ephemeral: None,
        removes_work: false,
    };
    Ok((upper, is_in_use))
}
