//! `peelfs ls`: the names in a directory of the image.

use std::ffi::OsString;
use std::io::Write;

use serde_json::Value;

use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::short_time;
use crate::union::{Last, Node};

use super::args::{ImageArgs, path_bytes};
use super::entry::Shown;
use super::hidden::resolve;
use super::output::Output;
use super::style::Style;
use super::{Outcome, Result};

/// List the names in a directory of the image
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// What to list
    #[arg(default_value = "/")]
    path: OsString,
    /// Show type, mode, links, owner, size, time and layer
    #[arg(short, long)]
    long: bool,
    /// List directories in it too
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Show a directory itself, not what is in it
    #[arg(short, long)]
    directory: bool,
    /// Write a JSON array of entries
    #[arg(long)]
    json: bool,
}

/// An entry and the name it is listed under.
struct Line {
    path: TreePath,
    name: Vec<u8>,
    shown: Shown,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let lines = collect(&stack, &args)?;
    let is_long = (args.long || args.recursive) && !args.json;
    let mut out = if is_long { Output::paged() } else { Output::new() };
    if args.json {
        let entries = lines.iter().map(|line| Value::Object(line.shown.json(line.path.as_bytes())));
        out.json(&entries.collect::<Vec<_>>())?;
        return Ok(Outcome::Fine);
    }
    if args.long {
        write_long(&mut out, &lines)?;
    } else {
        for line in &lines {
            let name = out.painted_name(Style::of(&line.shown.attributes), &line.name).into_owned();
            out.write_all(&name)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn collect(stack: &Stack, args: &Args) -> Result<Vec<Line>> {
    let union = &stack.union;
    let resolved = resolve(&args.image, stack, path_bytes(&args.path), Last::Keep)?;
    let followed = match &resolved.node {
        Node::Leaf { .. } if !args.long => {
            union.resolve(path_bytes(&args.path), Last::Follow).unwrap_or(resolved)
        }
        _ => resolved,
    };
    let line = |path: TreePath, name: Vec<u8>, node: &Node| -> Result<Line> {
        Ok(Line { path, name, shown: Shown::of(union, node)? })
    };
    let Node::Dir(dir) = &followed.node else {
        let name = path_bytes(&args.path).to_vec();
        return Ok(vec![line(followed.path, name, &followed.node)?]);
    };
    if args.directory {
        let name = path_bytes(&args.path).to_vec();
        return Ok(vec![line(followed.path, name, &followed.node)?]);
    }
    if args.recursive {
        let walk = union.walk(followed.path, dir.clone());
        return walk
            .map(|walked| {
                let walked = walked?;
                let name = [b"/", walked.path.as_bytes()].concat();
                line(walked.path, name, &walked.node)
            })
            .collect();
    }
    let list = union.list(dir)?;
    list.map(|listed| {
        let listed = listed?;
        line(followed.path.join(listed.name), listed.name.to_vec(), &listed.node)
    })
    .collect()
}

fn write_long(out: &mut Output, lines: &[Line]) -> std::io::Result<()> {
    let width = |of: fn(&Line) -> String| lines.iter().map(|line| of(line).len()).max().unwrap_or(0);
    let links = width(|line| line.shown.attributes.nlink.to_string());
    let uid = width(|line| line.shown.attributes.uid.to_string());
    let gid = width(|line| line.shown.attributes.gid.to_string());
    let size = width(|line| line.shown.size());
    let layer = width(|line| layer_column(&line.shown));
    for line in lines {
        let Shown { attributes: a, target, .. } = &line.shown;
        let fields = format!(
            "{} {:>links$} {:>uid$} {:>gid$} {:>size$} {} {:>layer$} ",
            line.shown.mode(),
            a.nlink,
            a.uid,
            a.gid,
            out.paint(Style::Size, line.shown.size()),
            out.paint(Style::Time, short_time(a.mtime)),
            out.paint(Style::Layer, layer_column(&line.shown)),
        );
        out.write_all(fields.as_bytes())?;
        let name = out.painted_name(Style::of(a), &line.name).into_owned();
        out.write_all(&name)?;
        if let Some(target) = target {
            let target = out.name(target).into_owned();
            out.write_all(b" -> ")?;
            out.write_all(&target)?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// `L3` for what layer 3 shows.
fn layer_column(shown: &Shown) -> String {
    shown.layers.first().map(|layer| format!("L{layer}")).unwrap_or_default()
}
