//! A compressed stream decoded once into an unlinked temporary file: random access for the price of disk.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::pass::too_long;
use super::space::Space;
use super::{Blob, Compression, DecodeError, HostFile, ReadAt, Reader, decoder};

/// Bytes moved at a time.
const CHUNK: usize = 256 * 1024;

/// Why a stream could not be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The compressed stream is damaged, or its source cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The spool directory cannot be written.
    #[error("spool directory {}: {source}", .dir.display())]
    Write {
        /// The directory.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The decoded stream does not fit.
    #[error(
        "spool directory {}: no space for the decoded {compression} stream ({written} bytes of it fit); \
         choose another with --spool-dir", .dir.display()
    )]
    NoSpace {
        /// The directory.
        dir: PathBuf,
        /// How the stream is compressed.
        compression: Compression,
        /// What could be written.
        written: u64,
    },
}

/// The directory that decoded streams are kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolDir(PathBuf);

impl SpoolDir {
    /// A directory of the user's choice.
    pub fn new(dir: impl Into<PathBuf>) -> SpoolDir {
        SpoolDir(dir.into())
    }

    /// Decodes a stream, which may be `max_len` bytes long; its bytes are freed when the blob is dropped, however
    /// the process ends.
    pub fn spool(
        &self,
        stream: &dyn ReadAt,
        compression: Compression,
        max_len: u64,
    ) -> Result<Blob, SpoolError> {
        let file = tempfile::tempfile_in(&self.0).map_err(|source| self.write_error(source))?;
        let mut spooling = Spooling { compression, file, max_len, written: 0, space: Space::default() };
        let mut source = CountingReader { inner: Reader::new(stream), count: 0 };
        let result = spooling.run(&mut source);
        let written = spooling.written;
        result.map_err(|error| error.into_spool_error(self, compression, source.count, written))?;
        tracing::debug!(%compression, written, dir = %self.0.display(), "stream spooled");
        HostFile::new(spooling.file)
            .map(|file| Blob::from(Box::new(file) as Box<dyn ReadAt>))
            .map_err(|source| self.write_error(source))
    }

    fn write_error(&self, source: io::Error) -> SpoolError {
        SpoolError::Write { dir: self.0.clone(), source }
    }
}

impl Default for SpoolDir {
    /// `$TMPDIR`, or `/var/tmp`, which is meant for large files where `/tmp` is often memory.
    fn default() -> SpoolDir {
        match std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => SpoolDir(dir.into()),
            None if Path::new("/var/tmp").is_dir() => SpoolDir("/var/tmp".into()),
            None => SpoolDir("/tmp".into()),
        }
    }
}

struct Spooling {
    compression: Compression,
    file: File,
    max_len: u64,
    written: u64,
    space: Space,
}

enum Failure {
    Decode(io::Error),
    Write(io::Error),
    NoSpace,
}

impl Spooling {
    fn run(&mut self, source: &mut (impl Read + Send)) -> Result<(), Failure> {
        let source = BufReader::with_capacity(CHUNK, source);
        let mut decoder = decoder(self.compression, source).map_err(Failure::Decode)?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = match decoder.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::Decode(error)),
            };
            if n as u64 > self.max_len - self.written {
                return Err(Failure::Decode(too_long(self.max_len)));
            }
            self.write(buffer.get(..n).unwrap_or_default())?;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.space.check(&self.file, self.written).and_then(|()| self.file.write_all(bytes)) {
            Ok(()) => self.written += bytes.len() as u64,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Err(Failure::NoSpace),
            Err(error) => return Err(Failure::Write(error)),
        }
        Ok(())
    }
}

impl Failure {
    fn into_spool_error(
        self,
        dir: &SpoolDir,
        compression: Compression,
        offset: u64,
        written: u64,
    ) -> SpoolError {
        match self {
            Failure::Decode(source) => DecodeError { compression, offset, source }.into(),
            Failure::Write(source) => dir.write_error(source),
            Failure::NoSpace => SpoolError::NoSpace { dir: dir.0.clone(), compression, written },
        }
    }
}

struct CountingReader<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count += n as u64;
        Ok(n)
    }
}
