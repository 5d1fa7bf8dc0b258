//! zstd (RFC 8878) with seek points: a stream of frames, each of which is decoded without the others.
//!
//! The library decodes frames; where they begin and end, what lies between them and behind the last one
//! is looked after here. How far frames lie apart is the business of who wrote them: seekable and
//! parallel writers begin one every few mebibytes, `zstd` itself and most builders write only one.

mod header;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, BufRead, Read};

use ::zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;
use ::zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer};

use super::steps::Steps;
use super::{Blob, FirstPass, Mark, Resumed, Start};
use header::{Header, Next};

/// The largest window, as a power of two: 128 MiB, the reference decoder's own limit, which only
/// `--long=28` and above go beyond. Each decoder holds its window, and there are several.
const WINDOW_LOG_MAX: u32 = 27;

/// All frames of a stream, decoded; skippable ones are passed over, and checksums compared.
pub struct Zstd<S> {
    stream: S,
    context: DCtx<'static>,
    /// Where in the compressed stream the next byte is taken.
    offset: u64,
    /// Bytes that were decoded and given out.
    decoded: u64,
    /// The frame that is being decoded; `None` between two.
    frame: Option<Frame>,
    /// Whether the library has bytes to give before it takes more.
    pending: bool,
}

/// Where a frame begins.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// In the compressed stream.
    offset: u64,
    /// In what is decoded.
    decoded: u64,
}

impl<S: BufRead> Zstd<S> {
    /// Decodes a stream from its first byte.
    pub fn new(stream: S) -> io::Result<Zstd<S>> {
        Zstd::from_offset(stream, 0)
    }

    /// Decodes a stream of which `offset` bytes are gone; a frame begins there.
    fn from_offset(stream: S, offset: u64) -> io::Result<Zstd<S>> {
        let mut context = DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        context
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
            .map_err(|code| io::Error::other(zstd_safe::get_error_name(code)))?;
        Ok(Zstd { stream, context, offset, decoded: 0, frame: None, pending: false })
    }

    /// The frame that is being decoded, or else the next; `None` at the end of the stream.
    fn frame(&mut self) -> io::Result<Option<Frame>> {
        match self.frame {
            Some(frame) => Ok(Some(frame)),
            None => self.begin_frame(),
        }
    }

    /// Begins the next data frame; `None` at the end of the stream.
    fn begin_frame(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let frame = Frame { offset: self.offset, decoded: self.decoded };
            let (next, len) = Next::read(&mut self.stream)?;
            self.offset += len as u64;
            match next {
                Next::Data(header) => {
                    self.load(&header, frame)?;
                    self.frame = Some(frame);
                    return Ok(self.frame);
                }
                Next::Skippable { len } => self.skip(len, frame)?,
                Next::End => return Ok(None),
                Next::Cut => return Err(self.cut(frame)),
                Next::Garbage => return Err(frame.missing()),
            }
        }
    }

    /// Gives the library a header that we are content with.
    fn load(&mut self, header: &Header, frame: Frame) -> io::Result<()> {
        let limit = 1 << WINDOW_LOG_MAX;
        if header.window > limit {
            let window = header.window;
            return Err(frame.error(format!("needs a window of {window} bytes, at most {limit} are allowed")));
        }
        if header.dictionary != 0 {
            return Err(frame.error(format!("needs dictionary {}, which is not there", header.dictionary)));
        }
        let mut input = InBuffer::around(&header.bytes);
        self.context
            .decompress_stream(&mut OutBuffer::around(&mut [][..]), &mut input)
            .map(|_| ())
            .map_err(|code| frame.library_error(self.offset, code))
    }

    fn skip(&mut self, len: u32, frame: Frame) -> io::Result<()> {
        let skipped = io::copy(&mut self.stream.by_ref().take(len.into()), &mut io::sink())?;
        self.offset += skipped;
        if skipped < len.into() { Err(self.cut(frame)) } else { Ok(()) }
    }

    /// Takes a frame as far as there is room for its bytes; at its end there is no frame any more.
    fn decode(&mut self, frame: Frame, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.stream.fill_buf()?;
        let at_end = bytes.is_empty();
        let has_room = !buf.is_empty();
        let mut input = InBuffer::around(bytes);
        let mut output = OutBuffer::around(buf);
        let wanted = self
            .context
            .decompress_stream(&mut output, &mut input)
            .map_err(|code| frame.library_error(self.offset, code))?;
        let (taken, given) = (input.pos(), output.pos());
        self.stream.consume(taken);
        self.offset += taken as u64;
        self.decoded += given as u64;
        self.pending = taken == 0 && given == 0;
        if wanted == 0 {
            self.frame = None;
        } else if at_end && has_room && given == 0 {
            return Err(self.cut(frame));
        }
        Ok(given)
    }

    /// Goes on to the next byte that is decoded, over the end of a frame if there is one before it.
    fn settle(&mut self) -> io::Result<()> {
        while !self.pending
            && let Some(frame) = self.frame()?
        {
            self.decode(frame, &mut [])?;
        }
        Ok(())
    }

    fn cut(&self, frame: Frame) -> io::Error {
        let message = format!(
            "the zstd stream is cut at offset {}, within the frame at offset {}",
            self.offset, frame.offset
        );
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }
}

impl<S: BufRead> Read for Zstd<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        while let Some(frame) = self.frame()? {
            match self.decode(frame, buf)? {
                0 => {}
                n => return Ok(n),
            }
        }
        Ok(0)
    }
}

impl<S: BufRead + Send> FirstPass for Zstd<S> {
    fn mark(&mut self) -> io::Result<Box<dyn Mark>> {
        // At the end of a frame nothing of that frame is needed any more.
        self.settle()?;
        let here = Frame { offset: self.offset, decoded: self.decoded };
        let frame = self.frame.unwrap_or(here);
        let start = Start { bit: frame.offset * 8, skip: self.decoded - frame.decoded, state: Vec::new() };
        Ok(Box::new(start))
    }
}

impl Frame {
    fn error(self, problem: impl fmt::Display) -> io::Error {
        invalid(format!("zstd frame at offset {}: {problem}", self.offset))
    }

    /// Something else stands there.
    fn missing(self) -> io::Error {
        match self.offset {
            0 => invalid("not a zstd stream".to_owned()),
            offset => invalid(format!("trailing garbage after the last zstd frame, at offset {offset}")),
        }
    }

    /// What the library says of bytes at `offset` or soon after.
    fn library_error(self, offset: u64, code: usize) -> io::Error {
        if zstd_safe::is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_memory_allocation) {
            return io::ErrorKind::OutOfMemory.into();
        }
        let problem = zstd_safe::get_error_name(code).to_ascii_lowercase();
        invalid(format!("zstd frame at offset {}, near offset {offset}: {problem}", self.offset))
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// A decoder at the frame that `start` names, whatever of it is to be passed over; it goes on over all
/// frames to the end of the stream.
pub fn resume(blob: Blob, start: &Start) -> io::Result<Resumed> {
    let offset = start.bit / 8;
    Ok(Box::new(Zstd::from_offset(Steps::new(blob, offset), offset)?))
}
