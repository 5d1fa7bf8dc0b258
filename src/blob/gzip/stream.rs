//! Deflate data read from the compressed stream: what the first pass, resuming and sealing share.

use std::io::{self, BufRead};

use super::header::{Trailer, next_member};
use super::input::Input;
use super::state::{BlockHeader, Place};
use super::sys::{Inflate, Step, Stop, Stopped, Within};

/// A decoder and what it reads.
pub struct Stream<S> {
    input: Input<S>,
    inflate: Inflate,
}

impl<S: BufRead> Stream<S> {
    /// In front of a member, or of the end, at an offset of the stream.
    pub fn new(source: S, offset: u64) -> io::Result<Stream<S>> {
        Ok(Stream { input: Input::new(source, offset), inflate: Inflate::new()? })
    }

    /// In the middle of a member. The source begins at the byte that holds the bit.
    pub fn begin(source: S, bit: u64, place: &Place, window: &[u8]) -> io::Result<Stream<S>> {
        let mut stream = Stream::new(source, bit / 8)?;
        stream.inflate.set_window(window);
        match place {
            Place::Block => {}
            Place::Codes(header) => stream.feed(header, Stop::Header)?,
            Place::Stored { left, is_last } => {
                stream.feed(&BlockHeader::stored(*left, *is_last), Stop::Block)?;
            }
        }
        let used = (bit % 8) as u8;
        if used > 0 {
            let [byte] = stream.input.take()?;
            stream.inflate.prime(8 - used, byte >> used);
        }
        Ok(stream)
    }

    /// Gives the decoder a block's header, from elsewhere than the stream.
    fn feed(&mut self, header: &BlockHeader, stop: Stop) -> io::Result<()> {
        let (first, rest) = header.bytes.split_first().ok_or_else(|| self.input.bad("no block header"))?;
        self.inflate.prime(8 - header.bit, first >> header.bit);
        self.inflate.run(rest, &mut [], stop).map_err(|cause| self.input.bad(cause))?;
        if !self.inflate.is_behind_header() {
            return Err(self.input.bad("not a whole block header"));
        }
        self.inflate.drop_bits();
        Ok(())
    }

    /// The offset of the next byte of the compressed stream.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// The next bit of the deflate data.
    pub fn bit(&self) -> u64 {
        (self.input.offset() * 8).saturating_sub(self.inflate.unused_bits())
    }

    /// What the decoder was doing where it stopped.
    pub fn within(&self) -> Within {
        self.inflate.within()
    }

    /// Reads a block's header, of a block of codes.
    pub fn block_header(&mut self) -> io::Result<()> {
        while !self.inflate.is_behind_header() {
            self.inflate(&mut [], Stop::Header)?;
        }
        Ok(())
    }

    /// Passes over the next member's header; `false` at the end.
    pub fn next_member(&mut self) -> io::Result<bool> {
        self.inflate.reset();
        next_member(&mut self.input)
    }

    /// Reads what follows the deflate data of a member.
    pub fn trailer(&mut self) -> io::Result<Trailer> {
        Trailer::read(&mut self.input)
    }

    /// Decodes something; no bytes where it stopped for another reason than the output's end, or where it
    /// wants more input.
    pub fn inflate(&mut self, output: &mut [u8], stop: Stop) -> io::Result<Step> {
        let input = self.input.fill()?;
        let is_end = input.is_empty();
        let step = self.inflate.run(input, output, stop).map_err(|cause| self.input.bad(cause))?;
        self.input.consume(step.consumed);
        if is_end && step.produced == 0 && step.stopped == Stopped::Within {
            return Err(self.input.cut());
        }
        Ok(step)
    }
    /// The same up to the next end of a block; where the output is full, a code that began is read to its end.
    pub fn inflate_codes(&mut self, output: &mut [u8]) -> io::Result<Step> {
        let mut step = self.inflate(output, Stop::Block)?;
        let produced = step.produced;
        while produced == output.len() && step.is_starved && step.stopped == Stopped::Within {
            step = self.inflate(&mut [], Stop::Block)?;
        }
        Ok(Step { produced, ..step })
    }
}
