//! `peelfs cp`: files out of an image.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::blob::Progress;
use crate::copy_out::{CopyOut, Manner, Place};
use crate::export::Export;
use crate::fuse;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::shown_path;
use crate::union::{Last, Node, Resolved};

use super::args::{ImageArgs, OpenArgs, cut_of};
use super::hidden::resolve;
use super::output::Output;
use super::progress::Bar;
use super::{Outcome, Result, complain};

/// Copy files and directories out of the image
///
/// Directories are copied with all that is in them. If DEST is a directory, it goes in there; what ends with `/.` is
/// what is in a directory. Nothing is written outside of DEST, whatever symlinks there are, in the image or in DEST.
#[derive(clap::Args)]
#[command(
    override_usage = "peelfs cp [OPTIONS] IMAGE:PATH... DEST\n       peelfs cp [OPTIONS] IMAGE PATH... DEST"
)]
pub struct Args {
    /// What to copy, IMAGE:PATH..., and where to: a path, or `-` for a tar on standard output
    #[arg(value_name = "IMAGE:PATH... DEST", required = true, num_args = 2..)]
    words: Vec<OsString>,
    /// Keep owners, set-id bits, devices and all attributes, as root
    #[arg(short, long)]
    archive: bool,
    /// Follow a symlink that PATH is
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Put a layer below IMAGE (repeat: base first)
    #[arg(long, help_heading = "Opening the image", value_name = "LAYER")]
    lower: Vec<PathBuf>,
    #[command(flatten)]
    open: OpenArgs,
}

/// What was asked for.
struct Order {
    image: PathBuf,
    paths: Vec<Vec<u8>>,
    dest: PathBuf,
}

pub fn run(args: Args) -> Result {
    let Order { image, paths, dest } = order(&args.words)?;
    let to_stdout = dest == Path::new("-");
    if to_stdout && Output::new().is_terminal() {
        return Err("standard output is a terminal, and a tar is no text".into());
    }
    // Each directory on the way to what is copied is open.
    fuse::raise_file_limit();
    let image = ImageArgs { image_path: image, lower: args.lower, open: args.open };
    let stack = image.stack()?;
    let last = if args.follow_link { Last::Follow } else { Last::Keep };
    let bar = Bar::new("copying");
    check_names(&paths)?;
    if to_stdout {
        return archive(&image, &stack, &paths, last, &bar);
    }
    if paths.len() > 1 && !dest.is_dir() {
        return Err(format!("{}: no directory, for several things to go into", dest.display()).into());
    }
    let manner = Manner { archive: args.archive };
    let mut outcome = Outcome::Fine;
    for path in &paths {
        let found = resolve(&image, &stack, path, last);
        let copied = found.and_then(|found| copy(&stack, path, found, &dest, manner, &bar));
        match copied {
            Ok(Outcome::Fine) => {}
            Ok(_) => outcome = Outcome::Partial,
            Err(error) => {
                complain(&error.to_string());
                outcome = Outcome::Partial;
            }
        }
    }
    Ok(outcome)
}

/// Refuses several things that would go to one name: the last would be what is there.
fn check_names(paths: &[Vec<u8>]) -> Result<()> {
    let mut names = HashSet::new();
    for path in paths.iter().filter(|path| !is_contents(path)) {
        let name = name_of(path, &TreePath::root());
        if !name.is_empty() && !names.insert(name) {
            return Err(
                format!("{}: something else that is copied has this name, too", shown_path(path)).into()
            );
        }
    }
    Ok(())
}

/// Takes the words apart: `IMAGE:PATH... DEST`, or `IMAGE PATH... DEST`.
fn order(words: &[OsString]) -> Result<Order> {
    let Some((dest, sources)) = words.split_last() else { return Err("nothing to copy".into()) };
    let dest = PathBuf::from(dest);
    let split: Vec<Option<(PathBuf, Vec<u8>)>> = sources.iter().map(|word| split(word)).collect();
    if let Some(all) = split.iter().cloned().collect::<Option<Vec<_>>>() {
        let image = all.first().map(|(image, _)| image.clone()).unwrap_or_default();
        if all.iter().any(|(other, _)| *other != image) {
            return Err("all that is copied at once must be of one image".into());
        }
        let paths = all.into_iter().map(|(_, path)| path).collect();
        return Ok(Order { image, paths, dest });
    }
    match sources {
        [image, paths @ ..] if !paths.is_empty() && exists(Path::new(image)) => {
            let paths = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
            Ok(Order { image: image.into(), paths, dest })
        }
        [_, ..] => {
            let bad = sources.iter().zip(&split).find_map(|(word, split)| split.is_none().then_some(word));
            Err(bad.map(|word| no_image_and_path(word)).unwrap_or_default().into())
        }
        [] => Err("nothing to copy; usage: peelfs cp IMAGE:PATH... DEST".into()),
    }
}

/// What is wrong with a word that should be both.
fn no_image_and_path(word: &OsStr) -> String {
    let bytes = word.as_bytes();
    match bytes.iter().position(|&byte| byte == b':') {
        Some(colon) => {
            let image = Path::new(OsStr::from_bytes(bytes.get(..colon).unwrap_or_default()));
            format!("{}: no such file", image.display())
        }
        None => {
            format!("{}: no image and path; usage: peelfs cp IMAGE:PATH... DEST", Path::new(word).display())
        }
    }
}

fn exists(image: &Path) -> bool {
    cut_of(image).0.symlink_metadata().is_ok()
}

/// Takes `IMAGE:PATH` apart, at the first colon before which there is an image.
fn split(word: &OsStr) -> Option<(PathBuf, Vec<u8>)> {
    let bytes = word.as_bytes();
    let colons = bytes.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
    let mut splits = colons.filter_map(|at| Some((bytes.get(..at)?, bytes.get(at + 1..)?)));
    let (image, path) = splits.find(|(image, _)| exists(Path::new(OsStr::from_bytes(image))))?;
    Some((OsStr::from_bytes(image).into(), path.to_vec()))
}

/// A tar of all of it.
fn archive(image: &ImageArgs, stack: &Stack, paths: &[Vec<u8>], last: Last, bar: &Bar) -> Result {
    let mut out = Output::bulk();
    let mut export = Export::new(stack, &mut out, bar);
    for path in paths {
        let Resolved { path: real, node, .. } = resolve(image, stack, path, last)?;
        let name = if is_contents(path) { b"".to_vec() } else { name_of(path, &real) };
        export.add_tree(&real, &node, &name)?;
    }
    let left_out = std::mem::take(&mut export.left_out);
    export.finish()?;
    out.flush()?;
    for path in &left_out {
        complain(&format!("{}: left out, as no tar can hold a socket", shown_path(path.as_bytes())));
    }
    Ok(if left_out.is_empty() { Outcome::Fine } else { Outcome::Partial })
}

fn copy(stack: &Stack, path: &[u8], found: Resolved, dest: &Path, manner: Manner, bar: &Bar) -> Result {
    let Resolved { path: real, node, .. } = found;
    let wrong = |error: io::Error| format!("{}: {error}", dest.display());
    let to = place(path, &real, &node, dest).map_err(wrong)?;
    if let Node::Leaf { layer, leaf } = node {
        bar.expect(stack.union.leaf_attributes(layer, leaf)?.size);
    }
    let mut outcome = Outcome::Fine;
    let mut tell = |path: &TreePath, error: crate::copy_out::Error| {
        complain(&format!("{}: {error}", shown_path(path.as_bytes())));
        outcome = Outcome::Partial;
    };
    let done = CopyOut::run(stack, &real, &node, to, manner, bar, &mut tell);
    done.map_err(|error| format!("{}: {error}", shown_path(real.as_bytes())))?;
    Ok(outcome)
}

/// Where something goes: into a directory that is there, else under the last name of DEST.
fn place(path: &[u8], real: &TreePath, node: &Node, dest: &Path) -> io::Result<Place> {
    let is_contents = node.as_dir().is_some() && (is_contents(path) || real.is_root());
    match (dest.is_dir(), is_contents) {
        (true, true) => Place::new(dest, b""),
        (true, false) => Place::new(dest, &name_of(path, real)),
        (false, _) => {
            // With a slash at its end it is a directory, which it is for a directory alone to make.
            if node.as_dir().is_none() && dest.as_os_str().as_bytes().ends_with(b"/") {
                return Err(io::Error::from(io::ErrorKind::NotADirectory));
            }
            let parent =
                dest.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let name = dest.file_name().ok_or(io::ErrorKind::NotFound)?;
            Place::new(parent, name.as_bytes())
        }
    }
}

/// Whether what is in a directory is meant.
fn is_contents(path: &[u8]) -> bool {
    path.ends_with(b"/.") || matches!(path, b"." | b"/")
}

/// The name that it was asked for by; where that says nothing, the one that it has.
fn name_of(path: &[u8], real: &TreePath) -> Vec<u8> {
    let asked = crate::path::split(path).last().filter(|name| !matches!(*name, b"." | b".."));
    asked.or_else(|| real.components().last()).unwrap_or_default().to_vec()
}
