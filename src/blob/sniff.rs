//! How a blob is compressed, told from its first bytes: names and media types lie.

use std::fmt;
use std::io;

use super::ReadAt;

/// A compression that is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz file format.
    Xz,
    /// bzip2.
    Bzip2,
}

impl Compression {
    /// Recognises a compressed blob; `None` for anything else.
    pub fn of(blob: &dyn ReadAt) -> io::Result<Option<Compression>> {
        let mut magic = [0; 6];
        let n = blob.read_at(0, &mut magic)?;
        Ok(Compression::from_magic(magic.get(..n).unwrap_or_default()))
    }

    fn from_magic(bytes: &[u8]) -> Option<Compression> {
        match bytes {
            // The third byte is the method; 8, deflate, is the only one there is.
            [0x1f, 0x8b, 8, ..] => Some(Compression::Gzip),
            // A zstd stream may begin with a skippable frame, as pzstd's and zstd:chunked's do.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Some(Compression::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41] => Some(Compression::Bzip2),
            // An empty bzip2 stream holds only its end-of-stream mark.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72] => Some(Compression::Bzip2),
            _ => None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
            Compression::Bzip2 => "bzip2",
        })
    }
}
