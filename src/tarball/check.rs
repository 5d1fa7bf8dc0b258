//! Whether what the cache keeps is as it was written: all of it is read.

use std::fs::File;
use std::io;

use crate::blob::{BadChunk, SeekTable, check_chunks};
use crate::cache::{Cache, Group, Listed, Part};
use crate::index::{self, LayerIndex};
use crate::mapped::BadFile;

use super::first_read::readable;

/// What a check of the cache has found.
#[derive(Debug, Default)]
pub struct CacheCheck {
    /// Files that were read.
    pub files: u64,
    /// What they hold together, in bytes.
    pub bytes: u64,
    /// Files that nothing tells about: chunks without their seek table, parts of another version.
    pub unchecked: u64,
    /// Files that are not as they were written.
    pub damaged: Vec<DamagedFile>,
}

/// A file that is not as it was written.
#[derive(Debug)]
pub struct DamagedFile {
    /// The tar that it is about.
    pub group: Group,
    /// What it holds.
    pub part: Part,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it is gone now; what it held will be found out again.
    pub is_removed: bool,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    File(#[from] BadFile),
    #[error("index: {0}")]
    Index(String),
    #[error(transparent)]
    Chunk(#[from] BadChunk),
}

/// Reads every file of a cache; damaged ones are removed.
pub fn check_cache(cache: &Cache) -> io::Result<CacheCheck> {
    let mut check = CacheCheck::default();
    for listed in cache.list()? {
        check.group(cache, listed)?;
    }
    Ok(check)
}

impl CacheCheck {
    fn group(&mut self, cache: &Cache, mut listed: Listed) -> io::Result<()> {
        // Seek tables first: they say how long the tar is, and what is in the chunks.
        listed.parts.sort_by_key(|(part, _)| part.word() != "seek");
        let mut seeks: Vec<(Part, SeekTable)> = Vec::new();
        for (part, len) in listed.parts {
            // It may have gone meanwhile.
            let Some(file) = cache.peek(&listed.group, &part) else { continue };
            let seek_of = |part: &Part| seeks.iter().find(|(seek, _)| seek.blob() == part.blob());
            let checked = match (part.word(), seek_of(&part)) {
                ("seek", _) => seek(&file).map(|seek| seeks.push((part.clone(), seek))),
                ("index", _) => index(&file, seeks.first().map(|(_, seek)| seek.summary().len)),
                ("chunks", Some((_, seek))) => chunks(file, seek),
                _ => {
                    self.unchecked += 1;
                    continue;
                }
            };
            self.files += 1;
            self.bytes += len;
            match checked {
                Ok(()) => {}
                Err(Problem::File(BadFile::Io(error))) => return Err(error),
                Err(problem) => self.damaged(cache, &listed.group, part, &problem),
            }
        }
        Ok(())
    }

    fn damaged(&mut self, cache: &Cache, group: &Group, part: Part, problem: &Problem) {
        let is_removed = cache.remove(group, &part);
        let problem = problem.to_string();
        self.damaged.push(DamagedFile { group: group.clone(), part, problem, is_removed });
    }
}

fn seek(file: &File) -> Result<SeekTable, Problem> {
    Ok(SeekTable::open_whole(file)?)
}

/// An index that contradicts itself was written so; it is no better for having been kept well.
fn index(file: &File, tar_len: Option<u64>) -> Result<(), Problem> {
    let index = LayerIndex::load_whole(file)?;
    match index::check(&index, tar_len).into_iter().next() {
        Some(problem) => Err(Problem::Index(problem)),
        None => Ok(()),
    }
}

fn chunks(file: File, seek: &SeekTable) -> Result<(), Problem> {
    let chunks = readable(&file).ok_or(BadFile::Damaged)?;
    Ok(check_chunks(seek, &chunks)?)
}
