//! zstd:chunked: zstd layers with their table in a skippable frame, and where that is in the last frame, which is
//! skippable too (containers/storage, pkg/chunked).

use std::io::Read;

use crate::blob::{Blob, Compression, decoder, read_exact_at};
use crate::digest::Digest;

use super::{MAX_TABLE, Toc, TocError};

/// A skippable frame's magic number, and its length behind it.
const FRAME_HEADER: usize = 8;

/// What is in the last frame: since there is a second list beside the table, and before.
const FOOTERS: [usize; 2] = [64, 40];

/// What the footer ends with, now and in the first versions.
const MAGICS: [&[u8]; 2] = [b"GNUlInUx", b"GnUlInUx"];

/// The one kind of table that there is: JSON of the form that stargz has.
const JSON: u64 = 1;

/// Looks for the table; `None` if there is no footer.
pub fn find(blob: &Blob) -> Result<Option<Toc>, TocError> {
    let Some((footer, end)) = footer(blob)? else { return Ok(None) };
    let Footer { offset, stored, decoded, kind } = footer;
    if kind != JSON {
        return Err(TocError::Missing("of an unknown kind"));
    }
    if stored > MAX_TABLE || decoded > MAX_TABLE {
        return Err(TocError::Large);
    }
    if offset.checked_add(stored).is_none_or(|table_end| table_end > end) {
        return Err(TocError::Missing("outside the layer"));
    }
    let mut bytes = vec![0; usize::try_from(stored).map_err(|_| TocError::Large)?];
    read_exact_at(&**blob, offset, &mut bytes)?;
    let mut json = Vec::new();
    decoder(Compression::Zstd, &*bytes)?.take(decoded + 1).read_to_end(&mut json)?;
    if json.len() as u64 != decoded {
        return Err(TocError::Missing("not as long as the footer says"));
    }
    let stored = Some(Digest::of(&bytes));
    Ok(Some(Toc { compression: Compression::Zstd, offset, json, stored }))
}

/// What the footer says.
struct Footer {
    /// Of the table, within its frame.
    offset: u64,
    /// Its length as it is stored.
    stored: u64,
    /// Its length decoded.
    decoded: u64,
    kind: u64,
}

/// The footer, and where its frame begins.
fn footer(blob: &Blob) -> Result<Option<(Footer, u64)>, TocError> {
    for len in FOOTERS {
        let Some(at) = blob.len().checked_sub((FRAME_HEADER + len) as u64) else { continue };
        let mut frame = vec![0; FRAME_HEADER + len];
        read_exact_at(&**blob, at, &mut frame)?;
        if let Some(footer) = Footer::parse(&frame, len) {
            return Ok(Some((footer, at)));
        }
    }
    Ok(None)
}

impl Footer {
    /// Takes a frame apart; `None` if it is no footer.
    fn parse(frame: &[u8], len: usize) -> Option<Footer> {
        let (magic, rest) = frame.split_first_chunk::<4>()?;
        let (frame_len, rest) = rest.split_first_chunk::<4>()?;
        let is_skippable = matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18]);
        let is_footer = MAGICS.iter().any(|magic| rest.ends_with(magic));
        if !is_skippable || !is_footer || u32::from_le_bytes(*frame_len) as usize != len {
            return None;
        }
        let (numbers, _) = rest.as_chunks::<8>();
        let number = |at: usize| numbers.get(at).copied().map(u64::from_le_bytes);
        Some(Footer { offset: number(0)?, stored: number(1)?, decoded: number(2)?, kind: number(3)? })
    }
}
