//! Owners, modes and kinds that a host does not grant, kept in an extended attribute of the file (W8).

use crate::entry::{Attributes, Device, Kind};

/// The attribute that keeps what the host does not grant, as rootless Podman and fuse-overlayfs write it:
/// `UID:GID:MODE:TYPE`, the mode in octal.
pub const OVERRIDE: &[u8] = b"user.containers.override_stat";

/// The same attribute by all its names, as fuse-overlayfs looks for them: a layer has them if its root has one.
pub const OVERRIDES: [&[u8]; 3] =
    [b"security.fuseoverlayfs.override_stat", OVERRIDE, b"user.fuseoverlayfs.override_stat"];

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

    /// What a plain file stands for, if it is not one: a device, a fifo or a socket. A directory is one, and a link,
    /// whatever is said of it.
    pub fn node(&self) -> Option<(Kind, Device)> {
        self.kind.filter(|(kind, _)| !matches!(kind, Kind::Directory | Kind::Regular | Kind::Symlink))
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
