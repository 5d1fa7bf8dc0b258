//! What there is to tell of a path: every layer's word on every component, every version of what stands there, and
//! what comes of it; and what an upper directory over the image makes of all that.
//!
//! [`Account`] holds the facts, [`Account::lines`] the words for people; who prints them is not known here.

mod near;
mod over;
mod over_words;
mod tell;
mod versions;

use crate::commit::Sides;
use crate::layer::{self, LayerNo};
use crate::path::{self, BadName, TreePath};
use crate::stack::Stack;
use crate::union::{self, Explanation, Followed, Hiding, Last, Missing, Node, ResolveError, Tree};
use crate::upper::{self, ViewError};

pub use over::{Copied, Over, Own};
pub use tell::{Line, Span, Tone};
pub use versions::{Content, Digests, Version};

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path leads nowhere that could be explained: a loop of symlinks, or `..` behind what is not there.
    #[error(transparent)]
    Path(ResolveError<ViewError>),
    /// The path is none.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A layer could not answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
    /// The upper or a layer could not answer.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Something in the upper directory could not be read.
    #[error("the upper directory: {0}")]
    Upper(std::io::Error),
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

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Error {
        match error {
            ResolveError::NotFound(path) => Error::Path(ResolveError::NotFound(path)),
            ResolveError::NotADirectory(path) => Error::Path(ResolveError::NotADirectory(path)),
            ResolveError::TooManyLinks(path) => Error::Path(ResolveError::TooManyLinks(path)),
            ResolveError::Tree(error) => Error::Layer(error),
        }
    }
}

impl From<ResolveError<ViewError>> for Error {
    fn from(error: ResolveError<ViewError>) -> Error {
        match error {
            ResolveError::Tree(error) => Error::View(error),
            error => Error::Path(error),
        }
    }
}

/// All that is to be told of a path.
pub struct Account<'a> {
    /// The image.
    pub stack: &'a Stack,
    /// The upper directory, if there is one over it.
    pub over: Option<Over<'a>>,
    /// The path as it was asked for.
    pub asked: Vec<u8>,
    /// The symlinks on the way to the last component, in the order in which they were followed.
    pub followed: Vec<Followed>,
    /// Every layer's word on every component of the path that they lead to. Where there is an upper its words come
    /// first, as those of the layer above all ([`Union::above`](union::Union::above)).
    pub explanation: Explanation,
    /// What layers have there, shown or not, top first.
    pub versions: Vec<Version>,
    /// Where a symlink that shows leads, or why nowhere; `None` if there is none.
    pub target: Option<Result<Target, String>>,
    /// Names beside it that it may have been mistaken for, if no layer has it.
    pub near: Vec<Vec<u8>>,
}

/// Where a symlink leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The path, no symlink in it.
    pub path: TreePath,
    /// The layer that shows what is there.
    pub layer: LayerNo,
}

impl<'a> Account<'a> {
    /// Finds out all about a path; symlinks before its last component are followed within the image.
    pub fn of(stack: &'a Stack, asked: &[u8], digests: Digests) -> Result<Account<'a>, Error> {
        let (path, followed) = physical(&stack.union, asked)?;
        Account { asked: asked.to_vec(), followed, ..Account::at(stack, &path, digests)? }.with_target()
    }

    /// The same with an upper directory over the image, within which symlinks are followed then.
    pub fn over(sides: Sides<'a>, asked: &[u8], digests: Digests) -> Result<Account<'a>, Error> {
        let view = upper::View { upper: sides.upper, union: &sides.stack.union };
        let (path, followed) = physical(&view, asked)?;
        let (explanation, over) = over::explain(sides, &path, digests)?;
        let account = Account::from(sides.stack, Some(over), explanation, digests)?;
        Account { asked: asked.to_vec(), followed, ..account }.with_target()
    }

    /// Finds out all about a path in which symlinks are names like any other; where one leads is left out.
    pub fn at(stack: &'a Stack, path: &TreePath, digests: Digests) -> Result<Account<'a>, Error> {
        Account::from(stack, None, union::explain(&stack.union, path)?, digests)
    }

    fn from(
        stack: &'a Stack,
        over: Option<Over<'a>>,
        explanation: Explanation,
        digests: Digests,
    ) -> Result<Account<'a>, Error> {
        let versions = versions::versions(stack, &explanation, over.as_ref(), digests)?;
        let near = match explanation.missing() {
            Some(Missing::Nowhere) => near::near(stack, &explanation, over.as_ref())?,
            _ => Vec::new(),
        };
        let (asked, followed) = (Vec::new(), Vec::new());
        let account = Account { stack, over, asked, followed, explanation, versions, target: None, near };
        Ok(Account { asked: account.path().as_bytes().to_vec(), ..account })
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
        self.explanation.steps.last()?.node.as_ref().filter(|_| !self.is_broken())
    }

    /// The first that hid the topmost of the versions, and how.
    pub fn first_to_hide(&self) -> Option<Hiding> {
        self.explanation.first_to_hide(self.versions.first()?.layer)
    }

    /// What shows there, where that is the upper's, alone or with what is below.
    pub fn own(&self) -> Option<&Own> {
        self.over.as_ref()?.own.as_ref()
    }

    /// Whether a lookup is an error, as a redirect of the upper is none.
    pub fn is_broken(&self) -> bool {
        self.over.as_ref().is_some_and(Over::is_broken)
    }

    /// Whether this is the number that stands for the upper.
    pub fn is_upper(&self, layer: LayerNo) -> bool {
        layer == self.stack.union.above()
    }

    fn leads_to(&self) -> Result<Option<Result<Target, String>>, Error> {
        let is_link = |version: &Version| version.is_shown() && version.target.is_some();
        if !self.versions.iter().any(is_link) {
            return Ok(None);
        }
        let path = self.path();
        let led = match &self.over {
            None => {
                let resolved = self.stack.union.resolve(path.as_bytes(), Last::Follow);
                resolved
                    .map(|resolved| Target { layer: resolved.node.layer(), path: resolved.path })
                    .map_err(Error::from)
            }
            Some(over) => {
                let resolved = union::resolve(&over.view(), path.as_bytes(), Last::Follow);
                let layer = |node: &upper::Node| match node {
                    upper::Node::Lower(layer, _) => *layer,
                    upper::Node::Dir { upper: None, lower: Some(lower) } => lower.top().layer,
                    _ => self.stack.union.above(),
                };
                resolved
                    .map(|resolved| Target { layer: layer(&resolved.node), path: resolved.path })
                    .map_err(Error::from)
            }
        };
        match led {
            Ok(target) => Ok(Some(Ok(target))),
            Err(Error::Path(error)) => Ok(Some(Err(error.to_string()))),
            Err(error) => Err(error),
        }
    }
}

/// The path with symlinks in its parents resolved, as far as there is anything to resolve; and these symlinks.
pub fn physical<T: Tree>(tree: &T, path: &[u8]) -> Result<(TreePath, Vec<Followed>), Error>
where
    Error: From<ResolveError<T::Error>>,
{
    let parts: Vec<&[u8]> = path::split(path).collect();
    let is_up = |part: &&[u8]| **part == *b"..";
    let longest = parts.len() - usize::from(!parts.last().is_none_or(is_up));
    for known in (0..=longest).rev() {
        let (parents, rest) = parts.split_at(known);
        match union::resolve(tree, &parents.join(&b'/'), Last::Follow) {
            Ok(resolved) => {
                let name = [resolved.path.as_bytes(), b"/", &rest.join(&b'/')].concat();
                return Ok((TreePath::from_name(&name)?, resolved.followed));
            }
            // What could not be found out will not be below, either, and the error is said there.
            Err(ResolveError::NotFound(_) | ResolveError::NotADirectory(_) | ResolveError::Tree(_))
                if !parts.iter().skip(known.saturating_sub(1)).any(is_up) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((TreePath::root(), Vec::new()))
}
