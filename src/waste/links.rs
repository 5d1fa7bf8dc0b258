//! Files with several names, which are not hidden as long as one of them shows.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::layer::{LayerNo, LeafId};
use crate::path::TreePath;
use crate::union::Hiding;

use super::measure::add_to;
use super::{LayerWaste, WastedFile, WastedPath};

/// A file, whatever its names.
type File = (LayerNo, LeafId);

/// What is known of files with several names.
pub struct Links {
    /// Files that links of other layers name.
    targets: FxHashSet<File>,
    files: FxHashMap<File, Known>,
    /// What else is hidden at the paths that such files wait for, by path.
    waiting: BTreeMap<Box<[u8]>, WastedPath>,
}

/// What is known of one.
#[derive(Default)]
struct Known {
    is_shown: bool,
    /// The first of its hidden names, and what hid the last.
    hidden: Option<(TreePath, WastedFile)>,
}

impl Links {
    pub fn new(targets: impl Iterator<Item = File>) -> Links {
        Links { targets: targets.collect(), files: FxHashMap::default(), waiting: BTreeMap::new() }
    }

    /// Whether a link of another layer names it.
    pub fn is_target(&self, file: File) -> bool {
        !self.targets.is_empty() && self.targets.contains(&file)
    }

    /// Takes note of a file; `true` the first time.
    pub fn see(&mut self, file: File) -> bool {
        let mut is_new = false;
        self.files.entry(file).or_insert_with(|| {
            is_new = true;
            Known::default()
        });
        is_new
    }

    /// One of its names shows.
    pub fn show(&mut self, file: File) {
        let known = self.files.entry(file).or_default();
        known.is_shown = true;
        known.hidden = None;
    }

    /// Whether it matters that a name is hidden: none shows so far, and none was hidden later.
    pub fn is_news(&self, file: File, hiding: &Hiding) -> bool {
        let known = self.files.get(&file);
        let last = |known: &Known| known.hidden.as_ref().map(|(_, last)| last.by);
        known.is_none_or(|known| !known.is_shown && last(known).is_none_or(|last| last < hiding.by))
    }

    /// One of its names is hidden; `true` if it is the first.
    pub fn hide(&mut self, file: File, wasted: WastedFile, path: &TreePath) -> bool {
        let known = self.files.entry(file).or_default();
        match &mut known.hidden {
            Some((_, last)) => *last = wasted,
            None => known.hidden = Some((path.clone(), wasted)),
        }
        matches!(&known.hidden, Some((first, _)) if first == path)
    }

    /// Keeps what else is hidden at a path, until it is known whether the file is.
    pub fn wait(&mut self, path: &TreePath, files: &[WastedFile]) {
        let waiting = WastedPath { path: path.clone(), bytes: 0, files: files.to_vec() };
        self.waiting.insert(path.as_bytes().into(), waiting);
    }

    /// Counts the files none of whose names shows, and gives all paths that waited for that.
    pub fn finish(&mut self, layers: &mut [LayerWaste]) -> impl Iterator<Item = WastedPath> + use<> {
        for (path, wasted) in self.files.drain().filter_map(|(_, known)| known.hidden) {
            add_to(layers, &wasted);
            if let Some(waiting) = self.waiting.get_mut(path.as_bytes()) {
                waiting.files.push(wasted);
            }
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        for path in waiting.values_mut() {
            path.files.sort_by(|a, b| b.cmp(a));
        }
        waiting.into_values()
    }
}
