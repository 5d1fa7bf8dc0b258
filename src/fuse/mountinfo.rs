//! `/proc/self/mountinfo`: what is mounted where (proc(5)).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    id: u32,
    parent: u32,
    /// The device number of the file system: it tells one mount of ours from the next.
    pub device: String,
    /// Where.
    pub point: PathBuf,
    /// What: `fuse.peelfs` if it is ours.
    pub kind: String,
}

/// All mounts of this process's namespace.
pub fn all() -> io::Result<Vec<Mounted>> {
    let text = fs::read("/proc/self/mountinfo")?;
    Ok(text.split(|&byte| byte == b'\n').filter_map(parse).collect())
}

/// The mount that a path leads into where several stand on top of each other.
pub fn topmost_at(point: &Path) -> io::Result<Option<Mounted>> {
    let here: Vec<Mounted> = all()?.into_iter().filter(|mounted| mounted.point == point).collect();
    let is_covered = |mounted: &Mounted| here.iter().any(|other| other.parent == mounted.id);
    Ok(here.iter().find(|mounted| !is_covered(mounted)).cloned())
}

fn parse(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|&byte| byte == b' ');
    let mut text = || fields.next().map(unescape);
    let (id, parent, device, _root, point) = (text()?, text()?, text()?, text()?, text()?);
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    let number = |bytes: Vec<u8>| String::from_utf8(bytes).ok()?.parse().ok();
    Some(Mounted {
        id: number(id)?,
        parent: number(parent)?,
        device: String::from_utf8(device).ok()?,
        point: OsString::from_vec(point).into(),
        kind: String::from_utf8_lossy(kind).into_owned(),
    })
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
        let line = br"44 28 0:41 / /mnt/a\040b\134c rw,nosuid shared:3 master:1 - fuse.peelfs x\040y.tar rw";
        let mounted = parse(line).unwrap();
        assert_eq!(mounted.point, Path::new("/mnt/a b\\c"));
        assert_eq!((mounted.kind.as_str(), mounted.device.as_str()), ("fuse.peelfs", "0:41"));
        assert_eq!(parse(b""), None);
    }
}
