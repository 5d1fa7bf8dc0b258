//! `peelfs explain`: which layer shows a path, layer by layer, and why.

use std::ffi::OsString;
use std::io::Write;

use serde_json::{Map, Value, json};

use crate::account::{Account, Content, Digests, Tone, Version};
use crate::layer::Found;
use crate::union::{Missing, Step, Verdict};

use super::args::{ImageArgs, path_bytes};
use super::entry::{Shown, put_attributes, put_verdict};
use super::output::{Output, put_name};
use super::style::Style;
use super::{Outcome, Result};

/// Bytes of files that are read to tell their digests, unless all are asked for: that takes no time.
const READ_AT_ONCE: u64 = 16 * 1024 * 1024;

/// Explain which layer shows a path, layer by layer, and why
///
/// From the root down, each component is looked for in the layers, top first. Then come the steps that made the layers
/// which have a say, every version of the file, and as the last line what comes of it.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// The path; symlinks on the way to its last component are followed
    path: OsString,
    /// Compute the digests of large files too
    #[arg(long)]
    digest: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let digests = if args.digest { Digests::All } else { Digests::UpTo(READ_AT_ONCE) };
    let account = Account::of(&stack, path_bytes(&args.path), digests)?;
    if args.json {
        Output::new().json(&json_of(&account)?)?;
        return Ok(Outcome::Fine);
    }
    let mut out = Output::paged();
    for line in account.lines()? {
        for span in line {
            write!(out, "{}", out.paint(style(span.tone), &span.text))?;
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::Plain,
        Tone::Title => Style::Heading,
        Tone::Layer => Style::Layer,
        Tone::Shown => Style::Shown,
        Tone::Hidden => Style::Hidden,
        Tone::Marker => Style::Whiteout,
        Tone::Faint => Style::Dim,
    }
}

fn json_of(account: &Account<'_>) -> Result<Value> {
    let path = account.path();
    let mut object = Map::new();
    put_name(&mut object, "asked", &account.asked);
    put_name(&mut object, "path", path.as_bytes());
    let shown = account.node().map(|node| Shown::of(&account.stack.union, node)).transpose()?;
    let shown = shown.map_or(Value::Null, |shown| Value::Object(shown.json(path.as_bytes())));
    object.insert("shown".into(), shown);
    object.insert("missing".into(), missing(account));
    let followed = account.followed.iter().map(|link| {
        let mut object = Map::new();
        put_name(&mut object, "path", link.path.as_bytes());
        object.insert("layer".into(), link.layer.0.into());
        put_name(&mut object, "target", &link.target);
        Value::Object(object)
    });
    object.insert("followed".into(), followed.collect());
    let steps = account.explanation.steps.iter().map(|step| step_json(account, step));
    object.insert("steps".into(), steps.collect::<Result<Vec<_>>>()?.into());
    object.insert("versions".into(), account.versions.iter().map(version_json).collect());
    let near = account.near.iter().map(|path| {
        let mut object = Map::new();
        put_name(&mut object, "path", path);
        Value::Object(object)
    });
    object.insert("near".into(), near.collect());
    Ok(Value::Object(object))
}

/// Why nothing shows; `null` if something does.
fn missing(account: &Account<'_>) -> Value {
    match account.explanation.missing() {
        None => Value::Null,
        Some(Missing::Nowhere) => json!({ "reason": "nowhere" }),
        Some(Missing::HiddenBy(layer)) => json!({ "reason": "hidden", "hidden_by": layer.0 }),
        Some(Missing::NotADirectory(step)) => {
            let mut object = Map::new();
            object.insert("reason".into(), "not a directory".into());
            put_name(&mut object, "path", step.path.as_bytes());
            Value::Object(object)
        }
    }
}

fn step_json(account: &Account<'_>, step: &Step) -> Result<Value> {
    let mut object = Map::new();
    put_name(&mut object, "path", step.path.as_bytes());
    let words = step.words.iter().map(|word| {
        let (found, opaque) = match word.found {
            Found::Absent => ("absent", None),
            Found::Whiteout => ("whiteout", None),
            Found::Leaf(leaf) => (account.stack.union.leaf_attributes(word.layer, leaf)?.kind.name(), None),
            Found::Dir { opaque, .. } => ("directory", Some(opaque)),
        };
        let mut object = Map::new();
        object.insert("layer".into(), word.layer.0.into());
        object.insert("found".into(), found.into());
        object.extend(opaque.map(|opaque| ("opaque".to_owned(), opaque.into())));
        put_verdict(&mut object, word.verdict);
        if word.verdict != Verdict::Silent {
            let step = account.stack.created_by(word.layer);
            object.insert("created_by".into(), step.map_or(Value::Null, Value::from));
        }
        Ok(Value::Object(object))
    });
    object.insert("layers".into(), words.collect::<Result<Vec<_>>>()?.into());
    Ok(Value::Object(object))
}

fn version_json(version: &Version) -> Value {
    let mut object = Map::new();
    object.insert("layer".into(), version.layer.0.into());
    match &version.attributes {
        Some(attributes) => put_attributes(&mut object, attributes),
        None => _ = object.insert("type".into(), version.kind.name().into()),
    }
    if let Content::Digest(digest) = &version.content {
        object.insert("digest".into(), digest.to_string().into());
    }
    if let Some(target) = &version.target {
        put_name(&mut object, "target", target);
    }
    put_verdict(&mut object, version.verdict);
    Value::Object(object)
}
