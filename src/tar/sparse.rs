//! Maps of sparse files: GNU's old format in headers, and 1.0 in front of the data.

use ::tar::{GnuExtSparseHeader, GnuHeader};

use crate::blob::Forward;
use crate::entry::Extent;

use super::number::{decimal, unsigned};
use super::{BLOCK, Problem};

/// Bytes of one offset and length pair in GNU's old headers.
const PAIR: usize = 24;

/// A map as it is read: offsets in the file and lengths, in turn.
pub type Map = Vec<u64>;

/// The map of GNU's old format: in the header itself and in as many blocks behind it as it says.
pub fn old_gnu(header: &GnuHeader, forward: &mut dyn Forward) -> Result<Map, Problem> {
    let mut map = Map::new();
    for pair in &header.sparse {
        push_pair(&mut map, &pair.offset, &pair.numbytes)?;
    }
    let mut extended = header.isextended[0] != 0;
    while extended {
        let block = forward.take(size_of::<GnuExtSparseHeader>())?;
        if block.len() < size_of::<GnuExtSparseHeader>() {
            return Err(Problem::Truncated { missing: BLOCK - block.len() as u64 });
        }
        let (pairs, flag) = block.split_at(21 * PAIR);
        for pair in pairs.chunks_exact(PAIR) {
            let (offset, numbytes) = pair.split_at(PAIR / 2);
            push_pair(&mut map, offset, numbytes)?;
        }
        extended = flag.first().is_some_and(|&flag| flag != 0);
    }
    Ok(map)
}

/// A pair of empty fields is unused.
fn push_pair(map: &mut Map, offset: &[u8], numbytes: &[u8]) -> Result<(), Problem> {
    if offset.first() == Some(&0) && numbytes.first() == Some(&0) {
        return Ok(());
    }
    map.push(unsigned(offset).ok_or(Problem::Sparse)?);
    map.push(unsigned(numbytes).ok_or(Problem::Sparse)?);
    Ok(())
}

/// The map of format 1.0: decimal lines in whole blocks in front of the data. Gives its length too.
pub fn in_data(forward: &mut dyn Forward, stored: u64) -> Result<(Map, u64), Problem> {
    let mut lines = Lines { forward, text: Vec::new(), at: 0, left: stored };
    let count = lines.number()?;
    let mut map = Map::new();
    for _ in 0..count {
        map.push(lines.number()?);
        map.push(lines.number()?);
    }
    let used = stored - lines.left;
    Ok((map, used))
}

struct Lines<'a> {
    forward: &'a mut dyn Forward,
    text: Vec<u8>,
    at: usize,
    left: u64,
}

impl Lines<'_> {
    fn number(&mut self) -> Result<u64, Problem> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                self.at += end + 1;
                return rest.get(..end).and_then(decimal).ok_or(Problem::Sparse);
            }
            // No number has more than twenty digits.
            if rest.len() > 20 || self.left < BLOCK {
                return Err(Problem::Sparse);
            }
            self.text.drain(..self.at);
            self.at = 0;
            let block = self.forward.take(512)?;
            if block.len() < 512 {
                return Err(Problem::Truncated { missing: BLOCK - block.len() as u64 });
            }
            self.text.extend_from_slice(block);
            self.left -= BLOCK;
        }
    }
}

/// Lays a map over the data: sorted, apart, within `size`, and no more of them than is stored.
pub fn extents(map: &[u64], size: u64, data: u64, stored: u64) -> Result<Vec<Extent>, Problem> {
    if !map.len().is_multiple_of(2) {
        return Err(Problem::Sparse);
    }
    let mut extents: Vec<Extent> = Vec::new();
    let (mut end, mut used) = (0, 0);
    for pair in map.chunks_exact(2) {
        let &[logical, len] = pair else { return Err(Problem::Sparse) };
        let next = logical.checked_add(len).filter(|&next| logical >= end && next <= size);
        end = next.ok_or(Problem::Sparse)?;
        let source = data.checked_add(used).ok_or(Problem::Sparse)?;
        used = used.checked_add(len).filter(|&used| used <= stored).ok_or(Problem::Sparse)?;
        match extents.last_mut() {
            _ if len == 0 => {}
            // What is stored has no holes: extents that touch in the file touch there, too.
            Some(last) if last.end() == logical => last.len += len,
            _ => extents.push(Extent { logical, source, len }),
        }
    }
    Ok(extents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_that_overlap_or_overrun_are_refused() {
        let ok = extents(&[0, 5, 10, 5, 20, 0], 20, 1000, 10).unwrap();
        assert_eq!(
            ok,
            [Extent { logical: 0, source: 1000, len: 5 }, Extent { logical: 10, source: 1005, len: 5 },]
        );
        let touching = extents(&[1, 2, 3, 0, 3, 4], 9, 100, 6).unwrap();
        assert_eq!(touching, [Extent { logical: 1, source: 100, len: 6 }]);
        for (map, size, stored) in [
            (&[0, 5, 4, 5][..], 20, 20),
            (&[10, 5, 0, 5], 20, 20),
            (&[0, 21], 20, 30),
            (&[0, 10], 20, 9),
            (&[u64::MAX, 2], u64::MAX, 2),
            (&[0], 20, 20),
        ] {
            assert!(extents(map, size, 0, stored).is_err(), "{map:?}");
        }
    }
}
