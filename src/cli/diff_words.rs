//! How `peelfs diff` tells of a difference: a line, a line with bytes, lines of text, an object.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::commit::Entry;
use crate::compare::{Change, Difference, Side, What};
use crate::entry::Kind;
use crate::text::{Lines, escape, human_size, timestamp};

use super::diff_patch::write_patch;
use super::entry::put_attributes;
use super::output::{Output, put_name};
use super::style::Style;

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Lines,
    Stat,
    Patch,
    Json,
}

/// Writes differences as they come.
pub struct Teller<'a> {
    out: Output,
    form: Form,
    old: &'a Side,
    new: &'a Side,
    objects: Vec<Value>,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    added: u64,
    deleted: u64,
    changed: u64,
    renamed: u64,
    came: u64,
    went: u64,
}

impl Totals {
    fn count(&mut self, difference: &Difference) {
        let count = match difference.change {
            Change::Added => &mut self.added,
            Change::Deleted => &mut self.deleted,
            Change::Changed => &mut self.changed,
            Change::Renamed(_) => &mut self.renamed,
        };
        *count += 1;
        let (came, went) = difference.bytes();
        self.came = self.came.saturating_add(came);
        self.went = self.went.saturating_add(went);
    }

    fn is_none(&self) -> bool {
        self.added + self.deleted + self.changed + self.renamed == 0
    }
}

impl<'a> Teller<'a> {
    pub fn new(out: Output, form: Form, old: &'a Side, new: &'a Side) -> Teller<'a> {
        Teller { out, form, old, new, objects: Vec::new(), totals: Totals::default() }
    }

    /// Tells of one difference.
    pub fn tell(&mut self, difference: &Difference) -> io::Result<()> {
        self.totals.count(difference);
        match self.form {
            Form::Json => {
                let object = self.object(difference)?;
                self.objects.push(object.into());
                Ok(())
            }
            Form::Lines | Form::Patch => {
                let details = self.details(difference)?;
                self.line(difference, &details)?;
                match self.form {
                    Form::Patch => write_patch(&mut self.out, self.old, self.new, difference),
                    _ => Ok(()),
                }
            }
            Form::Stat => {
                let (came, went) = difference.bytes();
                let came = (came > 0).then(|| format!("+{}", human_size(came)));
                let went = (went > 0).then(|| format!("-{}", human_size(went)));
                let parts: Vec<Vec<u8>> = came.into_iter().chain(went).map(String::into_bytes).collect();
                self.line(difference, &parts.join(&b' '))
            }
        }
    }

    /// Writes what is left to write; whether there was any difference.
    pub fn finish(mut self) -> io::Result<bool> {
        let Totals { added, deleted, changed, renamed, came, went } = self.totals;
        match self.form {
            Form::Json => self.out.json(&self.objects)?,
            Form::Stat => writeln!(
                self.out,
                "{added} added, {deleted} deleted, {changed} changed, {renamed} renamed; +{} -{}",
                human_size(came),
                human_size(went)
            )?,
            Form::Lines | Form::Patch => {}
        }
        self.out.flush()?;
        Ok(!self.totals.is_none())
    }

    /// `C /path  (mode 0644 -> 0600)`.
    fn line(&mut self, difference: &Difference, details: &[u8]) -> io::Result<()> {
        let style = match difference.change {
            Change::Added => Style::Added,
            Change::Deleted => Style::Deleted,
            Change::Changed | Change::Renamed(_) => Style::Changed,
        };
        let letter = self.out.paint(style, difference.change.letter());
        write!(self.out, "{letter} /")?;
        if let Change::Renamed(from) = &difference.change {
            let from = self.name(from.as_bytes());
            self.out.write_all(&from)?;
            self.out.write_all(b" -> /")?;
        }
        let path = self.name(difference.path.as_bytes());
        self.out.write_all(&path)?;
        if !details.is_empty() {
            self.out.write_all(b"  (")?;
            self.out.write_all(details)?;
            self.out.write_all(b")")?;
        }
        self.out.write_all(b"\n")
    }

    /// A name; in a patch a newline of it would be a line of that, whoever reads.
    fn name(&self, name: &[u8]) -> Vec<u8> {
        match self.form {
            Form::Patch => escape(name, Lines::Escape).into_bytes(),
            _ => self.out.name(name).into_owned(),
        }
    }

    /// In what the two differ, each with what it was and what it is.
    fn details(&self, difference: &Difference) -> io::Result<Vec<u8>> {
        let (Some(old), Some(new)) = (&difference.old, &difference.new) else { return Ok(Vec::new()) };
        let mut details: Vec<Vec<u8>> = Vec::new();
        for &what in &difference.what {
            let mut detail = what.word().as_bytes().to_vec();
            if let (Some(was), Some(is)) =
                (self.value(what, self.old, old)?, self.value(what, self.new, new)?)
            {
                for part in [&b" "[..], &was, b" -> ", &is] {
                    detail.extend_from_slice(part);
                }
            }
            details.push(detail);
        }
        Ok(details.join(&b", "[..]))
    }

    fn value(&self, what: What, side: &Side, entry: &Entry) -> io::Result<Option<Vec<u8>>> {
        let a = &entry.attributes;
        let value = match what {
            What::Type => a.kind.name().to_owned(),
            What::Mode => format!("{:04o}", a.mode),
            What::Owner => format!("{}:{}", a.uid, a.gid),
            What::Size => a.size.to_string(),
            What::Time => timestamp(a.mtime),
            What::Device => format!("{}, {}", a.device.major, a.device.minor),
            What::Target => return Ok(Some(self.name(&side.target(entry)?))),
            What::Xattr | What::Content => return Ok(None),
        };
        Ok(Some(value.into_bytes()))
    }

    fn object(&self, difference: &Difference) -> io::Result<Map<String, Value>> {
        let mut object = Map::new();
        object.insert("change".into(), difference.change.word().into());
        put_name(&mut object, "path", difference.path.as_bytes());
        if let Change::Renamed(from) = &difference.change {
            put_name(&mut object, "from", from.as_bytes());
        }
        let what: Vec<&str> = difference.what.iter().map(|what| what.word()).collect();
        object.insert("what".into(), what.into());
        for (key, side, entry) in [("old", self.old, &difference.old), ("new", self.new, &difference.new)] {
            if let Some(entry) = entry {
                object.insert(key.into(), entry_json(side, entry)?.into());
            }
        }
        Ok(object)
    }
}

fn entry_json(side: &Side, entry: &Entry) -> io::Result<Map<String, Value>> {
    let a = &entry.attributes;
    let mut object = Map::new();
    put_attributes(&mut object, a);
    match a.kind {
        Kind::Symlink => put_name(&mut object, "target", &side.target(entry)?),
        Kind::CharDevice | Kind::BlockDevice => {
            object.insert("device".into(), json!({ "major": a.device.major, "minor": a.device.minor }));
        }
        _ => {}
    }
    Ok(object)
}
