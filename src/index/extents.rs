//! Where a file's bytes are in its layer.

use std::ops::Deref;
use std::slice;

use crate::entry::Extent;

/// The extents of a regular file, sorted. Nearly all files have one, which stands in no list.
#[derive(Debug, Clone, Copy)]
pub enum Extents<'a> {
    /// All bytes, one behind the other.
    Whole(Extent),
    /// Some, with holes between them; or none.
    Listed(&'a [Extent]),
}

impl Deref for Extents<'_> {
    type Target = [Extent];

    fn deref(&self) -> &[Extent] {
        match self {
            Extents::Whole(extent) => slice::from_ref(extent),
            Extents::Listed(extents) => extents,
        }
    }
}
