//! The files of an archive or a directory, by name: what docker and OCI layouts are read from.
//!
//! An archive is itself a tar, so it is indexed like a layer, and seen through a union of that one layer.
//! Repeated members, links and hostile names are settled there, once for all; and if it turns out to be
//! no image archive, its index is that of the one layer it is.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::blob::{Blob, Window, read_all};
use crate::digest::Digest;
use crate::entry::Kind;
use crate::index::{Content, LayerIndex};
use crate::layer::LeafId;
use crate::tarball::Known;
use crate::union::{Last, Node, ResolveError, Union};

use super::IndexedLayer;
use super::error::Error;

/// The largest manifest, index or configuration that is read, in bytes. Registries, podman and skopeo
/// refuse more than 4 MiB; read, it may need 16 times as much memory.
const MAX_JSON: usize = 8 * 1024 * 1024;

/// The longest list of images, in bytes: what is larger is some other file of its name.
const MAX_LIST: usize = 64 * 1024 * 1024;

/// A tar or a directory whose files can be had by name.
pub struct Archive {
    /// The host path, for messages.
    pub name: Arc<str>,
    /// All names in it.
    pub index: Arc<LayerIndex>,
    /// Their bytes.
    pub content: Arc<Content>,
    /// What is known of its tar, if it is one.
    pub known: Option<Known>,
    union: Union,
}

/// A file of an archive.
#[derive(Clone)]
pub struct ArchiveFile {
    /// Its bytes.
    pub blob: Blob,
    /// The archive it is in.
    pub archive: Arc<str>,
    /// What tells it from other files there: links to it have the same.
    pub leaf: LeafId,
}

impl Archive {
    /// Takes one tar or directory.
    pub fn new(name: &str, layer: IndexedLayer) -> Result<Archive, Error> {
        let IndexedLayer { index, content, known } = layer;
        let union = Union::new(vec![index.clone()])
            .map_err(|error| Error::Read { place: name.to_owned(), source: std::io::Error::other(error) })?;
        Ok(Archive { name: name.into(), index, content, known, union })
    }

    /// `ARCHIVE: MEMBER`, for messages.
    pub fn place(&self, path: &str) -> String {
        format!("{}: {}", self.name, path.escape_debug())
    }

    /// A file by its path, symlinks within the archive followed; `None` if there is none.
    pub fn file(&self, path: &str) -> Result<Option<ArchiveFile>, Error> {
        let read = |source| Error::Read { place: self.place(path), source };
        let node = match self.union.resolve(path.as_bytes(), Last::Follow) {
            Ok(resolved) => resolved.node,
            Err(ResolveError::Tree(error)) => return Err(read(std::io::Error::other(error))),
            Err(_) => return Ok(None),
        };
        let Node::Leaf { leaf, .. } = node else { return Ok(None) };
        let attributes = self.union.attributes(&node).map_err(|error| read(std::io::Error::other(error)))?;
        if attributes.kind != Kind::Regular {
            return Ok(None);
        }
        let extents = self.index.extents(leaf).map_err(|error| read(std::io::Error::other(error)))?;
        let source = self.content.of_file(&self.index, leaf).map_err(read)?;
        let (offset, len) = match &*extents {
            [] if attributes.size == 0 => (0, 0),
            [whole] if whole.logical == 0 && whole.len == attributes.size => (whole.source, whole.len),
            _ => return Err(Error::Unsupported { place: self.place(path), what: "stored as a sparse file" }),
        };
        let window =
            Window::new(source, offset, len).ok_or_else(|| read(std::io::ErrorKind::UnexpectedEof.into()))?;
        Ok(Some(ArchiveFile { blob: Arc::new(window), archive: self.name.clone(), leaf }))
    }

    /// Whether there is a directory at a path.
    pub fn is_dir(&self, path: &str) -> bool {
        let resolved = self.union.resolve(path.as_bytes(), Last::Follow);
        resolved.is_ok_and(|resolved| resolved.node.as_dir().is_some())
    }

    /// The bytes of a small file.
    pub fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.file(path)? else { return Ok(None) };
        self.read(path, &file, MAX_JSON).map(Some)
    }

    fn read(&self, path: &str, file: &ArchiveFile, limit: usize) -> Result<Vec<u8>, Error> {
        read_all(&*file.blob, limit).map_err(|source| Error::Read { place: self.place(path), source })
    }

    /// The bytes of a file that may be a list of images.
    pub fn list_bytes(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.file(path)? {
            Some(file) if file.blob.len() <= MAX_LIST as u64 => self.read(path, &file, MAX_LIST).map(Some),
            _ => Ok(None),
        }
    }

    /// A JSON file.
    pub fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Error> {
        let Some(bytes) = self.bytes(path)? else { return Ok(None) };
        self.parse(path, &bytes).map(Some)
    }

    /// Reads JSON that stands in the file at `path`.
    pub fn parse<T: DeserializeOwned>(&self, path: &str, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|source| Error::Json { place: self.place(path), source })
    }

    /// A digest that stands in the file at `path`.
    pub fn digest(&self, path: &str, text: &str) -> Result<Digest, Error> {
        text.parse().map_err(|source| Error::Digest { place: self.place(path), source })
    }

    /// The names at the top, those that are not UTF-8 left out.
    pub fn top_names(&self) -> Vec<String> {
        let list = self.union.list(self.union.root());
        let names = list.into_iter().flatten().flatten().map(|listed| listed.name.to_vec());
        names.filter_map(|name| String::from_utf8(name).ok()).collect()
    }
}
