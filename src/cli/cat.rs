//! `peelfs cat`: the bytes of files in the image.

use std::ffi::OsString;
use std::io::{self, Write};

use crate::entry::Kind;
use crate::fs::{Filesystem, InodeNo};
use crate::path::TreePath;
use crate::union::Last;

use super::args::{ImageArgs, path_bytes};
use super::hidden::resolve;
use super::output::Output;
use super::{Outcome, Result, pass_over};

/// Bytes read at a time.
const CHUNK: usize = 1024 * 1024;

/// Write the contents of files in the image
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// The files; symlinks are followed within the image
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<OsString>,
}

pub fn run(args: Args) -> Result {
    let fs = Filesystem::new(args.image.stack()?);
    let mut out = Output::bulk();
    let mut outcome = Outcome::Fine;
    let mut buffer = vec![0; CHUNK];
    for path in &args.paths {
        let copied = match File::open(&args.image, &fs, path_bytes(path)) {
            Ok(file) => file.copy(&mut out, &mut buffer)?,
            Err(error) => Err(error),
        };
        if let Err(error) = copied {
            outcome = pass_over(&mut out, &*error)?;
        }
    }
    out.flush()?;
    Ok(outcome)
}

/// A regular file of the image.
struct File<'a> {
    fs: &'a Filesystem,
    path: TreePath,
    ino: InodeNo,
}

impl File<'_> {
    fn open<'a>(args: &ImageArgs, fs: &'a Filesystem, path: &[u8]) -> Result<File<'a>> {
        let union = &fs.stack().union;
        let resolved = resolve(args, fs.stack(), path, Last::Follow)?;
        match union.attributes(&resolved.node)?.kind {
            Kind::Regular => {}
            kind => return Err(format!("{}: is a {}", resolved.path, kind.name()).into()),
        }
        Ok(File { fs, ino: InodeNo::of(union, &resolved.node), path: resolved.path })
    }

    /// Writes all of it: what is wrong with stdout is the outer error, what is wrong with the file the
    /// inner one.
    fn copy(&self, out: &mut Output, buffer: &mut [u8]) -> io::Result<Result<()>> {
        let mut offset = 0;
        loop {
            match self.fs.read(self.ino, offset, buffer) {
                Ok(0) => return Ok(Ok(())),
                Ok(n) => {
                    out.write_all(buffer.get(..n).unwrap_or_default())?;
                    offset += n as u64;
                }
                Err(error) => return Ok(Err(format!("{}: {error}", self.path).into())),
            }
        }
    }
}
