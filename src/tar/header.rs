//! One header block: v7, ustar, GNU and star; where the fields are is the `tar` crate's knowledge.

use std::ops::Range;

use ::tar::{GnuHeader, Header};

use crate::entry::{Device, Time};

use super::number::{field, unsigned};
use super::{Flaw, Member, Problem, Type};

/// The checksum field; it counts as spaces in its own sum.
const CHECKSUM: Range<usize> = 148..156;

/// Magic and version together.
const MAGIC: Range<usize> = 257..265;

/// The device numbers, where there is a magic.
const DEVMAJOR: Range<usize> = 329..337;
const DEVMINOR: Range<usize> = 337..345;

/// What stands before the name in ustar; GNU has its times and its sparse map there.
const PREFIX: Range<usize> = 345..500;

/// star's shorter prefix, and the times behind it.
const STAR_PREFIX: Range<usize> = 345..476;
const STAR_ATIME: Range<usize> = 476..488;
const STAR_CTIME: Range<usize> = 488..500;

/// A header block whose checksum is right.
pub struct Block<'a> {
    header: &'a Header,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

impl Format {
    fn of(bytes: &[u8]) -> Format {
        match bytes.get(MAGIC).unwrap_or_default() {
            b"ustar  \0" => Format::Gnu,
            // Some writers leave the version blank.
            [b'u', b's', b't', b'a', b'r', 0, ..] if bytes.ends_with(b"tar\0") => Format::Star,
            [b'u', b's', b't', b'a', b'r', 0, ..] => Format::Ustar,
            _ => Format::V7,
        }
    }
}

impl<'a> Block<'a> {
    /// Takes a block of 512 bytes.
    pub fn new(bytes: &'a [u8]) -> Result<Block<'a>, Problem> {
        if bytes.len() != size_of::<Header>() {
            return Err(Problem::Truncated { missing: (size_of::<Header>() - bytes.len()) as u64 });
        }
        check_sum(bytes)?;
        Ok(Block { header: Header::from_byte_slice(bytes), format: Format::of(bytes) })
    }

    fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        self.header.as_bytes().get(range).unwrap_or_default()
    }

    /// The type flag as it stands.
    pub fn typeflag(&self) -> u8 {
        self.header.as_old().linkflag[0]
    }

    /// The size field: the length of the data behind the header, in bytes.
    pub fn size(&self) -> Result<u64, Problem> {
        unsigned(&self.header.as_old().size).ok_or(Problem::Field("size"))
    }

    /// The header as GNU lays it out, if it is one of GNU's.
    pub fn gnu(&self) -> Option<&'a GnuHeader> {
        self.header.as_gnu()
    }

    /// Fills in all that the header says of a member, but its data.
    pub fn decode(&self, member: &mut Member) {
        self.decode_name(&mut member.name);
        replace(&mut member.link, text(&self.header.as_old().linkname));
        member.kind = kind(self.typeflag());
        member.flaw = self.decode_numbers(member).err();
    }

    fn decode_numbers(&self, member: &mut Member) -> Result<(), Flaw> {
        let old = self.header.as_old();
        member.mode = mode(&old.mode)?;
        member.uid = owner(&old.uid).ok_or(Flaw::Field("uid"))?;
        member.gid = owner(&old.gid).ok_or(Flaw::Field("gid"))?;
        member.mtime = Time { secs: field(&old.mtime).ok_or(Flaw::Field("mtime"))?, nanos: 0 };
        (member.atime, member.ctime) = self.times();
        member.device = match member.kind {
            Type::CharDevice | Type::BlockDevice => self.device()?,
            _ => Device::default(),
        };
        Ok(())
    }

    fn decode_name(&self, name: &mut Vec<u8>) {
        replace(name, self.prefix());
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(text(&self.header.as_old().name));
    }

    /// What stands before the name, without the slash between them.
    fn prefix(&self) -> &'a [u8] {
        match self.format {
            Format::V7 => &[],
            Format::Ustar => text(self.bytes(PREFIX)),
            Format::Star => text(self.bytes(STAR_PREFIX)),
            Format::Gnu => self.misplaced_prefix(),
        }
    }

    /// Go before 1.8 wrote ustar prefixes into GNU headers, and Docker was built with it: where the
    /// times of a GNU header are no numbers but ASCII text, they are such a prefix.
    fn misplaced_prefix(&self) -> &'a [u8] {
        let Some(gnu) = self.gnu() else { return &[] };
        if field(&gnu.atime).is_some() && field(&gnu.ctime).is_some() {
            return &[];
        }
        Some(text(self.bytes(PREFIX))).filter(|prefix| prefix.is_ascii()).unwrap_or_default()
    }

    fn times(&self) -> (Option<Time>, Option<Time>) {
        let time = |bytes: &[u8]| {
            let present = bytes.first().is_some_and(|&byte| byte != 0);
            field(bytes).filter(|_| present).map(|secs| Time { secs, nanos: 0 })
        };
        match (self.format, self.gnu()) {
            (Format::Gnu, Some(gnu)) if self.misplaced_prefix().is_empty() => {
                (time(&gnu.atime), time(&gnu.ctime))
            }
            (Format::Star, _) => (time(self.bytes(STAR_ATIME)), time(self.bytes(STAR_CTIME))),
            _ => (None, None),
        }
    }

    fn device(&self) -> Result<Device, Flaw> {
        if self.format == Format::V7 {
            return Ok(Device::default());
        }
        let number = |range, name| {
            let number = unsigned(self.bytes(range)).and_then(|number| u32::try_from(number).ok());
            number.ok_or(Flaw::Field(name))
        };
        Ok(Device { major: number(DEVMAJOR, "devmajor")?, minor: number(DEVMINOR, "devminor")? })
    }
}

/// Whether there is nothing but zeros, as in the two blocks at the end of an archive.
pub fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// Checks the sum of a block's bytes; some old writers summed them as signed.
fn check_sum(bytes: &[u8]) -> Result<(), Problem> {
    let cksum = bytes.get(CHECKSUM).unwrap_or_default();
    let stored = field(cksum).ok_or(Problem::Checksum)?;
    let spaces = cksum.len() as i32 * i32::from(b' ');
    // 512 bytes cannot overflow their sum; checking each addition took 15 % of the time of an index.
    let unsigned = |bytes: &[u8]| bytes.iter().fold(0i32, |sum, &byte| sum.wrapping_add(byte.into()));
    let signed =
        |bytes: &[u8]| bytes.iter().fold(0i32, |sum, &byte| sum.wrapping_add(byte.cast_signed().into()));
    if stored == i64::from(unsigned(bytes) - unsigned(cksum) + spaces)
        || stored == i64::from(signed(bytes) - signed(cksum) + spaces)
    {
        return Ok(());
    }
    Err(Problem::Checksum)
}

fn kind(typeflag: u8) -> Type {
    match typeflag {
        0 | b'0' | b'7' | b'S' => Type::Regular,
        b'1' => Type::HardLink,
        b'2' => Type::Symlink,
        b'3' => Type::CharDevice,
        b'4' => Type::BlockDevice,
        // GNU's `D` is a directory with a list of its names as data (incremental backups).
        b'5' | b'D' => Type::Directory,
        b'6' => Type::Fifo,
        other => Type::Unknown(other),
    }
}

fn mode(bytes: &[u8]) -> Result<u16, Flaw> {
    let mode = field(bytes).ok_or(Flaw::Field("mode"))?;
    Ok((mode & 0o7777).try_into().unwrap_or_default())
}

/// An owner; the kernel's are 32 bits, and the highest of them means "none".
fn owner(bytes: &[u8]) -> Option<u32> {
    unsigned(bytes).and_then(|id| u32::try_from(id).ok()).filter(|&id| id != u32::MAX)
}

/// A text field: up to its first NUL.
fn text(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

fn replace(text: &mut Vec<u8>, with: &[u8]) {
    text.clear();
    text.extend_from_slice(with);
}
