//! The tests that a name must pass, cheapest first.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::entry::{Attributes, Kind, Time, Xattr};
use crate::layer;

use super::{Glob, Mode};

/// A number with a sign before it, as find(1) reads them: more, less, or just this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare<T> {
    /// `+N`.
    More(T),
    /// `-N`.
    Less(T),
    /// `N`.
    Just(T),
}

impl<T: PartialOrd> Compare<T> {
    /// Whether a number is so.
    pub fn holds(&self, number: T) -> bool {
        match self {
            Compare::More(than) => number > *than,
            Compare::Less(than) => number < *than,
            Compare::Just(own) => number == *own,
        }
    }
}

/// A size in units: it is rounded up to whole ones before it is compared, as find(1) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sized {
    /// So many units.
    pub units: Compare<u64>,
    /// Bytes in one.
    pub unit: u64,
}

/// All tests; each that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Tests {
    /// One of these matches the last component.
    pub names: Vec<Glob>,
    /// One of these matches the whole path, with a leading slash.
    pub paths: Vec<Glob>,
    /// It is one of these.
    pub kinds: Vec<Kind>,
    /// The layer that shows it is one of these.
    pub layers: Option<RangeInclusive<u32>>,
    /// Its size.
    pub sizes: Vec<Sized>,
    /// It changed later than this.
    pub newer: Option<Time>,
    /// So many whole days before `now`.
    pub days: Option<(Compare<i64>, i64)>,
    /// Its mode.
    pub mode: Option<Mode>,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// It has an attribute of a name that one of these matches.
    pub xattrs: Vec<Glob>,
    /// It is an empty file or a directory without names.
    pub empty: bool,
}

/// What is tested; only what a test needs is asked for.
pub trait Subject {
    /// The layer it shows from.
    fn layer(&self) -> u32;
    /// Its attributes.
    fn attributes(&self) -> layer::Result<Attributes>;
    /// Its extended attributes.
    fn xattrs(&self) -> layer::Result<Cow<'_, [Xattr]>>;
    /// Whether a directory has no names.
    fn has_no_names(&self) -> layer::Result<bool>;
}

impl Tests {
    /// Whether a name passes.
    pub fn pass(&self, path: &[u8], subject: &impl Subject) -> layer::Result<bool> {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let any =
            |globs: &[Glob], text: &[u8]| globs.is_empty() || globs.iter().any(|glob| glob.matches(text));
        if !any(&self.names, name) {
            return Ok(false);
        }
        if !self.paths.is_empty() && !any(&self.paths, &[b"/", path].concat()) {
            return Ok(false);
        }
        if self.layers.as_ref().is_some_and(|layers| !layers.contains(&subject.layer())) {
            return Ok(false);
        }
        if self.needs_attributes() && !self.pass_attributes(&subject.attributes()?, subject)? {
            return Ok(false);
        }
        if self.xattrs.is_empty() {
            return Ok(true);
        }
        Ok(subject.xattrs()?.iter().any(|xattr| any(&self.xattrs, &xattr.name)))
    }

    fn needs_attributes(&self) -> bool {
        let Tests { kinds, sizes, newer, days, mode, uid, gid, empty, .. } = self;
        let has_numbers =
            newer.is_some() || days.is_some() || mode.is_some() || uid.is_some() || gid.is_some();
        has_numbers || *empty || !kinds.is_empty() || !sizes.is_empty()
    }

    fn pass_attributes(&self, own: &Attributes, subject: &impl Subject) -> layer::Result<bool> {
        let days = |(wanted, now): &(Compare<i64>, i64)| {
            wanted.holds(now.saturating_sub(own.mtime.secs).div_euclid(24 * 60 * 60))
        };
        let is_so = (self.kinds.is_empty() || self.kinds.contains(&own.kind))
            && self.sizes.iter().all(|size| size.units.holds(own.size.div_ceil(size.unit)))
            && self.newer.is_none_or(|time| own.mtime > time)
            && self.days.as_ref().is_none_or(days)
            && self.mode.is_none_or(|mode| mode.holds(own.kind, own.mode))
            && self.uid.is_none_or(|uid| own.uid == uid)
            && self.gid.is_none_or(|gid| own.gid == gid);
        if !is_so || !self.empty {
            return Ok(is_so);
        }
        match own.kind {
            Kind::Directory => subject.has_no_names(),
            Kind::Regular => Ok(own.size == 0),
            _ => Ok(false),
        }
    }
}
