//! The decision behind an answer in words, where there is an upper: its word, and then the layers'.

use crate::fs::tell::{join, layers, or_why, path_of, shown, words};
use crate::fs::{InodeNo, Result};
use crate::upper::{Below, Node, Word};

use super::WritableFilesystem;

impl WritableFilesystem {
    /// The path of an inode.
    pub fn tell_path(&self, ino: InodeNo) -> String {
        path_of(self.path(ino))
    }

    /// The path of a name in a directory.
    pub fn tell_name(&self, parent: InodeNo, name: &[u8]) -> String {
        join(&self.tell_path(parent), name)
    }

    /// The upper's word on a name in a directory, each layer's that was asked for one, and what comes of them.
    pub fn tell_lookup(&self, parent: InodeNo, name: &[u8]) -> String {
        if parent.is_view() || self.lower.is_views(parent, name) {
            return self.lower.tell_lookup(parent, name);
        }
        or_why(self.lookup_words(parent, name))
    }

    fn lookup_words(&self, parent: InodeNo, name: &[u8]) -> Result<String> {
        let _names = self.names.read();
        let dir = self.dir(parent)?;
        let word = match &dir.upper {
            Some(upper) => self.upper.word(upper, name)?,
            None => Word::Absent,
        };
        let own = format!("upper {}", word.text());
        let asks_below = matches!(word, Word::Absent | Word::Dir(_, Below::Same));
        let below = match dir.lower.as_ref().filter(|_| asks_below) {
            Some(lower) => format!(" · {}", words(&self.lower.stack().union, lower, name)?.0),
            None => String::new(),
        };
        let conclusion = match self.view().merge(&dir, name, word)? {
            None => shown(None),
            Some(Node::Dir { upper: Some(_), lower: Some(lower) }) => {
                format!("merged from the upper and {}", layers(&lower))
            }
            Some(Node::Dir { upper: None, lower: Some(lower) }) => {
                shown(Some(&crate::union::Node::Dir(lower)))
            }
            Some(_) => "shown".to_owned(),
        };
        Ok(format!("{own}{below} → {conclusion}"))
    }

    /// Where what an inode shows comes from.
    pub fn tell_source(&self, ino: InodeNo) -> String {
        if ino.is_view() || !self.is_upper(ino) {
            return self.lower.tell_source(ino);
        }
        let lower = match ino {
            InodeNo::ROOT => Some(layers(self.lower.stack().union.root())),
            _ => {
                let inodes = self.inodes.lock();
                inodes.get(ino).and_then(|inode| inode.lower.as_deref().map(layers))
            }
        };
        lower.map_or("the upper".to_owned(), |lower| format!("the upper and {lower}"))
    }

    /// What has to be done before an inode can be changed: with its data or without.
    pub fn tell_copy_up(&self, ino: InodeNo, with_data: bool) -> String {
        if ino.is_view() {
            return "in a view".to_owned();
        }
        match self.is_upper(ino) {
            true => "in the upper".to_owned(),
            false => or_why(self.lower.copied_words(ino, with_data)),
        }
    }

    /// The same where only attributes are about to change.
    pub fn tell_attributes_up(&self, ino: InodeNo) -> String {
        self.tell_copy_up(ino, !self.options.metacopy)
    }

    /// What becomes of a name that is made.
    pub fn tell_make(&self, parent: InodeNo, name: &[u8], is_dir: bool) -> String {
        or_why(self.make_words(parent, name, is_dir))
    }

    fn make_words(&self, parent: InodeNo, name: &[u8], is_dir: bool) -> Result<String> {
        self.check_place(parent, name)?;
        let _names = self.names.read();
        let dir = self.dir(parent)?;
        let mut text = "made in the upper".to_owned();
        if is_dir && self.has_dir_below(&dir, name)? {
            text.push_str(", opaque");
        }
        if let Some(upper) = &dir.upper
            && matches!(self.upper.word(upper, name)?, Word::Whiteout)
        {
            text.push_str(", in a whiteout's place");
        }
        if dir.upper.is_none() {
            text.push_str("; copy-up of its directory");
        }
        Ok(text)
    }

    /// What becomes of a name that goes: of what the upper has, and of what lies below.
    pub fn tell_hide(&self, parent: InodeNo, name: &[u8]) -> String {
        or_why(self.hide_words(parent, name))
    }

    fn hide_words(&self, parent: InodeNo, name: &[u8]) -> Result<String> {
        self.check_place(parent, name)?;
        let _names = self.names.read();
        let dir = self.dir(parent)?;
        let below = match self.view().lookup_below(&dir, name)? {
            Some(crate::union::Node::Dir(lower)) => Some(layers(&lower)),
            Some(crate::union::Node::Leaf { layer, .. }) => Some(format!("layer {layer}")),
            None => None,
        };
        Ok(match (self.view().lookup(&dir, name)?, below) {
            (None, _) => "not there".to_owned(),
            (Some(_), Some(below)) => format!("whiteout made over {below}"),
            (Some(_), None) => "removed from the upper".to_owned(),
        })
    }

    /// What a rename takes: of what is renamed, and of its old name.
    pub fn tell_rename(&self, parent: InodeNo, name: &[u8]) -> String {
        let moved = match self.named_for_rename(parent, name) {
            Ok(Some((ino, is_dir))) if is_dir && !self.is_upper(ino) => match self.options.redirects {
                true => format!("redirect to {}", self.lower.tell_source(ino)),
                false => "no redirect".to_owned(),
            },
            Ok(Some((ino, _))) => self.tell_copy_up(ino, true),
            Ok(None) => return "not there".to_owned(),
            Err(error) => return format!("({error})"),
        };
        match self.tell_hide(parent, name) {
            hidden if hidden.starts_with("whiteout") => format!("{moved}; {hidden}"),
            _ => moved,
        }
    }

    fn named_for_rename(&self, parent: InodeNo, name: &[u8]) -> Result<Option<(InodeNo, bool)>> {
        self.check_place(parent, name)?;
        let _names = self.names.read();
        let node = self.view().lookup(&self.dir(parent)?, name)?;
        Ok(node.map(|node| (self.peek(&node), matches!(node, Node::Dir { .. }))))
    }
}
