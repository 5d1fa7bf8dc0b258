//! eStargz, and stargz before it: gzip layers with their table in the last member but one, and its offset in the
//! last one (stargz-snapshotter, docs/estargz.md).

use std::io::{BufReader, Read};

use crate::blob::{Blob, Compression, Hops, Reader, Window, decoder, read_exact_at};
use crate::entry::Data;
use crate::tar::{Members, Type};

use super::{MAX_TABLE, Toc, TocError};

/// The name that the table has in its tar.
pub const NAME: &[u8] = b"stargz.index.json";

/// An empty gzip member with an extra field of one subfield, "SG".
const FOOTER: usize = 51;

/// The same where the extra field is no list of subfields, as it was in stargz.
const OLD_FOOTER: usize = 47;

/// What stands around the table in its tar, in bytes: headers, padding and the end mark.
const MAX_AROUND: u64 = 64 * 1024;

/// Looks for the table; `None` if there is no footer.
pub fn find(blob: &Blob) -> Result<Option<Toc>, TocError> {
    let Some((offset, end)) = footer(blob)? else { return Ok(None) };
    let missing = TocError::Missing("not where the footer says");
    let len = end.checked_sub(offset).filter(|&len| len > 0).ok_or(missing)?;
    let tar = Window::new(blob.clone(), offset, len).ok_or(TocError::Missing("outside the layer"))?;
    let stream = BufReader::new(Reader::new(&tar));
    let mut bytes = Vec::new();
    let limit = MAX_TABLE + MAX_AROUND;
    decoder(Compression::Gzip, stream)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(TocError::Large);
    }
    let json = table(bytes)?;
    Ok(Some(Toc { compression: Compression::Gzip, offset, json, stored: None }))
}

/// What the footer says: where the table begins; and where the footer itself does.
fn footer(blob: &Blob) -> Result<Option<(u64, u64)>, TocError> {
    for len in [FOOTER, OLD_FOOTER] {
        let Some(at) = blob.len().checked_sub(len as u64) else { continue };
        let mut footer = vec![0; len];
        read_exact_at(&**blob, at, &mut footer)?;
        if let Some(offset) = offset(&footer) {
            return Ok(Some((offset, at)));
        }
    }
    Ok(None)
}

/// The offset in a footer; `None` if it is none.
fn offset(footer: &[u8]) -> Option<u64> {
    // Deflate, with an extra field and nothing else; who wrote it when and where is not said.
    let rest = footer.strip_prefix(&[0x1f, 0x8b, 8, 4])?.get(6..)?;
    let field = match footer.len() {
        FOOTER => rest.strip_prefix(&[26, 0, b'S', b'G', 22, 0])?,
        _ => rest.strip_prefix(&[22, 0])?,
    };
    let (digits, rest) = field.split_at_checked(16)?;
    let is_footer = rest.starts_with(b"STARGZ") && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_footer)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The table in its tar.
fn table(mut tar: Vec<u8>) -> Result<Vec<u8>, TocError> {
    let mut forward = Hops::new(&tar);
    let mut members = Members::new(&mut forward);
    let missing = TocError::Missing("there is something else where the footer says");
    let (start, len) = match members.next_member()? {
        Some(member) if member.name == NAME && member.kind == Type::Regular => match member.data {
            Data::Contiguous(start) => (start, member.size),
            Data::Sparse(_) => return Err(missing),
        },
        _ => return Err(missing),
    };
    if len > MAX_TABLE {
        return Err(TocError::Large);
    }
    // A member that is in memory has a length and a place that fit.
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(tar.len());
    tar.drain(..start);
    tar.truncate(usize::try_from(len).unwrap_or(usize::MAX));
    Ok(tar)
}
