//! `peelfs stat`: all that is known of a name in the image.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::entry::Xattr;
use crate::path::TreePath;
use crate::stack::Stack;
use crate::text::{Lines, count, escape, human_size, printable, shown_path, timestamp};
use crate::union::{Last, Resolved};

use super::args::{ImageArgs, path_bytes};
use super::entry::Shown;
use super::hidden::resolve;
use super::output::{Output, put_name};
use super::{Outcome, Result, pass_over};

/// Show type, mode, owner, size, times, attributes and layer of names in the image
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// The names
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<OsString>,
    /// Follow a symlink in the last component
    #[arg(short = 'L', long)]
    dereference: bool,
    /// Write a JSON array of entries
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let last = if args.dereference { Last::Follow } else { Last::Keep };
    let mut out = Output::new();
    let mut outcome = Outcome::Fine;
    let mut objects = Vec::new();
    for path in &args.paths {
        match Stat::of(&args.image, &stack, path_bytes(path), last) {
            Ok(stat) if args.json => objects.push(stat.json()),
            Ok(stat) => stat.write(&mut out)?,
            Err(error) => outcome = pass_over(&mut out, &*error)?,
        }
    }
    if args.json {
        out.json(&objects)?;
    }
    out.flush()?;
    Ok(outcome)
}

/// A name and all that is known of it.
struct Stat<'a> {
    path: TreePath,
    shown: Shown,
    xattrs: Cow<'a, [Xattr]>,
}

impl Stat<'_> {
    fn of<'a>(args: &ImageArgs, stack: &'a Stack, path: &[u8], last: Last) -> Result<Stat<'a>> {
        let Resolved { path, node, .. } = resolve(args, stack, path, last)?;
        let union = &stack.union;
        Ok(Stat { path, shown: Shown::of(union, &node)?, xattrs: union.xattrs(&node)? })
    }

    fn write(&self, out: &mut Output) -> io::Result<()> {
        let a = &self.shown.attributes;
        write!(out, "{}", shown_path(self.path.as_bytes()))?;
        if let Some(target) = &self.shown.target {
            write!(out, " -> {}", escape(target, Lines::Escape))?;
        }
        writeln!(out)?;
        let layers: Vec<String> = self.shown.layers.iter().map(u32::to_string).collect();
        let (blocks, links) = (count(a.blocks, "block"), count(a.nlink.into(), "link"));
        writeln!(out, "  type    {}", a.kind.name())?;
        writeln!(out, "  mode    {:04o} {}", a.mode, self.shown.mode())?;
        writeln!(out, "  owner   {}:{}", a.uid, a.gid)?;
        writeln!(out, "  size    {} ({}, {blocks})", self.shown.size(), human_size(a.size))?;
        writeln!(out, "  inode   {}, {links}", self.shown.ino)?;
        writeln!(out, "  mtime   {}", timestamp(a.mtime))?;
        writeln!(out, "  atime   {}", timestamp(a.atime))?;
        writeln!(out, "  ctime   {}", timestamp(a.ctime))?;
        writeln!(out, "  layer   {}", layers.join(", "))?;
        for Xattr { name, value } in self.xattrs.iter() {
            writeln!(out, "  xattr   {}={}", escape(name, Lines::Escape), printable(value))?;
        }
        Ok(())
    }

    fn json(&self) -> Map<String, Value> {
        let a = &self.shown.attributes;
        let mut object = self.shown.json(self.path.as_bytes());
        object.insert("blocks".into(), a.blocks.into());
        object.insert("atime".into(), timestamp(a.atime).into());
        object.insert("ctime".into(), timestamp(a.ctime).into());
        let xattrs = self.xattrs.iter().map(|xattr| {
            let mut object = Map::new();
            put_name(&mut object, "name", &xattr.name);
            put_name(&mut object, "value", &xattr.value);
            Value::Object(object)
        });
        object.insert("xattrs".into(), Value::Array(xattrs.collect()));
        object
    }
}
