//! From paths to an image: what is recognised, in which order, and what is read for it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blob::{Blob, Compression, HostFile, ReadAt, SpoolDir};
use crate::index::{Content, HostTree, LayerIndex};
use crate::tar::{self, Problem};

use super::archive::Archive;
use super::choose::{Choice, choose};
use super::docker::{self, DockerImage};
use super::docker_v1::{self, V1Image};
use super::error::Error;
use super::oci::{Layout, OciImage};
use super::offer::Offer;
use super::what::{describe, describe_type};
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
            stacked.layers.extend(image?.layers);
        }
        Ok(stacked)
    }

    fn open_path(&self, path: &Path) -> Result<Image, Error> {
        let archive = if path.is_dir() { self.index_directory(path)? } else { self.index_file(path)? };
        let images = Found::all(&archive)?;
        let Some((found, missing)) = images else { return Ok(layer(archive)) };
        let offers = found.iter().map(|image| image.offer(&archive)).collect::<Result<Vec<_>, _>>()?;
        match choose(&archive.name, &offers, &self.choice) {
            Ok(at) => match found.into_iter().nth(at) {
                Some(image) => image.read(&archive),
                None => Err(Error::NoImage(archive.name.to_string())),
            },
            Err(error) => Err(missing.explain(&archive, &self.choice, error)),
        }
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
                let blob = self.decoded(&layer.place, file.blob.clone())?;
                let index =
                    LayerIndex::of_tar(&*blob).map_err(|source| no_tar(&layer.place, &*blob, source))?;
                Ok((Arc::new(index), Arc::new(Content::Tar(blob))))
            }
        }
    }
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
    if is_first && matches!(error.problem, Problem::Checksum | Problem::Truncated { .. }) {
        let mut bytes = [0; 512];
        let n = blob.read_at(0, &mut bytes).unwrap_or(0);
        let magic = bytes.get(..n).unwrap_or_default();
        if magic.get(257..262) != Some(b"ustar") {
            return Error::Unrecognised { place, what: describe(magic) };
        }
    }
    Error::Tar { place, source: error }
}

/// Whether it is what `skopeo copy … dir:` writes: blobs by their bare digest, told by a version.
fn is_of_skopeo_dir(archive: &Archive) -> Result<bool, Error> {
    const VERSION: &[u8] = b"Directory Transport Version";
    let Some(file) = archive.file("version")? else { return Ok(false) };
    let mut start = [0; VERSION.len()];
    let n = file.blob.read_at(0, &mut start);
    let n = n.map_err(|source| Error::Read { place: archive.place("version"), source })?;
    Ok(start.get(..n) == Some(VERSION) && archive.file(docker::MANIFEST)?.is_some())
}

/// An image that was found in an archive.
enum Found {
    Docker(Box<DockerImage>),
    V1(V1Image),
    Oci(Box<OciImage>),
}

/// Images that an index names and that are not there.
#[derive(Default)]
struct MissingImages(Vec<(Option<super::Platform>, crate::digest::Digest)>);

impl Found {
    /// All images of an archive; `None` if it is no image archive.
    ///
    /// Docker since 25 writes both lists for the same images: the OCI one has all platforms, the other
    /// one the full names.
    fn all(archive: &Archive) -> Result<Option<(Vec<Found>, MissingImages)>, Error> {
        let layout = Layout::read(archive)?;
        let items = docker::items(archive)?;
        if layout.is_none() && items.is_none() {
            if is_of_skopeo_dir(archive)? {
                let what = "a directory of skopeo's `dir:`, which is not read; \
                            convert it: skopeo copy dir:DIR oci-archive:FILE";
                return Err(Error::Unsupported { place: archive.name.to_string(), what });
            }
            let images = docker_v1::images(archive)?;
            let found: Vec<Found> = images.into_iter().map(Found::V1).collect();
            return Ok((!found.is_empty()).then_some((found, MissingImages::default())));
        }
        let Layout { mut images, missing, .. } = layout.unwrap_or_default();
        let mut found = Vec::new();
        for item in items.unwrap_or_default() {
            let image = DockerImage::open(archive, item)?;
            match images.iter_mut().find(|oci| oci.config_digest == image.id()) {
                Some(same) if !image.tags().is_empty() => same.rename(image.tags()),
                Some(_) => {}
                None => found.push(Found::Docker(Box::new(image))),
            }
        }
        found.extend(images.into_iter().map(|image| Found::Oci(Box::new(image))));
        Ok(Some((found, MissingImages(missing))))
    }

    fn offer(&self, archive: &Archive) -> Result<Offer, Error> {
        match self {
            Found::Docker(image) => Ok(image.offer()),
            Found::V1(image) => Ok(image.offer()),
            Found::Oci(image) => image.offer(archive),
        }
    }

    fn read(self, archive: &Archive) -> Result<Image, Error> {
        match self {
            Found::Docker(image) => image.read(archive),
            Found::V1(image) => image.read(archive),
            Found::Oci(image) => image.read(archive),
        }
    }
}

impl MissingImages {
    /// Where nothing could be chosen, says if what was meant is named but not there.
    fn explain(self, archive: &Archive, choice: &Choice, error: Error) -> Error {
        let wanted = choice.platform.clone().unwrap_or_else(super::Platform::host);
        let fits =
            |platform: &Option<super::Platform>| platform.as_ref().is_none_or(|p| p.fit(&wanted).is_some());
        if !matches!(error, Error::NoImage(_) | Error::NoSuchPlatform { .. }) {
            return error;
        }
        let meant = self.0.into_iter().find(|(platform, _)| fits(platform));
        let Some((platform, digest)) = meant else { return error };
        let of = platform.map(|platform| format!(" for {platform}")).unwrap_or_default();
        Error::Missing {
            place: archive.place(super::oci::INDEX),
            what: format!("the image{of} ({digest})"),
            hint: String::new(),
        }
    }
}
