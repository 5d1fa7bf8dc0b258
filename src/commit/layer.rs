//! The layer: what it takes to make of the image what the upper shows over it.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::blob::Progress;
use crate::entry::Time;
use crate::path::TreePath;

use super::changes::{Depth, Step, Visitor, walk};
use super::entry::{FileKey, Sides};
use super::error::Error;
use super::file::Watched;
use super::layer_tar::LayerTar;
use super::links::Links;
use super::member::{Body, Member};

/// A layer that is to be written.
pub struct Layer<'a> {
    /// The image, and the upper over it.
    pub sides: Sides<'a>,
    /// Files with several names.
    pub links: &'a Links,
    /// No time in it is later than this.
    pub latest: Option<Time>,
    /// Who hears how far it is.
    pub progress: &'a dyn Progress,
}

impl Layer<'_> {
    /// Writes its members; gives how many.
    pub fn write<W: Write>(&self, tar: &mut LayerTar<W>) -> Result<u64, Error> {
        let mut writer = Writer { layer: self, tar, waiting: Vec::new(), firsts: HashMap::new(), members: 0 };
        walk(self.sides, Depth::All(self.links), &mut writer)?;
        Ok(writer.members)
    }
}

struct Writer<'a, W> {
    layer: &'a Layer<'a>,
    tar: &'a mut LayerTar<W>,
    /// The directories on the way that are not in the tar yet: they will be, if anything in them is. An
    /// unpacker that finds no parent makes its own.
    waiting: Vec<Option<Member>>,
    /// The first name of each file that may have several.
    firsts: HashMap<FileKey, TreePath>,
    members: u64,
}

impl<W: Write> Writer<'_, W> {
    /// What the tar says of something; none of a socket.
    fn member(&self, step: &Step<'_>) -> io::Result<Option<Member>> {
        let Step { path, entry, .. } = step;
        let target = entry.target(self.layer.sides.stack)?;
        let member = Member::new(path.as_bytes(), &entry.attributes, target, entry.xattrs.clone());
        Ok(member.map(|mut member| {
            member.mtime = self.layer.latest.map_or(member.mtime, |latest| member.mtime.min(latest));
            member
        }))
    }

    fn add_waiting(&mut self) -> io::Result<()> {
        for member in self.waiting.iter_mut().filter_map(Option::take) {
            self.tar.add(&member)?;
            self.members += 1;
        }
        Ok(())
    }

    fn add(&mut self, member: &Member) -> io::Result<()> {
        self.add_waiting()?;
        self.members += 1;
        self.tar.add(member)
    }

    fn add_directory(&mut self, dir: &Step<'_>) -> io::Result<()> {
        let member = self.member(dir)?;
        if !dir.is_needed {
            self.waiting.push(member);
            return Ok(());
        }
        if let Some(member) = member {
            self.add(&member)?;
        }
        if dir.hides {
            self.add(&Member::opaque(dir.path.as_bytes()))?;
        }
        self.waiting.push(None);
        Ok(())
    }

    fn add_leaf(&mut self, leaf: &Step<'_>) -> io::Result<()> {
        let Some(mut member) = self.member(leaf)? else {
            tracing::warn!("{}: left out, as no layer can hold a socket", leaf.path);
            return Ok(());
        };
        if let Some(file) = leaf.entry.file {
            match self.firsts.get(&file) {
                Some(first) => member.body = Body::HardLink(first.as_bytes().to_vec()),
                None => _ = self.firsts.insert(file, leaf.path.clone()),
            }
        }
        if member.data_len() == 0 {
            return self.add(&member);
        }
        self.add_waiting()?;
        self.members += 1;
        let Layer { sides, progress, .. } = *self.layer;
        leaf.entry.with_data(sides.stack, |data| self.tar.add_file(&member, Watched { data, progress }))
    }
}

impl<W: Write> Visitor for Writer<'_, W> {
    fn enter(&mut self, dir: Step<'_>) -> Result<(), Error> {
        self.add_directory(&dir).map_err(|source| Error::Entry { path: dir.path.clone(), source })
    }

    fn leave(&mut self) -> Result<(), Error> {
        self.waiting.pop();
        Ok(())
    }

    fn leaf(&mut self, leaf: Step<'_>) -> Result<(), Error> {
        if !leaf.is_needed {
            return Ok(());
        }
        self.add_leaf(&leaf).map_err(|source| Error::Entry { path: leaf.path.clone(), source })
    }

    fn gone(&mut self, path: &TreePath, is_needed: bool) -> Result<(), Error> {
        if !is_needed {
            return Ok(());
        }
        let mut dir = path.clone();
        dir.pop();
        let name = path.components().last().unwrap_or_default();
        let added = self.add(&Member::whiteout(dir.as_bytes(), name));
        added.map_err(|source| Error::Entry { path: path.clone(), source })
    }
}
