//! A new layer on its way into a file: packed, hashed and compressed in one pass.

use std::io::{self, Write};

use crate::digest::{Algorithm, DiffId, Digest};

use super::compress::{Encoder, Stored};
use super::hash::HashThread;
use super::layer_tar::LayerTar;

/// What a layer turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLayer {
    /// The digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// The digest of what was written.
    pub digest: Digest,
    /// Bytes written.
    pub size: u64,
}

/// A layer tar that ends up in `W`.
pub type NewLayer<W> = LayerTar<Hashed<Encoder<Hashed<W>>>>;

/// Writes the layer that `fill` makes.
pub fn store_layer<W: Write, E: From<io::Error>>(
    out: W,
    stored: Stored,
    fill: impl FnOnce(&mut NewLayer<W>) -> Result<(), E>,
) -> Result<StoredLayer, E> {
    // What is not compressed has one digest.
    let out = match stored {
        Stored::Plain => Hashed::counted(out),
        Stored::Gzip | Stored::Zstd => Hashed::new(out, Algorithm::Sha256)?,
    };
    let mut tar = LayerTar::new(Hashed::new(Encoder::new(stored, out)?, Algorithm::Sha256)?);
    fill(&mut tar)?;
    let (encoder, diff_id, _) = tar.finish()?.finish()?;
    let (_, digest, size) = encoder.finish()?.finish()?;
    let diff_id = diff_id.ok_or_else(|| io::Error::other("no diff ID"))?;
    Ok(StoredLayer { digest: digest.unwrap_or_else(|| diff_id.clone()), diff_id: DiffId(diff_id), size })
}

/// A writer that counts what passes through it, and hashes it.
pub struct Hashed<W> {
    out: W,
    hash: Option<HashThread>,
    len: u64,
}

impl<W: Write> Hashed<W> {
    /// Hashes what is written.
    pub fn new(out: W, algorithm: Algorithm) -> io::Result<Hashed<W>> {
        Ok(Hashed { out, hash: Some(HashThread::start(algorithm)?), len: 0 })
    }

    /// Counts what is written, and no more.
    fn counted(out: W) -> Hashed<W> {
        Hashed { out, hash: None, len: 0 }
    }

    /// What was written to, the digest of what was written, and its length.
    pub fn finish(self) -> io::Result<(W, Option<Digest>, u64)> {
        let digest = self.hash.map(HashThread::finish).transpose()?;
        Ok((self.out, digest, self.len))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.out.write(buf)?;
        self.len += n as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(buf.get(..n).unwrap_or_default())?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
