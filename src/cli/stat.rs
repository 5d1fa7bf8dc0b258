//! `peelfs stat`: all that is known of a name in the image.

use std::ffi::OsString;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::entry::Xattr;
use crate::stack::Stack;
use crate::union::{Last, Resolved};

use super::args::{ImageArgs, path_bytes};
use super::entry::{Shown, shown_path, timestamp};
use super::output::{Lines, Output, escape, human_size, put_name};
use super::{Outcome, Result};

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
    let mut objects = Vec::new();
    for path in &args.paths {
        let resolved = stack.union.resolve(path_bytes(path), last)?;
        if args.json {
            objects.push(object(&stack, &resolved)?);
        } else {
            write_text(&mut out, &stack, &resolved)?;
        }
    }
    if args.json {
        out.json(&objects)?;
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn write_text(out: &mut Output, stack: &Stack, resolved: &Resolved) -> Result<()> {
    let shown = Shown::of(&stack.union, &resolved.node)?;
    let a = &shown.attributes;
    write!(out, "{}", shown_path(resolved.path.as_bytes()))?;
    if let Some(target) = &shown.target {
        write!(out, " -> {}", escape(target, Lines::Escape))?;
    }
    writeln!(out)?;
    let layers: Vec<String> = shown.layers.iter().map(u32::to_string).collect();
    writeln!(out, "  type    {}", a.kind.name())?;
    writeln!(out, "  mode    {:04o} {}", a.mode, shown.mode())?;
    writeln!(out, "  owner   {}:{}", a.uid, a.gid)?;
    writeln!(out, "  size    {} ({}, {} blocks)", shown.size(), human_size(a.size), a.blocks)?;
    writeln!(out, "  inode   {}, {} link{}", shown.ino, a.nlink, if a.nlink == 1 { "" } else { "s" })?;
    writeln!(out, "  mtime   {}", timestamp(a.mtime))?;
    writeln!(out, "  atime   {}", timestamp(a.atime))?;
    writeln!(out, "  ctime   {}", timestamp(a.ctime))?;
    writeln!(out, "  layer   {}", layers.join(", "))?;
    for Xattr { name, value } in stack.union.xattrs(&resolved.node)?.iter() {
        writeln!(out, "  xattr   {}={}", escape(name, Lines::Escape), escape(value, Lines::Escape))?;
    }
    Ok(())
}

fn object(stack: &Stack, resolved: &Resolved) -> Result<Map<String, Value>> {
    let shown = Shown::of(&stack.union, &resolved.node)?;
    let mut object = shown.json(resolved.path.as_bytes());
    object.insert("blocks".into(), shown.attributes.blocks.into());
    object.insert("atime".into(), timestamp(shown.attributes.atime).into());
    object.insert("ctime".into(), timestamp(shown.attributes.ctime).into());
    let xattrs = stack.union.xattrs(&resolved.node)?;
    let xattrs = xattrs.iter().map(|xattr| {
        let mut object = Map::new();
        put_name(&mut object, "name", &xattr.name);
        object.insert("value_base64".into(), STANDARD.encode(&xattr.value).into());
        Value::Object(object)
    });
    object.insert("xattrs".into(), Value::Array(xattrs.collect()));
    Ok(object)
}
