//! `peelfs tree`: a directory of the image and all below it, as tree(1) draws it.

use std::ffi::OsString;
use std::io::{self, Write};

use crate::layer;
use crate::path::TreePath;
use crate::text::count;
use crate::union::{Last, List, Listed, MergedDir, Node, Union};

use super::args::{ImageArgs, path_bytes};
use super::entry::Shown;
use super::hidden::resolve;
use super::output::Output;
use super::style::Style;
use super::{Outcome, Result};

/// Draw a directory of the image and all below it
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Where to begin
    #[arg(default_value = "/")]
    path: OsString,
    /// Go this many levels deep
    #[arg(short = 'L', long, value_name = "LEVELS")]
    level: Option<usize>,
    /// Draw directories only
    #[arg(short, long)]
    dirs_only: bool,
    /// Write nested JSON objects, one a line
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let resolved = resolve(&args.image, &stack, path_bytes(&args.path), Last::Follow)?;
    let mut out = if args.json { Output::new() } else { Output::paged() };
    let level = args.level.unwrap_or(usize::MAX);
    let mut drawing = Drawing { union: &stack.union, level, dirs_only: args.dirs_only, dirs: 0, files: 0 };
    if args.json {
        drawing.nest(&mut out, resolved.path, resolved.node)?;
        out.flush()?;
        return Ok(Outcome::Fine);
    }
    let style = Style::of(&stack.union.attributes(&resolved.node)?);
    let name = out.painted_name(style, path_bytes(&args.path)).into_owned();
    out.write_all(&name)?;
    out.write_all(b"\n")?;
    match resolved.node {
        Node::Dir(dir) => drawing.draw(&mut out, dir)?,
        leaf => drawing.count(&leaf),
    }
    write!(out, "\n{}", count(drawing.dirs, "directory"))?;
    if !args.dirs_only {
        write!(out, ", {}", count(drawing.files, "file"))?;
    }
    writeln!(out)?;
    out.flush()?;
    Ok(Outcome::Fine)
}

struct Drawing<'a> {
    union: &'a Union,
    level: usize,
    dirs_only: bool,
    dirs: u64,
    files: u64,
}

/// A directory that is being drawn: what is still to come in it.
type Level<'a> = std::iter::Peekable<Filtered<'a>>;

/// A listing without what is not to be drawn.
struct Filtered<'a> {
    list: List<'a>,
    dirs_only: bool,
}

impl<'a> Iterator for Filtered<'a> {
    type Item = layer::Result<Listed<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let is_drawn = |listed: &Listed<'_>| !self.dirs_only || listed.node.as_dir().is_some();
        self.list.by_ref().find(|listed| listed.as_ref().map_or(true, is_drawn))
    }
}

impl<'a> Drawing<'a> {
    fn level(&self, dir: &MergedDir) -> Result<Level<'a>> {
        Ok(Filtered { list: self.union.list(dir)?, dirs_only: self.dirs_only }.peekable())
    }

    fn count(&mut self, node: &Node) {
        match node {
            Node::Dir(_) => self.dirs += 1,
            Node::Leaf { .. } => self.files += 1,
        }
    }

    /// Draws without recursion: an image may be deeper than a stack.
    fn draw(&mut self, out: &mut Output, dir: MergedDir) -> Result<()> {
        if self.level == 0 {
            return Ok(());
        }
        let mut levels = vec![self.level(&dir)?];
        while let Some(level) = levels.last_mut() {
            let Some(listed) = level.next().transpose()? else {
                levels.pop();
                continue;
            };
            self.count(&listed.node);
            let mut line = String::new();
            for i in 0..levels.len() {
                let more = levels.get_mut(i).is_some_and(|level| level.peek().is_some());
                let is_own = i + 1 == levels.len();
                line.push_str(match (is_own, more) {
                    (true, true) => "├── ",
                    (true, false) => "└── ",
                    (false, true) => "│   ",
                    (false, false) => "    ",
                });
            }
            out.write_all(line.as_bytes())?;
            let shown = Shown::of(self.union, &listed.node)?;
            let name = out.painted_name(Style::of(&shown.attributes), listed.name).into_owned();
            out.write_all(&name)?;
            if let Some(target) = shown.target {
                let target = out.name(&target).into_owned();
                out.write_all(b" -> ")?;
                out.write_all(&target)?;
            }
            out.write_all(b"\n")?;
            if let Node::Dir(dir) = &listed.node
                && levels.len() < self.level
            {
                levels.push(self.level(dir)?);
            }
        }
        Ok(())
    }

    /// Writes an entry with its `children`, an entry a line: nothing of it is held, and lines are no longer the deeper
    /// they stand.
    fn nest(&mut self, out: &mut Output, path: TreePath, node: Node) -> Result<()> {
        let mut levels: Vec<Level<'a>> = Vec::new();
        self.begin(out, &path, &node, &mut levels)?;
        let mut path = path;
        while let Some(level) = levels.last_mut() {
            let Some(listed) = level.next().transpose()? else {
                levels.pop();
                path.pop();
                out.write_all(b"]}")?;
                self.separate(out, &mut levels)?;
                continue;
            };
            path.push(listed.name);
            let depth = levels.len();
            self.begin(out, &path, &listed.node, &mut levels)?;
            if levels.len() == depth {
                path.pop();
                self.separate(out, &mut levels)?;
            }
        }
        Ok(out.write_all(b"\n")?)
    }

    /// Writes an entry; if it is a directory to be entered, only as far as its children.
    fn begin(
        &self,
        out: &mut Output,
        path: &TreePath,
        node: &Node,
        levels: &mut Vec<Level<'a>>,
    ) -> Result<()> {
        out.open_json(&Shown::of(self.union, node)?.json(path.as_bytes()))?;
        match node {
            Node::Dir(dir) if levels.len() < self.level => {
                out.write_all(b",\"children\":[")?;
                let mut level = self.level(dir)?;
                if level.peek().is_some() {
                    out.write_all(b"\n")?;
                }
                levels.push(level);
            }
            _ => out.write_all(b"}")?,
        }
        Ok(())
    }

    /// Writes what stands between an entry and the next one beside it.
    fn separate(&self, out: &mut Output, levels: &mut [Level<'a>]) -> io::Result<()> {
        match levels.last_mut().is_some_and(|level| level.peek().is_some()) {
            true => out.write_all(b",\n"),
            false => Ok(()),
        }
    }
}
