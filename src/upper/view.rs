//! The tree that shows: the upper directory over the layers below, found by directory and name.
//!
//! The rule is that of the layers (S20, S21), with one layer more that can change, and whose directories may have
//! come from elsewhere (W5). To the upper all layers below are one.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::Stat;
use rustix::io::Errno;

use crate::layer::{self, LayerNo, LeafId};
use crate::union::{self, MergedDir, Union};

use super::{Below, Redirect, Spot, Upper, Word};

/// Why a name could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The host says so.
    #[error("the upper directory: {0}")]
    Host(#[from] Errno),
    /// A layer could not answer.
    #[error(transparent)]
    Layer(#[from] layer::Error),
}

/// What comes of looking.
pub type Result<T> = std::result::Result<T, ViewError>;

/// The upper over what lies below it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The upper.
    pub upper: &'a Upper,
    /// The layers below.
    pub union: &'a Union,
}

/// A directory to look into: the upper's, if it has one there, and what shows through.
#[derive(Debug, Clone)]
pub struct OpenDir {
    /// The upper's directory.
    pub upper: Option<Arc<OwnedFd>>,
    /// The directory below.
    pub lower: Option<MergedDir>,
}

/// What shows under a name.
#[derive(Debug, Clone)]
pub enum Node {
    /// Something of the upper that is no directory.
    Upper(Stat),
    /// Something below that is no directory.
    Lower(LayerNo, LeafId),
    /// A directory.
    Dir {
        /// What the host says of the upper's part, if there is one.
        upper: Option<Stat>,
        /// What shows through.
        lower: Option<MergedDir>,
    },
}

impl From<union::Node> for Node {
    fn from(node: union::Node) -> Node {
        match node {
            union::Node::Leaf { layer, leaf } => Node::Lower(layer, leaf),
            union::Node::Dir(dir) => Node::Dir { upper: None, lower: Some(dir) },
        }
    }
}

impl View<'_> {
    /// The root of the tree.
    pub fn root(&self) -> OpenDir {
        OpenDir { upper: Some(self.upper.root().clone()), lower: Some(self.union.root().clone()) }
    }

    /// What shows under a name; `None` if nothing does.
    pub fn lookup(&self, dir: &OpenDir, name: &[u8]) -> Result<Option<Node>> {
        let word = match &dir.upper {
            Some(upper) => self.upper.word(upper, name)?,
            None => Word::Absent,
        };
        self.merge(dir, name, word)
    }

    /// What comes of the upper's word on a name, and what lies below it.
    pub fn merge(&self, dir: &OpenDir, name: &[u8], word: Word) -> Result<Option<Node>> {
        Ok(match word {
            Word::Absent => self.lookup_below(dir, name)?.map(Node::from),
            Word::Whiteout => None,
            Word::Leaf(stat) => Some(Node::Upper(stat)),
            Word::Dir(stat, below) => {
                let lower = self.below(dir, name, &below)?;
                Some(Node::Dir { upper: Some(stat), lower })
            }
        })
    }

    /// What the layers below say of a name, whatever the upper says.
    pub fn lookup_below(&self, dir: &OpenDir, name: &[u8]) -> Result<Option<union::Node>> {
        match &dir.lower {
            Some(lower) => Ok(self.union.lookup(lower, name)?),
            None => Ok(None),
        }
    }

    /// The directory that one of the upper merges with.
    fn below(&self, dir: &OpenDir, name: &[u8], below: &Below) -> Result<Option<MergedDir>> {
        let node = match below {
            Below::Nothing => None,
            Below::Unknown => return Err(Errno::INVAL.into()),
            Below::Same => self.lookup_below(dir, name)?,
            Below::Redirect(Redirect::Name(name)) => self.lookup_below(dir, name)?,
            Below::Redirect(Redirect::Path(path)) => self.union.lookup_path(path)?,
        };
        Ok(match node {
            Some(union::Node::Dir(dir)) => Some(dir),
            _ => None,
        })
    }

    /// The file below that has the data of one of the upper which lacks it ([`Upper::lacks_data`]).
    pub fn data_below(&self, dir: &OpenDir, name: &[u8]) -> Result<Option<(LayerNo, LeafId)>> {
        let Some(upper) = &dir.upper else { return Ok(None) };
        let node = match self.upper.redirect(&Spot::at(upper, name))? {
            None => self.lookup_below(dir, name)?,
            Some(Redirect::Name(name)) => self.lookup_below(dir, &name)?,
            Some(Redirect::Path(path)) => self.union.lookup_path(&path)?,
        };
        Ok(match node {
            Some(union::Node::Leaf { layer, leaf }) => Some((layer, leaf)),
            _ => None,
        })
    }

    /// Enters a directory that was found under a name.
    pub fn enter(&self, dir: &OpenDir, name: &[u8], node: &Node) -> Result<Option<OpenDir>> {
        let Node::Dir { upper, lower } = node else { return Ok(None) };
        let upper = match (upper, &dir.upper) {
            (Some(_), Some(parent)) => Some(Spot::at(parent, name).open_dir()?),
            _ => None,
        };
        Ok(Some(OpenDir { upper, lower: lower.clone() }))
    }

    /// Whether no name of a directory shows.
    pub fn is_empty(&self, dir: &OpenDir) -> Result<bool> {
        let own = match &dir.upper {
            Some(upper) => self.upper.list(upper)?,
            None => Vec::new(),
        };
        if own.iter().any(|(_, word)| !matches!(word, Word::Whiteout)) {
            return Ok(false);
        }
        let Some(lower) = &dir.lower else { return Ok(true) };
        for below in self.union.list(lower)? {
            let name = below?.name;
            if own.binary_search_by(|(own, _)| (**own).cmp(name)).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What is listed of the upper's word on a name: a directory that cannot be entered is there all the same.
    fn listed(&self, dir: &OpenDir, name: &[u8], word: Word) -> Result<Option<Node>> {
        match word {
            Word::Dir(stat, Below::Unknown) => Ok(Some(Node::Dir { upper: Some(stat), lower: None })),
            word => self.merge(dir, name, word),
        }
    }

    /// All names of a directory that show, sorted by their bytes.
    pub fn list(&self, dir: &OpenDir) -> Result<Vec<(Box<[u8]>, Node)>> {
        let own = match &dir.upper {
            Some(upper) => self.upper.list(upper)?,
            None => Vec::new(),
        };
        let mut listed = Vec::with_capacity(own.len());
        let mut own = own.into_iter().peekable();
        if let Some(lower) = &dir.lower {
            for below in self.union.list(lower)? {
                let below = below?;
                while let Some((name, word)) = own.next_if(|(name, _)| **name < *below.name) {
                    listed.extend(self.listed(dir, &name, word)?.map(|node| (name, node)));
                }
                match own.next_if(|(name, _)| **name == *below.name) {
                    Some((name, word)) => {
                        listed.extend(self.listed(dir, &name, word)?.map(|node| (name, node)));
                    }
                    None => listed.push((below.name.into(), below.node.into())),
                }
            }
        }
        for (name, word) in own {
            listed.extend(self.listed(dir, &name, word)?.map(|node| (name, node)));
        }
        Ok(listed)
    }
}
