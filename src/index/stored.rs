//! An index as a file: its tables as they are, mapped (docs/index-format.md).

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use crate::layer::{DirId, ForeignLink, LeafId};
use crate::mapped::{BadFile, Damaged, Table, TableFile, TableWriter};
use crate::path::TreePath;

use super::reject::{Reason, Rejected};
use super::table::{Flags, Rare, Summary, Tables, Text};

/// What the file says it is.
const KIND: [u8; 4] = *b"indx";

/// The tables' numbers.
mod id {
    pub const SUMMARY: u32 = 1;
    pub const RECORDS: u32 = 2;
    pub const NAMES: u32 = 3;
    pub const TEXTS: u32 = 4;
    pub const OWNERS: u32 = 5;
    pub const XATTR_SETS: u32 = 6;
    pub const XATTRS: u32 = 7;
    pub const EXTENTS: u32 = 8;
    pub const SPARSE: u32 = 9;
    pub const TIMES: u32 = 10;
    pub const FOREIGN: u32 = 11;
    pub const LINK_WHITEOUTS: u32 = 12;
    pub const REJECTED: u32 = 13;
    pub const RARE_TEXTS: u32 = 14;
}

/// A text that belongs to an entry, in `RARE_TEXTS`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct EntryText {
    entry: u64,
    text: Text,
}

/// A rejected member; its texts are in `RARE_TEXTS`.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RejectedText {
    offset: u64,
    name: Text,
    reason: Text,
}

impl Tables {
    /// Writes the tables to a file that is empty.
    pub fn store(&self, file: &File) -> io::Result<()> {
        let mut writer = TableWriter::new(file, KIND)?;
        // What opening reads comes first, and together.
        writer.table(id::SUMMARY, &[self.summary])?;
        self.rare.store(&mut writer)?;
        writer.table(id::RECORDS, all(&self.records)?)?;
        writer.table(id::NAMES, all(&self.names)?)?;
        writer.table(id::TEXTS, all(&self.texts)?)?;
        writer.table(id::OWNERS, all(&self.owners)?)?;
        writer.table(id::XATTR_SETS, all(&self.xattr_sets)?)?;
        writer.table(id::XATTRS, all(&self.xattrs)?)?;
        writer.table(id::EXTENTS, all(&self.extents)?)?;
        writer.table(id::SPARSE, all(&self.sparse)?)?;
        writer.table(id::TIMES, all(&self.times)?)?;
        writer.finish()
    }

    /// Maps a file; what takes as long as the layer has entries is not done.
    pub fn open(file: &File) -> Result<Tables, BadFile> {
        Tables::of_file(&TableFile::open(file, KIND)?)
    }

    /// Maps a file, all of which is read and compared with its checksums.
    pub fn open_whole(file: &File) -> Result<Tables, BadFile> {
        let file = TableFile::open(file, KIND)?;
        file.check()?;
        Tables::of_file(&file)
    }

    fn of_file(file: &Arc<TableFile>) -> Result<Tables, BadFile> {
        let summary = file.table::<Summary>(id::SUMMARY)?.get(0)?.copied().ok_or(BadFile::Damaged)?;
        let records = file.table(id::RECORDS)?;
        let is_root_opaque = match records.get(0)? {
            Some(super::table::Record { flags, .. }) => flags.contains(Flags::OPAQUE),
            None => return Err(BadFile::Damaged),
        };
        Ok(Tables {
            records,
            names: file.table(id::NAMES)?,
            texts: file.table(id::TEXTS)?,
            owners: file.table(id::OWNERS)?,
            xattr_sets: file.table(id::XATTR_SETS)?,
            xattrs: file.table(id::XATTRS)?,
            extents: file.table(id::EXTENTS)?,
            sparse: file.table(id::SPARSE)?,
            times: file.table(id::TIMES)?,
            rare: Rare::open(file)?,
            summary,
            is_root_opaque,
        })
    }
}

impl Rare {
    fn store(&self, writer: &mut TableWriter<'_>) -> io::Result<()> {
        let mut texts = Texts::default();
        let foreign: Vec<EntryText> = self.foreign.iter().map(|link| texts.foreign(link)).collect();
        let whiteouts: Vec<EntryText> =
            self.link_whiteouts.iter().map(|(dir, name)| texts.of(dir.0, name)).collect();
        let rejected: Vec<RejectedText> =
            self.rejected.iter().map(|rejected| texts.rejected(rejected)).collect();
        writer.table(id::FOREIGN, &foreign)?;
        writer.table(id::LINK_WHITEOUTS, &whiteouts)?;
        writer.table(id::REJECTED, &rejected)?;
        writer.table(id::RARE_TEXTS, &texts.0)
    }

    fn open(file: &Arc<TableFile>) -> Result<Rare, BadFile> {
        let texts: Table<u8> = file.table(id::RARE_TEXTS)?;
        let text = |text: Text| -> Result<&[u8], BadFile> {
            let end = usize::try_from(text.at.saturating_add(text.len)).map_err(|_| BadFile::Damaged)?;
            texts.slice(end - text.len as usize..end)?.ok_or(BadFile::Damaged)
        };
        let mut rare = Rare::default();
        for link in file.table::<EntryText>(id::FOREIGN)?.all()? {
            let target = TreePath::from_name(text(link.text)?).map_err(|_| BadFile::Damaged)?;
            rare.foreign.push(ForeignLink { leaf: LeafId(link.entry as u32), target });
        }
        for whiteout in file.table::<EntryText>(id::LINK_WHITEOUTS)?.all()? {
            rare.link_whiteouts.push((DirId(whiteout.entry as u32), text(whiteout.text)?.into()));
        }
        for &RejectedText { offset, name, reason } in file.table(id::REJECTED)?.all()? {
            let reason = Reason::Recorded(String::from_utf8_lossy(text(reason)?).into());
            rare.rejected.push(Rejected { offset, name: text(name)?.into(), reason });
        }
        Ok(rare)
    }
}

/// Texts, one behind the other.
#[derive(Default)]
struct Texts(Vec<u8>);

impl Texts {
    fn push(&mut self, text: &[u8]) -> Text {
        let at = self.0.len() as u64;
        self.0.extend_from_slice(text);
        Text { at, len: text.len() as u64 }
    }

    fn of(&mut self, entry: u32, text: &[u8]) -> EntryText {
        EntryText { entry: entry.into(), text: self.push(text) }
    }

    fn foreign(&mut self, link: &ForeignLink) -> EntryText {
        self.of(link.leaf.0, link.target.as_bytes())
    }

    fn rejected(&mut self, rejected: &Rejected) -> RejectedText {
        let (name, reason) = (self.push(&rejected.name), self.push(rejected.reason.to_string().as_bytes()));
        RejectedText { offset: rejected.offset, name, reason }
    }
}

/// All records, to be written elsewhere.
fn all<T: Pod>(table: &Table<T>) -> io::Result<&[T]> {
    table.all().map_err(|damaged: Damaged| io::Error::other(damaged))
}
