//! One entry of a table of contents, in JSON, and the member of a tar that it stands for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::entry::{Data, Device, Time, Xattr};
use crate::tar::{Flaw, Member, Type};

/// What Go writes for a time that is not known: 1 January of the year 1, in seconds since 1970.
const GO_ZERO: i64 = -62_135_596_800;

/// An entry, with the fields of both formats. What is left out is empty, or 0.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Entry {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub link_name: String,
    pub size: u64,
    mode: i64,
    uid: i64,
    gid: i64,
    modtime: Option<String>,
    accesstime: Option<String>,
    changetime: Option<String>,
    #[serde(alias = "devmajor")]
    dev_major: i64,
    #[serde(alias = "devminor")]
    dev_minor: i64,
    /// Values in base64.
    xattrs: Option<BTreeMap<String, String>>,
    /// The digest of a file's contents.
    pub digest: Option<String>,
    /// Where the gzip member or zstd frame begins, in bytes.
    pub offset: u64,
    /// Decoded bytes of it that come before the chunk.
    pub inner_offset: u64,
    /// The first byte of the chunk in its file.
    pub chunk_offset: u64,
    /// The length of the chunk; 0 if it goes to the end of the file.
    pub chunk_size: u64,
    pub chunk_digest: Option<String>,
    /// `zeros` if it is not stored.
    pub chunk_type: Option<String>,
}

impl Entry {
    /// Whether it is another chunk of the file before it.
    pub fn is_chunk(&self) -> bool {
        self.kind == "chunk"
    }

    /// The member that it stands for; the data of a file are at `start`.
    pub fn member(self, start: u64) -> Member {
        let kind = match &*self.kind {
            "dir" => Type::Directory,
            "reg" => Type::Regular,
            "hardlink" => Type::HardLink,
            "symlink" => Type::Symlink,
            "char" => Type::CharDevice,
            "block" => Type::BlockDevice,
            "fifo" => Type::Fifo,
            _ => Type::Unknown(b'?'),
        };
        let mut member = Member { kind, data: Data::Contiguous(start), ..Member::default() };
        member.flaw = self.decode_numbers(&mut member).err();
        member.size = if kind == Type::Regular { self.size } else { 0 };
        match self.xattrs.map(xattrs).transpose() {
            Ok(xattrs) => member.set_xattrs(xattrs.unwrap_or_default()),
            Err(flaw) => member.flaw = member.flaw.or(Some(flaw)),
        }
        (member.name, member.link) = (self.name.into_bytes(), self.link_name.into_bytes());
        member
    }

    fn decode_numbers(&self, member: &mut Member) -> Result<(), Flaw> {
        let number = |number: i64, field| u32::try_from(number).map_err(|_| Flaw::Field(field));
        // The highest number means "none".
        let owner = |id, field| {
            number(id, field).and_then(|id| match id {
                u32::MAX => Err(Flaw::Field(field)),
                id => Ok(id),
            })
        };
        member.mode = (self.mode & 0o7777).try_into().map_err(|_| Flaw::Field("mode"))?;
        member.uid = owner(self.uid, "uid")?;
        member.gid = owner(self.gid, "gid")?;
        member.mtime = time(self.modtime.as_deref(), "mtime")?.unwrap_or_default();
        member.atime = time(self.accesstime.as_deref(), "atime")?;
        member.ctime = time(self.changetime.as_deref(), "ctime")?;
        if matches!(member.kind, Type::CharDevice | Type::BlockDevice) {
            let (major, minor) = (number(self.dev_major, "devmajor")?, number(self.dev_minor, "devminor")?);
            member.device = Device { major, minor };
        }
        Ok(())
    }
}

/// A time as RFC 3339 has it; `None` if it is not known.
fn time(text: Option<&str>, field: &'static str) -> Result<Option<Time>, Flaw> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let timestamp: jiff::Timestamp = text.parse().map_err(|_| Flaw::Field(field))?;
    const SECOND: i128 = 1_000_000_000;
    let nanos = timestamp.as_nanosecond();
    let secs = i64::try_from(nanos.div_euclid(SECOND)).map_err(|_| Flaw::Field(field))?;
    let nanos = u32::try_from(nanos.rem_euclid(SECOND)).map_err(|_| Flaw::Field(field))?;
    Ok(Some(Time { secs, nanos }).filter(|time| *time != Time { secs: GO_ZERO, nanos: 0 }))
}

fn xattrs(xattrs: BTreeMap<String, String>) -> Result<Vec<Xattr>, Flaw> {
    let xattr = |(name, value): (String, String)| {
        let value = STANDARD.decode(value).map_err(|_| Flaw::Field("xattrs"))?;
        Ok(Xattr { name: name.into_bytes().into(), value: value.into() })
    };
    xattrs.into_iter().map(xattr).collect()
}
