//! Whether an image is what it says it is: every digest, every header, every problem, not the first.

use std::io;
use std::sync::Arc;

use crate::blob::{ReadAt, Reader};
use crate::digest::{Algorithm, Digest};
use crate::image::{Error, Image, Input, LayerSource, Opening, Origin};
use crate::index::{Content, LayerIndex, Reason, Rejected, check};
use crate::layer::Layer;
use crate::tarball::{self, Digests, TocError};
use crate::union::Union;

/// What is wrong with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: the image, or a layer and its place.
    pub place: String,
    /// The layer, counted from the base.
    pub layer: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Layers read.
    pub layers: usize,
    /// Bytes hashed.
    pub bytes: u64,
    /// Digests that were compared.
    pub digests: usize,
    /// All that is wrong.
    pub problems: Vec<Problem>,
}

/// Opens what the input names, and reads everything it has. What is damaged so that no image can be made
/// out is a problem too; what is none, or not the one asked for, is an error.
pub fn verify(opening: &Opening, input: &Input) -> Result<Report, Error> {
    match opening.open(input) {
        Ok(image) => verify_image(opening, &image),
        Err(error) if error.is_damage() => {
            let problem = Problem { place: "image".to_owned(), layer: None, message: error.to_string() };
            Ok(Report { problems: vec![problem], ..Report::default() })
        }
        Err(error) => Err(error),
    }
}

/// Reads everything an image has.
fn verify_image(opening: &Opening, image: &Image) -> Result<Report, Error> {
    let mut verify = Verify { opening, report: Report::default(), failure: None };
    verify.image(image);
    let indexes: Vec<_> =
        image.layers.iter().enumerate().map(|(no, layer)| verify.layer(no, layer)).collect();
    verify.links(image, &indexes);
    verify.failure.map_or(Ok(verify.report), Err)
}

/// A layer, as far as it can be read.
struct Examined {
    index: Result<Arc<LayerIndex>, Error>,
    content: Option<Arc<Content>>,
    digests: Option<Digests>,
    toc: Option<TocError>,
}

struct Verify<'a> {
    opening: &'a Opening,
    report: Report,
    /// Why something could not be looked at, which is no problem of the image.
    failure: Option<Error>,
}

impl Verify<'_> {
    fn problem(&mut self, layer: Option<(usize, &LayerSource)>, message: impl Into<String>) {
        let (no, place) = match layer {
            Some((no, layer)) => (Some(no), layer.place.clone()),
            None => (None, "image".to_owned()),
        };
        self.report.problems.push(Problem { place, layer: no, message: message.into() });
    }

    fn image(&mut self, image: &Image) {
        if let (Some(id), Some(claimed)) = (&image.id, &image.claimed_id) {
            self.report.digests += 1;
            if id != claimed {
                self.problem(None, format!("image ID: the configuration is {id}, named as {claimed}"));
            }
        }
        if let Some(manifest) = &image.manifest
            && let Some(file) = &manifest.file
        {
            let found = self.digest(manifest.digest.algorithm(), &*file.blob);
            self.compare(None, "manifest digest", &manifest.digest, found);
        }
        let diff_ids = image.config.as_ref().map_or(0, |config| config.diff_ids.len());
        if diff_ids > 0 && diff_ids != image.layers.len() {
            let message =
                format!("{} layers, but {diff_ids} diff IDs in the configuration", image.layers.len());
            self.problem(None, message);
        }
        for (archive, rejected) in &image.rejected {
            let (place, message) = (archive.to_string(), rejection(rejected));
            self.report.problems.push(Problem { place, layer: None, message });
        }
    }

    /// Reads one layer; gives its index if it can be read.
    fn layer(&mut self, no: usize, layer: &LayerSource) -> Option<Arc<LayerIndex>> {
        let place = Some((no, layer));
        self.report.layers += 1;
        if let (Some(claimed), Some(size)) = (layer.claimed_size, layer.stored_size())
            && claimed != size
        {
            self.problem(place, format!("size: {size} bytes, {claimed} in the manifest"));
        }
        let examined = match self.examine(layer) {
            Ok(examined) => examined,
            Err(error) => {
                self.pass_over(place, layer, error);
                return None;
            }
        };
        self.digests(place, layer, &examined);
        if let Some(error) = &examined.toc {
            self.problem(place, error.to_string());
        }
        let index = match examined.index {
            Ok(index) => Some(index),
            Err(error) => {
                self.pass_over(place, layer, error);
                None
            }
        };
        if let (Some(index), Some(content)) = (&index, &examined.content) {
            self.members(place, index, content);
        }
        index
    }

    /// Puts an error down as a problem of the image, or as the reason that it could not be looked at.
    fn pass_over(&mut self, place: Option<(usize, &LayerSource)>, layer: &LayerSource, error: Error) {
        match error.is_damage() {
            true => self.problem(place, error_without_place(&error, &layer.place)),
            false => _ = self.failure.get_or_insert(error),
        }
    }

    /// A layer's index and its bytes, as far as they can be had.
    fn examine(&self, layer: &LayerSource) -> Result<Examined, Error> {
        let file = match &layer.origin {
            Origin::Indexed(layer) => {
                let (index, content) = (Ok(layer.index.clone()), Some(layer.content.clone()));
                return Ok(Examined { index, content, digests: None, toc: None });
            }
            Origin::Missing(missing) => return Err(missing.clone().into()),
            Origin::File(file) => file.blob.clone(),
        };
        let of_layer = |error| Error::of_layer(&layer.place, error);
        let examined = self.opening.tars.examine(&layer.place, file, &layer.claims()).map_err(of_layer)?;
        let tarball::Examined { index, tar, digests, toc } = examined;
        let content = tar.map(|tar| Arc::new(Content::Tar(tar)));
        Ok(Examined { index: index.map_err(of_layer), content, digests, toc })
    }

    /// Compares digest and diff ID. What is compressed was hashed while it was decoded; of anything else all
    /// bytes are read now, even of a tar that makes no index.
    fn digests(&mut self, place: Option<(usize, &LayerSource)>, layer: &LayerSource, examined: &Examined) {
        let diff_id = layer.diff_id.as_ref().map(|id| &id.0);
        if let Some(found) = &examined.digests {
            self.report.bytes += layer.stored_size().unwrap_or(0);
            for (what, wanted, found) in
                [("digest", layer.digest.as_ref(), &found.stored), ("diff ID", diff_id, &found.diff_id.0)]
            {
                wanted.into_iter().for_each(|wanted| self.compare(place, what, wanted, Ok(found.clone())));
            }
            return;
        }
        if let (Some(digest), Origin::File(file)) = (&layer.digest, &layer.origin) {
            let found = self.digest(digest.algorithm(), &*file.blob);
            self.compare(place, "digest", digest, found);
        }
        if let Some(Content::Tar(tar)) = examined.content.as_deref() {
            let found = self.digest(diff_id.map_or(Algorithm::Sha256, Digest::algorithm), &**tar);
            match diff_id {
                Some(diff_id) => self.compare(place, "diff ID", diff_id, found),
                None => drop(found.map_err(|error| self.problem(place, error.to_string()))),
            }
        }
    }

    fn members(&mut self, place: Option<(usize, &LayerSource)>, index: &LayerIndex, content: &Content) {
        match content {
            Content::Tar(tar) => match trailing_data(&**tar, index.end()) {
                Ok(None) => {}
                Ok(Some(at)) => self.problem(place, format!("offset {at}: data behind the end of the tar")),
                Err(error) => self.problem(place, error.to_string()),
            },
            Content::Directory(..) => self.files(place, index, content),
        }
        for rejected in index.rejected() {
            self.problem(place, rejection(rejected));
        }
        for problem in check(index, content.tar_len()) {
            self.problem(place, format!("index: {problem}"));
        }
    }

    /// Reads the files of a layer directory: there is no digest to compare, but each must be readable.
    fn files(&mut self, place: Option<(usize, &LayerSource)>, index: &LayerIndex, content: &Content) {
        let files = match index.regular_files() {
            Ok(files) => files,
            Err(error) => return self.problem(place, error.to_string()),
        };
        for leaf in files {
            let read = content.of_file(index, leaf).and_then(|file| read_through(&*file));
            match read {
                Ok(bytes) => self.report.bytes += bytes,
                Err(error) => {
                    let path = index.path(leaf.into()).unwrap_or_default();
                    self.problem(place, format!("{path}: {error}"));
                }
            }
        }
    }

    /// Hard links that need the layers below (S5).
    fn links(&mut self, image: &Image, indexes: &[Option<Arc<LayerIndex>>]) {
        let known: Option<Vec<Arc<dyn Layer>>> =
            indexes.iter().map(|index| index.clone().map(|index| index as Arc<dyn Layer>)).collect();
        let Some(layers) = known.filter(|layers| !layers.is_empty()) else { return };
        let union = match Union::new(layers) {
            Ok(union) => union,
            Err(error) => return self.problem(None, error.to_string()),
        };
        for (no, leaf) in union.rejected_links() {
            let no = no.0 as usize;
            let (Some(layer), Some(Some(index))) = (image.layers.get(no), indexes.get(no)) else { continue };
            let path = index.path(leaf.into()).unwrap_or_default();
            self.problem(Some((no, layer)), format!("member {path}: rejected: {}", Reason::LinkToNothing));
        }
    }

    fn digest(&mut self, algorithm: Algorithm, blob: &dyn ReadAt) -> io::Result<Digest> {
        self.report.bytes += blob.len();
        Digest::of_reader(algorithm, Reader::new(blob)).map(|(digest, _)| digest)
    }

    fn compare(
        &mut self,
        place: Option<(usize, &LayerSource)>,
        what: &str,
        wanted: &Digest,
        found: io::Result<Digest>,
    ) {
        self.report.digests += 1;
        match found {
            Ok(found) if found == *wanted => {}
            Ok(found) => self.problem(place, format!("{what}: found {found}, expected {wanted}")),
            Err(error) => self.problem(place, format!("{what}: {error}")),
        }
    }
}

/// A rejected member, in words.
fn rejection(rejected: &Rejected) -> String {
    let name = rejected.name.escape_ascii();
    format!("member {name}, offset {}: rejected: {}", rejected.offset, rejected.reason)
}

/// Reads all bytes; gives how many.
fn read_through(file: &dyn ReadAt) -> io::Result<u64> {
    io::copy(&mut Reader::new(file), &mut io::sink())
}

/// The member that eStargz layers may have behind their end mark: their table of contents.
const STARGZ_TOC: &[u8] = b"stargz.index.json\0";

/// An error of a layer names its place; the report already does.
fn error_without_place(error: &Error, place: &str) -> String {
    let text = error.to_string();
    text.strip_prefix(place).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&text).to_owned()
}

/// The offset of the first byte behind the end of a tar that is not zero and has no business there.
fn trailing_data(tar: &dyn ReadAt, end: Option<u64>) -> io::Result<Option<u64>> {
    let Some(mut at) = end else { return Ok(None) };
    let mut buffer = vec![0; 64 * 1024];
    let n = tar.read_at(at, &mut buffer)?;
    if buffer.get(..n).is_some_and(|bytes| bytes.starts_with(STARGZ_TOC)) {
        return Ok(None);
    }
    loop {
        let n = tar.read_at(at, &mut buffer)?;
        if n == 0 {
            return Ok(None);
        }
        let bytes = buffer.get(..n).unwrap_or_default();
        if let Some(i) = bytes.iter().position(|&byte| byte != 0) {
            return Ok(Some(at + i as u64));
        }
        at += n as u64;
    }
}
