//! `peelfs cache`: what is kept of layers between mounts.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::cache::{Cache, Group, Listed, Part};
use crate::entry::Time;
use crate::tarball::{DamagedFile, check_cache};
use crate::text::{count, human_size, short_time, timestamp};

use super::args::cache_at;
use super::output::{Output, put_name};
use super::size::Size;
use super::{Outcome, Result};

/// List, check or empty the directory of indexes that are kept between mounts
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// The directory [default: $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
    #[arg(long, global = true, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Write JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// List the layers that something is kept of, least recently used first
    Ls,
    /// Read all files, and remove those that are damaged
    Verify,
    /// Remove layers, least recently used first, until the others fit
    Prune {
        /// Leave at most this [default: 2G]
        #[arg(long, value_name = "SIZE")]
        max_size: Option<Size>,
    },
}

pub fn run(args: Args) -> Result {
    let dir = args.cache_dir.as_deref();
    let cache = cache_at(dir).ok_or("neither $XDG_CACHE_HOME nor $HOME is set; say --cache-dir DIR")?;
    let mut out = Output::new();
    let outcome = match args.verb {
        Verb::Ls => list(&mut out, &cache, args.json)?,
        Verb::Verify => verify(&mut out, &cache, args.json)?,
        Verb::Prune { max_size } => {
            let max = max_size.map_or(cache.limit(), |size| size.0);
            prune(&mut out, &cache, max, args.json)?
        }
    };
    out.flush()?;
    Ok(outcome)
}

fn list(out: &mut Output, cache: &Cache, json: bool) -> Result {
    let layers = cache.list().map_err(|error| named(cache, &error))?;
    let size: u64 = layers.iter().map(Listed::size).sum();
    if json {
        let mut object = of_dir(cache);
        object.insert("limit".into(), cache.limit().into());
        object.insert("size".into(), size.into());
        object.insert("layers".into(), layers.iter().map(listed_json).collect());
        out.json(&object)?;
        return Ok(Outcome::Fine);
    }
    let name_width = layers.iter().map(|listed| short(&listed.group).len()).max().unwrap_or(0);
    let size_width = layers.iter().map(|listed| human_size(listed.size()).len()).max().unwrap_or(0);
    for listed in &layers {
        let (name, size, used) =
            (short(&listed.group), human_size(listed.size()), short_time(time(listed.last_used)));
        writeln!(out, "{name:<name_width$}  {size:>size_width$}  {used}  {}", parts(listed))?;
    }
    let (layers, limit) = (count(layers.len() as u64, "layer"), human_size(cache.limit()));
    writeln!(out, "{layers}, {} of {limit} in {}", human_size(size), dir(out, cache))?;
    Ok(Outcome::Fine)
}

fn verify(out: &mut Output, cache: &Cache, json: bool) -> Result {
    let check = check_cache(cache).map_err(|error| named(cache, &error))?;
    if json {
        let mut object = of_dir(cache);
        object.insert("files_read".into(), check.files.into());
        object.insert("bytes_read".into(), check.bytes.into());
        object.insert("files_unchecked".into(), check.unchecked.into());
        object.insert("damaged".into(), check.damaged.iter().map(damaged_json).collect());
        out.json(&object)?;
    } else {
        for file in &check.damaged {
            let fate = if file.is_removed { "removed" } else { "it cannot be removed" };
            writeln!(out, "{}: {}; {fate}", file_name(&file.group, &file.part), file.problem)?;
        }
        let verdict = match check.damaged.len() as u64 {
            0 => "ok".to_owned(),
            damaged => format!("{damaged} damaged"),
        };
        let (files, bytes) = (count(check.files, "file"), human_size(check.bytes));
        let unchecked = match check.unchecked {
            0 => String::new(),
            unchecked => format!(", {unchecked} not checked"),
        };
        writeln!(out, "{verdict}: {files}, {bytes} read{unchecked} in {}", dir(out, cache))?;
    }
    Ok(if check.damaged.is_empty() { Outcome::Fine } else { Outcome::Problems })
}

fn prune(out: &mut Output, cache: &Cache, max: u64, json: bool) -> Result {
    let report = cache.prune(max).map_err(|error| named(cache, &error))?;
    let left = cache.list().map_err(|error| named(cache, &error))?.len() as u64;
    if json {
        let mut object = of_dir(cache);
        object.insert("layers_removed".into(), report.groups.into());
        object.insert("bytes_removed".into(), report.freed.into());
        object.insert("layers_left".into(), left.into());
        object.insert("bytes_left".into(), report.left.into());
        out.json(&object)?;
        return Ok(Outcome::Fine);
    }
    let removed = count(report.groups as u64, "layer");
    writeln!(out, "removed: {removed}, {}", human_size(report.freed))?;
    let left = count(left, "layer");
    writeln!(out, "left: {left}, {} in {}", human_size(report.left), dir(out, cache))?;
    Ok(Outcome::Fine)
}

/// An error of the directory, which it does not name.
fn named(cache: &Cache, error: &io::Error) -> String {
    format!("cache directory {}: {error}", cache.path().display())
}

fn dir(out: &Output, cache: &Cache) -> String {
    out.text(&cache.path().display().to_string())
}

fn of_dir(cache: &Cache) -> Map<String, Value> {
    let mut object = Map::new();
    put_name(&mut object, "dir", cache.path().as_os_str().as_bytes());
    object
}

/// A group's name, cut as IDs are: the diff ID, or `file-` and what stands for a file.
fn short(group: &Group) -> String {
    match group {
        Group::DiffId(id) => id.0.short().to_owned(),
        Group::File(identity) => format!("file-{}", identity.short()),
    }
}

/// `index 8.0 KiB, seek 1.0 KiB`.
fn parts(listed: &Listed) -> String {
    let parts = listed.parts.iter().map(|(part, len)| format!("{} {}", part.word(), human_size(*len)));
    parts.collect::<Vec<_>>().join(", ")
}

fn file_name(group: &Group, part: &Part) -> String {
    format!("{group}.{part}")
}

fn listed_json(listed: &Listed) -> Value {
    let parts = listed.parts.iter().map(
        |(part, len)| json!({ "part": part.word(), "file": file_name(&listed.group, part), "size": len }),
    );
    json!({
        "diff_id": diff_id(&listed.group),
        "size": listed.size(),
        "last_used": timestamp(time(listed.last_used)),
        "parts": parts.collect::<Vec<_>>(),
    })
}

fn damaged_json(file: &DamagedFile) -> Value {
    json!({
        "diff_id": diff_id(&file.group),
        "part": file.part.word(),
        "file": file_name(&file.group, &file.part),
        "message": file.problem,
        "removed": file.is_removed,
    })
}

/// The layer; `None` for a tar that is known only by its file.
fn diff_id(group: &Group) -> Option<String> {
    match group {
        Group::DiffId(id) => Some(id.to_string()),
        Group::File(_) => None,
    }
}

fn time(time: SystemTime) -> Time {
    // Nothing was kept before 1970.
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Time { secs: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos: since.subsec_nanos() }
}
