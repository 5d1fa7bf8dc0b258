//! One entry of the tree, for `ls`, `tree` and `stat`: as a line for people, as an object for programs.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::entry::{Attributes, Kind, Time};
use crate::fs::InodeNo;
use crate::layer::Result;
use crate::union::{Node, Union};

use super::output::{Lines, escape, put_name};

/// What is shown of an entry.
pub struct Shown {
    pub ino: InodeNo,
    pub attributes: Attributes,
    /// The layers that it comes from, topmost first; a directory may have several.
    pub layers: Vec<u32>,
    /// A symlink's target.
    pub target: Option<Vec<u8>>,
}

impl Shown {
    pub fn of(union: &Union, node: &Node) -> Result<Shown> {
        let attributes = union.attributes(node)?;
        let target = match node {
            Node::Leaf { layer, leaf } if attributes.kind == Kind::Symlink => {
                Some(union.link_target(*layer, *leaf)?.into_owned())
            }
            _ => None,
        };
        let layers = match node {
            Node::Leaf { layer, .. } => vec![layer.0],
            Node::Dir(dir) => dir.members().iter().map(|member| member.layer.0).collect(),
        };
        Ok(Shown { ino: InodeNo::of(union, node), attributes, layers, target })
    }

    /// `drwxr-xr-x`, as `ls -l` has it.
    pub fn mode(&self) -> String {
        mode(self.attributes.kind, self.attributes.mode)
    }

    /// The size, or a device's number.
    pub fn size(&self) -> String {
        match self.attributes.kind {
            Kind::CharDevice | Kind::BlockDevice => {
                format!("{}, {}", self.attributes.device.major, self.attributes.device.minor)
            }
            _ => self.attributes.size.to_string(),
        }
    }

    /// The entry as an object; `docs/cli.md` has its shape.
    pub fn json(&self, path: &[u8]) -> Map<String, Value> {
        let a = &self.attributes;
        let mut object = Map::new();
        put_name(&mut object, "path", path);
        object.insert("type".into(), a.kind.name().into());
        object.insert("mode".into(), format!("{:04o}", a.mode).into());
        object.insert("uid".into(), a.uid.into());
        object.insert("gid".into(), a.gid.into());
        object.insert("size".into(), a.size.into());
        object.insert("mtime".into(), timestamp(a.mtime).into());
        object.insert("nlink".into(), a.nlink.into());
        object.insert("inode".into(), self.ino.0.into());
        object.insert("layers".into(), self.layers.clone().into());
        if let Some(target) = &self.target {
            put_name(&mut object, "target", target);
        }
        if matches!(a.kind, Kind::CharDevice | Kind::BlockDevice) {
            object.insert("device".into(), json!({ "major": a.device.major, "minor": a.device.minor }));
        }
        object
    }
}

/// A path as people write it, harmless on a terminal.
pub fn shown_path(path: &[u8]) -> String {
    format!("/{}", escape(path, Lines::Escape))
}

/// A time as RFC 3339 with as many digits as it has; seconds alone for years that have no name there.
pub fn timestamp(time: Time) -> String {
    match Timestamp::new(time.secs, 0)
        .and_then(|t| t.checked_add(jiff::SignedDuration::from_nanos(time.nanos.into())))
    {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => format!("@{}.{:09}", time.secs, time.nanos),
    }
}

/// A time that stands in an image's configuration, in the form of [`timestamp`]; what is no time, as it stands.
pub fn in_utc(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |time| time.to_string())
}

/// The same to the second.
pub fn in_utc_seconds(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |time| format!("{time:.0}"))
}

/// A time as `ls -l --time-style=long-iso` has it, in UTC.
pub fn short_time(time: Time) -> String {
    match Timestamp::new(time.secs, 0) {
        Ok(timestamp) => timestamp.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => format!("@{}", time.secs),
    }
}

fn mode(kind: Kind, mode: u16) -> String {
    let mut text = String::with_capacity(10);
    text.push(kind.letter());
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift & 7;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_in_ls() {
        for (kind, bits, text) in [
            (Kind::Regular, 0o644, "-rw-r--r--"),
            (Kind::Directory, 0o1777, "drwxrwxrwt"),
            (Kind::Regular, 0o4755, "-rwsr-xr-x"),
            (Kind::Regular, 0o6640, "-rwSr-S---"),
            (Kind::Directory, 0o1644, "drw-r--r-T"),
            (Kind::Symlink, 0o777, "lrwxrwxrwx"),
        ] {
            assert_eq!(mode(kind, bits), text);
        }
    }

    #[test]
    fn times_have_the_digits_they_need() {
        for (secs, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (-2, 500_000_000, "1969-12-31T23:59:58.5Z"),
            (1_700_000_000, 123_456_789, "2023-11-14T22:13:20.123456789Z"),
            (i64::MAX, 1, "@9223372036854775807.000000001"),
        ] {
            assert_eq!(timestamp(Time { secs, nanos }), text);
        }
    }

    #[test]
    fn times_of_a_configuration_are_in_utc() {
        for (text, exact, seconds) in [
            ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
            ("2024-01-02T03:04:05.999+02:00", "2024-01-02T01:04:05.999Z", "2024-01-02T01:04:05Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("yesterday", "yesterday", "yesterday"),
        ] {
            assert_eq!((&*in_utc(text), &*in_utc_seconds(text)), (exact, seconds));
        }
    }
}
