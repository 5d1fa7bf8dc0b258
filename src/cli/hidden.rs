//! What layers above hide: how it is read all the same, and what is said to whoever asks for it by its path.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::account::{Account, Digests};
use crate::entry::Kind;
use crate::image::Cut;
use crate::layer::LayerNo;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::{Lines, escape, shown_path};
use crate::union::{Last, Missing, ResolveError, Resolved};

use super::Result;
use super::args::{ImageArgs, cut_of};

/// Letters of a step that are said in an error.
const STEP_LETTERS: usize = 60;

/// Resolves a path. Of one at which nothing shows any more the error says what took it away, and how to read it; of
/// one that no layer has, names beside it.
pub fn resolve(args: &ImageArgs, stack: &Stack, path: &[u8], last: Last) -> Result<Resolved> {
    stack.union.resolve(path, last).map_err(|error| match (&error, words_on(args, stack, path)) {
        (ResolveError::NotFound(_), Some(words)) => words.into(),
        _ => error.into(),
    })
}

fn words_on(args: &ImageArgs, stack: &Stack, path: &[u8]) -> Option<String> {
    let account = Account::of(stack, path, Digests::None).ok()?;
    let shown = shown_path(account.path().as_bytes());
    match account.explanation.missing()? {
        Missing::HiddenBy(_) => {
            let (hiding, version) = (account.first_to_hide()?, account.versions.first()?);
            let step =
                stack.created_by(hiding.by).map(|step| format!(" ({})", short(step))).unwrap_or_default();
            let command = command(args, version.kind, version.layer, &account.path());
            Some(format!("{shown}: {} by layer {}{step}; to see it: {command}", hiding.word(), hiding.by))
        }
        Missing::Nowhere if !account.near.is_empty() => {
            let near: Vec<String> = account.near.iter().map(|path| shown_path(path)).collect();
            Some(format!("{shown}: no such file or directory; near it: {}", near.join(", ")))
        }
        Missing::Nowhere | Missing::NotADirectory(_) => None,
    }
}

fn short(step: &str) -> String {
    let step = escape(step.as_bytes(), Lines::Escape);
    match step.char_indices().nth(STEP_LETTERS) {
        Some((at, _)) => format!("{}…", step.get(..at).unwrap_or_default()),
        None => step,
    }
}

/// The command that shows what a layer has.
pub fn command(args: &ImageArgs, kind: Kind, layer: LayerNo, path: &TreePath) -> String {
    let verb = match kind {
        Kind::Regular => "cat",
        Kind::Directory => "ls",
        _ => "stat",
    };
    let lower = args.lower.iter().map(|lower| format!("--lower {} ", quoted(lower.as_os_str().as_bytes())));
    let choice = args.open.image.iter().map(|tag| format!("--image {} ", quoted(tag.as_bytes())));
    let options = choice.chain(lower).collect::<String>();
    let image = quoted(as_of(args, layer).as_bytes());
    format!("peelfs {verb} {options}{image} {}", quoted(&[b"/", path.as_bytes()].concat()))
}

/// The image as of a layer, in which what that has shows.
pub fn as_of(args: &ImageArgs, layer: LayerNo) -> OsString {
    let (path, cut) = cut_of(&args.image_path);
    let with_layer = |path: &Path| {
        let mut image = path.as_os_str().to_owned();
        image.push(OsStr::new(&format!("@{layer}")));
        image
    };
    match cut {
        Cut::Only(_) => args.image_path.clone().into_os_string(),
        Cut::Whole | Cut::UpTo(_) => with_layer(path),
    }
}

/// A word as a shell would read it back.
fn quoted(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@:,=%".contains(byte);
    match word.iter().all(is_plain) && !word.is_empty() {
        true => escape(word, Lines::Escape),
        false => format!("'{}'", escape(word, Lines::Escape).replace('\'', "'\\''")),
    }
}
