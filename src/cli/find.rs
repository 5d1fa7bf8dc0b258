//! `peelfs find`: names in the image that pass tests, as find(1) has them; also those that layers hide.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use serde_json::Map;

use crate::account::physical;
use crate::entry::{Attributes, Xattr};
use crate::find::{Subject, Tests};
use crate::layer::{self, EntryNo, Found};
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::{mode, short_time};
use crate::union::{Below, Hiding, Last, Node, Union, Word};

use super::args::{ImageArgs, path_bytes};
use super::entry::{Shown, put_attributes};
use super::find_tests::TestArgs;
use super::hidden::{as_of, command, resolve};
use super::output::{JsonArray, Output, put_name};
use super::style::Style;
use super::{Outcome, Result, pass_over};

/// Find names in the image, as find(1) does; also in layers that others hide
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Where to look [default: /]
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
    #[command(flatten)]
    tests: TestArgs,
    /// Go this many levels deep; 0 is PATH alone
    #[arg(long, value_name = "LEVELS")]
    max_depth: Option<usize>,
    /// Look at every layer's own names, also at what is hidden or deleted
    #[arg(long)]
    all_layers: bool,
    /// Only what layers above hide, deleted or replaced; implies --all-layers
    #[arg(long)]
    hidden: bool,
    /// Only what layers above deleted; implies --all-layers
    #[arg(long)]
    deleted: bool,
    /// Show type, mode, links, owner, size, time and layer
    #[arg(short, long)]
    long: bool,
    /// End each name with a NUL, as for `xargs -0`
    #[arg(short = '0', long, conflicts_with_all = ["json", "long"])]
    null: bool,
    /// Write a JSON array of entries
    #[arg(long)]
    json: bool,
}

impl Args {
    fn is_of_all_layers(&self) -> bool {
        self.all_layers || self.hidden || self.deleted
    }

    /// Whether what a layer has is asked for, by what hides it.
    fn takes(&self, hiding: Option<Hiding>) -> bool {
        (!self.hidden || hiding.is_some()) && (!self.deleted || hiding.is_some_and(|hiding| hiding.deletes()))
    }
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let tests = args.tests.tests(&stack)?;
    let out = if args.json || args.null { Output::new() } else { Output::paged() };
    let mut hits = Hits { array: args.json.then(JsonArray::default), out, args: &args, stack: &stack };
    let root = [OsString::from("/")];
    let paths = if args.paths.is_empty() { &root[..] } else { &args.paths };
    let mut outcome = Outcome::Fine;
    for path in paths {
        let found = match args.is_of_all_layers() {
            true => find_every(&mut hits, &tests, path_bytes(path))?,
            false => find(&mut hits, &tests, path_bytes(path))?,
        };
        if let Err(error) = found {
            outcome = pass_over(&mut hits.out, &*error)?;
        }
    }
    if let Some(array) = hits.array.take() {
        array.end(&mut hits.out)?;
    }
    hits.out.flush()?;
    Ok(outcome)
}

/// Looks at what shows below a path; the inner error is of the path alone.
fn find(hits: &mut Hits<'_>, tests: &Tests, path: &[u8]) -> Result<Result<()>> {
    let union = &hits.stack.union;
    let start = match resolve(&hits.args.image, hits.stack, path, Last::Keep) {
        Ok(start) => start,
        Err(error) => return Ok(Err(error)),
    };
    if tests.pass(start.path.as_bytes(), &Here { union, node: &start.node })? {
        hits.shown(&start.path, &start.node)?;
    }
    let (Node::Dir(dir), deepest) = (start.node, hits.args.max_depth.unwrap_or(usize::MAX)) else {
        return Ok(Ok(()));
    };
    if deepest == 0 {
        return Ok(Ok(()));
    }
    let mut walk = union.walk(start.path, dir);
    while let Some(walked) = walk.next().transpose()? {
        if tests.pass(walked.path.as_bytes(), &Here { union, node: &walked.node })? {
            hits.shown(&walked.path, &walked.node)?;
        }
        if walked.depth >= deepest {
            walk.skip_children();
        }
    }
    Ok(Ok(()))
}

/// Looks at every layer's own names below a path as it stands, and below the one that it leads to where a symlink
/// that shows is on the way; what is below both is told once. The inner error is of the path alone.
fn find_every(hits: &mut Hits<'_>, tests: &Tests, path: &[u8]) -> Result<Result<()>> {
    let mut starts = match physical(&hits.stack.union, path) {
        Ok((start, _)) => vec![start],
        Err(error) => return Ok(Err(error.into())),
    };
    if let Ok(literal) = TreePath::from_name(path)
        && !starts.iter().any(|start| literal.is_within(start))
    {
        starts.push(literal);
    }
    let mut is_anywhere = false;
    for start in &starts {
        is_anywhere |= find_every_below(hits, tests, start)?;
    }
    match (is_anywhere, starts.first()) {
        (false, Some(start)) => Ok(Err(format!("{start}: no layer has it").into())),
        _ => Ok(Ok(())),
    }
}

/// Gives whether any layer has the path.
fn find_every_below(hits: &mut Hits<'_>, tests: &Tests, start: &TreePath) -> Result<bool> {
    let union = &hits.stack.union;
    let deepest = hits.args.max_depth.map(|levels| start.components().count().saturating_add(levels));
    let mut is_anywhere = start.is_root();
    union.tell_words(|path, words| -> Result<Below> {
        let is_below = path.is_within(start);
        if is_below && !path.is_root() {
            is_anywhere = true;
            let entries =
                words.iter().filter(|word| matches!(word.found, Found::Leaf(_) | Found::Dir { .. }));
            // Of what shows the topmost does, and what is below is merged in.
            let top = entries.clone().find(|word| word.verdict.is_none()).map(|word| word.layer);
            for word in entries {
                let of_layer = OfLayer { union, word, is_top: Some(word.layer) == top };
                if hits.args.takes(word.verdict) && tests.pass(path.as_bytes(), &of_layer)? {
                    hits.of_layer(path, &of_layer)?;
                }
            }
        }
        let is_on_the_way = is_below || start.is_within(path);
        match is_on_the_way && deepest.is_none_or(|deepest| path.components().count() < deepest) {
            true => Ok(Below::Told),
            false => Ok(Below::LeftOut),
        }
    })?;
    Ok(is_anywhere)
}

/// What shows.
struct Here<'a> {
    union: &'a Union,
    node: &'a Node,
}

impl Subject for Here<'_> {
    fn layer(&self) -> u32 {
        self.node.layer().0
    }

    fn attributes(&self) -> layer::Result<Attributes> {
        self.union.attributes(self.node)
    }

    fn xattrs(&self) -> layer::Result<Cow<'_, [Xattr]>> {
        self.union.xattrs(self.node)
    }

    fn has_no_names(&self) -> layer::Result<bool> {
        let Node::Dir(dir) = self.node else { return Ok(false) };
        Ok(self.union.list(dir)?.next().transpose()?.is_none())
    }
}

/// What a layer has.
struct OfLayer<'a> {
    union: &'a Union,
    word: &'a Word<Option<Hiding>>,
    /// It is what shows, or the topmost part of it.
    is_top: bool,
}

impl OfLayer<'_> {
    /// What becomes of it.
    fn verdict(&self) -> &'static str {
        match self.word.verdict {
            Some(_) => "hidden",
            None if self.is_top => "shown",
            None => "merged",
        }
    }

    fn entry(&self) -> EntryNo {
        match self.word.found {
            Found::Leaf(leaf) => leaf.into(),
            Found::Dir { dir, .. } => dir.into(),
            Found::Absent | Found::Whiteout => EntryNo(0),
        }
    }
}

impl Subject for OfLayer<'_> {
    fn layer(&self) -> u32 {
        self.word.layer.0
    }

    fn attributes(&self) -> layer::Result<Attributes> {
        match self.word.found {
            Found::Leaf(leaf) => self.union.leaf_attributes(self.word.layer, leaf),
            _ => self.union.own_dir_attributes(self.word.layer, self.entry()),
        }
    }

    fn xattrs(&self) -> layer::Result<Cow<'_, [Xattr]>> {
        match self.word.found {
            Found::Leaf(leaf) => self.union.leaf_xattrs(self.word.layer, leaf),
            _ => self.union.layer(self.word.layer)?.xattrs(self.entry()),
        }
    }

    fn has_no_names(&self) -> layer::Result<bool> {
        let Found::Dir { dir, .. } = self.word.found else { return Ok(false) };
        Ok(self.union.layer(self.word.layer)?.child(dir, 0)?.is_none())
    }
}

/// What was found, as it is written.
struct Hits<'a> {
    out: Output,
    array: Option<JsonArray>,
    args: &'a Args,
    stack: &'a Stack,
}

impl Hits<'_> {
    fn shown(&mut self, path: &TreePath, node: &Node) -> Result<()> {
        let union = &self.stack.union;
        if let Some(array) = &mut self.array {
            let object = Shown::of(union, node)?.json(path.as_bytes());
            return Ok(array.push(&mut self.out, &object)?);
        }
        if self.args.long {
            self.columns(&union.attributes(node)?, node.layer().0)?;
        }
        let style = match self.out.is_coloured() {
            true => Style::of(&union.attributes(node)?),
            false => Style::Plain,
        };
        self.name(path, style)?;
        Ok(self.out.write_all(if self.args.null { b"\0" } else { b"\n" })?)
    }

    fn of_layer(&mut self, path: &TreePath, of_layer: &OfLayer<'_>) -> Result<()> {
        let (attributes, word) = (of_layer.attributes()?, of_layer.word);
        if let Some(array) = &mut self.array {
            let mut object = Map::new();
            put_name(&mut object, "path", path.as_bytes());
            put_attributes(&mut object, &attributes);
            object.insert("layer".into(), word.layer.0.into());
            object.insert("verdict".into(), of_layer.verdict().into());
            if let Some(hiding) = &word.verdict {
                object.insert("hidden_by".into(), hiding.by.0.into());
                object.insert("reason".into(), hiding.word().into());
            }
            put_name(&mut object, "image", as_of(&self.args.image, word.layer).as_bytes());
            return Ok(array.push(&mut self.out, &object)?);
        }
        if self.args.long {
            self.columns(&attributes, word.layer.0)?;
        }
        if self.args.null {
            self.name(path, Style::Plain)?;
            return Ok(self.out.write_all(b"\0")?);
        }
        let style = if word.verdict.is_some() { Style::Hidden } else { Style::Shown };
        self.name(path, style)?;
        let what = match &word.verdict {
            Some(hiding) => format!("{} by layer {}", hiding.word(), hiding.by),
            None => of_layer.verdict().to_owned(),
        };
        let what = self.out.paint(style, what).to_string();
        let layer = self.out.paint(Style::Layer, format!("layer {}", word.layer)).to_string();
        write!(self.out, "  {layer}  {what}")?;
        if word.verdict.is_some() {
            write!(self.out, "  ({})", command(&self.args.image, attributes.kind, word.layer, path))?;
        }
        Ok(self.out.write_all(b"\n")?)
    }

    fn name(&mut self, path: &TreePath, style: Style) -> io::Result<()> {
        let path = [b"/", path.as_bytes()].concat();
        let name = if self.args.null { path } else { self.out.painted_name(style, &path).into_owned() };
        self.out.write_all(&name)
    }

    fn columns(&mut self, a: &Attributes, layer: u32) -> io::Result<()> {
        let (mode, time, layer) = (mode(a.kind, a.mode), short_time(a.mtime), format!("L{layer}"));
        let size = self.out.paint(Style::Size, a.size);
        let (time, layer) = (self.out.paint(Style::Time, time), self.out.paint(Style::Layer, layer));
        let line = format!("{mode} {:>3} {:>5} {:>5} {size:>11} {time} {layer:<3} ", a.nlink, a.uid, a.gid);
        self.out.write_all(line.as_bytes())
    }
}
