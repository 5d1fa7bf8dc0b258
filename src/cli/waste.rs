//! `peelfs waste`: what of an image nobody sees, and which steps are to blame.

use std::io::{self, Write};
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::layer::LayerNo;
use crate::stack::Stack;
use crate::text::{count, human_size};
use crate::waste::{Hidden, LayerWaste, Reason, Waste, WastedFile, WastedPath};

use super::args::ImageArgs;
use super::output::{Output, put_name};
use super::size::Size;
use super::{Outcome, Result, complain};

/// Show the bytes of an image that higher layers hide, by layer, step and path
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// List so many of the worst paths
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Exit with 1 if more than this is hidden: a share (10%, 0.1) or a size (20M)
    #[arg(long, value_name = "LIMIT")]
    fail_above: Option<Limit>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result {
    let stack = args.image.stack()?;
    let waste = Waste::of(&stack, args.top)?;
    let mut out = if args.json { Output::new() } else { Output::paged() };
    match args.json {
        true => out.json(&waste_json(&stack, &waste))?,
        false => write_report(&mut out, &stack, &waste)?,
    }
    out.flush()?;
    match args.fail_above.filter(|limit| limit.is_passed(&waste)) {
        Some(limit) => {
            complain(&format!(
                "{} of {} hidden, more than {limit}",
                share(&waste),
                human_size(waste.bytes())
            ));
            Ok(Outcome::Problems)
        }
        None => Ok(Outcome::Fine),
    }
}

/// How much may be hidden.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    /// A share of all bytes, from 0 to 1.
    Share(f64),
    Bytes(Size),
}

impl Limit {
    fn is_passed(self, waste: &Waste) -> bool {
        match self {
            Limit::Share(share) => waste.share() > share,
            Limit::Bytes(Size(bytes)) => waste.hidden() > bytes,
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Limit, String> {
        let bad = || format!("`{text}` is neither a share (10%, 0.1) nor a size (20M)");
        let share = match text.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().map_err(|_| bad())? / 100.0,
            None if text.contains('.') => text.parse().map_err(|_| bad())?,
            // `10` is meant as a share or as bytes, and by nobody as what another means.
            None if text.bytes().all(|byte| byte.is_ascii_digit()) && !matches!(text, "" | "0") => {
                return Err(format!("`{text}` has no unit: `{text}%` or `{text}B`"));
            }
            None => return text.parse().map(Limit::Bytes).map_err(|_| bad()),
        };
        if (0.0..=1.0).contains(&share) { Ok(Limit::Share(share)) } else { Err(bad()) }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Limit::Share(share) => write!(f, "{:.1} %", share * 100.0),
            Limit::Bytes(size) => size.fmt(f),
        }
    }
}

fn share(waste: &Waste) -> String {
    format!("{:.1} %", waste.share() * 100.0)
}

/// The layers that are there.
fn layers<'a>(stack: &'a Stack, waste: &'a Waste) -> impl Iterator<Item = (LayerNo, &'a LayerWaste)> {
    let is_there =
        |no: LayerNo| stack.image.layers.get(no.0 as usize).is_none_or(|layer| !layer.is_left_out());
    (0..).map(LayerNo).zip(&waste.layers).filter(move |(no, _)| is_there(*no))
}

fn write_report(out: &mut Output, stack: &Stack, waste: &Waste) -> io::Result<()> {
    let (bytes, hidden) = (human_size(waste.bytes()), human_size(waste.hidden()));
    let efficiency = waste.efficiency() * 100.0;
    writeln!(out, "efficiency {efficiency:.1} %: {hidden} of {bytes} in all layers hidden")?;
    writeln!(out, "\nlayer        size      hidden       hides  step")?;
    for (no, layer) in layers(stack, waste) {
        let line = format!(
            "{no:>5}  {:>10}  {:>10}  {:>10}  {}",
            human_size(layer.bytes),
            size_or_dash(layer.hidden.total()),
            size_or_dash(layer.hides.total()),
            out.text(stack.created_by(no).unwrap_or_default()),
        );
        writeln!(out, "{}", line.trim_end())?;
        // Why, where there is a choice.
        if layer.hides.total() > 0 {
            writeln!(out, "{:>43}{}", "", reasons(&layer.hides))?;
        }
    }
    if !waste.worst.is_empty() {
        let (shown, paths) = (waste.worst.len() as u64, waste.paths);
        let of = if shown < paths {
            format!(", the worst {shown} of them (--top N: more)")
        } else {
            String::new()
        };
        writeln!(out, "\n{}{of}", count(paths, "path"))?;
    }
    for path in &waste.worst {
        write!(out, "{:>10}  /", human_size(path.bytes))?;
        let name = out.name(path.path.as_bytes()).into_owned();
        out.write_all(&name)?;
        writeln!(out, "  ({})", files(&path.files))?;
    }
    Ok(())
}

fn size_or_dash(bytes: u64) -> String {
    if bytes == 0 { "-".to_owned() } else { human_size(bytes) }
}

/// `1.0 KiB replaced, 20 B deleted`.
fn reasons(hidden: &Hidden) -> String {
    let reasons = Reason::ALL.into_iter().filter(|&reason| hidden.of(reason) > 0);
    let reasons = reasons.map(|reason| format!("{} {}", human_size(hidden.of(reason)), reason.word()));
    reasons.collect::<Vec<_>>().join(", ")
}

/// `layer 1 replaced by 2, layer 0 deleted by 1`; of many only the topmost.
fn files(files: &[WastedFile]) -> String {
    const MOST: usize = 4;
    let told = files.iter().take(MOST);
    let told = told.map(|file| format!("layer {} {} by {}", file.layer, file.reason.word(), file.by));
    let more = files.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("{more} more"));
    told.chain(more).collect::<Vec<_>>().join(", ")
}

fn waste_json(stack: &Stack, waste: &Waste) -> Value {
    let layers = layers(stack, waste).map(|(no, layer)| layer_json(stack, no, layer));
    json!({
        "size": waste.bytes(),
        "hidden": hidden_json(&waste.hidden_by_reason()),
        "efficiency": waste.efficiency(),
        "paths": waste.paths,
        "layers": layers.collect::<Vec<_>>(),
        "worst": waste.worst.iter().map(path_json).collect::<Vec<_>>(),
    })
}

fn layer_json(stack: &Stack, no: LayerNo, layer: &LayerWaste) -> Value {
    json!({
        "layer": no.0,
        "size": layer.bytes,
        "hidden": hidden_json(&layer.hidden),
        "hides": hidden_json(&layer.hides),
        "created_by": stack.created_by(no),
    })
}

fn hidden_json(hidden: &Hidden) -> Value {
    let mut object = Map::new();
    object.insert("size".into(), hidden.total().into());
    for reason in Reason::ALL {
        object.insert(reason.word().into(), hidden.of(reason).into());
    }
    object.into()
}

fn path_json(path: &WastedPath) -> Value {
    let mut object = Map::new();
    put_name(&mut object, "path", path.path.as_bytes());
    object.insert("size".into(), path.bytes.into());
    let files = path.files.iter().map(|file| {
        json!({
            "layer": file.layer.0,
            "size": file.bytes,
            "reason": file.reason.word(),
            "hidden_by": file.by.0,
        })
    });
    object.insert("files".into(), files.collect());
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_shares_or_sizes() {
        for (text, limit) in [
            ("10%", Limit::Share(0.1)),
            ("0.25", Limit::Share(0.25)),
            ("12.5%", Limit::Share(0.125)),
            ("20M", Limit::Bytes(Size(20 << 20))),
            ("0", Limit::Bytes(Size(0))),
        ] {
            assert_eq!(text.parse(), Ok(limit), "{text}");
        }
        for text in ["", "%", "101%", "-1%", "1.5", "nan%", "NaN.", "20X"] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}
