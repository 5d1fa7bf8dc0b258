//! What can be wrong with a tar, and where.

use std::fmt;
use std::io;

/// A tar that cannot be read on.
#[derive(Debug)]
pub struct Error {
    /// The member concerned, if its name was known by then.
    pub member: Option<Box<[u8]>>,
    /// Offset in the archive, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The header's checksum is not that of its bytes: damage, or no tar at all.
    #[error("bad header checksum")]
    Checksum,
    /// A field of the header that says where things are holds no number, or one out of range.
    #[error("bad {0} in header")]
    Field(&'static str),
    /// One block of zeros where the end of an archive is two.
    #[error("a lone block of zeros")]
    LoneZeroBlock,
    /// An end mark at the very beginning, and something behind it: no tar.
    #[error("zeros instead of a first header")]
    NoMembers,
    /// The archive ends inside a header or a member's data, or between a member and what is said of it.
    #[error("the archive is cut: {missing} bytes are missing")]
    Truncated {
        /// How many more the headers promise.
        missing: u64,
    },
    /// A PAX record is not `LENGTH KEY=VALUE\n`, or its value says wrongly where things are.
    #[error("bad PAX record{}", .0.map(|key| format!(" `{key}`")).unwrap_or_default())]
    Pax(Option<&'static str>),
    /// An extension header claims more bytes than any real one has.
    #[error("extension header of {0} bytes; the limit is {limit}", limit = super::reader::MAX_EXTENSION)]
    LargeExtension(u64),
    /// Global headers say more than any real ones do.
    #[error("{0} bytes in global headers; the limit is {limit}", limit = super::pax::MAX_GLOBALS)]
    LargeGlobals(usize),
    /// The map of a sparse file overlaps itself or its bounds.
    #[error("bad sparse map")]
    Sparse,
    /// The archive cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What is wrong with one member, whose end is known all the same: it has no place in a tree (S2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A field of its header holds no number, or one out of range.
    #[error("bad {0} in header")]
    Field(&'static str),
    /// The value of a PAX record makes no sense for its key.
    #[error("bad PAX record `{0}`")]
    Pax(&'static str),
    /// No file can be as long: offsets are signed.
    #[error("file of {0} bytes")]
    Size(u64),
    /// The names of its attributes are too many for `listxattr(2)`.
    #[error("{0} bytes of extended attributes' names; the limit is {limit}", limit = super::xattr::MAX_LIST)]
    Xattrs(usize),
}

impl Problem {
    /// The problem at a place where no member's name is known.
    pub(super) fn at(self, offset: u64) -> Error {
        Error { member: None, offset, problem: self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(member) = &self.member {
            write!(f, "member {}, ", member.escape_ascii())?;
        }
        write!(f, "offset {}: {}", self.offset, self.problem)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            _ => None,
        }
    }
}
