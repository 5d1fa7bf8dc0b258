//! What new things inherit of their directory's default ACL, as POSIX 1003.1e has it and the kernel does for its own
//! file systems.

use crate::entry::Xattr;

/// The attribute that holds what new things in a directory inherit.
pub const DEFAULT: &[u8] = b"system.posix_acl_default";

/// The attribute that holds who may do what.
pub const ACCESS: &[u8] = b"system.posix_acl_access";

/// The version that the kernel writes; the only one there is.
const VERSION: [u8; 4] = 2u32.to_le_bytes();

/// An entry: tag and permissions of 16 bits, an ID of 32.
const ENTRY: usize = 8;

const USER_OBJ: u16 = 0x01;
const GROUP_OBJ: u16 = 0x04;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// The mode that something gets which is made with a mode, and the attributes that it gets with it. `None` if the
/// value is no ACL.
pub fn inherit(default: &[u8], mode: u16, is_dir: bool) -> Option<(u16, Vec<Xattr>)> {
    let entries = default.strip_prefix(&VERSION)?;
    let mut access = VERSION.to_vec();
    let mut bits = mode & 0o7000;
    let has_mask = entries.chunks_exact(ENTRY).any(|entry| tag(entry) == MASK);
    let mut is_minimal = true;
    for entry in entries.chunks_exact(ENTRY) {
        let mut perm = u16::from_le_bytes([*entry.get(2)?, *entry.get(3)?]);
        let shift = match tag(entry) {
            USER_OBJ => Some(6),
            MASK => Some(3),
            GROUP_OBJ if !has_mask => Some(3),
            OTHER => Some(0),
            _ => None,
        };
        if let Some(shift) = shift {
            perm &= mode >> shift;
            bits |= (perm & 7) << shift;
        }
        is_minimal &= matches!(tag(entry), USER_OBJ | GROUP_OBJ | OTHER);
        access.extend_from_slice(entry.get(..2)?);
        access.extend_from_slice(&perm.to_le_bytes());
        access.extend_from_slice(entry.get(4..)?);
    }
    let mut xattrs = Vec::new();
    if is_dir {
        xattrs.push(Xattr { name: DEFAULT.into(), value: default.into() });
    }
    if !is_minimal {
        xattrs.push(Xattr { name: ACCESS.into(), value: access.into() });
    }
    Some((bits, xattrs))
}

/// The permission bits that an ACL stands for. `None` if the value is none.
pub fn mode(access: &[u8]) -> Option<u16> {
    inherit(access, 0o777, false).map(|(bits, _)| bits)
}

fn tag(entry: &[u8]) -> u16 {
    match entry {
        [low, high, ..] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acl_stands_for_permission_bits() {
        let minimal = acl(&[(USER_OBJ, 7), (GROUP_OBJ, 5), (OTHER, 0)]);
        assert_eq!(mode(&minimal), Some(0o750));
        let masked = acl(&[(USER_OBJ, 6), (0x02, 7), (GROUP_OBJ, 4), (MASK, 7), (OTHER, 1)]);
        assert_eq!(mode(&masked), Some(0o671));
        assert_eq!(mode(b"none"), None);
    }

    fn acl(entries: &[(u16, u16)]) -> Vec<u8> {
        let entry = |&(tag, perm): &(u16, u16)| {
            [&tag.to_le_bytes()[..], &perm.to_le_bytes(), &u32::MAX.to_le_bytes()].concat()
        };
        [&VERSION[..], &entries.iter().flat_map(entry).collect::<Vec<u8>>()].concat()
    }

    #[test]
    fn an_acl_of_three_entries_is_a_mode() {
        let default = acl(&[(USER_OBJ, 7), (GROUP_OBJ, 5), (OTHER, 0)]);
        assert_eq!(inherit(&default, 0o666, false), Some((0o640, vec![])));
        let (mode, xattrs) = inherit(&default, 0o2777, true).unwrap();
        assert_eq!((mode, &*xattrs[0].name, &*xattrs[0].value), (0o2750, DEFAULT, &*default));
    }

    #[test]
    fn the_mask_limits_what_others_get() {
        let default = acl(&[(USER_OBJ, 7), (0x02, 7), (GROUP_OBJ, 7), (MASK, 7), (OTHER, 5)]);
        let (mode, xattrs) = inherit(&default, 0o644, false).unwrap();
        assert_eq!(mode, 0o644);
        let access = acl(&[(USER_OBJ, 6), (0x02, 7), (GROUP_OBJ, 7), (MASK, 4), (OTHER, 4)]);
        assert_eq!((&*xattrs[0].name, &*xattrs[0].value), (ACCESS, &*access));
        assert_eq!(inherit(b"\x01\0\0\0", 0o644, false), None);
    }
}
