//! What an upper belongs to (W9): the chain ID of the layers below it.

use std::fmt;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::XattrFlags;
use rustix::io::{Errno, Result};

use crate::blob::{ReadAt, Reader};
use crate::digest::{Algorithm, ChainId, DiffId, Digest};
use crate::entry::overlay_attribute;
use crate::host;
use crate::index::Content;
use crate::stack::Stack;
use crate::tarball::Known;

use super::{Spot, Upper};

/// The attribute of the upper's root that records it; overlayfs shows nobody a name of this prefix.
const ATTRIBUTE: &str = "peelfs.base";

/// The layers that an upper lies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base(ChainId);

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Base {
    /// What a stack is to an upper; `None` if it has a layer that is a directory, which has no digest.
    ///
    /// A plain tar of which nobody says what it is is read and hashed.
    pub fn of(stack: &Stack) -> io::Result<Option<Base>> {
        let mut chain: Option<ChainId> = None;
        for (no, layer) in stack.layers().iter().enumerate() {
            let claimed = stack.image.layers.get(no).and_then(|source| source.diff_id.clone());
            let diff_id = match (claimed, &layer.known, &*layer.content) {
                (Some(claimed), ..) => claimed,
                (None, Some(Known::Compressed { digests, .. }), _) => digests.diff_id.clone(),
                (None, _, Content::Tar(tar)) => hash(&**tar)?,
                (None, _, Content::Directory(..)) => return Ok(None),
            };
            chain = Some(ChainId::stack(chain.as_ref(), &diff_id));
        }
        Ok(chain.map(Base))
    }
}

fn hash(tar: &dyn ReadAt) -> io::Result<DiffId> {
    Digest::of_reader(Algorithm::Sha256, Reader::new(tar)).map(|(digest, _)| DiffId(digest))
}

/// Whether a directory is an upper that was written over an image: it says which.
pub fn is_upper(dir: impl AsFd) -> bool {
    let xattrs = host::xattrs(dir, b"").unwrap_or_default();
    xattrs.iter().any(|xattr| overlay_attribute(&xattr.name) == Some(ATTRIBUTE.as_bytes()))
}

impl Upper {
    /// What the upper says it belongs to.
    pub fn recorded_base(&self) -> Result<Option<Base>> {
        let Some(value) = self.marks.read(&self.root_spot(), ATTRIBUTE)? else { return Ok(None) };
        let digest: Option<Digest> = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
        digest.map(|digest| Some(Base(ChainId(digest)))).ok_or(Errno::INVAL)
    }

    /// Records what the upper belongs to.
    pub(super) fn record_base(&self, base: &Base) -> Result<()> {
        let name = self.marks.attribute(ATTRIBUTE);
        self.set_xattr(&self.root_spot(), &name, base.to_string().as_bytes(), XattrFlags::empty())
    }

    /// The root, as a thing that has attributes.
    pub fn root_spot(&self) -> Spot {
        Spot::of(self.root.clone())
    }
}
