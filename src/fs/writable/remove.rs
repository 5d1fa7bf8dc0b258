//! Taking names away: what is below leaves a whiteout (W4).

use rustix::fs::Stat;

use crate::fs::{Error, InodeNo, Result};
use crate::upper::{Node, OpenDir, Spot};

use super::WritableFilesystem;
use super::inodes::HostId;

impl WritableFilesystem {
    /// Removes a name that is no directory's.
    pub fn unlink(&self, parent: InodeNo, name: &[u8]) -> Result<()> {
        self.check_place(parent, name)?;
        let _names = self.write_names();
        let dir = self.dir(parent)?;
        match self.view().lookup(&dir, name)? {
            None => Err(Error::NotFound),
            Some(Node::Dir { .. }) => Err(Error::IsADirectory),
            Some(Node::Lower(..)) => self.hide(parent, &dir, name, None),
            Some(Node::Upper(stat)) => {
                let lost = self.prepare_loss(parent, &dir, name, &stat)?;
                self.hide(parent, &dir, name, Some(&stat))?;
                self.lose(lost);
                Ok(())
            }
        }
    }

    /// Removes a directory that looks empty.
    pub fn rmdir(&self, parent: InodeNo, name: &[u8]) -> Result<()> {
        self.check_place(parent, name)?;
        let _names = self.write_names();
        let dir = self.dir(parent)?;
        let Some(node) = self.view().lookup(&dir, name)? else { return Err(Error::NotFound) };
        let Node::Dir { upper, .. } = &node else { return Err(Error::NotADirectory) };
        self.check_empty(&dir, name, &node)?;
        let Some(stat) = upper else { return self.hide(parent, &dir, name, None) };
        let lost = self.prepare_loss(parent, &dir, name, stat)?;
        self.hide(parent, &dir, name, Some(stat))?;
        self.lose(lost);
        Ok(())
    }

    /// Whether nothing shows in a directory.
    pub(super) fn check_empty(&self, dir: &OpenDir, name: &[u8], node: &Node) -> Result<()> {
        let Some(inside) = self.view().enter(dir, name, node)? else { return Err(Error::NotADirectory) };
        match self.view().is_empty(&inside)? {
            true => Ok(()),
            false => Err(Error::NotEmpty),
        }
    }

    /// Makes a name show nothing: a whiteout where there is something below, else nothing at all.
    fn hide(&self, parent: InodeNo, dir: &OpenDir, name: &[u8], there: Option<&Stat>) -> Result<()> {
        let upper = self.raise_dir(parent)?;
        if self.view().lookup_below(dir, name)?.is_some() {
            return Ok(self.upper.whiteout(&upper, name, there)?);
        }
        match there {
            Some(stat) if is_dir(stat) => Ok(self.upper.remove_directory(&upper, name)?),
            Some(_) => Ok(self.upper.unlink(&upper, name)?),
            None => Err(Error::NotFound),
        }
    }

    /// Takes hold of what is about to lose a name, if it may be its last and someone knows it.
    pub(super) fn prepare_loss(
        &self,
        parent: InodeNo,
        dir: &OpenDir,
        name: &[u8],
        stat: &Stat,
    ) -> Result<Option<Loss>> {
        let Some(upper) = &dir.upper else { return Ok(None) };
        let Some(ino) = self.inodes.lock().number(HostId::of(stat)) else { return Ok(None) };
        let held = Spot::at(upper, name).hold()?;
        Ok(Some(Loss { ino, parent, name: name.into(), held }))
    }

    /// Takes note that a name is gone.
    pub(super) fn lose(&self, loss: Option<Loss>) {
        let Some(Loss { ino, parent, name, held }) = loss else { return };
        let mut inodes = self.inodes.lock();
        if !inodes.unplace(ino, parent, &name) {
            inodes.hold(ino, held);
            drop(inodes);
            self.dirs.lock().pop(&ino);
        }
    }
}

/// A name that is about to go, and a hold on what has it.
pub(super) struct Loss {
    ino: InodeNo,
    parent: InodeNo,
    name: Box<[u8]>,
    held: Spot,
}

pub(super) fn is_dir(stat: &Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory
}
