//! `/proc/self/mountinfo`: what is mounted where (proc(5)).

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::{AtFlags, StatxFlags};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Which one.
    pub id: MountId,
    parent: u32,
    /// Where.
    pub point: PathBuf,
    /// What: `fuse.peelfs` if it is ours.
    pub kind: String,
    /// Who mounted it, of a FUSE file system.
    pub user: Option<u32>,
}

/// What tells a mount from all others that stand: its number, and the device number of its file system. Once it is
/// gone both may be given again, even together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountId {
    number: u32,
    /// `MAJOR:MINOR`.
    pub device: String,
}

impl fmt::Display for MountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.device)
    }
}

impl FromStr for MountId {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<MountId> {
        let (number, device) = text.split_once(' ').ok_or(io::ErrorKind::InvalidData)?;
        let number = number.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(MountId { number, device: device.to_owned() })
    }
}

/// The number that no other mount is ever given, of the mount that a file was opened in; `None` before Linux 6.8.
///
/// No request is made of who serves the mount.
pub fn unique_number(fd: impl AsFd) -> Option<u64> {
    /// `STATX_MNT_ID_UNIQUE` (linux/stat.h).
    const MNT_ID_UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
    let at = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = rustix::fs::statx(fd, c"", at, MNT_ID_UNIQUE).ok()?;
    (stat.stx_mask & MNT_ID_UNIQUE.bits() != 0).then_some(stat.stx_mnt_id)
}

/// All mounts of this process's namespace.
fn all() -> io::Result<Vec<Mounted>> {
    let text = fs::read("/proc/self/mountinfo")?;
    Ok(text.split(|&byte| byte == b'\n').filter_map(parse).collect())
}

/// A mount, wherever it has come to stand.
pub fn find(id: &MountId) -> io::Result<Option<Mounted>> {
    Ok(all()?.into_iter().find(|mounted| mounted.id == *id))
}

/// The mount that a path leads into where several stand on top of each other.
pub fn topmost_at(point: &Path) -> io::Result<Option<Mounted>> {
    let here: Vec<Mounted> = all()?.into_iter().filter(|mounted| mounted.point == point).collect();
    let is_covered = |mounted: &Mounted| here.iter().any(|other| other.parent == mounted.id.number);
    Ok(here.iter().find(|mounted| !is_covered(mounted)).cloned())
}

/// Whether a file was opened in this mount.
pub fn is_in(fd: impl AsFd, id: &MountId) -> io::Result<bool> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()))?;
    let number = text.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim);
    Ok(number.is_some_and(|number| number.parse() == Ok(id.number)))
}

fn parse(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|&byte| byte == b' ');
    let mut text = || fields.next().map(unescape);
    let (number, parent, device, _root, point) = (text()?, text()?, text()?, text()?, text()?);
    let mut of_file_system = fields.skip_while(|field| *field != b"-").skip(1);
    let (kind, _source, options) = (of_file_system.next()?, of_file_system.next()?, of_file_system.next()?);
    let device = String::from_utf8(device).ok()?;
    Some(Mounted {
        id: MountId { number: decimal(&number)?, device },
        parent: decimal(&parent)?,
        point: OsString::from_vec(point).into(),
        kind: String::from_utf8_lossy(kind).into_owned(),
        user: options
            .split(|&byte| byte == b',')
            .find_map(|option| decimal(option.strip_prefix(b"user_id=")?)),
    })
}

fn decimal(bytes: &[u8]) -> Option<u32> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

/// Spaces, tabs, newlines and backslashes stand there as `\040` and so on.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        if let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] = rest {
            bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = tail;
            continue;
        }
        bytes.push(first);
        rest = tail;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_escapes_and_optional_fields() {
        let line = br"44 28 0:41 / /mnt/a\040b\134c rw,nosuid shared:3 master:1 - fuse.peelfs x\040y.tar ro,user_id=7,group_id=0";
        let mounted = parse(line).unwrap();
        assert_eq!(mounted.point, Path::new("/mnt/a b\\c"));
        assert_eq!((mounted.kind.as_str(), mounted.user), ("fuse.peelfs", Some(7)));
        assert_eq!(mounted.id.to_string(), "44 0:41");
        assert_eq!(mounted.id.to_string().parse::<MountId>().unwrap(), mounted.id);
        assert_eq!(parse(b""), None);
    }
}
