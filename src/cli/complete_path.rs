//! `peelfs __complete-path`: for the shells' scripts, the names in an image that a path may go on with.
//!
//! Which words of a line are options, and which of them take a value, is known here and not in the scripts. Someone
//! waits for it at the keyboard: it decodes no layer, and after a while it gives up.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use clap::{Arg, Command, CommandFactory};

use crate::image::Input;
use crate::stack::Stack;
use crate::text::is_hostile;
use crate::union::{Last, Node};

use super::args::{OpenArgs, cut_of, path_bytes};
use super::find_words::with_options;
use super::output::Output;
use super::{Cli, Outcome, Result};

/// How long someone waits for names.
const PATIENCE: Duration = Duration::from_millis(700);

/// Names that are worth being shown.
const MAX_NAMES: usize = 500;

/// Write, each with a NUL behind it, the paths in the image of a line that its last word may go on with
#[derive(clap::Args)]
pub struct Args {
    /// The word that is being typed, without its quotes
    current: OsString,
    /// Those before it, without the program's name
    before: Vec<OsString>,
}

pub fn run(args: Args) -> Result {
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        process::exit(0);
    });
    if args.current.as_bytes().starts_with(b"-") {
        return Ok(Outcome::Fine);
    }
    let Some(image) = image_of(args.before).map(at_home) else { return Ok(Outcome::Fine) };
    let (path, cut) = cut_of(&image);
    let opening = OpenArgs::default().opening(cut);
    let Some(stack) = Stack::recall(&opening, &Input::Paths(vec![path.to_owned()]))? else {
        return Ok(Outcome::Fine);
    };
    let prefix = path_bytes(&args.current);
    let at = prefix.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (dir, begun) = prefix.split_at_checked(at).unwrap_or_default();
    let Node::Dir(node) = stack.union.resolve(dir, Last::Follow)?.node else { return Ok(Outcome::Fine) };
    let mut out = Output::new();
    let mut count = 0;
    for listed in stack.union.list(&node)? {
        let listed = listed?;
        if !listed.name.starts_with(begun) || !is_text(listed.name) {
            continue;
        }
        let end: &[u8] = if listed.node.as_dir().is_some() { b"/\0" } else { b"\0" };
        out.write_all(&[dir, listed.name, end].concat())?;
        count += 1;
        if count == MAX_NAMES {
            break;
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

/// Whether a shell can show a name, and write it on its command line: line ends they quote.
fn is_text(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| !name.contains(|letter| letter != '\n' && is_hostile(letter)))
}

/// The image that a line names, if a path in it may come next.
fn image_of(before: Vec<OsString>) -> Option<PathBuf> {
    let cli = Cli::command();
    let line = with_options([OsString::from("peelfs")].into_iter().chain(before).collect()).ok()?;
    let mut command: Option<&Command> = None;
    let mut image: Option<PathBuf> = None;
    let mut words = line.iter().skip(1);
    let mut are_options = true;
    while let Some(word) = words.next() {
        if are_options && word == "--" {
            are_options = false;
        } else if are_options && word.as_bytes().starts_with(b"-") && word != "-" {
            // Its value may be what is being typed.
            if takes_next(&[Some(&cli), command], word) && words.next().is_none() {
                return None;
            }
        } else if command.is_none() {
            command = Some(cli.find_subcommand(word).filter(|command| takes_paths(command))?);
        } else {
            image.get_or_insert_with(|| word.into());
        }
    }
    image
}

/// Whether a command's words are an image and paths in it.
fn takes_paths(command: &Command) -> bool {
    let mut positionals = command.get_positionals().map(|own| own.get_id().as_str());
    positionals.next() == Some("image_path") && positionals.next().is_some_and(|own| own.starts_with("path"))
}

/// Whether the word behind an option is its value.
fn takes_next(commands: &[Option<&Command>], option: &OsStr) -> bool {
    let Some(option) = option.to_str() else { return false };
    let known = |is_it: &dyn Fn(&Arg) -> bool| {
        let mut options = commands.iter().flatten().flat_map(|command| command.get_arguments());
        options.find(|own| is_it(own)).is_some_and(|own| own.get_action().takes_values())
    };
    match (option.strip_prefix("--"), option.strip_prefix('-')) {
        (Some(long), _) => known(&|own| own.get_long() == Some(long)),
        (None, Some(short)) => {
            // Of several in one word the first that takes a value has what is behind it.
            let taking =
                short.char_indices().find(|(_, letter)| known(&|own| own.get_short() == Some(*letter)));
            taking.is_some_and(|(at, letter)| at + letter.len_utf8() == short.len())
        }
        (None, None) => false,
    }
}

/// A path as the shell would have it: with a `~` at its beginning it is in the home directory.
fn at_home(path: PathBuf) -> PathBuf {
    match (path.as_os_str().as_bytes().strip_prefix(b"~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(OsString::from_vec(rest.to_vec())),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_of_a_line_is_found_behind_options_and_their_values() {
        for (line, image) in [
            ("ls i.tar", Some("i.tar")),
            ("ls", None),
            ("ls -l i.tar", Some("i.tar")),
            ("-v ls -lR i.tar@1", Some("i.tar@1")),
            ("ls --cache-dir d i.tar", Some("i.tar")),
            ("ls --cache-dir=d i.tar", Some("i.tar")),
            ("ls i.tar --cache-dir", None),
            ("--color always cat i.tar /a", Some("i.tar")),
            ("tree -L 2 i.tar", Some("i.tar")),
            ("tree -dL 2 i.tar", Some("i.tar")),
            ("tree -L2 i.tar", Some("i.tar")),
            ("find i.tar -name x", Some("i.tar")),
            ("find i.tar -name", None),
            ("explain --upper u i.tar", Some("i.tar")),
            ("revert --upper u i.tar", Some("i.tar")),
            ("stat -- -i.tar", Some("-i.tar")),
            ("mount i.tar", None),
            ("history i.tar", None),
            ("none i.tar", None),
        ] {
            let words = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(image_of(words).as_deref(), image.map(Path::new), "{line}");
        }
    }
}
