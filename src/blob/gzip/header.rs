//! What stands around a member's deflate data: its header and its trailer (RFC 1952, 2.3).

use std::io::{self, BufRead};

use crc32fast::Hasher;

use super::input::Input;

/// The flags of a header.
const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// The first bytes of a member.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The only method there is.
const DEFLATE: u8 = 8;

/// What a member says of its decoded bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// Their CRC-32.
    pub crc: u32,
    /// Their number, modulo 2^32.
    pub len: u32,
}

impl Trailer {
    /// Reads it.
    pub fn read<S: BufRead>(input: &mut Input<S>) -> io::Result<Trailer> {
        let crc = u32::from_le_bytes(input.take()?);
        Ok(Trailer { crc, len: u32::from_le_bytes(input.take()?) })
    }
}

/// Passes over the next member's header, and the padding in front of the end; `false` at the end.
///
/// The stream begins with a member. Behind others zeros are padding, and no member follows them.
pub fn next_member<S: BufRead>(input: &mut Input<S>) -> io::Result<bool> {
    if input.offset() > 0 {
        let padded = skip_zeros(input)?;
        match input.fill()? {
            [] => return Ok(false),
            [first, ..] if *first == MAGIC[0] && !padded => {}
            _ => return Err(garbage(input)),
        }
    }
    Header { input, crc: Hasher::new() }.pass()?;
    Ok(true)
}

/// Whether there were any.
fn skip_zeros<S: BufRead>(input: &mut Input<S>) -> io::Result<bool> {
    let begin = input.offset();
    loop {
        let bytes = input.fill()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        if zeros == 0 {
            return Ok(input.offset() > begin);
        }
        input.consume(zeros);
    }
}

fn garbage<S: BufRead>(input: &Input<S>) -> io::Error {
    input.bad("trailing garbage after the last gzip member")
}

/// A header that is passed over: none of it matters here, and its names may be of any length.
struct Header<'a, S> {
    input: &'a mut Input<S>,
    /// Of what was passed.
    crc: Hasher,
}

impl<S: BufRead> Header<'_, S> {
    fn pass(mut self) -> io::Result<()> {
        let is_first = self.input.offset() == 0;
        if self.take()? != MAGIC {
            return Err(if is_first { self.input.bad("no gzip member") } else { garbage(self.input) });
        }
        let [method, flags] = self.take()?;
        if method != DEFLATE || flags & RESERVED != 0 {
            let cause = format!("gzip method {method} with flags {flags:#04x} is unknown");
            return Err(self.input.bad(cause));
        }
        let _mtime_xfl_os: [u8; 6] = self.take()?;
        if flags & FEXTRA != 0 {
            let len = u16::from_le_bytes(self.take()?);
            self.pass_bytes(len.into())?;
        }
        for _ in [FNAME, FCOMMENT].iter().filter(|&flag| flags & flag != 0) {
            self.pass_string()?;
        }
        if flags & FHCRC != 0 { self.check() } else { Ok(()) }
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let bytes = self.input.take()?;
        self.crc.update(&bytes);
        Ok(bytes)
    }

    fn pass_bytes(&mut self, mut left: usize) -> io::Result<()> {
        while left > 0 {
            let n = self.input.fill()?.len().min(left);
            self.pass_buffered(n)?;
            left -= n;
        }
        Ok(())
    }

    /// To the NUL at its end.
    fn pass_string(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.input.fill()?;
            let nul = bytes.iter().position(|&byte| byte == 0);
            let n = nul.map_or(bytes.len(), |at| at + 1);
            self.pass_buffered(n)?;
            if nul.is_some() {
                return Ok(());
            }
        }
    }

    fn pass_buffered(&mut self, n: usize) -> io::Result<()> {
        if n == 0 {
            return Err(self.input.cut());
        }
        self.crc.update(self.input.fill()?.get(..n).unwrap_or_default());
        self.input.consume(n);
        Ok(())
    }

    fn check(self) -> io::Result<()> {
        let [low, high, ..] = self.crc.finalize().to_le_bytes();
        if self.input.take()? == [low, high] {
            return Ok(());
        }
        Err(self.input.bad("bad CRC-16 of a gzip header"))
    }
}
