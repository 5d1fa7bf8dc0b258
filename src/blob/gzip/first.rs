//! The first pass over a gzip stream: all members, checked, with marks wherever they are asked for.

use std::io::{self, BufRead, Read};

use crc32fast::Hasher;

use crate::blob::{FirstPass, Mark};

use super::WINDOW;
use super::mark::{GzipMark, Spot};
use super::stream::Stream;
use super::sys::{Step, Stopped, Within};

/// The longest match (RFC 1951, 3.2.5), in bytes. A mark within one needs the window in front of it.
const MAX_MATCH: usize = 258;

/// A gzip stream that is read for the first time.
///
/// Members follow each other, zeros may follow the last one; anything else behind it is an error, as is a
/// member whose bytes are not those it was made of.
pub struct Gzip<S> {
    stream: Stream<S>,
    at: At,
    member: Member,
    codes: Codes,
    /// The end of what was decoded of this member: a window and a match at least.
    history: Vec<u8>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Member,
    Data,
    Trailer,
    End,
}

/// What was decoded of a member.
#[derive(Debug, Clone, Default)]
struct Member {
    offset: u64,
    len: u64,
    crc: Hasher,
}

/// Where codes are known to begin in the deflate block that is being decoded.
///
/// The decoder does not say where the code began that it is writing, only where it ends. So a mark names an
/// earlier end, from which the beginning is found when it is sealed: one that is further back than a code
/// writes, and not much further.
#[derive(Debug, Clone, Copy, Default)]
struct Codes {
    block: Known,
    far: Known,
    near: Known,
}

/// A place both in the compressed stream and in the member's bytes. What a code that ends there wrote may
/// end later.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    bit: u64,
    at: u64,
}

impl Codes {
    fn of_block(bit: u64, at: u64) -> Codes {
        let block = Known { bit, at };
        Codes { block, far: block, near: block }
    }

    fn ended(&mut self, bit: u64, at: u64) {
        if at >= self.near.at + MAX_MATCH as u64 {
            self.far = self.near;
            self.near = Known { bit, at };
        }
    }
}

impl<S: BufRead + Send> Gzip<S> {
    /// At the first byte of a stream.
    pub fn new(source: S) -> io::Result<Gzip<S>> {
        Ok(Gzip {
            stream: Stream::new(source, 0)?,
            at: At::Member,
            member: Member::default(),
            codes: Codes::default(),
            history: Vec::new(),
        })
    }

    fn next_member(&mut self) -> io::Result<()> {
        let offset = self.stream.offset();
        if !self.stream.next_member()? {
            self.at = At::End;
            return Ok(());
        }
        self.member = Member { offset, ..Member::default() };
        self.history.clear();
        self.at = At::Data;
        self.codes = Codes::of_block(self.stream.bit(), 0);
        Ok(())
    }

    /// Decodes to the next end of a block, or as much as there is room for, with a stop shortly before that.
    fn decode(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = if buf.len() > MAX_MATCH { buf.len() - MAX_MATCH } else { buf.len() };
        let buf = buf.get_mut(..room).unwrap_or_default();
        let Step { produced, stopped, .. } = self.stream.inflate_codes(buf)?;
        self.member.crc.update(buf.get(..produced).unwrap_or_default());
        self.member.len += produced as u64;
        match stopped {
            Stopped::End => self.at = At::Trailer,
            Stopped::Block => self.codes = Codes::of_block(self.stream.bit(), self.member.len),
            Stopped::Within if produced == room => self.codes.ended(self.stream.bit(), self.member.len),
            Stopped::Within => {}
        }
        Ok(produced)
    }

    fn check(&mut self) -> io::Result<()> {
        let trailer = self.stream.trailer()?;
        let Member { offset, len, crc } = std::mem::take(&mut self.member);
        let crc = crc.finalize();
        let cause = if crc != trailer.crc {
            format!("bad CRC-32 (found {crc:08x}, expected {:08x})", trailer.crc)
        } else if len as u32 != trailer.len {
            format!("bad length (found {} modulo 2^32, expected {})", len as u32, trailer.len)
        } else {
            self.at = At::Member;
            return Ok(());
        };
        let message = format!("gzip member at offset {offset}: {cause}");
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }

    /// Keeps the end of what was decoded.
    fn remember(&mut self, bytes: &[u8]) {
        const KEEP: usize = WINDOW + MAX_MATCH;
        let passed = bytes.len().saturating_sub(KEEP);
        self.history.extend_from_slice(bytes.get(passed..).unwrap_or_default());
        // Twice as much as is needed, so that short reads do not move it every time.
        if self.history.len() > 2 * KEEP {
            self.history.drain(..self.history.len() - KEEP);
        }
    }

    /// What was decoded in front of the last `skip` bytes.
    fn window(&self, skip: u64) -> Vec<u8> {
        let end = self.history.len().saturating_sub(usize::try_from(skip).unwrap_or(usize::MAX));
        self.history.get(end.saturating_sub(WINDOW)..end).unwrap_or_default().to_vec()
    }
}

impl<S: BufRead + Send> Read for Gzip<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (mut filled, mut remembered) = (0, 0);
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.at {
                At::Member => {
                    self.next_member()?;
                    remembered = filled;
                }
                At::Data => filled += self.decode(rest)?,
                At::Trailer => self.check()?,
                At::End => break,
            }
        }
        self.remember(buf.get(remembered..filled).unwrap_or_default());
        Ok(filled)
    }
}

impl<S: BufRead + Send> FirstPass for Gzip<S> {
    fn mark(&mut self) -> io::Result<Box<dyn Mark>> {
        if self.at == At::Trailer {
            self.check()?;
        }
        let bit = self.stream.bit();
        let Codes { block, far, .. } = self.codes;
        let (spot, skip) = match self.at {
            At::Member | At::Trailer | At::End => (Spot::Member { offset: self.stream.offset() }, 0),
            At::Data if self.member.len == block.at => (Spot::Block { bit: block.bit }, 0),
            At::Data => match self.stream.within() {
                Within::Code { written } => {
                    (Spot::Code { block: block.bit, earlier: far.bit, end: bit }, written)
                }
                Within::Stored { left, is_last } => (Spot::Stored { bit, left, is_last }, 0),
            },
        };
        Ok(Box::new(GzipMark { spot, skip, window: self.window(skip) }))
    }
}
