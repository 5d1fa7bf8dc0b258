//! All images of an archive, whichever form lists them, and the one that is meant.

use crate::digest::Digest;

use super::Image;
use super::archive::Archive;
use super::choose::{Choice, choose};
use super::config::Configs;
use super::docker::{self, DockerImage};
use super::docker_v1::{self, V1Image};
use super::error::{Error, Missing};
use super::oci::{self, Layout, OciImage};
use super::offer::Offer;
use super::platform::Platform;

/// The images of an archive.
pub struct Catalog<'a> {
    archive: &'a Archive,
    images: Vec<Listed>,
    /// Images that an index names and that are not there.
    missing: Vec<(Option<Platform>, Digest)>,
}

/// An image that is listed, in the form of its list.
enum Listed {
    Docker(DockerImage),
    V1(V1Image),
    Oci(OciImage),
}

impl<'a> Catalog<'a> {
    /// Reads what lists images; `None` if the archive is no image archive.
    ///
    /// Docker since 25 writes both lists for the same images: the OCI one has all platforms, the other
    /// one the full names.
    pub fn read(archive: &'a Archive, configs: &mut Configs<'_>) -> Result<Option<Catalog<'a>>, Error> {
        let layout = Layout::read(archive)?;
        let items = docker::items(archive)?;
        if layout.is_none() && items.is_none() {
            refuse_skopeo_dir(archive)?;
            let images: Vec<Listed> = docker_v1::images(archive)?.into_iter().map(Listed::V1).collect();
            let is_archive = !images.is_empty();
            return Ok(is_archive.then_some(Catalog { archive, images, missing: Vec::new() }));
        }
        let Layout { images: mut oci_images, missing, .. } = layout.unwrap_or_default();
        let mut images = Vec::new();
        for item in items.unwrap_or_default() {
            let image = DockerImage::open(archive, item, configs)?;
            match oci_images.iter_mut().find(|oci| oci.config_digest == *image.id()) {
                Some(same) => {
                    same.is_listed_for_docker = true;
                    if !image.tags().is_empty() {
                        same.rename(image.tags());
                    }
                }
                None => images.push(Listed::Docker(image)),
            }
        }
        images.extend(oci_images.into_iter().map(Listed::Oci));
        Ok(Some(Catalog { archive, images, missing }))
    }

    /// Opens the one image that is meant.
    pub fn open(self, choice: &Choice, configs: &mut Configs<'_>) -> Result<Image, Error> {
        let offers = self.images.iter().map(|image| image.offer(configs)).collect::<Result<Vec<_>, _>>()?;
        let at = choose(&self.archive.name, &offers, choice).map_err(|error| self.explain(choice, error))?;
        match self.images.into_iter().nth(at) {
            Some(image) => image.read(self.archive),
            None => Err(Error::NoImage(self.archive.name.to_string())),
        }
    }

    /// Where nothing could be chosen, says if what was meant is named but not there.
    fn explain(&self, choice: &Choice, error: Error) -> Error {
        if !matches!(error, Error::NoImage(_) | Error::NoSuchPlatform { .. }) {
            return error;
        }
        let wanted = choice.platform.clone().unwrap_or_else(Platform::host);
        let fits = |platform: &Option<Platform>| platform.as_ref().is_none_or(|p| p.fit(&wanted).is_some());
        let meant = self.missing.iter().find(|(platform, _)| fits(platform));
        let Some((platform, digest)) = meant else { return error };
        let of = platform.as_ref().map(|platform| format!(" for {platform}")).unwrap_or_default();
        let what = format!("the image{of} ({digest})");
        Missing { place: self.archive.place(oci::INDEX), what, hint: String::new() }.into()
    }
}

impl Listed {
    fn offer(&self, configs: &mut Configs<'_>) -> Result<Offer, Error> {
        match self {
            Listed::Docker(image) => Ok(image.offer()),
            Listed::V1(image) => Ok(image.offer()),
            Listed::Oci(image) => image.offer(configs),
        }
    }

    fn read(self, archive: &Archive) -> Result<Image, Error> {
        match self {
            Listed::Docker(image) => image.read(archive),
            Listed::V1(image) => image.read(archive),
            Listed::Oci(image) => image.read(archive),
        }
    }
}

/// Refuses what `skopeo copy … dir:` writes: blobs by their bare digest, told by a version.
fn refuse_skopeo_dir(archive: &Archive) -> Result<(), Error> {
    const VERSION: &[u8] = b"Directory Transport Version";
    let Some(file) = archive.file("version")? else { return Ok(()) };
    let mut start = [0; VERSION.len()];
    let n = file.blob.read_at(0, &mut start);
    let n = n.map_err(|source| Error::Read { place: archive.place("version"), source })?;
    if start.get(..n) != Some(VERSION) || archive.file(docker::MANIFEST)?.is_none() {
        return Ok(());
    }
    let what = "a directory of skopeo's `dir:`, which is not read; \
                convert it: skopeo copy dir:DIR oci-archive:FILE";
    Err(Error::Unsupported { place: archive.name.to_string(), what })
}
