//! overlayfs's own marks in the upper directory: whiteouts, opaque directories, redirects (W1).

use rustix::fs::{FileType, Stat};
use rustix::io::{Errno, Result};

use crate::entry::{TRUSTED_OVERLAY, USER_OVERLAY, overlay_attribute};
use crate::path::{self, TreePath};

use super::Spot;

/// The mark of a file whose data is below.
pub const METACOPY: &str = "metacopy";

/// The mark of what was somewhere else below.
pub const REDIRECT: &str = "redirect";

/// Which names overlayfs's attributes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// `trusted.overlay.*`, which only root can set.
    Trusted,
    /// `user.overlay.*`, as overlayfs's own option `userxattr`.
    User,
}

/// What the upper says of a name.
#[derive(Debug, Clone)]
pub enum Word {
    /// Nothing: the layers below decide.
    Absent,
    /// The name is gone.
    Whiteout,
    /// Something that is no directory.
    Leaf(Stat),
    /// A directory, and what it merges with.
    Dir(Stat, Below),
}

/// What a directory of the upper merges with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Below {
    /// The directory of its own name.
    Same,
    /// Nothing: it is opaque.
    Nothing,
    /// What was renamed to it.
    Redirect(Redirect),
    /// Nobody knows: its redirect is none.
    Unknown,
}

/// Where a renamed directory was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// A name in the same directory.
    Name(Box<[u8]>),
    /// A path from the root of the layers below.
    Path(TreePath),
}

impl Marks {
    /// The full name of one of overlayfs's attributes.
    pub fn attribute(self, name: &str) -> Vec<u8> {
        let prefix = match self {
            Marks::Trusted => TRUSTED_OVERLAY,
            Marks::User => USER_OVERLAY,
        };
        [prefix, name.as_bytes()].concat()
    }

    /// One of overlayfs's attributes, by whichever name it was written.
    pub fn read(self, spot: &Spot, name: &str) -> Result<Option<Vec<u8>>> {
        let other = if self == Marks::Trusted { Marks::User } else { Marks::Trusted };
        match spot.xattr(&self.attribute(name))? {
            None => spot.xattr(&other.attribute(name)),
            value => Ok(value),
        }
    }

    /// What the upper says of the name at a place.
    pub fn word(self, spot: &Spot) -> Result<Word> {
        let Some(stat) = spot.find()? else { return Ok(Word::Absent) };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice if stat.st_rdev == 0 => Ok(Word::Whiteout),
            FileType::Directory => Ok(Word::Dir(stat, self.below(spot)?)),
            _ => Ok(Word::Leaf(stat)),
        }
    }

    /// What a directory merges with: one look for all of overlayfs's attributes, which most have none of.
    pub fn below(self, spot: &Spot) -> Result<Below> {
        let mut below = Below::Same;
        for xattr in spot.xattrs()? {
            match overlay_attribute(&xattr.name) {
                Some(b"opaque") if *xattr.value == *b"y" => return Ok(Below::Nothing),
                Some(b"redirect") => {
                    below = Redirect::parse(&xattr.value).map_or(Below::Unknown, Below::Redirect);
                }
                _ => {}
            }
        }
        Ok(below)
    }
}

impl Redirect {
    /// Reads a value; one that leads anywhere but down from the root, or to one name, is EINVAL, as in overlayfs.
    pub fn parse(value: &[u8]) -> Result<Redirect> {
        match value.strip_prefix(b"/") {
            Some(path) => match TreePath::from_name(path) {
                Ok(path) if !path.is_root() => Ok(Redirect::Path(path)),
                _ => Err(Errno::INVAL),
            },
            None if path::is_component(value) => Ok(Redirect::Name(value.into())),
            None => Err(Errno::INVAL),
        }
    }

    /// The value.
    pub fn value(&self) -> Vec<u8> {
        match self {
            Redirect::Name(name) => name.to_vec(),
            Redirect::Path(path) => [b"/", path.as_bytes()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w5_a_redirect_is_a_name_or_a_path_and_nothing_else() {
        for value in [&b"a"[..], b"/a", b"/a/b", b"\xff"] {
            assert_eq!(Redirect::parse(value).unwrap().value(), value, "{}", value.escape_ascii());
        }
        let long = [b'x'; 256];
        for value in [&b""[..], b"/", b".", b"..", b"a/b", b"/a/../b", b"../a", b"a\0b", &long] {
            assert_eq!(Redirect::parse(value), Err(Errno::INVAL), "{}", value.escape_ascii());
        }
    }
}
