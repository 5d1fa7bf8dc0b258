//! What a zstd stream says where a frame can begin (RFC 8878, 3.1).

use std::io::{self, Read};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The magic number of a skippable frame without its first byte, `0x50` to `0x5f`.
const SKIPPABLE_MAGIC_REST: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Magic number, descriptor, window, dictionary ID and content size.
const MAX_LEN: usize = 4 + 1 + 1 + 4 + 8;

/// What stands where a frame can begin.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A frame to decode.
    Data(Header),
    /// A frame to pass over, its header read already.
    Skippable {
        /// Bytes of it that follow.
        len: u32,
    },
    /// Nothing: the stream is over.
    End,
    /// The beginning of a header.
    Cut,
    /// No frame.
    Garbage,
}

/// The header of a data frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// The header itself, which the library reads again.
    pub bytes: Vec<u8>,
    /// Bytes of decoded data that the decoder must keep.
    pub window: u64,
    /// The dictionary without which the frame cannot be decoded; 0 if there is none, or none is named.
    pub dictionary: u32,
}

impl Next {
    /// Reads as far as the header goes, and gives what it says with the number of bytes that were read.
    pub fn read(stream: &mut impl Read) -> io::Result<(Next, usize)> {
        let mut bytes = Vec::with_capacity(MAX_LEN);
        read_up_to(stream, &mut bytes, 5)?;
        let next = match *bytes.as_slice() {
            [] => Next::End,
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, _] => {
                read_up_to(stream, &mut bytes, 8)?;
                match bytes.last_chunk() {
                    Some(&len) if bytes.len() == 8 => Next::Skippable { len: u32::from_le_bytes(len) },
                    _ => Next::Cut,
                }
            }
            [0x28, 0xb5, 0x2f, 0xfd, descriptor] => {
                let fields = Fields::of(descriptor);
                let len = bytes.len() + fields.len();
                read_up_to(stream, &mut bytes, len)?;
                return Ok(match fields.parse(&bytes) {
                    Some((window, dictionary)) => (Next::Data(Header { bytes, window, dictionary }), len),
                    None => (Next::Cut, bytes.len()),
                });
            }
            _ if begins_a_magic(&bytes) => Next::Cut,
            _ => Next::Garbage,
        };
        Ok((next, bytes.len()))
    }
}

/// The lengths of the fields behind the descriptor, in their order.
struct Fields {
    window: usize,
    dictionary: usize,
    content: usize,
}

impl Fields {
    fn of(descriptor: u8) -> Fields {
        let single_segment = descriptor & 0x20 != 0;
        Fields {
            window: if single_segment { 0 } else { 1 },
            dictionary: match descriptor & 3 {
                3 => 4,
                flag => flag.into(),
            },
            content: match descriptor >> 6 {
                0 => single_segment.into(),
                flag => 1 << flag,
            },
        }
    }

    fn len(&self) -> usize {
        self.window + self.dictionary + self.content
    }

    /// Window size and dictionary ID; `None` if the header is not whole.
    fn parse(&self, header: &[u8]) -> Option<(u64, u32)> {
        let (window, rest) = header.get(5..)?.split_at_checked(self.window)?;
        let (dictionary, rest) = rest.split_at_checked(self.dictionary)?;
        let content = little_endian(rest.get(..self.content)?);
        let window = match window {
            [descriptor] => window_size(*descriptor),
            // A content size of two bytes begins at 256.
            _ if self.content == 2 => content + 256,
            _ => content,
        };
        Some((window, u32::try_from(little_endian(dictionary)).ok()?))
    }
}

fn window_size(descriptor: u8) -> u64 {
    let base = 1 << (10 + (descriptor >> 3));
    base + base / 8 * u64::from(descriptor & 7)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Whether a magic number is cut, or all there is.
fn begins_a_magic(bytes: &[u8]) -> bool {
    match bytes {
        [0x50..=0x5f, rest @ ..] => SKIPPABLE_MAGIC_REST.starts_with(rest),
        _ => MAGIC.starts_with(bytes),
    }
}

/// Reads until there are `len` bytes, or all there are.
fn read_up_to(stream: &mut impl Read, bytes: &mut Vec<u8>, len: usize) -> io::Result<()> {
    let more = len.saturating_sub(bytes.len()) as u64;
    stream.take(more).read_to_end(bytes).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(bytes: &[u8]) -> Next {
        let mut rest = bytes;
        let (next, read) = Next::read(&mut rest).unwrap();
        assert_eq!(read, bytes.len() - rest.len(), "{bytes:x?}");
        next
    }

    fn data(fields: &[u8]) -> Option<(u64, u32)> {
        match next(&[&MAGIC, fields].concat()) {
            Next::Data(header) => Some((header.window, header.dictionary)),
            _ => None,
        }
    }

    #[test]
    fn windows_and_dictionaries_are_read() {
        for (fields, says) in [
            (&[0x00, 0x00][..], (1024, 0)),
            (&[0x00, 0x58], (1 << 21, 0)),
            (&[0x00, 0x59], ((1 << 21) + (1 << 18), 0)),
            (&[0x04, 0xa8], (1 << 31, 0)),
            (&[0x00, 0xff], ((1 << 41) + (7 << 38), 0)),
            (&[0x20, 7], (7, 0)),
            (&[0x60, 1, 1], (513, 0)),
            (&[0xa0, 0, 0, 1, 0], (1 << 16, 0)),
            (&[0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], (u64::MAX, 0)),
            (&[0x01, 0x58, 9], (1 << 21, 9)),
            (&[0x22, 1, 2, 7], (7, 0x0201)),
            (&[0xc3, 0x58, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0], (1 << 21, 0x0403_0201)),
        ] {
            assert_eq!(data(fields), Some(says), "{fields:x?}");
            for cut in 0..fields.len() {
                assert_eq!(next(&[&MAGIC, &fields[..cut]].concat()), Next::Cut, "{fields:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_data_frame_is_told_apart() {
        assert_eq!(next(b""), Next::End);
        let skippable = [0x5a, 0x2a, 0x4d, 0x18, 1, 2, 3, 4];
        assert_eq!(next(&skippable), Next::Skippable { len: 0x0403_0201 });
        for cut in 1..8 {
            assert_eq!(next(&skippable[..cut]), Next::Cut, "cut at {cut}");
        }
        for garbage in [&b"\0"[..], b"garbage", b"\x28\xb5\x2f\xfe", b"\x60", b"\x50\x2a\x4e", b"\x28\x28"] {
            assert_eq!(next(&garbage[..garbage.len().min(5)]), Next::Garbage);
        }
    }
}
