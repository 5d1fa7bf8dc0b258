//! Whiteouts: one 0:0 device with many names, as overlayfs has it too. Another name costs less than another device.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{FileType, Mode, Stat};
use rustix::io::{Errno, Result};

use super::{Place, Spot, Upper, sys};

/// The whiteout in the work directory that the next one is a name of, if there is one.
#[derive(Debug, Default)]
pub struct Template(Mutex<Option<Spot>>);

impl Upper {
    /// Puts a whiteout where there is nothing, or where something stands that shows no more: that is gone in the
    /// same step. Of a directory there may be left only what does not show either.
    pub fn whiteout(&self, dir: &Arc<OwnedFd>, name: &[u8], there: Option<&Stat>) -> Result<()> {
        let Some(there) = there else { return self.make_whiteout(&Spot::at(dir, name)) };
        let spot = self.work.spot();
        self.make_whiteout(&spot)?;
        let draft = self.draft_at(spot, false, None);
        match FileType::from_raw_mode(there.st_mode) {
            FileType::Directory => draft.exchange(dir, name),
            _ => draft.place(dir, name, Place::Taken),
        }
    }

    /// Makes a whiteout at a place where nothing is.
    fn make_whiteout(&self, spot: &Spot) -> Result<()> {
        let mut template = self.whiteout.0.lock();
        if let Some(one) = &*template {
            match sys::link(one.dir(), one.name(), spot.dir(), spot.name()) {
                // It has as many names as it can have, or is gone, or there are no links here.
                Err(Errno::MLINK | Errno::NOENT | Errno::PERM | Errno::OPNOTSUPP) => *template = None,
                linked => return linked,
            }
        }
        sys::mknod(spot.dir(), spot.name(), FileType::CharacterDevice, Mode::empty(), 0)?;
        let one = self.work.spot();
        // Without it the next whiteout is a device of its own, and nothing is lost.
        if sys::link(spot.dir(), spot.name(), one.dir(), one.name()).is_ok() {
            *template = Some(one);
        }
        Ok(())
    }
}
