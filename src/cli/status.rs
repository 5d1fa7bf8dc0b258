//! `peelfs status`: what was changed over an image.

use std::io::Write;

use serde_json::{Map, Value};

use crate::commit::{Change, Sides, changes};

use super::args::UpperArgs;
use super::output::{Output, put_name};
use super::style::Style;
use super::{Outcome, Result};

/// Show what an upper directory changes in the image: A added, C changed, D deleted
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    over: UpperArgs,
    /// Write a JSON array of changes
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let (stack, upper) = args.over.look()?;
    let sides = Sides { stack: &stack, upper: &upper };
    let mut out = Output::new();
    let mut objects: Vec<Value> = Vec::new();
    changes(sides, |change, path| {
        if args.json {
            let mut object = Map::new();
            object.insert("change".into(), change.word().into());
            put_name(&mut object, "path", path.as_bytes());
            objects.push(object.into());
            return Ok(());
        }
        let path = out.name(path.as_bytes()).into_owned();
        let letter = out.paint(style(change), change.letter());
        write!(out, "{letter} /")?;
        out.write_all(&path)?;
        out.write_all(b"\n")
    })?;
    if args.json {
        out.json(&objects)?;
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn style(change: Change) -> Style {
    match change {
        Change::Added => Style::Added,
        Change::Changed => Style::Changed,
        Change::Deleted => Style::Deleted,
    }
}
