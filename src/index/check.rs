//! What must hold in every index: `verify` says so, and tests after every build.

use crate::layer::{DirId, LeafId, Result};

use super::LayerIndex;
use super::marker::WHITEOUT_PREFIX;
use super::table::{Flags, Record, RecordKind, Tables};

/// All that is wrong with an index whose data lies in `source_len` bytes, if it is known; empty if nothing.
pub fn check(index: &LayerIndex, source_len: Option<u64>) -> Vec<String> {
    let mut check = Check { tables: index.tables.get(), source_len, problems: Vec::new() };
    if let Err(error) = check.run() {
        check.problems.push(error.to_string());
    }
    check.problems
}

struct Check<'a> {
    tables: &'a Tables,
    source_len: Option<u64>,
    problems: Vec<String>,
}

impl Check<'_> {
    fn run(&mut self) -> Result<()> {
        let records = self.tables.records.all()?;
        let mut names_of = vec![0u32; records.len()];
        let mut held = vec![false; records.len()];
        if let Some(root) = held.first_mut() {
            *root = true;
        }
        for (number, record) in (0u32..).zip(records) {
            match record.kind() {
                RecordKind::Directory => self.directory(number, &mut held)?,
                RecordKind::Link => self.link(number, record, &mut names_of)?,
                RecordKind::Whiteout => {}
                _ => {
                    if let Some(names) = names_of.get_mut(number as usize) {
                        *names += 1;
                    }
                    self.leaf(number, record)?;
                }
            }
        }
        self.numbers(&held, &names_of)?;
        self.side_tables()
    }

    fn problem(&mut self, number: u32, problem: &str) {
        self.problems.push(format!("entry {number}: {problem}"));
    }

    fn directory(&mut self, number: u32, held: &mut [bool]) -> Result<()> {
        let slice = self.tables.children(DirId(number))?;
        let Some(children) = self.tables.records.slice(slice.range())? else {
            self.problem(number, "children out of range");
            return Ok(());
        };
        let mut last: Option<&[u8]> = None;
        for (child, record) in (slice.first..).zip(children) {
            let name = self.tables.name(record)?;
            if record.parent != number || child <= number {
                self.problem(child, "not in the directory that lists it");
            }
            if last.is_some_and(|last| last >= name) {
                self.problem(child, "out of order");
            }
            let is_bad = matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.contains(&0);
            if is_bad || name.starts_with(WHITEOUT_PREFIX) {
                self.problem(child, "a name that cannot be");
            }
            match held.get_mut(child as usize) {
                Some(held) if !*held => *held = true,
                _ => self.problem(child, "listed twice"),
            }
            last = Some(name);
        }
        Ok(())
    }

    fn link(&mut self, number: u32, record: &Record, names_of: &mut [u32]) -> Result<()> {
        let target = usize::try_from(record.data).unwrap_or(usize::MAX);
        let kind = self.tables.records.get(target)?.map(Record::kind);
        match kind {
            None | Some(RecordKind::Directory | RecordKind::Link | RecordKind::Whiteout) => {
                self.problem(number, "a link to no file");
            }
            Some(_) => {
                if let Some(names) = names_of.get_mut(target) {
                    *names += 1;
                }
            }
        }
        Ok(())
    }

    fn leaf(&mut self, number: u32, record: &Record) -> Result<()> {
        if self.tables.owners.get(record.owner as usize)?.is_none() {
            self.problem(number, "no owner");
        }
        if record.kind() == RecordKind::Symlink && self.tables.target(record)?.is_empty() {
            self.problem(number, "a symlink without a target");
        }
        match record.kind() {
            RecordKind::Regular => self.extents(number, record),
            _ => Ok(()),
        }
    }

    fn extents(&mut self, number: u32, record: &Record) -> Result<()> {
        let Ok(extents) = self.tables.extents(LeafId(number)) else {
            self.problem(number, "extents out of range");
            return Ok(());
        };
        let (mut end, mut stored) = (0, 0u64);
        for extent in extents.iter() {
            if extent.logical < end || extent.end() > record.size || extent.len == 0 {
                self.problem(number, "extents that overlap or overrun the file");
            }
            let source_end = extent.source.checked_add(extent.len);
            if source_end.is_none_or(|end| self.source_len.is_some_and(|len| end > len)) {
                self.problem(number, "data outside the layer");
            }
            end = extent.end();
            stored = stored.saturating_add(extent.len);
        }
        if self.tables.sparse(record)?.is_some_and(|sparse| sparse.stored != stored) {
            self.problem(number, "a wrong sum of extents");
        }
        Ok(())
    }

    fn numbers(&mut self, held: &[bool], names_of: &[u32]) -> Result<()> {
        for (number, held) in (0..).zip(held) {
            if !held {
                self.problem(number, "in no directory");
            }
        }
        let records = self.tables.records.all()?;
        for ((number, record), &names) in (0..).zip(records).zip(names_of) {
            if names > 0 && record.nlink != names {
                self.problem(number, "a wrong number of links");
            }
        }
        if records.first().is_none_or(|root| root.kind() != RecordKind::Directory) {
            self.problems.push("no root directory".into());
        }
        Ok(())
    }

    fn side_tables(&mut self) -> Result<()> {
        let times = self.tables.times.all()?;
        if !times.is_sorted_by(|a, b| a.entry < b.entry) {
            self.problems.push("times out of order".into());
        }
        for times in times {
            let record = self.tables.records.get(times.entry as usize)?;
            if record.is_none_or(|record| !record.flags.contains(Flags::TIMES)) {
                self.problem(times.entry, "times of an entry that has none");
            }
        }
        let sets = self.tables.xattr_sets.len();
        if self.tables.owners.all()?.iter().any(|owner| owner.xattrs as usize >= sets) {
            self.problems.push("attributes out of range".into());
        }
        Ok(())
    }
}
