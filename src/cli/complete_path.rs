//! `peelfs __complete-path`: for the shells' scripts, the names in an image that a path may go on with.
//!
//! Someone waits for it at the keyboard: it reads no layer, and after a while it gives up.

use std::ffi::OsString;
use std::io::Write;
use std::process;
use std::thread;
use std::time::Duration;

use crate::image::Input;
use crate::stack::Stack;
use crate::text::is_hostile;
use crate::union::{Last, Node};

use super::args::{OpenArgs, cut_of, path_bytes};
use super::output::Output;
use super::{Outcome, Result};

/// How long someone waits for names.
const PATIENCE: Duration = Duration::from_millis(700);

/// Names that are worth being shown.
const MAX_NAMES: usize = 500;

/// Write the paths in an image that begin with PREFIX, if its layers need not be read for that
#[derive(clap::Args)]
pub struct Args {
    image: std::path::PathBuf,
    prefix: OsString,
}

pub fn run(args: Args) -> Result {
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        process::exit(0);
    });
    let (path, cut) = cut_of(&args.image);
    let opening = OpenArgs::default().opening(cut);
    let Some(stack) = Stack::recall(&opening, &Input::Paths(vec![path.to_owned()]))? else {
        return Ok(Outcome::Fine);
    };
    let prefix = path_bytes(&args.prefix);
    let at = prefix.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (dir, begun) = prefix.split_at_checked(at).unwrap_or_default();
    let Node::Dir(node) = stack.union.resolve(dir, Last::Follow)?.node else { return Ok(Outcome::Fine) };
    let mut out = Output::new();
    let mut count = 0;
    for listed in stack.union.list(&node)? {
        let listed = listed?;
        // A line is a name.
        let is_text = std::str::from_utf8(listed.name).is_ok_and(|name| !name.contains(is_hostile));
        if !listed.name.starts_with(begun) || !is_text {
            continue;
        }
        let end: &[u8] = if listed.node.as_dir().is_some() { b"/\n" } else { b"\n" };
        out.write_all(&[dir, listed.name, end].concat())?;
        count += 1;
        if count == MAX_NAMES {
            break;
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}
