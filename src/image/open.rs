//! From paths to an image: what is recognised, in which order, and what is read for it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blob::{Blob, Compression, HostFile, ReadAt, SpoolDir};
use crate::index::{Content, HostTree, LayerIndex};
use crate::tar::{self, Problem};

use super::archive::Archive;
use super::catalog::Catalog;
use super::choose::Choice;
use super::config::Configs;
use super::error::Error;
use super::oci;
use super::what::{MAGIC_LEN, describe, describe_type};
use super::{Image, LayerSource, Origin};

/// What is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// One image, or layers base first: what each path is, its content tells.
    Paths(Vec<PathBuf>),
    /// Layers in overlayfs's order, top first; a directory is always a layer.
    LowerDirs(Vec<PathBuf>),
}

/// How to open it.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Which image of an archive.
    pub choice: Choice,
    /// Where compressed streams are decoded.
    pub spool: SpoolDir,
}

impl Opening {
    /// Opens what the input names as one image.
    pub fn open(&self, input: &Input) -> Result<Image, Error> {
        match input {
            Input::Paths(paths) => match &**paths {
                [path] => self.open_path(path),
                paths => self.stack(paths.iter().map(|path| self.open_path(path))),
            },
            Input::LowerDirs(paths) => self.stack(paths.iter().rev().map(|path| match path.is_dir() {
                true => self.index_directory(path).map(layer),
                false => self.open_path(path),
            })),
        }
    }

    /// Stacks what was opened, base first; an image brings all its layers.
    fn stack(&self, images: impl Iterator<Item = Result<Image, Error>>) -> Result<Image, Error> {
        let mut stacked = Image::of_layers(Vec::new());
        for image in images {
            let Image { layers, rejected, .. } = image?;
            stacked.layers.extend(layers);
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
        let rejected = archive.index.rejected().iter().cloned();
        image.rejected.extend(rejected.map(|rejected| (archive.name.clone(), rejected)));
        Ok(image)
    }

    fn index_directory(&self, path: &Path) -> Result<Archive, Error> {
        let open = |source| Error::Open { path: path.to_owned(), source };
        let tree = HostTree::open(path).map_err(open)?;
        let index = Arc::new(LayerIndex::of_directory(&tree)?);
        Archive::new(&path.display().to_string(), index, Arc::new(Content::of_directory(tree)))
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
        let blob = self.decoded(&place, file)?;
        if blob.is_empty() {
            return Err(Error::Unrecognised { place, what: describe(&[]) });
        }
        let index = LayerIndex::of_tar(&*blob).map_err(|source| no_tar(&place, &*blob, source))?;
        Archive::new(&place, Arc::new(index), Arc::new(Content::Tar(blob)))
    }

    /// The bytes themselves, decoded first if they are compressed.
    pub fn decoded(&self, place: &str, blob: Blob) -> Result<Blob, Error> {
        let read = |source| Error::Read { place: place.to_owned(), source };
        match Compression::of(&*blob).map_err(read)? {
            None => Ok(blob),
            Some(compression) => self
                .spool
                .spool(&*blob, compression)
                .map_err(|source| Error::Spool { place: place.to_owned(), source }),
        }
    }

    /// A layer's index and contents.
    pub fn index(&self, layer: &LayerSource) -> Result<(Arc<LayerIndex>, Arc<Content>), Error> {
        match &layer.origin {
            Origin::Indexed(index, content) => Ok((index.clone(), content.clone())),
            Origin::File(file) => {
                let tar = self.decoded(&layer.place, file.blob.clone())?;
                Ok((index_tar(&layer.place, &*tar)?, Arc::new(Content::Tar(tar))))
            }
            Origin::Missing(missing) => Err(missing.clone().into()),
        }
    }
}

/// Indexes an uncompressed tar; errors name its place.
pub fn index_tar(place: &str, tar: &dyn ReadAt) -> Result<Arc<LayerIndex>, Error> {
    LayerIndex::of_tar(tar).map(Arc::new).map_err(|source| match no_tar(place, tar, source) {
        Error::Unrecognised { place, what } => Error::NotALayer { place, what },
        error => error,
    })
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
    let source = LayerSource {
        place: archive.name.to_string(),
        origin: Origin::Indexed(archive.index, archive.content),
        digest: None,
        claimed_size: None,
        diff_id: None,
        media_type: None,
    };
    Image::of_layers(vec![source])
}

/// Tells a damaged tar from a file that never was one: there, the very first block is no header.
fn no_tar(place: &str, blob: &dyn ReadAt, error: tar::Error) -> Error {
    let place = place.to_owned();
    let is_first = error.offset == 0 && error.member.is_none();
    let is_no_header = matches!(
        error.problem,
        Problem::Checksum | Problem::Truncated { .. } | Problem::LoneZeroBlock | Problem::NoMembers
    );
    if is_first && is_no_header {
        let mut bytes = vec![0; MAGIC_LEN];
        let n = blob.read_at(0, &mut bytes).unwrap_or(0);
        let start = bytes.get(..n).unwrap_or_default();
        if start.get(257..262) != Some(b"ustar") {
            return Error::Unrecognised { place, what: describe(start) };
        }
    }
    Error::Tar { place, source: error }
}
