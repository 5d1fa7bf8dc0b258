//! Extended attributes in PAX records: `SCHILY.xattr.NAME`, and `LIBARCHIVE.xattr.NAME` in base64 (S8).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::entry::Xattr;

use super::Flaw;

/// The names of one file's attributes, a NUL behind each, in bytes: `XATTR_LIST_MAX`, more than which
/// `listxattr(2)` cannot tell.
pub const MAX_LIST: usize = 64 * 1024;

/// The longest name, in bytes: `XATTR_NAME_MAX`.
const MAX_NAME: usize = 255;

/// The longest value, in bytes: `XATTR_SIZE_MAX`.
const MAX_VALUE: usize = 64 * 1024;

/// The namespaces of Linux; other systems' attributes, macOS's in layers made there, have others or none.
const NAMESPACES: [&[u8]; 4] = [b"security.", b"system.", b"trusted.", b"user."];

/// Whether `setxattr(2)` could set such an attribute.
pub fn is_possible(xattr: &Xattr) -> bool {
    let Xattr { name, value } = xattr;
    let is_named = NAMESPACES.iter().any(|space| name.len() > space.len() && name.starts_with(space));
    is_named && name.len() <= MAX_NAME && !name.contains(&0) && value.len() <= MAX_VALUE
}

/// Sorts attributes by name and leaves the last of each name.
pub fn settle(xattrs: &mut Vec<Xattr>) {
    xattrs.reverse();
    xattrs.sort_by(|a, b| a.name.cmp(&b.name));
    xattrs.dedup_by(|a, b| a.name == b.name);
}

/// Refuses more names than can be listed.
pub fn check_list(xattrs: &[Xattr]) -> Result<(), Flaw> {
    match xattrs.iter().map(|xattr| xattr.name.len() + 1).sum() {
        len if len > MAX_LIST => Err(Flaw::Xattrs(len)),
        _ => Ok(()),
    }
}

/// An attribute as libarchive writes it: the name URL-encoded, the value in base64.
pub fn of_libarchive(name: &[u8], value: &[u8]) -> Option<Xattr> {
    let value = BASE64.decode(value).ok()?;
    Some(Xattr { name: percent_decode(name), value: value.into() })
}

/// libarchive leaves the padding off.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// libarchive writes an attribute's name URL-encoded.
fn percent_decode(name: &[u8]) -> Box<[u8]> {
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(name.len());
    let mut at = 0;
    while let Some(&byte) = name.get(at) {
        let digits = (byte == b'%').then(|| (hex(name.get(at + 1)), hex(name.get(at + 2))));
        match digits {
            Some((Some(high), Some(low))) => {
                decoded.extend(u8::try_from(high << 4 | low));
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xattr(name: &str, value: usize) -> Xattr {
        Xattr { name: name.as_bytes().into(), value: vec![b'v'; value].into() }
    }

    #[test]
    fn s8_linux_has_four_namespaces_and_limits() {
        let longest = "user.".to_owned() + &"n".repeat(250);
        for name in ["user.a", "security.capability", "trusted.overlay.opaque", "system.x", &longest] {
            assert!(is_possible(&xattr(name, 0)), "{name}");
        }
        let long = longest.clone() + "n";
        for name in ["", "a", "user", "user.", "com.apple.quarantine", "user.a\0b", "User.a", &long] {
            assert!(!is_possible(&xattr(name, 0)), "{name}");
        }
        assert!(is_possible(&xattr("user.a", 65_536)) && !is_possible(&xattr("user.a", 65_537)));
    }

    #[test]
    fn the_last_of_a_name_stays() {
        let mut xattrs: Vec<Xattr> = (0..10).map(|i| xattr(["b", "a", "c"][i % 3], i)).collect();
        settle(&mut xattrs);
        assert_eq!(xattrs, [xattr("a", 7), xattr("b", 9), xattr("c", 8)]);
    }
}
