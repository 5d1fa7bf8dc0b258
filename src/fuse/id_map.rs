//! Owners that are shown as others than are stored (`uidmapping=`, `gidmapping=`): storage that several user
//! namespaces share holds the numbers of within, a mount shows those of without.

use std::num::IntErrorKind;
use std::str::FromStr;

/// What is in no range is shown and stored as this, the kernel's own overflow ID.
const OVERFLOW: u32 = 65534;

/// What users or groups are shown as; an empty map shows them as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdMap(Vec<IdRange>);

/// Consecutive numbers: `stored + n` is shown as `shown + n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct IdRange {
    stored: u32,
    shown: u32,
    len: u32,
}

/// Why a text is no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdMapError {
    /// Not three numbers a range.
    #[error("`{0}` is not STORED:SHOWN:LENGTH[:STORED:SHOWN:LENGTH]...")]
    Form(String),
    /// A number that is none.
    #[error("`{0}` is not a number")]
    Number(String),
    /// A number, or the end of a range, that is too large.
    #[error("`{0}` is out of range")]
    TooLarge(String),
    /// A range without numbers.
    #[error("a range of length 0")]
    Empty,
    /// A number that would be two.
    #[error("`{0}` overlaps another range")]
    Overlap(String),
}

impl IdMap {
    /// What a number on disk is shown as.
    pub fn shown(&self, stored: u32) -> u32 {
        self.find(stored, |range| range)
    }

    /// What is to be on disk for a number of the mount, such as a caller's.
    pub fn stored(&self, shown: u32) -> u32 {
        self.find(shown, |range| IdRange { stored: range.shown, shown: range.stored, ..range })
    }

    fn find(&self, id: u32, turned: impl Fn(IdRange) -> IdRange) -> u32 {
        if self.0.is_empty() {
            return id;
        }
        self.0.iter().find_map(|range| turned(*range).map(id)).unwrap_or(OVERFLOW)
    }
}

impl IdRange {
    fn map(self, id: u32) -> Option<u32> {
        let offset = id.checked_sub(self.stored)?;
        (offset < self.len).then(|| self.shown.wrapping_add(offset))
    }

    fn overlaps(self, other: IdRange) -> bool {
        let meet = |a: u32, b: u32| a < b.saturating_add(other.len) && b < a.saturating_add(self.len);
        meet(self.stored, other.stored) || meet(self.shown, other.shown)
    }
}

impl FromStr for IdMap {
    type Err = IdMapError;

    /// Reads `STORED:SHOWN:LENGTH[:…]`. containers/storage writes a colon before the first number, too.
    fn from_str(text: &str) -> Result<IdMap, IdMapError> {
        let numbers: Vec<&str> = text.strip_prefix(':').unwrap_or(text).split(':').collect();
        let mut ranges: Vec<IdRange> = Vec::new();
        for triple in numbers.chunks(3) {
            let [stored, shown, len] = triple else { return Err(IdMapError::Form(text.to_owned())) };
            let range = IdRange { stored: number(stored)?, shown: number(shown)?, len: number(len)? };
            let name = || triple.join(":");
            if range.len == 0 {
                return Err(IdMapError::Empty);
            }
            if [range.stored, range.shown].iter().any(|first| first.checked_add(range.len).is_none()) {
                return Err(IdMapError::TooLarge(name()));
            }
            if ranges.iter().any(|other| other.overlaps(range)) {
                return Err(IdMapError::Overlap(name()));
            }
            ranges.push(range);
        }
        Ok(IdMap(ranges))
    }
}

fn number(text: &str) -> Result<u32, IdMapError> {
    text.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => IdMapError::TooLarge(text.to_owned()),
        _ => IdMapError::Number(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> IdMap {
        text.parse().unwrap()
    }

    #[test]
    fn stored_numbers_are_those_of_the_container_and_shown_ones_the_hosts() {
        for text in ["0:100000:1000:2000:5:1", ":0:100000:1000:2000:5:1"] {
            let map = map(text);
            for (stored, shown) in [(0, 100_000), (999, 100_999), (2000, 5)] {
                assert_eq!(map.shown(stored), shown, "{text}");
                assert_eq!(map.stored(shown), stored, "{text}");
            }
        }
    }

    #[test]
    fn what_is_in_no_range_is_nobodys() {
        let map = map("0:100000:1000");
        for unknown in [1000, 99_999, 100_000, u32::MAX] {
            assert_eq!(map.shown(unknown), OVERFLOW);
        }
        for unknown in [0, 99_999, 101_000, u32::MAX] {
            assert_eq!(map.stored(unknown), OVERFLOW);
        }
    }

    #[test]
    fn no_map_changes_nothing_and_one_of_all_numbers_neither() {
        for map in [IdMap::default(), map("0:0:4294967295")] {
            for id in [0, 1000, u32::MAX - 1] {
                assert_eq!((map.shown(id), map.stored(id)), (id, id));
            }
        }
        assert_eq!(IdMap::default().shown(u32::MAX), u32::MAX);
    }

    #[test]
    fn what_is_no_map_is_refused() {
        for (text, part) in [
            ("", "LENGTH"),
            ("0:1", "LENGTH"),
            ("0:1:2:3", "LENGTH"),
            ("::0:1:1", "`` is not a number"),
            ("0:1:a", "`a` is not a number"),
            ("0::1", "`` is not a number"),
            ("0:-1:1", "`-1` is not a number"),
            ("0:1:0", "length 0"),
            ("0:4294967296:1", "`4294967296` is out of range"),
            ("0:4294967295:2", "`0:4294967295:2` is out of range"),
            ("0:100:10:5:200:1", "`5:200:1` overlaps"),
            ("0:100:10:10:109:1", "`10:109:1` overlaps"),
        ] {
            let error = text.parse::<IdMap>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
