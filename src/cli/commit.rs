//! `peelfs commit`: what was written over an image, as a new layer and a new image.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::json;

use crate::blob::Progress;
use crate::commit::{
    self, BaseLayer, Error, Form, Layer, Links, NewImage, Reference, Sides, Stored, Words, store_layer,
};
use crate::entry::Time;
use crate::image::Format;
use crate::stack::Stack;

use super::args::UpperArgs;
use super::output::Output;
use super::progress::Bar;
use super::{Outcome, Result};

/// The variable by which builds are made to have one time (reproducible-builds.org).
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Bytes of a layer that are written at a time.
const BUFFER: usize = 1024 * 1024;

/// Keep what was written over an image as a new layer, in a new image
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    over: UpperArgs,
    /// Write to this file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Name the new image (repeat for more names)
    #[arg(short, long = "tag", value_name = "NAME[:TAG]", conflicts_with = "layer_only")]
    tags: Vec<Reference>,
    /// Say what was changed, in the image's history
    #[arg(short, long, value_name = "TEXT", conflicts_with = "layer_only")]
    message: Option<String>,
    /// Say who changed it
    #[arg(long, value_name = "NAME", conflicts_with = "layer_only")]
    author: Option<String>,
    /// Write an archive of this form [default: oci if the image comes in an OCI layout, else docker]
    #[arg(long, value_name = "FORM", conflicts_with = "layer_only")]
    format: Option<FormName>,
    /// Store the new layer so [default: none, or as the name of a --layer-only file says]
    #[arg(long, value_name = "HOW")]
    compression: Option<StoredName>,
    /// Write the new layer alone
    #[arg(long)]
    layer_only: bool,
    /// Write JSON that says what was written
    #[arg(long)]
    json: bool,
}

/// The form of an archive, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormName {
    /// What `docker load` reads, which is an OCI layout as well
    Docker,
    /// An OCI layout alone
    Oci,
}

/// A compression, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StoredName {
    /// As it is
    None,
    /// gzip
    Gzip,
    /// zstd, in frames that can be read in the middle
    Zstd,
}

pub fn run(args: Args) -> Result {
    let to_stdout = args.output == Path::new("-");
    if to_stdout && Output::new().is_terminal() {
        return Err("standard output is a terminal: name a file with -o".into());
    }
    args.check_name()?;
    let epoch = epoch()?;
    let (stack, upper) = args.over.look()?;
    let sides = Sides { stack: &stack, upper: &upper };
    let links = Links::find(sides)?;
    let bar = Bar::new("writing");
    let latest = epoch.map(|time| Time { secs: time.as_second(), nanos: 0 });
    let layer = Layer { sides, links: &links, latest, progress: &bar };
    let output = match to_stdout {
        true => commit::Output::copied(Box::new(Output::bulk())),
        false => commit::Output::create(&args.output),
    };
    let wrong = |source| Error::Output { path: args.output.clone(), source };
    let output = output.map_err(wrong)?;
    let file = output.file().map_err(wrong)?;
    let written = match args.layer_only {
        true => write_layer(&args, file, &layer, &bar)?,
        false => write_image(&args, file, &stack, &layer, epoch, &bar)?,
    };
    output.keep().map_err(wrong)?;
    if !to_stdout {
        tell(&args, &written)?;
    }
    Ok(Outcome::Fine)
}

/// What is said of what was written.
struct Told {
    id: Option<String>,
    diff_id: String,
    digest: String,
    size: u64,
    members: u64,
}

fn write_layer(args: &Args, file: std::fs::File, layer: &Layer<'_>, bar: &Bar) -> Result<Told> {
    bar.expect(layer.links.bytes);
    let mut members = 0;
    let mut out = BufWriter::with_capacity(BUFFER, file);
    let stored = store_layer(&mut out, args.stored(), |tar| {
        members = layer.write(tar)?;
        Ok::<_, Error>(())
    })?;
    out.flush()?;
    let (diff_id, digest) = (stored.diff_id.to_string(), stored.digest.to_string());
    Ok(Told { id: None, diff_id, digest, size: stored.size, members })
}

fn write_image(
    args: &Args,
    file: std::fs::File,
    stack: &Stack,
    layer: &Layer<'_>,
    epoch: Option<Timestamp>,
    bar: &Bar,
) -> Result<Told> {
    let base_layers = BaseLayer::all(stack, !args.over.image.open.no_verify, bar);
    bar.expect(layer.links.bytes + base_layers.iter().map(BaseLayer::copied_len).sum::<u64>());
    let image = NewImage {
        form: args.form(stack),
        stored: args.stored(),
        tags: args.tags.clone(),
        words: Words {
            created: epoch.unwrap_or_else(Timestamp::now).to_string(),
            author: args.author.clone(),
            message: args.message.clone(),
        },
    };
    let mut members = 0;
    let written = image.write(file, &stack.image, &base_layers, |tar| {
        members = layer.write(tar)?;
        Ok(())
    })?;
    let (id, layer) = (Some(written.id.to_string()), written.layer);
    let (diff_id, digest) = (layer.diff_id.to_string(), layer.digest.to_string());
    Ok(Told { id, diff_id, digest, size: layer.size, members })
}

/// The image's ID, or the layer's diff ID; more for programs.
fn tell(args: &Args, told: &Told) -> Result<()> {
    let mut out = Output::new();
    let Told { id, diff_id, digest, size, members } = told;
    match args.json {
        true => {
            out.json(
                &json!({ "id": id, "diff_id": diff_id, "digest": digest, "size": size, "members": members }),
            )?;
        }
        false => writeln!(out, "{}", id.as_ref().unwrap_or(diff_id))?,
    }
    Ok(out.flush()?)
}

impl Args {
    /// Refuses a name that promises another compression than what is written.
    fn check_name(&self) -> Result<()> {
        let end = self.output.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let is_true = match end {
            "gz" | "tgz" => self.layer_only && self.stored() == Stored::Gzip,
            "zst" | "tzst" => self.layer_only && self.stored() == Stored::Zstd,
            "xz" | "txz" | "bz2" | "tbz2" => false,
            _ => true,
        };
        if is_true {
            return Ok(());
        }
        let why = match self.layer_only {
            true => "what is written is not so compressed; --compression is none, gzip (.gz) or zstd (.zst)",
            false => {
                "an archive is not compressed as a whole; name it .tar (--compression is that of the new layer)"
            }
        };
        Err(format!("{}: {why}", self.output.display()).into())
    }

    fn stored(&self) -> Stored {
        stored_as(self.compression, Some(&*self.output).filter(|_| self.layer_only))
    }

    fn form(&self, stack: &Stack) -> Form {
        match self.format {
            Some(FormName::Docker) => Form::Docker,
            Some(FormName::Oci) => Form::Oci,
            None if stack.image.format == Format::Oci && !stack.image.is_listed_for_docker => Form::Oci,
            None => Form::Docker,
        }
    }
}

/// How a tar is stored: as is said, or as the name of its file ends.
pub fn stored_as(said: Option<StoredName>, file: Option<&Path>) -> Stored {
    match said {
        Some(StoredName::None) => Stored::Plain,
        Some(StoredName::Gzip) => Stored::Gzip,
        Some(StoredName::Zstd) => Stored::Zstd,
        None => match file.and_then(|file| file.extension()?.to_str()) {
            Some("gz" | "tgz") => Stored::Gzip,
            Some("zst" | "tzst") => Stored::Zstd,
            _ => Stored::Plain,
        },
    }
}

/// The time that the builder says it is.
fn epoch() -> Result<Option<Timestamp>> {
    let Some(text) = std::env::var_os(EPOCH).filter(|text| !text.is_empty()) else { return Ok(None) };
    let time = text.to_str().and_then(|text| text.parse().ok());
    let time = time.and_then(|seconds| Timestamp::from_second(seconds).ok());
    Ok(Some(time.ok_or_else(|| format!("{EPOCH}: {} is no number of seconds", text.display()))?))
}
