//! What layers have at a path: each its own, whether it shows or not.

use std::io;

use crate::blob::Contents;
use crate::digest::{Algorithm, Digest};
use crate::entry::{Attributes, Kind};
use crate::layer::{self, EntryNo, Found, LayerNo};
use crate::stack::Stack;
use crate::union::{Explanation, Verdict, Word};

use super::Error;
use super::over::{Copied, Over, Own};

/// Which files' digests are computed: their contents have to be read for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digests {
    /// Of none.
    None,
    /// Of files that are read at once, up to so many bytes in all.
    UpTo(u64),
    /// Of all.
    All,
}

impl Digests {
    /// Whether a file of this size is read.
    pub fn reads(self, size: u64) -> bool {
        match self {
            Digests::None => false,
            Digests::UpTo(bytes) => size <= bytes,
            Digests::All => true,
        }
    }
}

/// One layer's version of what stands at a path, or the upper's.
#[derive(Debug, Clone)]
pub struct Version {
    /// The layer; of the upper's version that above all ([`Union::above`](crate::union::Union::above)).
    pub layer: LayerNo,
    /// What it is.
    pub kind: Kind,
    /// Its attributes; `None` for a directory that the layer only implies (S4).
    pub attributes: Option<Attributes>,
    /// What became of it.
    pub verdict: Verdict,
    /// A regular file's contents.
    pub content: Content,
    /// A symlink's target.
    pub target: Option<Vec<u8>>,
}

/// What is known of a version's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It is no regular file.
    None,
    /// It was not read.
    NotRead,
    /// Its digest.
    Digest(Digest),
}

impl Version {
    /// Whether it shows, alone or as part of a directory.
    pub fn is_shown(&self) -> bool {
        matches!(self.verdict, Verdict::Shown | Verdict::Merged)
    }
}

/// All versions that an explained path has, top first.
pub(super) fn versions(
    stack: &Stack,
    explanation: &Explanation,
    over: Option<&Over<'_>>,
    digests: Digests,
) -> Result<Vec<Version>, Error> {
    let Some(last) = explanation.steps.last() else { return Ok(Vec::new()) };
    let own = over.and_then(|over| over.own.as_ref());
    let mut left = match digests {
        Digests::None => 0,
        Digests::UpTo(bytes) => bytes,
        Digests::All => u64::MAX,
    };
    let mut versions = Vec::new();
    for word in &last.words {
        let own = own.filter(|_| word.layer == stack.union.above());
        let version = match own {
            Some(own) => Some(own_version(stack, word, own)?),
            None => version(stack, word)?,
        };
        let Some(mut version) = version else { continue };
        if version.content == Content::NotRead && left > 0 {
            let size = version.attributes.map_or(0, |attributes| attributes.size);
            if let Some(rest) = left.checked_sub(size) {
                left = if digests == Digests::All { left } else { rest };
                let error = |source| Error::Read { path: last.path.clone(), layer: word.layer, source };
                version.content = digest(stack, word, own).map_err(error)?;
            }
        }
        versions.push(version);
    }
    Ok(versions)
}

fn digest(stack: &Stack, word: &Word, own: Option<&Own>) -> io::Result<Content> {
    let digest = match (own, word.found) {
        (Some(Own { copied: Some(Copied::Lost), .. }), _) => return Ok(Content::NotRead),
        (Some(own), _) => {
            let of_data = |data: &mut dyn Contents| Digest::of_reader(Algorithm::Sha256, data);
            own.entry.with_data(stack, of_data)?.0
        }
        (None, Found::Leaf(leaf)) => stack.digest(word.layer, leaf)?,
        (None, _) => return Ok(Content::NotRead),
    };
    Ok(Content::Digest(digest))
}

fn own_version(stack: &Stack, word: &Word, own: &Own) -> Result<Version, Error> {
    let attributes = own.entry.attributes;
    let (kind, verdict) = (attributes.kind, word.verdict);
    let target = match kind {
        Kind::Symlink => Some(own.entry.target(stack).map_err(Error::Upper)?),
        _ => None,
    };
    let content = if kind == Kind::Regular { Content::NotRead } else { Content::None };
    Ok(Version { layer: word.layer, kind, attributes: Some(attributes), verdict, content, target })
}

fn version(stack: &Stack, word: &Word) -> layer::Result<Option<Version>> {
    let union = &stack.union;
    let (kind, attributes, target) = match word.found {
        Found::Absent | Found::Whiteout => return Ok(None),
        Found::Dir { dir, .. } => {
            (Kind::Directory, union.layer(word.layer)?.attributes(EntryNo::from(dir))?, None)
        }
        Found::Leaf(leaf) => {
            let attributes = union.leaf_attributes(word.layer, leaf)?;
            let target = match attributes.kind {
                Kind::Symlink => Some(union.link_target(word.layer, leaf)?.into_owned()),
                _ => None,
            };
            (attributes.kind, Some(attributes), target)
        }
    };
    let content = if kind == Kind::Regular { Content::NotRead } else { Content::None };
    Ok(Some(Version { layer: word.layer, kind, attributes, verdict: word.verdict, content, target }))
}
