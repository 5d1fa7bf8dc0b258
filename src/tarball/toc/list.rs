//! The JSON of a table of contents: entry after entry, none of which is kept.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};

use crate::blob::{ChunkTable, Stored};
use crate::digest::Digest;
use crate::index::{IndexBuilder, LayerIndex};

use super::entry::Entry;

/// The version that both formats have.
const VERSION: u64 = 1;

/// Reads a table; chunks must begin before `end` in the compressed stream, and be no more than `max_size` bytes
/// together.
pub fn read(json: &[u8], end: u64, max_size: u64) -> Result<(LayerIndex, ChunkTable), serde_json::Error> {
    let (index, chunks) = (IndexBuilder::new(), ChunkTable::default());
    // Offsets in files are signed.
    let max_size = max_size.min(i64::MAX as u64);
    let mut list = List { index, chunks, end, max_size, file: None };
    let mut json = serde_json::Deserializer::from_slice(json);
    json.deserialize_map(Table(&mut list))?;
    json.end()?;
    list.end_file().map_err(serde_json::Error::custom)?;
    list.chunks.shrink();
    Ok((list.index.finish(), list.chunks))
}

/// What has been read so far.
struct List {
    index: IndexBuilder,
    chunks: ChunkTable,
    end: u64,
    max_size: u64,
    /// The file whose chunks may still come.
    file: Option<File>,
}

/// A file and how much of it has been listed.
struct File {
    name: String,
    size: u64,
    listed: u64,
}

/// An entry that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .name.escape_debug())]
struct BadEntry {
    name: String,
    problem: &'static str,
}

impl List {
    fn add(&mut self, entry: Entry) -> Result<(), BadEntry> {
        if entry.is_chunk() {
            return self.add_chunk(&entry);
        }
        // An entry of three bytes would be kept in many more.
        if entry.kind.is_empty() {
            return Err(BadEntry { name: entry.name, problem: "an entry without a type" });
        }
        self.end_file()?;
        let start = self.chunks.len();
        if entry.kind == "reg" {
            self.file = Some(File { name: entry.name.clone(), size: entry.size, listed: 0 });
            if entry.size > 0 {
                self.add_chunk(&entry)?;
            }
        }
        self.index.add(&entry.member(start));
        Ok(())
    }

    /// Adds the next chunk of the file that was last; its first one stands in the entry of the file.
    fn add_chunk(&mut self, entry: &Entry) -> Result<(), BadEntry> {
        let bad = |problem| BadEntry { name: entry.name.clone(), problem };
        let file = self.file.as_mut().filter(|file| file.name == entry.name);
        let file = file.ok_or_else(|| bad("a chunk of another file than the last"))?;
        let rest = file.size - file.listed;
        let len = if entry.chunk_size == 0 { rest } else { entry.chunk_size };
        if entry.chunk_offset != file.listed || len == 0 || len > rest {
            return Err(bad("chunks that do not follow each other"));
        }
        if self.chunks.len().checked_add(len).is_none_or(|sum| sum > self.max_size) {
            return Err(bad("more bytes than a layer may have"));
        }
        let stored = match entry.chunk_type.as_deref() {
            Some("zeros") => Stored::Zeros,
            None | Some("") => {
                if entry.offset >= self.end {
                    return Err(bad("a chunk that begins outside the layer"));
                }
                let whole = entry.digest.as_deref().filter(|_| len == file.size);
                let text = entry.chunk_digest.as_deref().filter(|text| !text.is_empty()).or(whole);
                // Bytes that cannot be checked would be anybody's.
                let digest = text.and_then(|text| text.parse::<Digest>().ok());
                let digest = digest.ok_or_else(|| bad("a chunk without a digest"))?;
                Stored::At { offset: entry.offset, skip: entry.inner_offset, digest }
            }
            Some(_) => return Err(bad("a chunk of an unknown type")),
        };
        self.chunks.push(len, stored).ok_or_else(|| bad("a chunk longer than any that is decoded"))?;
        file.listed += len;
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), BadEntry> {
        match self.file.take() {
            Some(File { name, size, listed }) if listed < size => {
                Err(BadEntry { name, problem: "a file with chunks that are not listed" })
            }
            _ => Ok(()),
        }
    }
}

/// The table as a whole.
struct Table<'a>(&'a mut List);

impl<'de> Visitor<'de> for Table<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of contents")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_entries = false;
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "version" => match map.next_value()? {
                    VERSION => {}
                    version => return Err(A::Error::custom(format_args!("version {version}"))),
                },
                "entries" if has_entries => return Err(A::Error::duplicate_field("entries")),
                "entries" => {
                    has_entries = true;
                    map.next_value_seed(Entries(self.0))?;
                }
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        if has_entries { Ok(()) } else { Err(A::Error::missing_field("entries")) }
    }
}

/// Its entries.
struct Entries<'a>(&'a mut List);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, entries: D) -> Result<(), D::Error> {
        entries.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element()? {
            self.0.add(entry).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}
