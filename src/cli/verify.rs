//! `peelfs verify`: whether an image is what it says it is.

use std::io::Write;

use serde_json::{Value, json};

use crate::text::{count, human_size};
use crate::verify::{Problem, verify};

use super::args::ImageArgs;
use super::output::Output;
use super::style::Style;
use super::{Outcome, Result};

/// Check digests, diff IDs, the image ID and every member of every layer
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let mut opening = args.image.opening();
    // What was found some other time proves nothing now, and a wrong layer is what is looked for.
    (opening.tars.recall, opening.tars.verify) = (false, false);
    let report = verify(&opening, &args.image.input())?;
    let mut out = Output::new();
    if args.json {
        let problems: Vec<Value> = report.problems.iter().map(problem_json).collect();
        out.json(&json!({
            "layers_read": report.layers,
            "bytes_read": report.bytes,
            "digests_compared": report.digests,
            "problems": problems,
        }))?;
    } else {
        for problem in &report.problems {
            let layer = problem.layer.map(|no| format!("layer {no} ")).unwrap_or_default();
            writeln!(out, "{layer}{}: {}", out.text(&problem.place), out.text(&problem.message))?;
        }
        let problems = report.problems.len() as u64;
        let style = if problems == 0 { Style::Shown } else { Style::Problem };
        let verdict = if problems == 0 { "ok".to_owned() } else { count(problems, "problem") };
        let layers = count(report.layers as u64, "layer");
        let digests = match report.digests {
            0 => "no digest to compare with".to_owned(),
            digests => count(digests as u64, "digest"),
        };
        let verdict = out.paint(style, verdict);
        writeln!(out, "{verdict}: {layers}, {digests}, {} read", human_size(report.bytes))?;
        out.flush()?;
    }
    Ok(if report.problems.is_empty() { Outcome::Fine } else { Outcome::Problems })
}

fn problem_json(problem: &Problem) -> Value {
    json!({ "layer": problem.layer, "place": problem.place, "message": problem.message })
}
