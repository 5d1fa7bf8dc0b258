//! What the files of the cache are called: `GROUP.PART`.

use std::fmt;
use std::str::FromStr;

use crate::digest::{DiffId, Digest};

/// Digits of a blob's digest in a name. A SHA-512 is cut to them: whole beside another it would be longer
/// than a name may be.
const BLOB_DIGITS: usize = 64;

/// What a group's name begins with if it is no diff ID.
const FILE: &str = "file-";

/// The tar that files of the cache are about; they come one by one and are evicted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// A layer whose tar is known by its digest.
    DiffId(DiffId),
    /// A tar that is known only by the identity of its file: the digest of that.
    File(Digest),
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::DiffId(id) => f.write_str(id.0.hex()),
            Group::File(identity) => write!(f, "{FILE}{}", identity.hex()),
        }
    }
}

/// One file of a group: what it holds and, if that matters, of which blob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part(Box<str>);

impl Part {
    /// The names of the layer.
    pub fn index() -> Part {
        Part("index".into())
    }

    /// The seek table of a compressed blob.
    pub fn seek(blob: &Digest) -> Part {
        Part::of_blob("seek", blob)
    }

    /// The chunks of a blob.
    pub fn chunks(blob: &Digest) -> Part {
        Part::of_blob("chunks", blob)
    }

    /// What it holds: `index`, `seek`, `chunks`, or what another version of peelfs keeps.
    pub fn word(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(word, _)| word)
    }

    /// Which blob it is about, in the digits that its name has.
    pub fn blob(&self) -> Option<&str> {
        self.0.split_once('-').map(|(_, blob)| blob)
    }

    fn of_blob(word: &str, blob: &Digest) -> Part {
        Part(format!("{word}-{:.BLOB_DIGITS$}", blob.hex()).into())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a file in `layers/`.
pub fn file_name(group: &Group, part: &Part) -> String {
    format!("{group}.{part}")
}

/// The group and part that a name in `layers/` stands for; `None` for a name that is not ours.
pub fn parse(name: &str) -> Option<(Group, Part)> {
    let (group, part) = name.split_once('.')?;
    let group = match group.strip_prefix(FILE) {
        Some(hex) => Group::File(digest(hex)?),
        None => Group::DiffId(DiffId(digest(group)?)),
    };
    let (word, blob) = part.split_once('-').map_or((part, None), |(word, blob)| (word, Some(blob)));
    let is_word = matches!(word.len(), 1..=16) && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_part = is_word && blob.is_none_or(|hex| hex.len() == BLOB_DIGITS && digest(hex).is_some());
    is_part.then(|| (group, Part(part.into())))
}

fn digest(hex: &str) -> Option<Digest> {
    let algorithm = if hex.len() == 64 { "sha256" } else { "sha512" };
    Digest::from_str(&format!("{algorithm}:{hex}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;

    #[test]
    fn a_name_stands_for_its_group_and_part() {
        let short = Digest::of(b"layer");
        let (long, _) = Digest::of_reader(Algorithm::Sha512, &b"layer"[..]).unwrap();
        for group in [&short, &long]
            .map(|id| Group::DiffId(DiffId(id.clone())))
            .into_iter()
            .chain([Group::File(short.clone()), Group::File(long.clone())])
        {
            for part in [Part::index(), Part::seek(&short), Part::chunks(&short), Part::chunks(&long)] {
                let name = file_name(&group, &part);
                assert!(name.len() <= 255, "{name}");
                assert_eq!(parse(&name), Some((group.clone(), part)), "{name}");
            }
        }
        assert_eq!(Part::seek(&short).word(), "seek");
        assert_eq!(Part::seek(&long).blob(), Part::chunks(&long).blob());
        assert_eq!(Part::index().blob(), None);
        assert_ne!(Part::seek(&short), Part::seek(&long));
    }

    #[test]
    fn what_another_version_keeps_belongs_to_its_group() {
        let hex = "0".repeat(64);
        let (_, part) = parse(&format!("{hex}.verity-{hex}")).unwrap();
        assert_eq!(part.word(), "verity");
    }

    #[test]
    fn other_names_are_not_ours() {
        let hex = "0".repeat(64);
        for name in [
            String::new(),
            "index".into(),
            "tmp-0123".into(),
            hex.clone(),
            format!("{hex}."),
            format!("{hex}.INDEX"),
            format!("{hex}.index~"),
            format!("{hex}.index.bak"),
            format!("{hex}.seek-"),
            format!("{hex}.seek-{}", "0".repeat(128)),
            format!("{hex}.seek-../../{hex}"),
            format!("{}.index", "g".repeat(64)),
            format!("{}.index", "A".repeat(64)),
            format!("0{hex}.index"),
            "file-.index".into(),
            format!("dir-{hex}.index"),
            format!("{hex}.{}", "x".repeat(17)),
        ] {
            assert_eq!(parse(&name), None, "{name}");
        }
    }
}
