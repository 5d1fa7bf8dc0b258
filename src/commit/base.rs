//! A layer of the base on its way into the new image: its bytes as they are stored, and its diff ID.

use std::io::{self, Write};

use crate::blob::{Compression, Progress, ReadAt, Reader};
use crate::digest::{Algorithm, DiffId, Digest};
use crate::image::{IndexedLayer, LayerSource, Origin};
use crate::index::Content;
use crate::layer::LeafId;
use crate::stack::Stack;
use crate::tarball::Known;

use super::archive::{Archive, Blob};
use super::error::Error;
use super::file::Watched;
use super::pack;

/// Bytes copied at a time.
const CHUNK: usize = 1024 * 1024;

/// A layer that is there already.
pub struct BaseLayer<'a> {
    source: &'a LayerSource,
    layer: &'a IndexedLayer,
    /// Whether bytes that are not what the image says are refused.
    verify: bool,
    /// Who hears how far the copying is.
    progress: &'a dyn Progress,
}

impl<'a> BaseLayer<'a> {
    /// All of a stack, base first.
    pub fn all(stack: &'a Stack, verify: bool, progress: &'a dyn Progress) -> Vec<BaseLayer<'a>> {
        let pairs = stack.image.layers.iter().zip(stack.layers());
        pairs.map(|(source, layer)| BaseLayer { source, layer, verify, progress }).collect()
    }

    /// Bytes that copying it takes, as far as that is known.
    pub fn copied_len(&self) -> u64 {
        self.stored().map_or(0, ReadAt::len)
    }

    /// The file of an archive that it is, if it is one: layers that are the same are one file there.
    pub fn file(&self) -> Option<(&'a str, LeafId)> {
        match &self.source.origin {
            Origin::File(file) => Some((&*file.archive, file.leaf)),
            Origin::Indexed(_) | Origin::Missing(_) => None,
        }
    }

    /// Its bytes as they are stored; of a file that is a layer itself, and compressed, what it decodes to. A
    /// directory has none.
    fn stored(&self) -> Option<&dyn ReadAt> {
        match (&self.source.origin, &*self.layer.content) {
            (Origin::File(file), _) => Some(&*file.blob),
            (_, Content::Tar(tar)) => Some(&**tar),
            (_, Content::Directory(_)) => None,
        }
    }

    /// How it is compressed.
    pub fn compression(&self) -> Result<Option<Compression>, Error> {
        match self.stored() {
            Some(blob) => Compression::of(blob).map_err(|source| self.error(source)),
            None => Ok(None),
        }
    }

    /// Copies it into an archive.
    pub fn copy(&self, archive: &mut Archive) -> Result<(Blob, DiffId), Error> {
        let Some(stored) = self.stored() else {
            return pack::directory(archive, self.layer, &self.source.place);
        };
        let claimed = self.source.digest.as_ref();
        if let Some(blob) = claimed.and_then(|digest| archive.find(digest)) {
            let diff_id = self.diff_id(&blob)?;
            return Ok((blob, diff_id));
        }
        let algorithm = claimed.map_or(Algorithm::Sha256, Digest::algorithm);
        let blob = archive
            .stream(algorithm, |out| self.copy_bytes(stored, out))
            .map_err(|source| self.error(source))?;
        if let Some(claimed) = claimed {
            self.compare("digest", claimed, &blob.digest)?;
        }
        let diff_id = self.diff_id(&blob)?;
        Ok((blob, diff_id))
    }

    fn copy_bytes(&self, blob: &dyn ReadAt, out: &mut dyn Write) -> io::Result<()> {
        let watched = Watched { data: &mut Reader::new(blob), progress: self.progress };
        io::copy(&mut io::BufReader::with_capacity(CHUNK, watched), out).map(drop)
    }

    /// What is known of the uncompressed tar, or was found out just now.
    fn diff_id(&self, blob: &Blob) -> Result<DiffId, Error> {
        let found = match (&self.source.origin, &self.layer.known) {
            (Origin::File(_), Some(Known::Compressed { digests, .. })) => digests.diff_id.clone(),
            (Origin::File(_), Some(Known::Listed { .. })) => {
                let unknown = || io::Error::other("its diff ID is not known; open it without --trust-toc");
                return self.source.diff_id.clone().ok_or_else(|| self.error(unknown()));
            }
            _ => DiffId(blob.digest.clone()),
        };
        if let Some(claimed) = &self.source.diff_id {
            if claimed.0.algorithm() != found.0.algorithm() {
                return Ok(claimed.clone());
            }
            self.compare("diff ID", &claimed.0, &found.0)?;
        }
        Ok(found)
    }

    fn compare(&self, what: &'static str, claimed: &Digest, found: &Digest) -> Result<(), Error> {
        if claimed == found || !self.verify {
            return Ok(());
        }
        let (place, claimed, found) = (self.source.place.clone(), claimed.clone(), found.clone());
        Err(Error::Mismatch { place, what, claimed, found })
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Base { place: self.source.place.clone(), source }
    }
}
