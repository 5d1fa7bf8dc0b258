//! The names in one directory of the upper.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::Dir;
use rustix::io::Result;

use super::{Spot, Upper, Word};

/// The names of a directory, sorted by their bytes, each with what the upper says of it.
pub type Listing = Vec<(Box<[u8]>, Word)>;

impl Upper {
    /// Lists a directory; what vanishes meanwhile is left out.
    pub fn list(&self, dir: &Arc<OwnedFd>) -> Result<Listing> {
        let mut listing = Listing::new();
        for entry in Dir::read_from(&**dir)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            match self.marks.word(&Spot::at(dir, name))? {
                Word::Absent => {}
                word => listing.push((name.into(), word)),
            }
        }
        listing.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(listing)
    }
}
