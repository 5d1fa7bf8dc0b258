//! An image archive in the writing: blobs named by their digests, which are known only once they are written.
//!
//! So a blob's header is written behind its bytes, into the room that was left for it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use tar::{EntryType, Header};

use crate::digest::{Algorithm, Digest};

use super::layer_tar::pad;
use super::member::BLOCK;
use super::store::Hashed;

/// Bytes written at a time.
const BUFFER: usize = 1024 * 1024;

/// A blob of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What names it.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

impl Blob {
    /// Where it is (image-layout.md, "Blobs").
    pub fn path(&self) -> String {
        format!("blobs/{}/{}", self.digest.algorithm().name(), self.digest.hex())
    }
}

/// An archive that is written front to back, but for the headers of blobs.
pub struct Archive {
    out: BufWriter<File>,
    at: u64,
    blobs: HashMap<Digest, u64>,
}

impl Archive {
    /// Begins an archive in a file that is empty and can be read, too.
    pub fn new(file: File) -> io::Result<Archive> {
        let out = BufWriter::with_capacity(BUFFER, file);
        let mut archive = Archive { out, at: 0, blobs: HashMap::new() };
        for path in ["blobs/", "blobs/sha256/"] {
            archive.header(path, EntryType::Directory, 0)?;
        }
        Ok(archive)
    }

    fn header(&mut self, path: &str, kind: EntryType, size: u64) -> io::Result<()> {
        self.out.write_all(header(path, kind, size).as_bytes())?;
        self.at += BLOCK;
        Ok(())
    }

    /// Writes a small file.
    pub fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.header(path, EntryType::Regular, bytes.len() as u64)?;
        self.out.write_all(bytes)?;
        self.end_member(bytes.len() as u64)
    }

    /// Writes a small blob, unless it is there.
    pub fn blob(&mut self, bytes: &[u8]) -> io::Result<Blob> {
        let blob = Blob { digest: Digest::of(bytes), size: bytes.len() as u64 };
        if self.blobs.insert(blob.digest.clone(), blob.size).is_none() {
            self.file(&blob.path(), bytes)?;
        }
        Ok(blob)
    }

    /// The blob of a digest, if it is there.
    pub fn find(&self, digest: &Digest) -> Option<Blob> {
        let size = *self.blobs.get(digest)?;
        Some(Blob { digest: digest.clone(), size })
    }

    /// Writes a blob of any length, and names it after what it turned out to be.
    pub fn stream(
        &mut self,
        algorithm: Algorithm,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Blob> {
        let (blob, ()) = self.member(|out| {
            let mut hashed = Hashed::new(out, algorithm)?;
            write(&mut hashed)?;
            let (_, digest, size) = hashed.finish()?;
            let digest = digest.ok_or_else(|| io::Error::other("no digest"))?;
            Ok::<_, io::Error>((Blob { digest, size }, ()))
        })?;
        Ok(blob)
    }

    /// Writes a blob that says itself what it is, and what else there is to say of it.
    pub fn member<T, E: From<io::Error>>(
        &mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(Blob, T), E>,
    ) -> Result<(Blob, T), E> {
        let header_at = self.at;
        // Room for the header.
        self.out.write_all(&[0; BLOCK as usize])?;
        self.at += BLOCK;
        let (blob, more) = write(&mut self.out)?;
        self.end_member(blob.size)?;
        self.out.flush()?;
        if self.blobs.insert(blob.digest.clone(), blob.size).is_some() {
            self.take_back(header_at)?;
        } else {
            let header = header(&blob.path(), EntryType::Regular, blob.size);
            self.out.get_ref().write_all_at(header.as_bytes(), header_at)?;
        }
        Ok((blob, more))
    }

    fn end_member(&mut self, len: u64) -> io::Result<()> {
        pad(&mut self.out, len)?;
        self.at += len.next_multiple_of(BLOCK);
        Ok(())
    }

    /// Forgets what was written last: the same blob is there already.
    fn take_back(&mut self, at: u64) -> io::Result<()> {
        self.out.seek(SeekFrom::Start(at))?;
        self.out.get_ref().set_len(at)?;
        self.at = at;
        Ok(())
    }

    /// Writes the end mark.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&[0; 2 * BLOCK as usize])?;
        self.out.flush()
    }
}

/// A header in which nothing is of today. A size of 8 GiB or more is in base 256, as all readers know it.
fn header(path: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    let name = &mut header.as_old_mut().name;
    name.iter_mut().zip(path.as_bytes()).for_each(|(to, from)| *to = *from);
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header
}
