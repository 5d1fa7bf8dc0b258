//! `peelfs lesson`: how layers work, in ten lessons, each with an image to try it on.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::lesson::{LESSONS, Lesson, Made};

use super::output::Output;
use super::{Outcome, Result};

/// Learn how layers work: list the lessons, read one, or make the image that it is tried on
#[derive(clap::Args)]
pub struct Args {
    /// Which lesson; without it they are listed
    #[arg(value_parser = clap::value_parser!(u8).range(1..=LESSONS.len() as i64))]
    number: Option<u8>,
    /// Make the lesson's image in this directory, which is empty or not there yet; without it the
    /// lesson's text is shown
    dir: Option<PathBuf>,
    /// Show the answers to the lesson's questions
    #[arg(long, requires = "number", conflicts_with = "dir")]
    answer: bool,
}

pub fn run(args: Args) -> Result {
    let mut out = Output::new();
    match (args.number.and_then(Lesson::find), &args.dir) {
        (None, _) => list(&mut out)?,
        (Some(lesson), None) => tell(&mut out, lesson, args.answer)?,
        (Some(lesson), Some(dir)) => {
            let made = lesson.make(dir)?;
            introduce(&mut out, lesson, dir, &made)?;
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn list(out: &mut Output) -> Result<()> {
    let width = LESSONS.iter().map(|lesson| lesson.title.len()).max().unwrap_or_default();
    for Lesson { number, title, asks, .. } in &LESSONS {
        writeln!(out, "{number:>2}  {title:<width$}  {asks}")?;
    }
    writeln!(out, "\nTo read one: peelfs lesson 1. To make what it is tried on: peelfs lesson 1 DIR.")?;
    Ok(())
}

fn tell(out: &mut Output, lesson: &Lesson, answer: bool) -> Result<()> {
    let text = match answer {
        true => lesson.answers(),
        false => lesson.questions(&format!("(The answer: peelfs lesson {} --answer)", lesson.number)),
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// What was made, and what to do with it.
fn introduce(out: &mut Output, lesson: &Lesson, dir: &Path, made: &Made) -> Result<()> {
    let Lesson { number, title, asks, file, .. } = lesson;
    writeln!(out, "Lesson {number}: {title}. {asks}")?;
    for image in lesson.images {
        let layers = image.layers().count();
        writeln!(out, "  {:<17}an image of {layers} layers", image.archive())?;
        writeln!(out, "  {:<17}the steps that it was made by", image.dockerfile_name())?;
    }
    match &made.no_layers {
        None => writeln!(out, "  {:<17}the same layers unpacked, for the kernel's overlayfs", "layers/")?,
        Some(error) => writeln!(out, "  no layers/       overlayfs's marks cannot be made here: {error}")?,
    }
    writeln!(out, "Read `peelfs lesson {number}` (docs/tutorial/{file}), and begin:")?;
    let shown = dir.display().to_string();
    writeln!(out, "  cd {}", out.text(&shown))?;
    if let Some(command) = lesson.first_command() {
        writeln!(out, "  {command}")?;
    }
    Ok(())
}
