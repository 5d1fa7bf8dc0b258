//! From paths to an image: what is recognised, in which order, and what is read for it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blob::{Blob, HostFile};
use crate::index::{Content, HostTree, LayerIndex};
use crate::tarball::{Claims, TarReader};

use super::archive::Archive;
use super::catalog::Catalog;
use super::choose::Choice;
use super::config::Configs;
use super::cut::Cut;
use super::error::Error;
use super::oci;
use super::what::{describe, describe_type};
use super::{Image, IndexedLayer, LayerSource, Origin};

/// What is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// One image, or layers base first: what each path is, its content tells.
    Paths(Vec<PathBuf>),
    /// Layers in overlayfs's order, top first; a directory is always a layer.
    LowerDirs(Vec<PathBuf>),
}

/// How to open it.
#[derive(Clone, Default)]
pub struct Opening {
    /// Which image of an archive.
    pub choice: Choice,
    /// How much of it.
    pub cut: Cut,
    /// How tars are read.
    pub tars: TarReader,
}

impl Opening {
    /// Opens what the input names as one image.
    pub fn open(&self, input: &Input) -> Result<Image, Error> {
        let image = match input {
            Input::Paths(paths) => match &**paths {
                [path] => self.open_path(path),
                paths => self.stack(paths.iter().map(|path| self.open_path(path))),
            },
            Input::LowerDirs(paths) => self.stack(paths.iter().rev().map(|path| match path.is_dir() {
                true => self.index_directory(path).map(layer),
                false => self.open_path(path),
            })),
        };
        image?.cut(self.cut)
    }

    /// Stacks what was opened, base first; an image brings all its layers.
    fn stack(&self, images: impl Iterator<Item = Result<Image, Error>>) -> Result<Image, Error> {
        let mut stacked = Image::of_layers(Vec::new());
        for image in images {
            let Image { layers, archives, rejected, .. } = image?;
            stacked.layers.extend(layers);
            stacked.archives.extend(archives);
            stacked.rejected.extend(rejected);
        }
        Ok(stacked)
    }

    fn open_path(&self, path: &Path) -> Result<Image, Error> {
        let archive = if path.is_dir() { self.index_directory(path)? } else { self.index_file(path)? };
        let mut configs = Configs::new(&archive);
        let Some(catalog) = Catalog::read(&archive, &mut configs)? else {
            warn_of_layout(&archive)?;
            return Ok(layer(archive));
        };
        let mut image = catalog.open(&self.choice, &mut configs)?;
        image.archives.extend(archive.known.iter().map(|known| (archive.name.clone(), known.clone())));
        let rejected = archive.index.rejected().iter().cloned();
        image.rejected.extend(rejected.map(|rejected| (archive.name.clone(), rejected)));
        Ok(image)
    }

    fn index_directory(&self, path: &Path) -> Result<Archive, Error> {
        let open = |source| Error::Open { path: path.to_owned(), source };
        let tree = HostTree::open(path).map_err(open)?;
        let index = LayerIndex::of_directory(&tree)?;
        let layer = IndexedLayer::new(index, Content::of_directory(tree));
        Archive::new(&path.display().to_string(), layer)
    }

    fn index_file(&self, path: &Path) -> Result<Archive, Error> {
        let place = path.display().to_string();
        let open = |source| Error::Open { path: path.to_owned(), source };
        // Opening a fifo would wait for someone to write to it.
        if let Some(what) = describe_type(path.metadata().map_err(open)?.file_type()) {
            return Err(Error::Unrecognised { place, what });
        }
        let file = File::open(path).map_err(open)?;
        let file: Blob = Arc::new(HostFile::new(file).map_err(open)?);
        let tarball = self.tars.read(&place, file, &Claims::default());
        let tarball = tarball.map_err(|error| Error::of_tar(&place, error))?;
        // No bytes are a layer where an image says so, and nowhere else.
        if tarball.tar.is_empty() {
            return Err(Error::Unrecognised { place, what: describe(&[]) });
        }
        Archive::new(&place, tarball.into())
    }

    /// A layer that can be had without reading it.
    pub fn recall(&self, layer: &LayerSource) -> Result<Option<IndexedLayer>, Error> {
        match &layer.origin {
            Origin::Indexed(layer) => Ok(Some(layer.clone())),
            Origin::File(file) => {
                let known = self.tars.recall(&layer.place, &file.blob, &layer.claims());
                Ok(known.map_err(|error| Error::of_layer(&layer.place, error))?.map(IndexedLayer::from))
            }
            Origin::Missing(missing) => Err(missing.clone().into()),
        }
    }

    /// What reading a layer costs: the bytes that have to be decoded.
    pub fn cost(&self, layer: &LayerSource) -> u64 {
        match &layer.origin {
            // What cannot be read will say so when it is.
            Origin::File(file) => self.tars.cost(&file.blob).unwrap_or(0),
            Origin::Indexed(_) | Origin::Missing(_) => 0,
        }
    }

    /// Says how much there is to be read.
    pub fn expect<'a>(&self, layers: impl Iterator<Item = &'a LayerSource>) {
        self.tars.progress.expect(layers.map(|layer| self.cost(layer)).sum());
    }

    /// Reads a layer that could not be recalled.
    pub fn read(&self, layer: &LayerSource) -> Result<IndexedLayer, Error> {
        match &layer.origin {
            Origin::Indexed(layer) => Ok(layer.clone()),
            Origin::File(file) => {
                let read = self.tars.read_now(&layer.place, file.blob.clone(), &layer.claims());
                read.map(IndexedLayer::from).map_err(|error| Error::of_layer(&layer.place, error))
            }
            Origin::Missing(missing) => Err(missing.clone().into()),
        }
    }
}

/// What looks like a layout to us was meant to be one.
fn warn_of_layout(archive: &Archive) -> Result<(), Error> {
    if archive.file(oci::LAYOUT)?.is_some() || archive.is_dir("blobs/sha256") {
        tracing::warn!(
            "{}: shown as a layer, though it looks like an OCI layout: no {}",
            archive.name,
            oci::INDEX
        );
    }
    Ok(())
}

/// An archive that is no image: the one layer that it is.
fn layer(archive: Archive) -> Image {
    let place = archive.name.to_string();
    let layer = IndexedLayer { index: archive.index, content: archive.content, known: archive.known };
    Image::of_layers(vec![LayerSource::of(place, Origin::Indexed(layer))])
}
