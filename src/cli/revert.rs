//! `peelfs revert`: forget what was changed over an image.

use std::ffi::OsString;

use crate::commit::{Sides, revert, revert_all};
use crate::fuse;
use crate::path::TreePath;
use crate::upper::Upper;

use super::args::{UpperArgs, path_bytes};
use super::output::Output;
use super::{Outcome, Result, pass_over};

/// Forget changes, so that the image's own shows again
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    over: UpperArgs,
    /// What to forget; of a directory, all that was changed in it
    #[arg(value_name = "PATH", required_unless_present = "all")]
    paths: Vec<OsString>,
    /// Forget everything
    #[arg(long, conflicts_with = "paths")]
    all: bool,
}

pub fn run(args: Args) -> Result {
    fuse::raise_file_limit();
    let stack = args.over.image.stack()?;
    let upper = Upper::open_unmounted(&args.over.upper, &stack, args.over.force)?;
    if args.all {
        revert_all(&upper, &stack)?;
        return Ok(Outcome::Fine);
    }
    let mut out = Output::new();
    let mut outcome = Outcome::Fine;
    for path in &args.paths {
        let forgotten = forget(Sides { stack: &stack, upper: &upper }, path_bytes(path));
        if let Err(error) = forgotten {
            outcome = pass_over(&mut out, &*error)?;
        }
    }
    Ok(outcome)
}

fn forget(sides: Sides<'_>, path: &[u8]) -> Result<()> {
    let path = TreePath::from_name(path).map_err(|error| format!("{}: {error}", path.escape_ascii()))?;
    if path.is_root() {
        return Ok(revert_all(sides.upper, sides.stack)?);
    }
    let reverted = revert(sides, &path)?;
    if !reverted.had_changes {
        tracing::warn!("{path}: not changed");
    }
    for origin in reverted.still_deleted {
        tracing::warn!(
            "{path}: {origin}, from where a directory was renamed, is deleted still; revert it too"
        );
    }
    Ok(())
}
