//! PAX records: `LENGTH KEY=VALUE\n`, the length counting itself (POSIX pax, "Extended Header").
//!
//! A value may hold any byte, a newline too: only the length says where it ends.

use crate::entry::{Time, Xattr};

use super::number::{decimal, time};
use super::{Flaw, Member, Problem, xattr};

/// What global headers may say, in bytes that are kept: every member repeats them, and may add to them.
/// Real ones hold the hash of a commit.
pub const MAX_GLOBALS: usize = 4096;

/// What the records of one extended header, or of several, ask for; the last word on a key wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    pub path: Option<Vec<u8>>,
    pub linkpath: Option<Vec<u8>>,
    pub size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    mtime: Option<Time>,
    atime: Option<Time>,
    ctime: Option<Time>,
    /// In the order of the records; a name may be there again.
    xattrs: Vec<Xattr>,
    pub sparse: Sparse,
    /// The first value that makes no sense.
    flaw: Option<Flaw>,
}

/// GNU's sparse files as PAX records, formats 0.0, 0.1 and 1.0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparse {
    /// 1.0: the map stands before the data.
    pub map_in_data: bool,
    /// 0.1 and 1.0: the real name; the header's is a made-up one.
    pub name: Option<Vec<u8>>,
    /// The length with all holes.
    pub size: Option<u64>,
    /// 0.0 and 0.1: offsets and lengths in turn.
    pub map: Option<Vec<u64>>,
}

impl Records {
    /// Adds the records of one extended header to those before.
    pub fn parse(&mut self, mut bytes: &[u8]) -> Result<(), Problem> {
        while !bytes.is_empty() {
            let (key, value, rest) = split(bytes).ok_or(Problem::Pax(None))?;
            self.add(key, value)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Adds the records of a global header to those before.
    pub fn parse_global(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.parse(bytes)?;
        xattr::settle(&mut self.xattrs);
        // A map is that of one file.
        self.sparse = Sparse::default();
        let xattrs: usize = self.xattrs.iter().map(|xattr| xattr.name.len() + xattr.value.len()).sum();
        let texts: usize = [&self.path, &self.linkpath].into_iter().flatten().map(Vec::len).sum();
        match xattrs + texts {
            len if len > MAX_GLOBALS => Err(Problem::LargeGlobals(len)),
            _ => Ok(()),
        }
    }

    /// Overrides what a header says.
    pub fn apply(&self, member: &mut Member) {
        let Records { path, linkpath, uid, gid, mtime, atime, ctime, xattrs, size: _, sparse, flaw } = self;
        if let Some(name) = sparse.name.as_ref().or(path.as_ref()) {
            member.name.clone_from(name);
        }
        if let Some(link) = linkpath {
            member.link.clone_from(link);
        }
        member.uid = uid.unwrap_or(member.uid);
        member.gid = gid.unwrap_or(member.gid);
        member.mtime = mtime.unwrap_or(member.mtime);
        member.atime = atime.or(member.atime);
        member.ctime = ctime.or(member.ctime);
        member.xattrs.clone_from(xattrs);
        xattr::settle(&mut member.xattrs);
        let flaw = flaw.or(xattr::check_list(&member.xattrs).err());
        member.flaw = member.flaw.or(flaw);
    }

    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        match key {
            b"path" => self.path = text(value),
            b"linkpath" => self.linkpath = text(value),
            b"size" => self.size = parsed("size", value, decimal)?,
            b"uid" => self.uid = self.value("uid", value, owner),
            b"gid" => self.gid = self.value("gid", value, owner),
            b"mtime" => self.mtime = self.value("mtime", value, time),
            b"atime" => self.atime = self.value("atime", value, time),
            b"ctime" => self.ctime = self.value("ctime", value, time),
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.add(key, value)?;
                } else if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.push_xattr(Xattr { name: name.into(), value: value.into() });
                } else if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
                    match xattr::of_libarchive(name, value) {
                        Some(xattr) => self.push_xattr(xattr),
                        None => self.flaw = self.flaw.or(Some(Flaw::Pax("LIBARCHIVE.xattr"))),
                    }
                }
            }
        }
        Ok(())
    }

    /// A value that is the member's own affair: what makes no sense is its flaw.
    fn value<T>(&mut self, key: &'static str, value: &[u8], parse: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let parsed = parse(value);
        if parsed.is_none() && !value.is_empty() {
            self.flaw = self.flaw.or(Some(Flaw::Pax(key)));
        }
        parsed
    }

    /// S8: what Linux cannot have is left out.
    fn push_xattr(&mut self, xattr: Xattr) {
        if xattr::is_possible(&xattr) {
            self.xattrs.push(xattr);
        }
    }
}

impl Sparse {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        match key {
            b"major" => self.map_in_data = parsed("GNU.sparse.major", value, decimal)? == Some(1),
            b"name" => self.name = text(value),
            b"size" | b"realsize" => self.size = parsed("GNU.sparse.size", value, decimal)?,
            b"map" => {
                let numbers = value.split(|&byte| byte == b',').filter(|number| !number.is_empty());
                let map = numbers.map(decimal).collect::<Option<Vec<u64>>>();
                self.map = Some(map.ok_or(Problem::Pax(Some("GNU.sparse.map")))?);
            }
            // 0.0 repeats these two, each pair one extent.
            b"offset" | b"numbytes" => {
                let number = decimal(value).ok_or(Problem::Pax(Some("GNU.sparse.offset")))?;
                self.map.get_or_insert_default().push(number);
            }
            // 0.0 and 0.1 say how many pairs there are; their number says so too.
            b"numblocks" => _ = self.map.get_or_insert_default(),
            _ => {}
        }
        Ok(())
    }

    /// Whether the member is a sparse file in one of the PAX formats.
    pub fn is_used(&self) -> bool {
        self.map_in_data || self.map.is_some()
    }
}

/// The first record and what follows it; `None` if it is malformed.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let len = usize::try_from(decimal(bytes.get(..space)?)?).ok()?;
    let record = bytes.get(space + 1..len)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=').filter(|&at| at > 0)?;
    Some((record.get(..equals)?, record.get(equals + 1..)?, bytes.get(len..)?))
}

/// A text value; an empty one takes back what a global header set.
fn text(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

fn parsed<T>(
    key: &'static str,
    value: &[u8],
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Result<Option<T>, Problem> {
    if value.is_empty() {
        return Ok(None);
    }
    parse(value).map(Some).ok_or(Problem::Pax(Some(key)))
}

/// An owner; the kernel's are 32 bits, and the highest of them means "none".
fn owner(value: &[u8]) -> Option<u32> {
    decimal(value).and_then(|id| u32::try_from(id).ok()).filter(|&id| id != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &[u8]) -> Vec<u8> {
        let rest = key.len() + value.len() + 3;
        let mut len = rest + 1;
        while len != rest + len.to_string().len() {
            len += 1;
        }
        [len.to_string().as_bytes(), b" ", key.as_bytes(), b"=", value, b"\n"].concat()
    }

    fn parse(records: &[(&str, &[u8])]) -> Result<Records, Problem> {
        let bytes: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        let mut parsed = Records::default();
        parsed.parse(&bytes).map(|()| parsed)
    }

    #[test]
    fn a_newline_in_a_value_is_part_of_it() {
        let value = b"\x01\n30 path=../../etc/passwd\n\n";
        let records = parse(&[("SCHILY.xattr.user.x", value), ("size", b"7")]).unwrap();
        assert_eq!(records.path, None);
        assert_eq!(records.size, Some(7));
        assert_eq!(records.xattrs, [Xattr { name: (*b"user.x").into(), value: value[..].into() }]);
    }

    #[test]
    fn the_last_word_wins_and_an_empty_one_takes_back() {
        let records = parse(&[("path", b"a"), ("path", b"b"), ("uid", b"7"), ("uid", b"")]).unwrap();
        assert_eq!(records.path.unwrap(), b"b");
        assert_eq!(records.uid, None);
    }

    #[test]
    fn libarchive_xattrs_are_decoded() {
        let records = parse(&[("LIBARCHIVE.xattr.user.a%3db", b"AQID")]).unwrap();
        assert_eq!(records.xattrs, [Xattr { name: (*b"user.a=b").into(), value: [1, 2, 3].into() }]);
        let unpadded = parse(&[("LIBARCHIVE.xattr.user.x", b"AQI")]).unwrap();
        assert_eq!(*unpadded.xattrs[0].value, [1, 2]);
    }

    #[test]
    fn malformed_records_are_errors() {
        for bytes in
            ["x", "5 a=b", "6 a=b ", "99 a=b\n", "5 ab\n", "5 =b\n", "+6 a=b\n", "18446744073709551616 a=b\n"]
        {
            assert!(Records::default().parse(bytes.as_bytes()).is_err(), "{bytes}");
        }
        for (key, value) in [("size", "-1"), ("GNU.sparse.map", "1,x")] {
            assert!(parse(&[(key, value.as_bytes())]).is_err(), "{key}={value}");
        }
    }

    #[test]
    fn values_that_make_no_sense_are_a_flaw() {
        for (key, value, named) in [
            ("uid", "4294967295", "uid"),
            ("gid", "-1", "gid"),
            ("mtime", "x", "mtime"),
            ("LIBARCHIVE.xattr.user.a", "=", "LIBARCHIVE.xattr"),
        ] {
            assert_eq!(parse(&[(key, value.as_bytes())]).unwrap().flaw, Some(Flaw::Pax(named)));
        }
    }
}
