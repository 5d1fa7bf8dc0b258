//! Permission bits that are asked for, as `-perm` of GNU find has them: `MODE`, `-MODE`, `/MODE`, in octal digits or
//! in chmod's letters.
//!
//! Letters change a mode of 0, without a umask: `u+w` is 0200, `g=u` is 0. `X` counts for directories.

use crate::entry::Kind;

/// All twelve bits.
const ALL: u16 = 0o7777;

const SET_IDS: u16 = 0o6000;

/// A mode for files, and one for directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits {
    file: u16,
    dir: u16,
}

/// How a mode must compare with these bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `MODE`: it is just these.
    Just(Bits),
    /// `-MODE`: it has all of these.
    All(Bits),
    /// `/MODE`: it has any of these; of none any.
    Any(Bits),
}

impl Mode {
    /// Reads a mode with its sign; `None` if it is none.
    pub fn parse(text: &str) -> Option<Mode> {
        match (text.strip_prefix('-'), text.strip_prefix('/')) {
            (Some(rest), _) => Bits::parse(rest).map(Mode::All),
            (_, Some(rest)) => Bits::parse(rest).map(Mode::Any),
            // As it once was what `/` is, GNU find refuses it.
            _ if text.strip_prefix('+').is_some_and(|rest| rest.starts_with(is_octal)) => None,
            _ => Bits::parse(text).map(Mode::Just),
        }
    }

    /// Whether something of this kind and mode passes.
    pub fn holds(self, kind: Kind, mode: u16) -> bool {
        let wanted = |bits: Bits| if kind == Kind::Directory { bits.dir } else { bits.file };
        match self {
            Mode::Just(bits) => mode == wanted(bits),
            Mode::All(bits) => mode & wanted(bits) == wanted(bits),
            Mode::Any(bits) => wanted(bits) == 0 || mode & wanted(bits) != 0,
        }
    }
}

impl Bits {
    fn parse(text: &str) -> Option<Bits> {
        if text.starts_with(is_octal) {
            let mode = octal(text)?;
            return Some(Bits { file: mode, dir: mode });
        }
        let mut bits = Bits { file: 0, dir: 0 };
        for clause in text.split(',') {
            let mut clause = clause.as_bytes();
            let whose = whose(&mut clause)?;
            while let Some((&sign, rest)) = clause.split_first() {
                clause = rest;
                let change = Change { sign, ..change(whose, &mut clause)? };
                bits = Bits { file: change.adjust(bits.file, false), dir: change.adjust(bits.dir, true) };
            }
        }
        Some(bits)
    }
}

fn is_octal(digit: char) -> bool {
    digit.is_digit(8)
}

fn octal(text: &str) -> Option<u16> {
    // Of a sign before it from_str_radix would say nothing.
    u16::from_str_radix(text, 8).ok().filter(|mode| text.chars().all(is_octal) && *mode <= ALL)
}

/// Takes the letters before a sign, which has to be there; 0 if there are none.
fn whose(clause: &mut &[u8]) -> Option<u16> {
    let mut whose = 0;
    loop {
        whose |= match clause.first()? {
            b'u' => 0o4700,
            b'g' => 0o2070,
            b'o' => 0o1007,
            b'a' => ALL,
            b'+' | b'-' | b'=' => return Some(whose),
            _ => return None,
        };
        *clause = clause.get(1..)?;
    }
}

/// One sign of a clause with what stands behind it.
struct Change {
    sign: u8,
    /// The bits that it may change; 0 for all.
    whose: u16,
    value: u16,
    /// A directory's set-id bits change only if they were meant.
    mentioned: u16,
    how: How,
}

#[derive(PartialEq)]
enum How {
    Ordinary,
    /// `u`, `g` or `o`: what these have.
    Copy,
    /// `X`: to be searched or run, if anybody may.
    IfAnyX,
}

/// Takes what stands behind a sign, up to the next one.
fn change(whose: u16, clause: &mut &[u8]) -> Option<Change> {
    let end = clause.iter().position(|byte| matches!(byte, b'+' | b'-' | b'=')).unwrap_or(clause.len());
    let (word, rest) = clause.split_at_checked(end)?;
    *clause = rest;
    let (value, how) = match word {
        b"u" => (0o700, How::Copy),
        b"g" => (0o070, How::Copy),
        b"o" => (0o007, How::Copy),
        [b'0'..=b'7', ..] => {
            let value = octal(std::str::from_utf8(word).ok()?).filter(|_| whose == 0 && rest.is_empty())?;
            return Some(Change { sign: 0, whose: ALL, value, mentioned: ALL, how: How::Ordinary });
        }
        letters => of_letters(letters)?,
    };
    let mentioned = if whose == 0 { value } else { whose & value };
    Some(Change { sign: 0, whose, value, mentioned, how })
}

fn of_letters(letters: &[u8]) -> Option<(u16, How)> {
    let (mut value, mut how) = (0, How::Ordinary);
    for letter in letters {
        value |= match letter {
            b'r' => 0o444,
            b'w' => 0o222,
            b'x' => 0o111,
            b's' => SET_IDS,
            b't' => 0o1000,
            b'X' => {
                how = How::IfAnyX;
                0
            }
            _ => return None,
        };
    }
    Some((value, how))
}

impl Change {
    fn adjust(&self, mode: u16, is_dir: bool) -> u16 {
        let kept = if is_dir { SET_IDS & !self.mentioned } else { 0 };
        let own = match self.how {
            How::Ordinary => self.value,
            How::Copy => spread(self.value & mode),
            How::IfAnyX if is_dir || mode & 0o111 != 0 => self.value | 0o111,
            How::IfAnyX => self.value,
        };
        let whose = if self.whose == 0 { ALL } else { self.whose };
        let own = own & whose & !kept;
        match self.sign {
            b'+' => mode | own,
            b'-' => mode & !own,
            _ => mode & (!whose | kept) | own,
        }
    }
}

/// What one may do, as if all might.
fn spread(mode: u16) -> u16 {
    [0o444, 0o222, 0o111].into_iter().filter(|bits| mode & bits != 0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_change_a_mode_of_nothing() {
        for (text, file, dir) in [
            ("0", 0, 0),
            ("4755", 0o4755, 0o4755),
            ("u+s", 0o4000, 0o4000),
            ("u=rwx", 0o700, 0o700),
            ("+x", 0o111, 0o111),
            ("a+X", 0, 0o111),
            ("u+x,g+X", 0o110, 0o110),
            ("u=rw,g=u,o=g-w", 0o664, 0o664),
            ("g=u", 0, 0),
            ("=644", 0o644, 0o644),
            ("+4000-", 0, 0),
            ("u=s,u=", 0, 0o4000),
            ("o+t", 0o1000, 0o1000),
            ("ugo=rwx,-022", 0o755, 0o755),
        ] {
            let parsed = Bits::parse(text);
            match text {
                "+4000-" => assert_eq!(parsed, None),
                _ => assert_eq!(parsed, Some(Bits { file, dir }), "{text}"),
            }
        }
        for text in ["", "8", "17777", "u", "x", "u+q", "u+4", "u+r,", ",u+r", "+0x", "7+x", "u+gs"] {
            assert_eq!(Bits::parse(text), None, "{text}");
        }
        for text in ["-", "/", "+222", "-8"] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
    }
}
