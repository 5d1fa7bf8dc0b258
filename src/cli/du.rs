//! `peelfs du`: the room that directories of the image take, as du(1) counts it.

use std::ffi::OsString;
use std::io::Write;

use clap::{ArgAction, ValueEnum};
use serde_json::{Map, Value};

use crate::layer::LayerNo;
use crate::path::TreePath;
use crate::text::human_size;
use crate::union::Last;
use crate::usage::{Measure, Sum, Usage};

use super::args::{ImageArgs, path_bytes};
use super::hidden::resolve;
use super::output::{Output, put_name};
use super::style::Style;
use super::{Outcome, Result, pass_over};

/// Show how much room directories of the image take, and of which layers it is
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// What to sum up [default: /]
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
    /// Tell of so many levels; 0 is PATH alone
    #[arg(short = 'd', long, value_name = "LEVELS")]
    max_depth: Option<usize>,
    /// Tell of each PATH alone
    #[arg(short, long, conflicts_with = "max_depth")]
    summarize: bool,
    /// Tell of files, too
    #[arg(short, long, conflicts_with = "summarize")]
    all: bool,
    /// Write sizes for people (1.2 MiB), not in KiB
    #[arg(short, long)]
    human_readable: bool,
    /// Write bytes, and count files as long as they are, holes too
    #[arg(short, long)]
    bytes: bool,
    /// Show what of it each layer has
    #[arg(long)]
    layers: bool,
    /// Put lines in this order [default: behind what is in them, by name]
    #[arg(long, value_name = "BY")]
    sort: Option<Sort>,
    /// Write a JSON array of sums, in bytes
    #[arg(long)]
    json: bool,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// An order of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// Largest first
    Size,
    /// By path
    Name,
}

/// A line.
struct Line {
    path: TreePath,
    sum: Sum,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let measure = if args.bytes { Measure::Apparent } else { Measure::Blocks };
    let mut usage = Usage::new(&stack.union, measure);
    let mut lines = Vec::new();
    let mut out = if args.json { Output::new() } else { Output::paged() };
    let mut outcome = Outcome::Fine;
    let deepest = if args.summarize { 0 } else { args.max_depth.unwrap_or(usize::MAX) };
    // Lines that nobody sorts need not be kept.
    let is_kept = args.json || args.layers || args.sort.is_some();
    let root = [OsString::from("/")];
    for path in if args.paths.is_empty() { &root[..] } else { &args.paths } {
        let start = match resolve(&args.image, &stack, path_bytes(path), Last::Keep) {
            Ok(start) => start,
            Err(error) => {
                outcome = pass_over(&mut out, &*error)?;
                continue;
            }
        };
        usage.sum(&start.path, &start.node, |path, level, is_dir, sum| -> Result<()> {
            if level > deepest || level > 0 && !is_dir && !args.all {
                return Ok(());
            }
            let line = Line { path: path.clone(), sum: sum.clone() };
            match is_kept {
                true => lines.push(line),
                false => args.write(&mut out, &line, &[])?,
            }
            Ok(())
        })?;
    }
    match args.sort {
        Some(Sort::Size) => lines.sort_by_key(|line| std::cmp::Reverse(line.sum.bytes)),
        Some(Sort::Name) => lines.sort_by(|a, b| a.path.cmp(&b.path)),
        None => {}
    }
    if args.json {
        out.json(&lines.iter().map(Line::json).collect::<Vec<_>>())?;
    } else {
        args.write_all(&mut out, &lines)?;
    }
    out.flush()?;
    Ok(outcome)
}

impl Args {
    fn write_all(&self, out: &mut Output, lines: &[Line]) -> Result<()> {
        let mut layers: Vec<LayerNo> =
            lines.iter().flat_map(|line| line.sum.layers.iter().map(|(no, _)| no)).collect();
        layers.sort_unstable();
        layers.dedup();
        if !self.layers {
            layers.clear();
        } else if !lines.is_empty() {
            let columns = layers
                .iter()
                .map(|no| out.paint(Style::Layer, format!("{:>11}", format!("L{no}"))).to_string());
            let columns: String = columns.collect();
            writeln!(out, "{:>11}{columns}", "total")?;
        }
        lines.iter().try_for_each(|line| self.write(out, line, &layers))
    }

    fn write(&self, out: &mut Output, line: &Line, layers: &[LayerNo]) -> Result<()> {
        let width = if layers.is_empty() { 0 } else { 11 };
        let size = out.paint(Style::Size, format!("{:>width$}", self.size(line.sum.bytes))).to_string();
        write!(out, "{size}")?;
        for layer in layers {
            let bytes = line.sum.layers.get(*layer);
            let size = bytes.map_or("-".to_owned(), |bytes| self.size(bytes));
            write!(out, "{size:>11}")?;
        }
        let style = Style::Plain;
        let name = out.painted_name(style, &[b"/", line.path.as_bytes()].concat()).into_owned();
        out.write_all(b"\t")?;
        out.write_all(&name)?;
        Ok(out.write_all(b"\n")?)
    }

    fn size(&self, bytes: u64) -> String {
        match (self.human_readable, self.bytes) {
            (true, _) => human_size(bytes),
            (false, true) => bytes.to_string(),
            (false, false) => bytes.div_ceil(1024).to_string(),
        }
    }
}

impl Line {
    fn json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        put_name(&mut object, "path", self.path.as_bytes());
        object.insert("size".into(), self.sum.bytes.into());
        object.insert("names".into(), self.sum.names.into());
        let layers =
            self.sum.layers.iter().map(|(no, bytes)| serde_json::json!({ "layer": no.0, "size": bytes }));
        object.insert("layers".into(), Value::Array(layers.collect()));
        object
    }
}
