//! The decision behind an answer in words, for who traces a mount: each layer's word as the merge rule was given it.
//!
//! Nothing here decides. What cannot be found out is told as the error that it is.

use crate::entry::Kind;
use crate::layer::Found;
use crate::text::{Lines, escape, human_size, shown_path};
use crate::union::{MergedDir, Node, Union, Verdict, Word};

use super::inode::Target;
use super::{Filesystem, InodeNo, Result};

/// What stands between two words.
const BETWEEN: &str = " · ";

/// Layers that are silent one below the other from so many on are told together.
const MANY_SILENT: usize = 3;

/// Words that are told: of more, the first and the last.
const FIRST_WORDS: usize = 8;
const LAST_WORDS: usize = 4;

/// Text, or why there is none.
pub(super) fn or_why(text: Result<String>) -> String {
    text.unwrap_or_else(|error| format!("({error})"))
}

/// A path for people.
pub(super) fn path_of(path: Result<Vec<u8>>) -> String {
    path.map_or_else(|_| "(no path)".to_owned(), |path| shown_path(&path))
}

/// A path and a name in it.
pub(super) fn join(path: &str, name: &[u8]) -> String {
    let slash = if path.ends_with('/') { "" } else { "/" };
    format!("{path}{slash}{}", escape(name, Lines::Escape))
}

impl Filesystem {
    /// The path of an inode.
    pub fn tell_path(&self, ino: InodeNo) -> String {
        path_of(self.path(ino))
    }

    /// The path of a name in a directory.
    pub fn tell_name(&self, parent: InodeNo, name: &[u8]) -> String {
        join(&self.tell_path(parent), name)
    }

    /// Each layer's word on a name in a directory, and what comes of them.
    pub fn tell_lookup(&self, parent: InodeNo, name: &[u8]) -> String {
        or_why(self.lookup_words(parent, name))
    }

    fn lookup_words(&self, parent: InodeNo, name: &[u8]) -> Result<String> {
        match self.seen_at(parent, name)? {
            Some(seen) => seen.tell_lookup(name),
            None => self.own_lookup_words(parent, name),
        }
    }

    pub(super) fn own_lookup_words(&self, parent: InodeNo, name: &[u8]) -> Result<String> {
        let union = &self.stack.union;
        self.directory(parent, |named| {
            let (words, node) = words(union, &named.dir, name)?;
            Ok(format!("{words} → {}", shown(node.as_ref())))
        })
    }

    /// Where what an inode shows comes from.
    pub fn tell_source(&self, ino: InodeNo) -> String {
        or_why(self.source_words(ino))
    }

    fn source_words(&self, ino: InodeNo) -> Result<String> {
        match self.seen(ino)? {
            Some(seen) => seen.tell_source(),
            None => self.own_source_words(ino),
        }
    }

    pub(super) fn own_source_words(&self, ino: InodeNo) -> Result<String> {
        Ok(match self.target(ino)? {
            Target::Leaf(layer, leaf) => match self.stack.union.leaf_source(layer, leaf) {
                (source, _) if source != layer => format!("layer {layer}, a link into layer {source}"),
                _ => format!("layer {layer}"),
            },
            Target::Root | Target::Dir(_) => self.directory(ino, |named| Ok(layers(&named.dir)))?,
        })
    }

    /// How large a file is, and where it would be copied from.
    pub(super) fn copied_words(&self, ino: InodeNo, with_data: bool) -> Result<String> {
        let attributes = self.attributes(ino)?;
        let source = self.source_words(ino)?;
        Ok(match attributes.kind {
            Kind::Directory => format!("copy-up of the directory from {source}"),
            Kind::Regular if with_data => format!("copy-up from {source} ({})", human_size(attributes.size)),
            Kind::Regular => format!("copy-up from {source} without its data"),
            _ => format!("copy-up from {source}"),
        })
    }
}

/// Each layer's word on a name, top first, and what shows.
pub(super) fn words(
    union: &Union,
    dir: &MergedDir,
    name: &[u8],
) -> crate::layer::Result<(String, Option<Node>)> {
    let mut told = Vec::new();
    let node = union.lookup_telling(dir, name, |word| told.push(word))?;
    let mut words = Vec::new();
    for run in told.chunk_by(|a, b| a.found == Found::Absent && b.found == Found::Absent) {
        match run {
            [first, .., last] if run.len() >= MANY_SILENT => {
                words.push(format!("layers {}–{} –", first.layer, last.layer));
            }
            run => words.extend(run.iter().map(|word| word_of(union, word))),
        }
    }
    if words.len() > FIRST_WORDS + LAST_WORDS {
        let last = words.len() - LAST_WORDS;
        words.splice(FIRST_WORDS..last, [format!("{} more", last - FIRST_WORDS)]);
    }
    Ok((words.join(BETWEEN), node))
}

fn word_of(union: &Union, word: &Word) -> String {
    let what = match word.found {
        Found::Absent => "–",
        Found::Whiteout => "whiteout",
        Found::Dir { opaque: true, .. } => "directory, opaque",
        Found::Dir { .. } => "directory",
        Found::Leaf(leaf) => union.leaf_attributes(word.layer, leaf).map_or("?", |leaf| leaf.kind.name()),
    };
    match word.verdict {
        Verdict::Hidden { by } => format!("layer {} {what}, hidden by layer {by}", word.layer),
        _ => format!("layer {} {what}", word.layer),
    }
}

/// What comes of all words.
pub(super) fn shown(node: Option<&Node>) -> String {
    match node {
        None => "ENOENT".to_owned(),
        Some(Node::Dir(dir)) if dir.members().len() > 1 => format!("merged from {}", layers(dir)),
        Some(_) => "shown".to_owned(),
    }
}

/// The layers that a directory is merged from, top first.
pub(super) fn layers(dir: &MergedDir) -> String {
    crate::text::layers(dir.members().iter().map(|member| member.layer.0))
}
