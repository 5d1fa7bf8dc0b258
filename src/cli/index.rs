//! `peelfs index`: the reading of a first mount, done beforehand.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use serde_json::{Map, Value, json};

use crate::cache::Cache;
use crate::digest::{DiffId, Digest};
use crate::image::{IndexedLayer, LayerSource};
use crate::tarball::{Claims, Digests, InCache, Known};
use crate::text::{count, human_size};

use super::args::ImageArgs;
use super::output::{Output, put_name};
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

/// A layer, or a tar around layers, and what became of it.
struct Line<'a> {
    /// Its number; an archive has none.
    no: Option<usize>,
    place: &'a str,
    known: Option<&'a Known>,
    /// What the image says of it.
    claims: Claims,
    stored_size: Option<u64>,
    entries: Option<u64>,
}

pub fn run(args: Args) -> Result {
    let cache = cache(&args.image)?;
    let stack = args.image.stack()?;
    let layers = stack.image.layers.iter().zip(stack.layers()).enumerate();
    let layers: Vec<Line> = layers.map(|(no, (source, layer))| Line::of_layer(no, source, layer)).collect();
    // Of a plain archive only the headers are read.
    let archives = stack.image.archives.iter().filter(|(_, known)| matches!(known, Known::Compressed { .. }));
    let archives: Vec<Line> = archives.map(|(place, known)| Line::of_archive(place, known)).collect();
    let mut out = Output::new();
    if args.json {
        let json = |lines: &[Line]| lines.iter().map(Line::json).collect::<Value>();
        let mut object = Map::new();
        put_name(&mut object, "dir", cache.path().as_os_str().as_bytes());
        object.insert("archives".into(), json(&archives));
        object.insert("layers".into(), json(&layers));
        out.json(&object)?;
    } else {
        write_table(&mut out, &archives, &layers)?;
        write_total(&mut out, &layers, &cache)?;
        out.flush()?;
    }
    let lost = archives.iter().chain(&layers).filter(|line| line.in_cache() == Some(InCache::No));
    for line in lost.clone() {
        complain(&format!("{}: not kept in {}", line.place, cache.path().display()));
    }
    Ok(if lost.count() == 0 { Outcome::Fine } else { Outcome::Partial })
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

/// Writes a line for each tar, in columns.
fn write_table(out: &mut Output, archives: &[Line], layers: &[Line]) -> io::Result<()> {
    let lines: Vec<&Line> = archives.iter().chain(layers).collect();
    let width = |of: fn(&Line) -> String| lines.iter().map(|line| of(line).len()).max().unwrap_or(0);
    let no = width(|line| line.no());
    let form = width(|line| line.form());
    let size = width(|line| line.size());
    let entries = width(|line| line.entries());
    let state = width(|line| line.state().to_owned());
    for line in &lines {
        let row = format!(
            "{:>no$}  {:<form$}  {:>size$}  {:>entries$}  {:<state$}  {}",
            line.no(),
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

fn write_total(out: &mut Output, layers: &[Line], cache: &Cache) -> io::Result<()> {
    let of = |state| layers.iter().filter(|line| line.in_cache() == Some(state)).count();
    let (read, cached) = (of(InCache::New), of(InCache::Already));
    let dir = out.text(&cache.path().display().to_string());
    writeln!(out, "{}: {read} read, {cached} cached in {dir}", count(layers.len() as u64, "layer"))
}

impl<'a> Line<'a> {
    fn of_layer(no: usize, source: &'a LayerSource, layer: &'a IndexedLayer) -> Line<'a> {
        Line {
            no: Some(no),
            place: &source.place,
            known: layer.known.as_ref(),
            claims: source.claims(),
            stored_size: source.stored_size(),
            entries: Some(layer.index.member_count()),
        }
    }

    fn of_archive(place: &'a str, known: &'a Known) -> Line<'a> {
        let claims = Claims::default();
        Line { no: None, place, known: Some(known), claims, stored_size: None, entries: None }
    }

    fn no(&self) -> String {
        self.no.map_or("-".to_owned(), |no| no.to_string())
    }

    /// How it is stored.
    fn form(&self) -> String {
        match self.known {
            None => "directory".to_owned(),
            Some(Known::Plain { .. }) => "plain".to_owned(),
            Some(Known::Compressed { compression, .. } | Known::Listed { compression, .. }) => {
                compression.to_string()
            }
        }
    }

    fn size(&self) -> String {
        self.stored_size.map_or("-".to_owned(), human_size)
    }

    fn entries(&self) -> String {
        self.entries.map_or("-".to_owned(), |entries| count(entries, "entry"))
    }

    /// Whether it is in the cache; a directory never is, nor what was opened by its own table of contents.
    fn in_cache(&self) -> Option<InCache> {
        match self.known? {
            Known::Plain { in_cache } | Known::Compressed { in_cache, .. } => Some(*in_cache),
            Known::Listed { .. } => None,
        }
    }

    fn state(&self) -> &'static str {
        match self.in_cache() {
            None if matches!(self.known, Some(Known::Listed { .. })) => "trusted",
            None => "-",
            Some(InCache::Already) => "cached",
            Some(InCache::New) => "read",
            Some(InCache::Small) => "small",
            Some(InCache::No) => "not kept",
        }
    }

    /// The digest of its tar; of a plain one, what the image says.
    fn diff_id(&self) -> Option<&DiffId> {
        self.digests().map(|digests| &digests.diff_id).or(self.claims.diff_id.as_ref())
    }

    /// The digest of its bytes as they are stored; of a plain one, what the image says.
    fn digest(&self) -> Option<&Digest> {
        self.digests().map(|digests| &digests.stored).or(self.claims.stored.as_ref())
    }

    /// The digests that were found, not claimed.
    fn digests(&self) -> Option<&Digests> {
        match self.known? {
            Known::Compressed { digests, .. } => Some(digests),
            Known::Plain { .. } | Known::Listed { .. } => None,
        }
    }

    fn json(&self) -> Value {
        json!({
            "layer": self.no,
            "place": self.place,
            "compression": self.form(),
            "stored_size": self.stored_size,
            "members": self.entries,
            "state": self.known.map(|_| self.state()),
            "diff_id": self.diff_id().map(ToString::to_string),
            "digest": self.digest().map(ToString::to_string),
        })
    }
}
