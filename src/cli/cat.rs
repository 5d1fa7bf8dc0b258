//! `peelfs cat`: the bytes of files in the image.

use std::ffi::OsString;
use std::io::Write;

use crate::fs::{Filesystem, InodeNo};
use crate::union::Last;

use super::args::{ImageArgs, path_bytes};
use super::output::Output;
use super::{Outcome, Result};

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
    let mut out = Output::new();
    let mut buffer = vec![0; CHUNK];
    for path in &args.paths {
        let resolved = fs.stack().union.resolve(path_bytes(path), Last::Follow)?;
        let ino = InodeNo::of(&fs.stack().union, &resolved.node);
        let mut offset = 0;
        loop {
            let n =
                fs.read(ino, offset, &mut buffer).map_err(|error| format!("{}: {error}", resolved.path))?;
            if n == 0 {
                break;
            }
            out.write_all(buffer.get(..n).unwrap_or_default())?;
            offset += n as u64;
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}
