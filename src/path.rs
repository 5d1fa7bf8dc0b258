//! Names inside a tree: bytes, `/` between components, never a host path.
//!
//! The one place where a name from an archive is judged (S1, S2). It knows nothing of layers or tar.

use std::fmt::{self, Write as _};

/// The longest component, in bytes: the kernel's `NAME_MAX`.
pub const MAX_COMPONENT: usize = 255;

/// The longest name, in bytes: the kernel's `PATH_MAX` without its NUL; no unpacker could make a longer one.
pub const MAX_PATH: usize = 4095;

/// Why a name can stand in no tree (S2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// The name has no bytes at all.
    #[error("empty name")]
    Empty,
    /// A component is `..`.
    #[error("`..` in name")]
    ParentComponent,
    /// The name holds a NUL byte.
    #[error("NUL in name")]
    Nul,
    /// A component is longer than [`MAX_COMPONENT`].
    #[error("component longer than {MAX_COMPONENT} bytes")]
    LongComponent,
    /// The name is longer than [`MAX_PATH`].
    #[error("name longer than {MAX_PATH} bytes")]
    LongName,
}

/// A clean path inside a tree: components joined by `/`; the root is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// The root of a tree.
    pub fn root() -> TreePath {
        TreePath::default()
    }

    /// Cleans a name as it stands in an archive: leading `/`, `./`, empty components and a trailing
    /// `/` vanish (S1); escapes and oversized names are refused (S2).
    pub fn from_name(name: &[u8]) -> Result<TreePath, BadName> {
        let mut path = TreePath::root();
        for component in components(name)? {
            path.push(component);
        }
        Ok(path)
    }

    /// Appends one component, which must be clean.
    pub fn push(&mut self, component: &[u8]) {
        if !self.0.is_empty() {
            self.0.push(b'/');
        }
        self.0.extend_from_slice(component);
    }

    /// Removes the last component; the root stays.
    pub fn pop(&mut self) {
        let end = self.0.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        self.0.truncate(end);
    }

    /// This path with one more component.
    pub fn join(&self, component: &[u8]) -> TreePath {
        let mut path = self.clone();
        path.push(component);
        path
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is a directory or lies somewhere below it; by name, as everything here.
    pub fn is_within(&self, dir: &TreePath) -> bool {
        let rest = self.0.strip_prefix(dir.as_bytes());
        dir.is_root() || rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    }

    /// The components, first to last; none for the root.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&byte| byte == b'/').filter(|component| !component.is_empty())
    }

    /// The bytes, without a leading `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.escape_ascii())
    }
}

/// For messages: what could end a line, or what is no UTF-8, is escaped.
impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('/')?;
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character.is_control() {
                    true => write!(f, "{}", character.escape_default())?,
                    false => f.write_char(character)?,
                }
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        Ok(())
    }
}

/// The components of a name from an archive, in order and without `.`; none means the root (S1, S2).
pub fn components(name: &[u8]) -> Result<impl Iterator<Item = &[u8]> + Clone, BadName> {
    if name.is_empty() {
        return Err(BadName::Empty);
    }
    if name.len() > MAX_PATH {
        return Err(BadName::LongName);
    }
    if name.contains(&0) {
        return Err(BadName::Nul);
    }
    for component in split(name) {
        if component == b".." {
            return Err(BadName::ParentComponent);
        }
        if component.len() > MAX_COMPONENT {
            return Err(BadName::LongComponent);
        }
    }
    Ok(split(name))
}

/// Whether a name can stand in a directory: one component, and neither `.` nor `..`.
pub fn is_component(name: &[u8]) -> bool {
    let is_dots = matches!(name, b"" | b"." | b"..");
    !is_dots && name.len() <= MAX_COMPONENT && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// The components of any slash-separated name, `..` among them; a symlink's target may have it.
pub fn split(name: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    name.split(|&byte| byte == b'/').filter(|component| !matches!(*component, b"" | b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(name: &[u8]) -> Result<Vec<u8>, BadName> {
        TreePath::from_name(name).map(|path| path.as_bytes().to_vec())
    }

    #[test]
    fn a_path_in_a_message_is_one_line_of_text() {
        let path = TreePath::from_name(b"a\nERROR forged\x1b[31m/\xff/\xc3\xa4").unwrap();
        assert_eq!(path.to_string(), "/a\\nERROR forged\\u{1b}[31m/\\xff/\u{e4}");
    }

    #[test]
    fn s1_names_are_cleaned() {
        for (name, path) in [
            (&b"a/b"[..], &b"a/b"[..]),
            (b"/a/b", b"a/b"),
            (b"./a//b/", b"a/b"),
            (b"a/./b/.", b"a/b"),
            (b"/", b""),
            (b"./", b""),
            (b"\xff\xfe/...", b"\xff\xfe/..."),
        ] {
            assert_eq!(clean(name).unwrap(), path, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn s2_escapes_are_refused() {
        let long = vec![b'x'; MAX_COMPONENT + 1];
        let deep = b"d/".repeat(MAX_PATH / 2 + 1);
        for (name, problem) in [
            (&b""[..], BadName::Empty),
            (b"..", BadName::ParentComponent),
            (b"a/../b", BadName::ParentComponent),
            (b"/../etc", BadName::ParentComponent),
            (b"a\0b", BadName::Nul),
            (&long, BadName::LongComponent),
            (&deep, BadName::LongName),
        ] {
            assert_eq!(clean(name), Err(problem), "{}", name.escape_ascii());
        }
        assert!(clean(&vec![b'x'; MAX_COMPONENT]).is_ok());
    }

    #[test]
    fn what_lies_within_a_directory_is_told_by_whole_names() {
        let within = |path: &[u8], dir: &[u8]| {
            TreePath::from_name(path).unwrap().is_within(&TreePath::from_name(dir).unwrap())
        };
        assert!(within(b"a/b", b"a") && within(b"a", b"a") && within(b"a", b"/") && within(b"/", b"/"));
        assert!(!within(b"ab", b"a") && !within(b"a", b"a/b") && !within(b"/", b"a"));
    }

    #[test]
    fn push_and_pop_are_inverse() {
        let mut path = TreePath::from_name(b"usr/lib").unwrap();
        path.push(b"x");
        assert_eq!(path.as_bytes(), b"usr/lib/x");
        path.pop();
        path.pop();
        path.pop();
        assert!(path.is_root());
        path.pop();
        assert!(path.is_root());
    }
}
