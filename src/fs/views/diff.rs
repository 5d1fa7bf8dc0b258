//! What a layer changed against what lies below it, path by path.
//!
//! Each part is the tree as of the layer, or as of the one below, of which only some names are kept. What is
//! remembered is bounded by the layer: of each directory of its own that was a directory before, what is in it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::fs::{Filesystem, Result};
use crate::layer::{self, DirId, Found, LayerNo};
use crate::union::{Member, MergedDir, Node, Union};

use super::number::Part;

/// What one layer changed.
pub struct Diff {
    layer: LayerNo,
    /// The image without the layer, and with it.
    old: Arc<Filesystem>,
    new: Arc<Filesystem>,
    /// The layer's directories that were directories before.
    shared: FxHashMap<DirId, Shared>,
    /// The same by what they were before: the bottommost member.
    by_old: FxHashMap<Member, DirId>,
}

/// A directory of the layer that was one before.
struct Shared {
    above: Option<DirId>,
    old: MergedDir,
    /// Nothing of what was in it shows: it is opaque, or a directory above it is.
    is_opaque: bool,
    /// Its owner, its mode or its extended attributes are others than before. Its times do not count: they change
    /// with all that changes in it.
    is_changed: bool,
    holds: Holds,
}

/// Which parts have something in a directory, at any depth.
#[derive(Debug, Clone, Copy, Default)]
struct Holds {
    added: bool,
    changed: bool,
    deleted: bool,
}

impl Diff {
    /// Finds it out in one walk of the layer's own index.
    pub fn of(layer: LayerNo, old: Arc<Filesystem>, new: Arc<Filesystem>) -> layer::Result<Diff> {
        let mut diff = Diff { layer, old, new, shared: FxHashMap::default(), by_old: FxHashMap::default() };
        let new = diff.new.clone();
        let root = diff.old.stack().union.root().clone();
        let mut order = Vec::new();
        if let Found::Dir { dir, opaque } = new.stack().union.layer(layer)?.root() {
            diff.take(None, dir, opaque, root)?;
            order.push(dir);
        }
        let mut next = 0;
        while let Some(dir) = order.get(next).copied() {
            next += 1;
            diff.scan(&new.stack().union, dir, &mut order)?;
        }
        // Whoever stands below comes later.
        for dir in order.iter().rev() {
            diff.tell_above(*dir);
        }
        Ok(diff)
    }

    /// The tree that a part shows some names of.
    pub fn base(&self, part: Part) -> &Arc<Filesystem> {
        if part == Part::Deleted { &self.old } else { &self.new }
    }

    /// Whether a part has a name: it belongs there, or something in it does.
    pub fn holds(&self, part: Part, dir: &MergedDir, name: &[u8], node: &Node) -> Result<bool> {
        match part {
            Part::Deleted => self.holds_deleted(dir, name, node),
            Part::Added | Part::Changed => self.holds_new(part, dir, name, node),
        }
    }

    fn holds_new(&self, part: Part, dir: &MergedDir, name: &[u8], node: &Node) -> Result<bool> {
        let is_added = part == Part::Added;
        // In a directory that is new all is new.
        let Some(shared) = self.shared.get(&dir.top().dir) else { return Ok(is_added) };
        if node.layer() != self.layer {
            return Ok(false);
        }
        let known = node.as_dir().and_then(|dir| self.shared.get(&dir.top().dir));
        if let Some(Shared { holds, is_changed, .. }) = known {
            return Ok(if is_added { holds.added } else { *is_changed || holds.changed });
        }
        let is_new = self.old.stack().union.lookup(&shared.old, name)?.is_none();
        Ok(match node {
            // Where a file was: it is changed, and what is in it is added.
            Node::Dir(dir) if is_added && !is_new => !is_empty(&self.new.stack().union, dir)?,
            _ => is_new == is_added,
        })
    }

    fn holds_deleted(&self, dir: &MergedDir, name: &[u8], node: &Node) -> Result<bool> {
        // Of a directory that is gone all is gone.
        let Some(own) = self.by_old.get(&dir.bottom()) else { return Ok(true) };
        let word = self.new.stack().union.word(Member { layer: self.layer, dir: *own }, name)?;
        Ok(match (word, node) {
            (Found::Whiteout, _) => true,
            (Found::Absent, _) => self.shared.get(own).is_some_and(|shared| shared.is_opaque),
            (Found::Leaf(_), Node::Dir(dir)) => !is_empty(&self.old.stack().union, dir)?,
            (Found::Dir { dir, .. }, Node::Dir(_)) => {
                self.shared.get(&dir).is_some_and(|shared| shared.holds.deleted)
            }
            (Found::Leaf(_) | Found::Dir { .. }, Node::Leaf { .. }) => false,
        })
    }

    /// Takes in a directory that was one before.
    fn take(
        &mut self,
        above: Option<DirId>,
        dir: DirId,
        is_opaque: bool,
        old: MergedDir,
    ) -> layer::Result<()> {
        let is_changed = self.is_changed(dir, is_opaque, &old)?;
        self.by_old.insert(old.bottom(), dir);
        self.shared.insert(dir, Shared { above, old, is_opaque, is_changed, holds: Holds::default() });
        Ok(())
    }

    fn is_changed(&self, dir: DirId, is_opaque: bool, old: &MergedDir) -> layer::Result<bool> {
        let (union, before) = (&self.new.stack().union, &self.old.stack().union);
        let own = MergedDir::of(Member { layer: self.layer, dir });
        // S4: what is only implied shows what it merges with.
        if !is_opaque && union.layer(self.layer)?.attributes(dir.into())?.is_none() {
            return Ok(false);
        }
        let (now, then) = (union.dir_attributes(&own)?, before.dir_attributes(old)?);
        let sorted = |xattrs: std::borrow::Cow<'_, [crate::entry::Xattr]>| {
            let mut xattrs = xattrs.into_owned();
            xattrs.sort();
            xattrs
        };
        Ok((now.mode, now.uid, now.gid) != (then.mode, then.uid, then.gid)
            || sorted(union.dir_xattrs(&own)?) != sorted(before.dir_xattrs(old)?))
    }

    /// Looks at the names that the layer has in a directory which was one before.
    fn scan(&mut self, union: &Union, dir: DirId, order: &mut Vec<DirId>) -> layer::Result<()> {
        let Some(Shared { old: before, is_opaque, .. }) = self.shared.get(&dir) else { return Ok(()) };
        let (before, is_opaque, old) = (before.clone(), *is_opaque, self.old.clone());
        let (own, old) = (union.layer(self.layer)?, &old.stack().union);
        let member = Member { layer: self.layer, dir };
        let mut holds = Holds::default();
        for place in 0.. {
            let Some((name, _)) = own.child(dir, place)? else { break };
            match (union.word(member, name)?, old.lookup(&before, name)?) {
                (Found::Absent, _) | (Found::Whiteout, None) => {}
                (Found::Whiteout, Some(_)) => holds.deleted = true,
                (Found::Leaf(_) | Found::Dir { .. }, None) => holds.added = true,
                (Found::Leaf(_), Some(Node::Leaf { .. })) => holds.changed = true,
                (Found::Leaf(_), Some(Node::Dir(gone))) => {
                    holds.changed = true;
                    holds.deleted |= !is_empty(old, &gone)?;
                }
                (Found::Dir { dir, .. }, Some(Node::Leaf { .. })) => {
                    holds.changed = true;
                    holds.added |= !is_empty(union, &MergedDir::of(Member { dir, ..member }))?;
                }
                (Found::Dir { dir: below, opaque }, Some(Node::Dir(before))) => {
                    self.take(Some(dir), below, opaque || is_opaque, before)?;
                    order.push(below);
                }
            }
        }
        if is_opaque {
            for listed in old.list(&before)? {
                holds.deleted |= union.word(member, listed?.name)? == Found::Absent;
            }
        }
        if let Some(shared) = self.shared.get_mut(&dir) {
            shared.holds = holds;
        }
        Ok(())
    }

    /// Takes note in the directory above of what one holds.
    fn tell_above(&mut self, dir: DirId) {
        let Some(Shared { above: Some(above), is_changed, holds, .. }) = self.shared.get(&dir) else {
            return;
        };
        let (above, is_changed, holds) = (*above, *is_changed, *holds);
        if let Some(above) = self.shared.get_mut(&above) {
            above.holds.added |= holds.added;
            above.holds.changed |= holds.changed || is_changed;
            above.holds.deleted |= holds.deleted;
        }
    }
}

fn is_empty(union: &Union, dir: &MergedDir) -> layer::Result<bool> {
    Ok(union.list(dir)?.next().transpose()?.is_none())
}
