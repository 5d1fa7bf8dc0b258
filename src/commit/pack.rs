//! An unpacked layer directory as a layer tar: the same names, the same markers (S10, S11).

use std::collections::HashMap;
use std::io;

use crate::blob::LayerFile;
use crate::digest::DiffId;
use crate::entry::Kind;
use crate::image::IndexedLayer;
use crate::layer::{DirId, Found, Layer, LeafId};
use crate::path::TreePath;

use super::archive::{Archive, Blob};
use super::compress::Stored;
use super::error::Error;
use super::member::{Body, Member};
use super::store::{NewLayer, store_layer};

/// Packs a directory that is a layer into an archive; `place` is what it is called in messages.
pub fn directory(archive: &mut Archive, layer: &IndexedLayer, place: &str) -> Result<(Blob, DiffId), Error> {
    archive.member(|out| {
        let packed = store_layer(out, Stored::Plain, |tar| {
            Packing { layer, place, tar, names: HashMap::new() }.run()
        })?;
        Ok((Blob { digest: packed.digest, size: packed.size }, packed.diff_id))
    })
}

struct Packing<'a, W: io::Write> {
    layer: &'a IndexedLayer,
    place: &'a str,
    tar: &'a mut NewLayer<W>,
    /// The first name of each file that may have several.
    names: HashMap<LeafId, TreePath>,
}

impl<W: io::Write> Packing<'_, W> {
    fn run(mut self) -> Result<(), Error> {
        if let Found::Dir { dir, opaque } = self.layer.index.root() {
            self.directory(&TreePath::root(), dir, opaque)?;
            let mut levels = vec![(TreePath::root(), dir, 0)];
            while let Some((path, dir, place)) = levels.last_mut() {
                let Some((name, found)) = self.layer.index.child(*dir, *place)? else {
                    levels.pop();
                    continue;
                };
                *place += 1;
                let child = path.join(name);
                match found {
                    Found::Absent => {}
                    Found::Whiteout => {
                        let whiteout = Member::whiteout(path.as_bytes(), name);
                        self.tar.add(&whiteout).map_err(|source| self.error(&child, source))?;
                    }
                    Found::Leaf(leaf) => self.leaf(&child, leaf)?,
                    Found::Dir { dir, opaque } => {
                        self.directory(&child, dir, opaque)?;
                        levels.push((child, dir, 0));
                    }
                }
            }
        }
        Ok(())
    }

    fn directory(&mut self, path: &TreePath, dir: DirId, opaque: bool) -> Result<(), Error> {
        let index = &self.layer.index;
        if let Some(attributes) = index.attributes(dir.into())? {
            let xattrs = index.xattrs(dir.into())?.into_owned();
            if let Some(member) = Member::new(path.as_bytes(), &attributes, Vec::new(), xattrs) {
                self.tar.add(&member).map_err(|source| self.error(path, source))?;
            }
        }
        if opaque {
            let marker = Member::opaque(path.as_bytes());
            self.tar.add(&marker).map_err(|source| self.error(path, source))?;
        }
        Ok(())
    }

    fn leaf(&mut self, path: &TreePath, leaf: LeafId) -> Result<(), Error> {
        let index = &self.layer.index;
        let Some(attributes) = index.attributes(leaf.into())? else { return Ok(()) };
        let target = match attributes.kind {
            Kind::Symlink => index.link_target(leaf)?.into_owned(),
            _ => Vec::new(),
        };
        let xattrs = index.xattrs(leaf.into())?.into_owned();
        let Some(mut member) = Member::new(path.as_bytes(), &attributes, target, xattrs) else {
            tracing::warn!("{}: {path}: a socket has no place in a layer, and is left out", self.place);
            return Ok(());
        };
        if attributes.nlink > 1 {
            match self.names.get(&leaf) {
                Some(first) => member.body = Body::HardLink(first.as_bytes().to_vec()),
                None => drop(self.names.insert(leaf, path.clone())),
            }
        }
        let IndexedLayer { index, content, .. } = self.layer;
        let written = match member.body {
            Body::Regular(size) => {
                let extents = index.extents(leaf)?;
                content.with_file(index, leaf, |source| {
                    self.tar.add_file(&member, LayerFile::new(&extents, size, source))
                })
            }
            _ => self.tar.add(&member),
        };
        written.map_err(|source| self.error(path, source))
    }

    fn error(&self, path: &TreePath, source: io::Error) -> Error {
        Error::Base { place: format!("{}: {path}", self.place), source }
    }
}
