//! Attributes of things in the upper directory: the host's, or those that are kept in an extended attribute where
//! the host grants no others (W8).

use rustix::fs::{FileType, Stat};

use crate::entry::{Attributes, Device, Kind, Time};

/// The attribute that keeps what the host does not grant, as rootless Podman and fuse-overlayfs write it:
/// `UID:GID:MODE:TYPE`, the mode in octal.
pub const OVERRIDE: &[u8] = b"user.containers.override_stat";

/// How owners, modes and kinds are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// As the host's own.
    Host,
    /// In [`OVERRIDE`], wherever the host's own are others.
    Xattr,
}

/// What [`OVERRIDE`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Override {
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Permission bits: 07777.
    pub mode: u16,
    /// What it is, if that is said.
    pub kind: Option<(Kind, Device)>,
}

impl Override {
    /// What keeps these attributes.
    pub fn of(attributes: &Attributes) -> Override {
        let Attributes { kind, mode, uid, gid, device, .. } = *attributes;
        Override { uid, gid, mode, kind: Some((kind, device)) }
    }

    /// Reads a value; `None` if it is none.
    pub fn parse(value: &[u8]) -> Option<Override> {
        let mut parts = std::str::from_utf8(value).ok()?.trim_end_matches('\0').split(':');
        let uid = parts.next()?.parse().ok()?;
        let gid = parts.next()?.parse().ok()?;
        let mode = (u32::from_str_radix(parts.next()?, 8).ok()? & 0o7777) as u16;
        let kind = parts.next().and_then(parse_kind);
        Some(Override { uid, gid, mode, kind })
    }

    /// The value.
    pub fn value(&self) -> String {
        let Override { uid, gid, mode, kind } = self;
        let mut value = format!("{uid}:{gid}:0{mode:o}");
        if let Some((kind, Device { major, minor })) = kind {
            value.push_str(&match kind {
                Kind::Directory => ":dir".to_owned(),
                Kind::Regular => ":file".to_owned(),
                Kind::Symlink => ":symlink".to_owned(),
                Kind::Fifo => ":pipe".to_owned(),
                Kind::Socket => ":socket".to_owned(),
                Kind::CharDevice => format!(":char-{major}-{minor}"),
                Kind::BlockDevice => format!(":block-{major}-{minor}"),
            });
        }
        value
    }
}

fn parse_kind(text: &str) -> Option<(Kind, Device)> {
    let device = |numbers: &str| {
        let (major, minor) = numbers.split_once('-')?;
        Some(Device { major: major.parse().ok()?, minor: minor.parse().ok()? })
    };
    let kind = match text {
        "dir" => Kind::Directory,
        "file" => Kind::Regular,
        "symlink" => Kind::Symlink,
        "pipe" => Kind::Fifo,
        "socket" => Kind::Socket,
        _ => {
            let (kind, numbers) = text.split_once('-')?;
            let kind = match kind {
                "char" => Kind::CharDevice,
                "block" => Kind::BlockDevice,
                _ => return None,
            };
            return Some((kind, device(numbers)?));
        }
    };
    Some((kind, Device::default()))
}

/// What the host calls it.
pub fn kind(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::RegularFile | FileType::Unknown => Kind::Regular,
    }
}

/// The attributes of what the host describes so.
pub fn attributes(stat: &Stat, kept: Option<Override>) -> Attributes {
    let time = |secs, nanos: u64| Time { secs, nanos: nanos as u32 };
    let mut attributes = Attributes {
        kind: kind(stat),
        mode: (stat.st_mode & 0o7777) as u16,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size.cast_unsigned(),
        blocks: stat.st_blocks.cast_unsigned(),
        device: Device { major: rustix::fs::major(stat.st_rdev), minor: rustix::fs::minor(stat.st_rdev) },
        nlink: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        atime: time(stat.st_atime, stat.st_atime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
    };
    if let Some(Override { uid, gid, mode, kind }) = kept {
        attributes = Attributes { uid, gid, mode, ..attributes };
        // Only a plain file can stand for something else: a directory is one, whatever is said of it.
        if let Some((kind, device)) = kind.filter(|_| attributes.kind == Kind::Regular)
            && kind != Kind::Directory
            && kind != Kind::Symlink
        {
            attributes = Attributes { kind, device, ..attributes };
        }
    }
    if attributes.kind == Kind::Directory {
        // As of any directory here (S24); what the host says is of its own part only.
        attributes = Attributes { nlink: 1, size: 0, blocks: 0, ..attributes };
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w8_what_is_kept_is_read_as_it_was_written() {
        let none = Device::default();
        for (value, uid, mode, kind) in [
            ("0:0:0755:dir", 0, 0o755, Some((Kind::Directory, none))),
            ("1000:5:04755:file", 1000, 0o4755, Some((Kind::Regular, none))),
            ("0:6:0660:block-8-1", 0, 0o660, Some((Kind::BlockDevice, Device { major: 8, minor: 1 }))),
            ("0:6:0666:char-1-3", 0, 0o666, Some((Kind::CharDevice, Device { major: 1, minor: 3 }))),
            ("0:0:0600:pipe", 0, 0o600, Some((Kind::Fifo, none))),
            ("0:0:0644", 0, 0o644, None),
        ] {
            let kept = Override::parse(value.as_bytes()).unwrap();
            assert_eq!((kept.uid, kept.mode, kept.kind), (uid, mode, kind), "{value}");
            assert_eq!(kept.value(), value);
        }
        assert_eq!(Override::parse(b"0:0:755").unwrap().mode, 0o755);
        for value in ["", "0", "0:0", "x:0:755", "0:0:9", "-1:0:755"] {
            assert_eq!(Override::parse(value.as_bytes()), None, "{value}");
        }
    }
}
