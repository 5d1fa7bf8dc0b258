//! `peelfs index`: the reading of a first mount, done beforehand.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use serde_json::{Map, Value, json};

use crate::cache::Cache;
use crate::digest::{DiffId, Digest};
use crate::image::{IndexedLayer, LayerSource};
use crate::tarball::{InCache, Known};

use super::args::ImageArgs;
use super::output::{Output, count, human_size, put_name};
use super::{Outcome, Result, complain};

/// Read the layers of an image and keep their indexes, so that mounting takes no time
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A layer, and what became of it.
struct Line<'a> {
    source: &'a LayerSource,
    layer: &'a IndexedLayer,
}

pub fn run(args: Args) -> Result {
    let cache = cache(&args.image)?;
    let stack = args.image.stack()?;
    let lines = stack.image.layers.iter().zip(stack.layers()).map(|(source, layer)| Line { source, layer });
    let lines: Vec<Line> = lines.collect();
    let mut out = Output::new();
    if args.json {
        let mut object = Map::new();
        put_name(&mut object, "dir", cache.path().as_os_str().as_bytes());
        object.insert("layers".into(), lines.iter().enumerate().map(|(no, line)| line.json(no)).collect());
        out.json(&object)?;
    } else {
        write_table(&mut out, &lines)?;
        write_total(&mut out, &lines, &cache)?;
        out.flush()?;
    }
    match lines.iter().filter(|line| line.in_cache() == Some(InCache::No)).count() as u64 {
        0 => Ok(Outcome::Fine),
        lost => {
            complain(&format!("not kept in {}: {}", cache.path().display(), count(lost, "layer")));
            Ok(Outcome::Partial)
        }
    }
}

/// The cache that is to be filled.
fn cache(args: &ImageArgs) -> Result<Cache> {
    if args.open.no_cache {
        return Err("with --no-cache there is nowhere to keep an index".into());
    }
    let cache = args.open.cache().ok_or("nowhere to keep an index; say --cache-dir DIR")?;
    let writable = cache.is_writable();
    writable.map_err(|error| format!("cache directory {}: {error}", cache.path().display()))?;
    Ok(cache)
}

/// Writes a line for each layer, in columns.
fn write_table(out: &mut Output, lines: &[Line]) -> io::Result<()> {
    let width = |of: fn(&Line) -> String| lines.iter().map(|line| of(line).len()).max().unwrap_or(0);
    let form = width(|line| line.form());
    let size = width(|line| line.size());
    let entries = width(|line| line.entries());
    let state = width(|line| line.state().to_owned());
    let no_width = lines.len().saturating_sub(1).to_string().len();
    for (no, line) in lines.iter().enumerate() {
        let row = format!(
            "{no:>no_width$}  {:<form$}  {:>size$}  {:>entries$}  {:<state$}  {}",
            line.form(),
            line.size(),
            line.entries(),
            line.state(),
            line.diff_id().map_or("", |id| id.0.short()),
        );
        writeln!(out, "{}", row.trim_end())?;
    }
    Ok(())
}

fn write_total(out: &mut Output, lines: &[Line], cache: &Cache) -> io::Result<()> {
    let of = |state| lines.iter().filter(|line| line.in_cache() == Some(state)).count();
    let (read, cached) = (of(InCache::New), of(InCache::Already));
    let dir = out.text(&cache.path().display().to_string());
    writeln!(out, "{}: {read} read, {cached} cached in {dir}", count(lines.len() as u64, "layer"))
}

impl Line<'_> {
    /// How it is stored.
    fn form(&self) -> String {
        match &self.layer.known {
            None => "directory".to_owned(),
            Some(Known::Plain { .. }) => "plain".to_owned(),
            Some(Known::Compressed { compression, .. }) => compression.to_string(),
        }
    }

    fn size(&self) -> String {
        self.source.stored_size().map_or("-".to_owned(), human_size)
    }

    fn entries(&self) -> String {
        count(self.layer.index.member_count(), "entry")
    }

    /// Whether it is in the cache; a directory never is.
    fn in_cache(&self) -> Option<InCache> {
        match &self.layer.known {
            None => None,
            Some(Known::Plain { in_cache } | Known::Compressed { in_cache, .. }) => Some(*in_cache),
        }
    }

    fn state(&self) -> &'static str {
        match self.in_cache() {
            None => "-",
            Some(InCache::Already) => "cached",
            Some(InCache::New) => "read",
            Some(InCache::Small) => "small",
            Some(InCache::No) => "not kept",
        }
    }

    /// The digest of its tar; of a plain one, what the image says.
    fn diff_id(&self) -> Option<&DiffId> {
        match &self.layer.known {
            Some(Known::Compressed { digests, .. }) => Some(&digests.diff_id),
            _ => self.source.diff_id.as_ref(),
        }
    }

    fn json(&self, no: usize) -> Value {
        json!({
            "layer": no,
            "place": self.source.place,
            "compression": self.form(),
            "stored_size": self.source.stored_size(),
            "entries": self.layer.index.member_count(),
            "state": self.in_cache().map(|_| self.state()),
            "diff_id": self.diff_id().map(ToString::to_string),
            "digest": self.digest().map(ToString::to_string),
        })
    }

    /// The digest of its bytes as they are stored; of a plain one, what the image says.
    fn digest(&self) -> Option<&Digest> {
        match &self.layer.known {
            Some(Known::Compressed { digests, .. }) => Some(&digests.stored),
            _ => self.source.digest.as_ref(),
        }
    }
}
