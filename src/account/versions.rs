//! What layers have at a path: each its own, whether it shows or not.

use crate::digest::Digest;
use crate::entry::{Attributes, Kind};
use crate::layer::{self, EntryNo, Found, LayerNo};
use crate::stack::Stack;
use crate::union::{Explanation, Verdict, Word};

use super::Error;

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

/// One layer's version of what stands at a path.
#[derive(Debug, Clone)]
pub struct Version {
    /// The layer.
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
pub fn versions(stack: &Stack, explanation: &Explanation, digests: Digests) -> Result<Vec<Version>, Error> {
    let Some(last) = explanation.steps.last() else { return Ok(Vec::new()) };
    let mut left = match digests {
        Digests::None => 0,
        Digests::UpTo(bytes) => bytes,
        Digests::All => u64::MAX,
    };
    let mut versions = Vec::new();
    for word in &last.words {
        let Some(mut version) = version(stack, word)? else { continue };
        if let (Found::Leaf(leaf), Content::NotRead, true) = (word.found, &version.content, left > 0) {
            let size = version.attributes.map_or(0, |attributes| attributes.size);
            if let Some(rest) = left.checked_sub(size) {
                left = if digests == Digests::All { left } else { rest };
                let error = |source| Error::Read { path: last.path.clone(), layer: word.layer, source };
                version.content = Content::Digest(stack.digest(word.layer, leaf).map_err(error)?);
            }
        }
        versions.push(version);
    }
    Ok(versions)
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
