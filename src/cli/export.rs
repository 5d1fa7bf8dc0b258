//! `peelfs export`: the tree that shows, as one tar.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::blob::Progress;
use crate::commit::{self, Encoder, Sides, Stored};
use crate::export::Export;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::count;
use crate::union::Node;
use crate::upper::Upper;

use super::args::{ImageArgs, look_at_upper};
use super::commit::{StoredName, stored_as};
use super::output::Output;
use super::progress::Bar;
use super::{Outcome, Result, complain};

/// Bytes that are written at a time.
const BUFFER: usize = 1024 * 1024;

/// Write the tree that shows as one tar, as `docker export` does
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Write to this file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compress the tar [default: none, or as the file's name says]
    #[arg(long, value_name = "HOW")]
    compression: Option<StoredName>,
    /// With this upper directory over the image
    #[arg(long, value_name = "DIR")]
    upper: Option<PathBuf>,
    /// Take the upper directory even if it was made over another image
    #[arg(long, requires = "upper")]
    force: bool,
}

pub fn run(args: Args) -> Result {
    let file = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if file.is_none() && Output::new().is_terminal() {
        return Err("standard output is a terminal: name a file with -o".into());
    }
    file.map_or(Ok(()), |file| args.image.check_output(file))?;
    let stored = stored_as(args.compression, file);
    let stack = args.image.stack()?;
    let upper = args.upper.as_deref().map(|dir| look_at_upper(dir, &stack, args.force)).transpose()?;
    let Some(path) = file else {
        let mut out = Output::bulk();
        let outcome = write(&stack, upper.as_ref(), stored, &mut out)?;
        out.flush()?;
        return Ok(outcome);
    };
    let wrong = |source| commit::Error::Output { path: path.to_owned(), source };
    let output = commit::Output::create(path).map_err(wrong)?;
    let mut out = BufWriter::with_capacity(BUFFER, output.file().map_err(wrong)?);
    let outcome = write(&stack, upper.as_ref(), stored, &mut out)?;
    out.flush().map_err(wrong)?;
    output.keep().map_err(wrong)?;
    Ok(outcome)
}

fn write(stack: &Stack, upper: Option<&Upper>, stored: Stored, out: impl Write) -> Result {
    let bar = Bar::new("exporting");
    bar.expect(stack.layers().iter().map(|layer| layer.index.data_size()).fold(0, u64::saturating_add));
    let mut export = Export::new(stack, Encoder::new(stored, out)?, &bar);
    match upper {
        Some(upper) => export.add_view(Sides { stack, upper })?,
        None => export.add_tree(&TreePath::root(), &Node::Dir(stack.union.root().clone()), b"")?,
    }
    let sockets = export.left_out.len();
    export.finish()?.finish()?.flush()?;
    if sockets > 0 {
        complain(&format!("left out, as no tar can hold them: {}", count(sockets as u64, "socket")));
        return Ok(Outcome::Partial);
    }
    Ok(Outcome::Fine)
}
