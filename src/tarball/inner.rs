//! Tars in a tar, indexed while the outer one is decoded: the layers of `docker save | gzip`.
//!
//! What a compressed archive holds is found out when all of it has been decoded; to read its layers then would
//! be to decode it again. So every member that is a tar is taken for a layer as it passes by.

use std::io;

use crate::blob::{Forward, Identity};
use crate::index::LayerIndex;
use crate::tar::{self, Problem};

/// The shortest tar: a header and something.
const MIN_LEN: u64 = 1024;

/// Members that are indexed; no image has so many layers.
const MAX_INNER: usize = 1000;

/// A tar that lies in another one.
pub struct Inner {
    offset: u64,
    len: u64,
    /// Its names.
    pub index: LayerIndex,
}

impl Inner {
    /// Whether reading it another time would take long: much would be decoded, or many headers read.
    pub fn is_worth_keeping(&self) -> bool {
        self.len >= 1024 * 1024 || self.index.member_count() >= 50
    }

    /// What tells its bytes, when it lies in a tar of an identity.
    pub fn identity(&self, outer: Identity) -> Identity {
        outer.window(self.offset, self.len)
    }
}

/// A tar that is read front to back; what its reader passes over is looked at.
pub struct Outer<'a> {
    tar: &'a mut dyn Forward,
    /// The tars that were found.
    pub inner: Vec<Inner>,
}

impl<'a> Outer<'a> {
    /// From where a tar is.
    pub fn new(tar: &'a mut dyn Forward) -> Outer<'a> {
        Outer { tar, inner: Vec::new() }
    }
}

impl Forward for Outer<'_> {
    fn offset(&self) -> u64 {
        self.tar.offset()
    }

    fn take(&mut self, n: usize) -> io::Result<&[u8]> {
        self.tar.take(n)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        if n < MIN_LEN || self.inner.len() >= MAX_INNER {
            return self.tar.skip(n);
        }
        let begin = self.tar.offset();
        let mut stretch = Stretch { tar: self.tar, begin, left: n };
        // What is no tar says so with its first block.
        let index = LayerIndex::of_stream(&mut stretch);
        let left = stretch.left;
        match index {
            Ok(index) => self.inner.push(Inner { offset: begin, len: n, index }),
            Err(tar::Error { problem: Problem::Io(error), .. }) => return Err(error),
            Err(_) => {}
        }
        self.tar.skip(left)
    }
}

/// A stretch of what is read, as if there were nothing else.
struct Stretch<'a> {
    tar: &'a mut dyn Forward,
    begin: u64,
    left: u64,
}

impl Forward for Stretch<'_> {
    fn offset(&self) -> u64 {
        self.tar.offset() - self.begin
    }

    fn take(&mut self, n: usize) -> io::Result<&[u8]> {
        let bytes = self.tar.take(n.min(usize::try_from(self.left).unwrap_or(usize::MAX)))?;
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let inside = n.min(self.left);
        let missing = self.tar.skip(inside)?;
        self.left -= inside - missing;
        Ok(n - inside + missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Hops;

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = ::tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn members_that_are_tars_are_indexed_on_the_way() {
        let layer = tar(&[("a", &[1; 3000]), ("b", b"2")]);
        let cut = &layer[..2000];
        let archive = tar(&[
            ("x", &[7; 5000]),
            ("layer", &layer),
            ("cut", cut),
            ("zeros", &[0; 4096]),
            ("layer2", &layer),
        ]);
        let mut hops = Hops::new(&archive);
        let mut outer = Outer::new(&mut hops);
        let index = LayerIndex::of_stream(&mut outer).unwrap();
        assert_eq!(index.member_count(), 5);
        let found: Vec<(u64, u64)> = outer
            .inner
            .iter()
            .filter(|inner| inner.index.member_count() > 0)
            .map(|i| (i.offset, i.len))
            .collect();
        assert_eq!(found.len(), 2);
        for (offset, len) in found {
            assert_eq!(archive[offset as usize..(offset + len) as usize], layer);
        }
    }
}
