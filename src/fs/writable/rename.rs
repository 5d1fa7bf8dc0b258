//! Renaming (W5): what is below is copied up first; a directory from below says where it was.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{RenameFlags, Stat};
use rustix::io::Errno;

use crate::fs::{Error, InodeNo, Result};
use crate::upper::{Below, Look, Node, OpenDir, Redirect, Spot, Word, calls};

use super::copy_up::Data;
use super::inodes::HostId;
use super::{WritableFilesystem, check_name};

/// What becomes of what has the new name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenameMode {
    /// It is replaced.
    Replace,
    /// It is an error.
    NoReplace,
    /// It gets the old name.
    Exchange,
}

/// A name in a directory that is to become another one.
#[derive(Debug, Clone, Copy)]
pub struct Rename<'a> {
    /// The directory.
    pub from: InodeNo,
    /// The name.
    pub old: &'a [u8],
    /// The directory that it comes to.
    pub to: InodeNo,
    /// Its name there.
    pub new: &'a [u8],
    /// What becomes of what is there.
    pub mode: RenameMode,
}

/// One end of a rename: a name, and what the upper has there.
struct End<'a> {
    parent: InodeNo,
    name: &'a [u8],
    dir: OpenDir,
    upper: Arc<OwnedFd>,
    node: Option<Node>,
}

impl WritableFilesystem {
    /// Renames something.
    pub fn rename(&self, rename: &Rename<'_>) -> Result<()> {
        check_name(rename.new)?;
        self.check_place(rename.from, rename.old)?;
        self.check_place(rename.to, rename.new)?;
        let is_exchange = rename.mode == RenameMode::Exchange;
        // Data is copied before the lock is taken, under which everyone would have to wait for it.
        self.copy_up_file(rename.from, rename.old)?;
        if is_exchange {
            self.copy_up_file(rename.to, rename.new)?;
        }
        let _names = self.write_names();
        self.raise_named(rename.from, rename.old)?;
        if is_exchange {
            self.raise_named(rename.to, rename.new)?;
        }
        let from = self.end(rename.from, rename.old)?;
        let to = self.end(rename.to, rename.new)?;
        let Some(source) = from.node.clone() else { return Err(Error::NotFound) };
        match (rename.mode, &to.node) {
            (RenameMode::Exchange, None) => Err(Error::NotFound),
            (RenameMode::NoReplace, Some(_)) => Err(Error::Exists),
            (RenameMode::Exchange, Some(target)) => self.exchange(&from, &source, &to, target),
            _ => self.replace(&from, &source, &to),
        }
    }

    fn replace(&self, from: &End<'_>, source: &Node, to: &End<'_>) -> Result<()> {
        let source_is_dir = matches!(source, Node::Dir { .. });
        if let Some(target @ Node::Dir { .. }) = &to.node {
            if !source_is_dir {
                return Err(Error::IsADirectory);
            }
            self.check_empty(&to.dir, to.name, target)?;
        } else if source_is_dir && to.node.is_some() {
            return Err(Error::NotADirectory);
        }
        // Before anything of the target is touched: it may turn out that the source cannot come there.
        self.settle_merge(from, source, to)?;
        let lost = match &to.node {
            Some(Node::Upper(stat)) => self.prepare_loss(to.parent, &to.dir, to.name, stat)?,
            Some(Node::Dir { upper: Some(stat), .. }) => {
                let stat = self.clear(to, stat)?;
                self.prepare_loss(to.parent, &to.dir, to.name, &stat)?
            }
            _ => None,
        };
        self.move_over(from, source_is_dir, to)?;
        self.lose(lost);
        self.moved(from, source, to);
        Ok(())
    }

    /// The step that everyone sees.
    fn move_over(&self, from: &End<'_>, source_is_dir: bool, to: &End<'_>) -> Result<()> {
        let leaves_whiteout = self.view().lookup_below(&from.dir, from.name)?.is_some();
        let over_whiteout =
            to.node.is_none() && matches!(self.upper.word(&to.upper, to.name)?, Word::Whiteout);
        if source_is_dir && over_whiteout {
            // The two change places: a directory cannot be put over a whiteout.
            self.host_rename(from, to, RenameFlags::EXCHANGE)?;
            // The old name shows nothing, with the whiteout or without.
            if !leaves_whiteout && let Err(errno) = self.upper.unlink(&from.upper, from.name) {
                tracing::warn!(%errno, "a whiteout of nothing stays");
            }
            return Ok(());
        }
        if !leaves_whiteout {
            return self.host_rename(from, to, RenameFlags::empty());
        }
        match self.host_rename(from, to, RenameFlags::WHITEOUT) {
            // Not on this file system: in two steps, between which both names show.
            Err(Error::Host(Errno::INVAL)) => {
                self.host_rename(from, to, RenameFlags::empty())?;
                self.upper.whiteout(&from.upper, from.name, None).map_err(|errno| {
                    let back = self.host_rename(to, from, RenameFlags::empty());
                    back.err().unwrap_or(errno.into())
                })
            }
            renamed => renamed,
        }
    }

    fn exchange(&self, from: &End<'_>, source: &Node, to: &End<'_>, target: &Node) -> Result<()> {
        self.settle_merge(from, source, to)?;
        self.settle_merge(to, target, from)?;
        self.host_rename(from, to, RenameFlags::EXCHANGE)?;
        // Both names at once: what is known of one end must not be taken for the other's.
        self.unknow(from, source);
        self.unknow(to, target);
        self.note(to.parent, to.name, source);
        self.note(from.parent, from.name, target);
        Ok(())
    }

    /// Sees to it that a directory merges with the same in its new place as in its old one, before it is there. Where
    /// it is, that changes nothing.
    fn settle_merge(&self, from: &End<'_>, source: &Node, to: &End<'_>) -> Result<()> {
        let Node::Dir { upper: Some(_), lower } = source else { return Ok(()) };
        let spot = Spot::at(&from.upper, from.name);
        match lower {
            Some(lower) if self.options.redirects => {
                let path = self.lower.stack().union.path_of(lower.top())?;
                Ok(self.upper.set_redirect(&spot, &Redirect::Path(path))?)
            }
            Some(_) => Err(Error::NeedsRedirect),
            None => {
                let is_redirected =
                    matches!(self.upper.word(&from.upper, from.name)?, Word::Dir(_, Below::Redirect(_)));
                if is_redirected || self.has_dir_below(&to.dir, to.name)? {
                    self.upper.set_opaque(&spot)?;
                }
                Ok(())
            }
        }
    }

    /// Empties the host's part of a directory that looks empty: whiteouts may be in it. Gives what is there then,
    /// which is known by the same number.
    fn clear(&self, end: &End<'_>, there: &Stat) -> Result<Stat> {
        let spot = Spot::at(&end.upper, end.name);
        if self.upper.list(&spot.open_dir()?)?.is_empty() {
            return Ok(*there);
        }
        let (attributes, xattrs) = (self.upper.attributes(&spot, there)?, self.upper.xattrs(&spot)?);
        self.upper.replace_directory(&end.upper, end.name, &Look::of(&attributes, &xattrs))?;
        let stat = spot.stat()?;
        let mut inodes = self.inodes.lock();
        if let Some(ino) = inodes.number(HostId::of(there)) {
            inodes.replaced(ino, &stat);
            drop(inodes);
            self.dirs.lock().pop(&ino);
        }
        Ok(stat)
    }

    fn host_rename(&self, from: &End<'_>, to: &End<'_>, flags: RenameFlags) -> Result<()> {
        Ok(calls::rename(from.upper.as_fd(), from.name, to.upper.as_fd(), to.name, flags)?)
    }

    /// Takes note of where something stands now.
    fn moved(&self, from: &End<'_>, source: &Node, to: &End<'_>) {
        self.unknow(from, source);
        self.note(to.parent, to.name, source);
    }

    /// Takes note that something does not stand any more where it stood.
    fn unknow(&self, end: &End<'_>, node: &Node) {
        let (Node::Upper(stat) | Node::Dir { upper: Some(stat), .. }) = node else { return };
        let mut inodes = self.inodes.lock();
        if let Some(ino) = inodes.number(HostId::of(stat)) {
            inodes.unplace(ino, end.parent, end.name);
        }
    }

    fn end<'a>(&self, parent: InodeNo, name: &'a [u8]) -> Result<End<'a>> {
        let upper = self.raise_dir(parent)?;
        let dir = self.dir(parent)?;
        let node = self.view().lookup(&dir, name)?;
        Ok(End { parent, name, dir, upper, node })
    }

    /// Brings what a name stands for into the upper, if it is a file.
    fn copy_up_file(&self, parent: InodeNo, name: &[u8]) -> Result<()> {
        let found = {
            let _names = self.names.read();
            match self.view().lookup(&self.dir(parent)?, name)? {
                // A file whose data is still below would not find it under another name.
                Some(node @ (Node::Lower(..) | Node::Upper(_))) => Some(self.note(parent, name, &node)),
                _ => None,
            }
        };
        found.map_or(Ok(()), |ino| self.copy_up(ino, Data::All).map(drop))
    }

    /// The same for a directory, under the lock.
    fn raise_named(&self, parent: InodeNo, name: &[u8]) -> Result<()> {
        match self.view().lookup(&self.dir(parent)?, name)? {
            Some(node @ Node::Dir { upper: None, lower: Some(_) }) if self.options.redirects => {
                let ino = self.note(parent, name, &node);
                self.raise_dir(ino).map(drop)
            }
            Some(Node::Dir { upper: None, .. }) => Err(Error::NeedsRedirect),
            _ => Ok(()),
        }
    }
}
