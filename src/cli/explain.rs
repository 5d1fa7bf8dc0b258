//! `peelfs explain`: which layer shows a path, layer by layer, and why.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::account::{Account, Content, Copied, Digests, Tone, Version};
use crate::commit::Sides;
use crate::entry::Kind;
use crate::layer::{Found, LayerNo};
use crate::union::{Hiding, Missing, Node, Step, Verdict, Word};
use crate::upper;

use super::args::{ImageArgs, look_at_upper, path_bytes};
use super::entry::{Shown, put_attributes};
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
    /// With this upper directory over the image
    #[arg(long, value_name = "DIR")]
    upper: Option<PathBuf>,
    /// Take the upper directory even if it was made over another image
    #[arg(long, requires = "upper")]
    force: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let digests = if args.digest { Digests::All } else { Digests::UpTo(READ_AT_ONCE) };
    let upper = args.upper.as_deref().map(|dir| look_at_upper(dir, &stack, args.force)).transpose()?;
    let path = path_bytes(&args.path);
    let account = match &upper {
        Some(upper) => Account::over(Sides { stack: &stack, upper }, path, digests)?,
        None => Account::of(&stack, path, digests)?,
    };
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
    object.insert("shown".into(), shown(account)?);
    object.insert("missing".into(), missing(account));
    let followed = account.followed.iter().map(|link| {
        let mut object = Map::new();
        put_name(&mut object, "path", link.path.as_bytes());
        object.insert("layer".into(), who(account, link.layer));
        put_name(&mut object, "target", &link.target);
        Value::Object(object)
    });
    object.insert("followed".into(), followed.collect());
    let steps = account.explanation.steps.iter().enumerate().map(|(no, step)| step_json(account, no, step));
    object.insert("steps".into(), steps.collect::<Result<Vec<_>>>()?.into());
    object.insert(
        "versions".into(),
        account.versions.iter().map(|version| version_json(account, version)).collect(),
    );
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
        _ if account.is_broken() => json!({ "reason": "bad redirect", "hidden_by": "upper" }),
        None => Value::Null,
        Some(Missing::Nowhere) => json!({ "reason": "nowhere" }),
        Some(Missing::HiddenBy(layer)) => {
            let mut object = Map::new();
            object.insert("reason".into(), "hidden".into());
            object.insert("hidden_by".into(), who(account, layer));
            let deleting = account.first_to_hide().filter(Hiding::deletes);
            object.extend(deleting.map(|hiding| ("deleted_by".to_owned(), who(account, hiding.by))));
            object.into()
        }
        Some(Missing::NotADirectory(step)) => {
            let mut object = Map::new();
            object.insert("reason".into(), "not a directory".into());
            put_name(&mut object, "path", step.path.as_bytes());
            Value::Object(object)
        }
    }
}

fn step_json(account: &Account<'_>, no: usize, step: &Step) -> Result<Value> {
    let mut object = Map::new();
    put_name(&mut object, "path", step.path.as_bytes());
    let words = step.words.iter().map(|word| {
        let (found, said) = match account.is_upper(word.layer) {
            true => upper_word(account, no),
            false => layer_word(account, word)?,
        };
        let mut object = Map::new();
        object.insert("layer".into(), who(account, word.layer));
        object.insert("found".into(), found.into());
        object.extend(said);
        put_verdict(account, &mut object, word.verdict);
        if word.verdict != Verdict::Silent {
            let step = account.stack.created_by(word.layer);
            object.insert("created_by".into(), step.map_or(Value::Null, Value::from));
        }
        Ok(Value::Object(object))
    });
    object.insert("layers".into(), words.collect::<Result<Vec<_>>>()?.into());
    Ok(Value::Object(object))
}

/// What a layer says of a component, and more of it.
fn layer_word(account: &Account<'_>, word: &Word) -> Result<(&'static str, Map<String, Value>)> {
    let (found, opaque) = match word.found {
        Found::Absent => ("absent", None),
        Found::Whiteout => ("whiteout", None),
        Found::Leaf(leaf) => (account.stack.union.leaf_attributes(word.layer, leaf)?.kind.name(), None),
        Found::Dir { opaque, .. } => ("directory", Some(opaque)),
    };
    Ok((found, opaque.map(|opaque| ("opaque".to_owned(), opaque.into())).into_iter().collect()))
}

/// The same of the upper; where a directory was renamed to it, what it was before, as it stands in the upper.
fn upper_word(account: &Account<'_>, no: usize) -> (&'static str, Map<String, Value>) {
    let mut object = Map::new();
    let is_last = no + 1 == account.explanation.steps.len();
    let own = account.own().filter(|_| is_last);
    let found = match account.over.as_ref().and_then(|over| over.words.get(no)) {
        None | Some(upper::Word::Absent) => "absent",
        Some(upper::Word::Whiteout) => "whiteout",
        Some(upper::Word::Leaf(stat)) => {
            own.map_or_else(|| upper::kind(stat), |own| own.entry.attributes.kind).name()
        }
        Some(upper::Word::Dir(_, below)) => {
            object.insert("opaque".into(), (*below == upper::Below::Nothing).into());
            match below {
                upper::Below::Redirect(from) => put_name(&mut object, "redirect", &from.value()),
                upper::Below::Unknown => _ = object.insert("redirect".into(), Value::Null),
                _ => {}
            }
            "directory"
        }
    };
    match own.and_then(|own| own.copied) {
        None => {}
        Some(Copied::Whole(layer)) => _ = object.insert("copied_up_from".into(), layer.0.into()),
        Some(Copied::Replaces(layer)) => _ = object.insert("in_place_of".into(), layer.0.into()),
        Some(Copied::Metadata(layer)) => {
            object.insert("copied_up_from".into(), layer.0.into());
            object.insert("metadata_only".into(), true.into());
        }
        Some(Copied::Lost) => {
            object.insert("copied_up_from".into(), Value::Null);
            object.insert("metadata_only".into(), true.into());
        }
    }
    (found, object)
}

/// The entry that shows; of what the upper has a part in, without its inode number.
fn shown(account: &Account<'_>) -> Result<Value> {
    let Some(node) = account.node() else { return Ok(Value::Null) };
    let path = account.path();
    let Some(own) = account.own().filter(|_| account.is_upper(node.layer())) else {
        return Ok(Value::Object(Shown::of(&account.stack.union, node)?.json(path.as_bytes())));
    };
    let attributes = &own.entry.attributes;
    let mut object = Map::new();
    put_name(&mut object, "path", path.as_bytes());
    put_attributes(&mut object, attributes);
    if attributes.kind != Kind::Directory {
        object.insert("nlink".into(), attributes.nlink.into());
    }
    let layers: Vec<Value> = match node {
        Node::Leaf { layer, .. } => vec![who(account, *layer)],
        Node::Dir(dir) => dir.members().iter().map(|member| who(account, member.layer)).collect(),
    };
    object.insert("layers".into(), layers.into());
    if attributes.kind == Kind::Symlink {
        put_name(&mut object, "target", &own.entry.target(account.stack)?);
    }
    if matches!(attributes.kind, Kind::CharDevice | Kind::BlockDevice) {
        let device = attributes.device;
        object.insert("device".into(), json!({ "major": device.major, "minor": device.minor }));
    }
    Ok(Value::Object(object))
}

/// A layer's number, or `upper`.
fn who(account: &Account<'_>, layer: LayerNo) -> Value {
    match account.is_upper(layer) {
        true => "upper".into(),
        false => layer.0.into(),
    }
}

/// What becomes of an entry, and by which layer.
fn put_verdict(account: &Account<'_>, object: &mut Map<String, Value>, verdict: Verdict) {
    object.insert("verdict".into(), verdict.name().into());
    object.extend(verdict.by().map(|by| ("hidden_by".to_owned(), who(account, by))));
}

fn version_json(account: &Account<'_>, version: &Version) -> Value {
    let mut object = Map::new();
    object.insert("layer".into(), who(account, version.layer));
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
    put_verdict(account, &mut object, version.verdict);
    Value::Object(object)
}
