//! What there is to tell of a path: every layer's word on every component, every version of what stands there, and
//! what comes of it.
//!
//! [`Account`] holds the facts, [`Account::lines`] the words for people; who prints them is not known here.

mod near;
mod tell;
mod versions;

use crate::layer::{self, LayerNo};
use crate::path::{self, BadName, TreePath};
use crate::stack::Stack;
use crate::union::{self, Explanation, Followed, Last, Missing, Node, ResolveError, Resolved};

pub use near::near;
pub use tell::{Line, Span, Tone};
pub use versions::{Content, Digests, Version};

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path leads nowhere that could be explained: a loop of symlinks, or `..` behind what is not there.
    #[error(transparent)]
    Path(#[from] ResolveError),
    /// The path is none.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A layer could not answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
    /// A version could not be read.
    #[error("{path}, layer {layer}: {source}")]
    Read {
        /// The file.
        path: TreePath,
        /// The layer.
        layer: LayerNo,
        /// Why not.
        source: std::io::Error,
    },
}

/// All that is to be told of a path.
pub struct Account<'a> {
    /// The image.
    pub stack: &'a Stack,
    /// The path as it was asked for.
    pub asked: Vec<u8>,
    /// The symlinks on the way to the last component, in the order in which they were followed.
    pub followed: Vec<Followed>,
    /// Every layer's word on every component of the path that they lead to.
    pub explanation: Explanation,
    /// What layers have there, shown or not, top first.
    pub versions: Vec<Version>,
    /// Where a symlink that shows leads; `None` if there is none.
    pub target: Option<Result<Resolved, ResolveError>>,
    /// Names beside it that it may have been mistaken for, if no layer has it.
    pub near: Vec<Vec<u8>>,
}

impl<'a> Account<'a> {
    /// Finds out all about a path; symlinks before its last component are followed within the image.
    pub fn of(stack: &'a Stack, asked: &[u8], digests: Digests) -> Result<Account<'a>, Error> {
        let (path, followed) = physical(stack, asked)?;
        Account { asked: asked.to_vec(), followed, ..Account::at(stack, &path, digests)? }.with_target()
    }

    /// Finds out all about a path in which symlinks are names like any other; where one leads is left out.
    pub fn at(stack: &'a Stack, path: &TreePath, digests: Digests) -> Result<Account<'a>, Error> {
        let explanation = union::explain(&stack.union, path)?;
        let versions = versions::versions(stack, &explanation, digests)?;
        let near = match explanation.missing() {
            Some(Missing::Nowhere) => near(stack, &explanation)?,
            _ => Vec::new(),
        };
        let (asked, followed) = (path.as_bytes().to_vec(), Vec::new());
        Ok(Account { stack, asked, followed, explanation, versions, target: None, near })
    }

    fn with_target(mut self) -> Result<Account<'a>, Error> {
        self.target = self.leads_to()?;
        Ok(self)
    }

    /// The path that is explained, no symlink before its last component.
    pub fn path(&self) -> TreePath {
        self.explanation.steps.last().map(|step| step.path.clone()).unwrap_or_default()
    }

    /// What shows there.
    pub fn node(&self) -> Option<&Node> {
        self.explanation.steps.last()?.node.as_ref()
    }

    fn leads_to(&self) -> layer::Result<Option<Result<Resolved, ResolveError>>> {
        let is_link = |version: &Version| version.is_shown() && version.target.is_some();
        if !self.versions.iter().any(is_link) {
            return Ok(None);
        }
        match self.stack.union.resolve(self.path().as_bytes(), Last::Follow) {
            Err(ResolveError::Layer(error)) => Err(error),
            result => Ok(Some(result)),
        }
    }
}

/// The path with symlinks in its parents resolved, as far as there is anything to resolve.
fn physical(stack: &Stack, path: &[u8]) -> Result<(TreePath, Vec<Followed>), Error> {
    let parts: Vec<&[u8]> = path::split(path).collect();
    let is_up = |part: &&[u8]| **part == *b"..";
    let longest = parts.len() - usize::from(!parts.last().is_none_or(is_up));
    for known in (0..=longest).rev() {
        let (parents, rest) = parts.split_at(known);
        match stack.union.resolve(&parents.join(&b'/'), Last::Follow) {
            Ok(resolved) => {
                let name = [resolved.path.as_bytes(), b"/", &rest.join(&b'/')].concat();
                return Ok((TreePath::from_name(&name)?, resolved.followed));
            }
            Err(ResolveError::NotFound(_) | ResolveError::NotADirectory(_))
                if !parts.iter().skip(known.saturating_sub(1)).any(is_up) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((TreePath::root(), Vec::new()))
}
