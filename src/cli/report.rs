//! `peelfs report`: an image on one page.

use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::commit::{self, Error};
use crate::report::Report;

use super::args::ImageArgs;
use super::output::Output;
use super::{Outcome, Result};

/// Write a page that shows layers, sizes, what is hidden, and the steps of an image
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Write to this file; `-` is standard output, which it is if nothing is said
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(args: Args) -> Result {
    let to_file = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let mut out = Output::new();
    if to_file.is_none() && out.is_terminal() {
        return Err("standard output is a terminal: name a file with -o".into());
    }
    to_file.map_or(Ok(()), |file| args.image.check_output(file))?;
    let stack = args.image.stack()?;
    // Where it lies is nobody's business who gets the page.
    let name = args.image.image_path.file_name().unwrap_or(args.image.image_path.as_os_str());
    let report = Report::of(&stack, name.as_bytes())?;
    match to_file {
        Some(path) => write_file(&report, path)?,
        None => report.write(&mut out).and_then(|()| out.flush())?,
    }
    Ok(Outcome::Fine)
}

fn write_file(report: &Report<'_>, path: &Path) -> Result<()> {
    let wrong = |source| Error::Output { path: path.to_owned(), source };
    let output = commit::Output::create(path).map_err(wrong)?;
    let mut file = BufWriter::new(output.file().map_err(wrong)?);
    report.write(&mut file).and_then(|()| file.flush()).map_err(wrong)?;
    Ok(output.keep().map_err(wrong)?)
}
