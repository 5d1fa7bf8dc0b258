//! Files of the upper whose data is still below, as overlayfs's `metacopy=on` leaves them: their attributes were
//! changed, and nothing else.
//!
//! They are completed before anyone opens them. Until then the mark stays, so that a kill in the middle leaves a
//! file whose data is below.

use std::os::fd::AsFd;

use parking_lot::Mutex;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::entry::Time;
use crate::fs::{Error, InodeNo, Result};
use crate::layer::{LayerNo, LeafId};
use crate::upper::{Spot, When, calls};

use super::copy_up::Data;
use super::{STRIPES, WritableFilesystem};

impl WritableFilesystem {
    /// Sees to it that a file of the upper has its data.
    pub(super) fn complete(&self, ino: InodeNo, data: Data) -> Result<()> {
        if !self.lacks_data(ino)? {
            return Ok(());
        }
        let stripe = self.copying.get(ino.0 as usize % STRIPES).map(Mutex::lock);
        if self.lacks_data(ino)? {
            self.fetch_data(ino, data)?;
        }
        drop(stripe);
        Ok(())
    }

    fn lacks_data(&self, ino: InodeNo) -> Result<bool> {
        let _names = self.names.read();
        let spot = self.upper_spot(ino)?;
        Ok(self.upper.lacks_data(&spot, &spot.stat()?)?)
    }

    fn fetch_data(&self, ino: InodeNo, data: Data) -> Result<()> {
        let (spot, (layer, leaf)) = self.source_of(ino)?;
        let before = spot.stat()?;
        let file = spot.open_file(OFlags::RDWR)?;
        match data {
            Data::UpTo(0) => calls::truncate(&file, 0)?,
            _ => self.fill(file.as_fd(), layer, leaf, before.st_size.cast_unsigned())?,
        }
        let time = |secs, nanos: u64| Some(When::At(Time { secs, nanos: nanos as u32 }));
        let (atime, mtime) =
            (time(before.st_atime, before.st_atime_nsec), time(before.st_mtime, before.st_mtime_nsec));
        self.upper.set_times(&spot, atime, mtime)?;
        if !self.upper.is_volatile() {
            calls::sync(&file, false)?;
        }
        Ok(self.upper.set_complete(&spot)?)
    }

    /// The file, and what below has its data.
    fn source_of(&self, ino: InodeNo) -> Result<(Spot, (LayerNo, LeafId))> {
        let _names = self.names.read();
        let place = {
            let inodes = self.inodes.lock();
            inodes.get(ino).and_then(|inode| inodes.reachable(inode)).cloned()
        };
        let (parent, name) = place.ok_or(Error::NotFound)?;
        let source = self.view().data_below(&self.dir(parent)?, &name)?;
        // Made over other layers, or by hand: the data is nowhere.
        // Held: another file may get its name meanwhile.
        Ok((self.upper_spot(ino)?.hold()?, source.ok_or(Error::Host(Errno::IO))?))
    }
}
