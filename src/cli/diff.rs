//! `peelfs diff`: what differs between two trees.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::compare::{self, Difference, Options, Side, What};
use crate::fuse;
use crate::image::Input;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::upper::is_upper;

use super::args::{OpenArgs, cut_of, look_at_upper, path_bytes};
use super::diff_words::{Form, Teller};
use super::output::Output;
use super::{Outcome, Result};

/// Show what differs between two images, uppers or directories
#[derive(clap::Args)]
#[command(after_help = "OLD and NEW are each an image, IMAGE@N (as of layer N), IMAGE#N (layer N alone), \
    IMAGE+UPPER (an image and what was changed over it), an upper directory that peelfs wrote (it is taken over \
    the other one's image), or any other directory, which is compared as it lies.")]
pub struct Args {
    /// What there was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// What there is
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Differences that are none
    #[arg(long, value_name = "WHAT,...", value_delimiter = ',')]
    ignore: Vec<Ignore>,
    /// Only this path and what is below
    #[arg(long, value_name = "PATH", default_value = "/", hide_default_value = true)]
    path: OsString,
    /// Compare contents even of files of the same size and time, and of layers with the same diff ID
    #[arg(long)]
    content: bool,
    /// Look for no renamed files: each is deleted and added; nothing is kept in memory
    #[arg(long)]
    no_renames: bool,
    /// Show bytes that came and went, and totals
    #[arg(long, conflicts_with_all = ["json", "patch"])]
    stat: bool,
    /// Show the lines that changed in text files
    #[arg(short, long, conflicts_with = "json")]
    patch: bool,
    /// Write a JSON array of differences
    #[arg(long)]
    json: bool,
    /// Take an upper directory even if it was made over another image
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    open: OpenArgs,
}

/// What need not be the same.
#[derive(Clone, Copy, ValueEnum)]
enum Ignore {
    /// Modification times
    Time,
    /// Users and groups
    Owner,
    /// Permissions
    Mode,
    /// Extended attributes
    Xattr,
}

impl From<Ignore> for What {
    fn from(ignore: Ignore) -> What {
        match ignore {
            Ignore::Time => What::Time,
            Ignore::Owner => What::Owner,
            Ignore::Mode => What::Mode,
            Ignore::Xattr => What::Xattr,
        }
    }
}

pub fn run(args: Args) -> Result {
    let (old, new) = sides(&args)?;
    let ignore: HashSet<What> = args.ignore.iter().copied().map(What::from).collect();
    let path = TreePath::from_name(path_bytes(&args.path))?;
    let options = Options { ignore, content: args.content, path };
    let form = match (args.json, args.stat, args.patch) {
        (true, ..) => Form::Json,
        (_, true, _) => Form::Stat,
        (.., true) => Form::Patch,
        _ => Form::Lines,
    };
    let out = if args.json { Output::new() } else { Output::paged() };
    let mut teller = Teller::new(out, form, &old, &new);
    if args.no_renames {
        compare(&old, &new, &options, |difference| teller.tell(&difference))?;
    } else {
        let mut all: Vec<Difference> = Vec::new();
        compare(&old, &new, &options, |difference| {
            all.push(difference);
            Ok(())
        })?;
        for difference in compare::with_renames(&old, &new, &options.ignore, all)? {
            teller.tell(&difference)?;
        }
    }
    Ok(if teller.finish()? { Outcome::Problems } else { Outcome::Fine })
}

/// The same; a reader that has gone away is told from a tree that cannot be read.
fn compare(
    old: &Side,
    new: &Side,
    options: &Options,
    tell: impl FnMut(Difference) -> io::Result<()>,
) -> Result<()> {
    match compare::compare(old, new, options, tell) {
        Err(compare::Error::Output(error)) => Err(error.into()),
        result => Ok(result?),
    }
}

/// What the user names.
enum Named<'a> {
    Image(&'a Path),
    Over { image: &'a Path, upper: &'a Path },
    Upper(&'a Path),
    Directory(&'a Path),
}

impl<'a> Named<'a> {
    fn of(path: &'a Path) -> Named<'a> {
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() && is_upper_at(path) => Named::Upper(path),
            Ok(metadata) if metadata.is_dir() && !path.join("oci-layout").exists() => Named::Directory(path),
            Ok(_) => Named::Image(path),
            Err(_) => over(path).unwrap_or(Named::Image(path)),
        }
    }

    /// The image, if there is one in it.
    fn image(&self) -> Option<&'a Path> {
        match *self {
            Named::Image(image) | Named::Over { image, .. } => Some(image),
            Named::Upper(_) | Named::Directory(_) => None,
        }
    }
}

fn is_upper_at(path: &Path) -> bool {
    File::open(path).is_ok_and(is_upper)
}

/// Takes `IMAGE+UPPER` apart, at a `+` behind which there is a directory.
fn over(path: &Path) -> Option<Named<'_>> {
    let bytes = path.as_os_str().as_bytes();
    let pluses = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'+');
    let mut parts = pluses.filter_map(|(at, _)| {
        let (image, upper) = bytes.split_at_checked(at)?;
        let image = Path::new(OsStr::from_bytes(image));
        Some((image, Path::new(OsStr::from_bytes(upper.get(1..)?))))
    });
    let (image, upper) = parts.find(|(image, upper)| upper.is_dir() && cut_of(image).0.exists())?;
    Some(Named::Over { image, upper })
}

fn sides(args: &Args) -> Result<(Side, Side)> {
    let (old, new) = (Named::of(&args.old), Named::of(&args.new));
    Ok((side(args, &old, &new)?, side(args, &new, &old)?))
}

fn side(args: &Args, named: &Named<'_>, other: &Named<'_>) -> Result<Side> {
    let stack = |image: &Path| -> Result<Stack> {
        let (path, cut) = cut_of(image);
        Ok(args.open.stack(&Input::Paths(vec![path.to_owned()]), cut)?)
    };
    let view = |image: &Path, dir: &Path| -> Result<Side> {
        let stack = stack(image)?;
        let upper = look_at_upper(dir, &stack, args.force)?;
        Ok(Side::view(stack, upper))
    };
    match *named {
        Named::Image(image) => Ok(Side::image(stack(image)?)),
        Named::Over { image, upper } => view(image, upper),
        Named::Upper(dir) => match other.image() {
            Some(image) => view(image, dir),
            None => Err(format!(
                "{}: an upper directory, and no image to take it over; say IMAGE+{}",
                dir.display(),
                dir.display()
            )
            .into()),
        },
        Named::Directory(dir) => {
            // Each directory on the way down is open.
            fuse::raise_file_limit();
            Side::host(dir).map_err(|error| format!("{}: {error}", dir.display()).into())
        }
    }
}
