//! How a new layer is stored: as it is, or compressed so that it can be read in the middle.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression as Level, GzBuilder};
use zstd::bulk::Compressor;

/// Bytes of a layer in one zstd frame. Frames are what makes a stream of zstd seekable: peelfs needs nothing
/// but them if they are no longer than this, and they cost 2 % of the length.
const FRAME: usize = 512 * 1024;

/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

/// How a new layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// As it is.
    Plain,
    /// In one gzip member.
    Gzip,
    /// In zstd frames.
    Zstd,
}

/// Compresses what is written to it.
pub enum Encoder<W: Write> {
    /// Not at all.
    Plain(W),
    /// Into one member.
    Gzip(Box<GzEncoder<W>>),
    /// Into frames.
    Zstd(Frames<W>),
}

impl<W: Write> Encoder<W> {
    /// Begins a stream. Nothing of the time or the machine is in it.
    pub fn new(stored: Stored, out: W) -> io::Result<Encoder<W>> {
        Ok(match stored {
            Stored::Plain => Encoder::Plain(out),
            Stored::Gzip => Encoder::Gzip(Box::new(GzBuilder::new().mtime(0).write(out, Level::default()))),
            Stored::Zstd => Encoder::Zstd(Frames::new(out)?),
        })
    }

    /// Writes what is left, and ends the stream.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Plain(out) => Ok(out),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(frames) => frames.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Plain(out) => out.write(buf),
            Encoder::Gzip(encoder) => encoder.write(buf),
            Encoder::Zstd(frames) => frames.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Plain(out) => out.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Zstd(frames) => frames.out.flush(),
        }
    }
}

/// zstd frames of [`FRAME`] bytes each.
pub struct Frames<W> {
    out: W,
    compressor: Compressor<'static>,
    frame: Vec<u8>,
}

impl<W: Write> Frames<W> {
    fn new(out: W) -> io::Result<Frames<W>> {
        let mut compressor = Compressor::new(ZSTD_LEVEL)?;
        compressor.include_checksum(true)?;
        Ok(Frames { out, compressor, frame: Vec::with_capacity(FRAME) })
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let compressed = self.compressor.compress(&self.frame)?;
        self.frame.clear();
        self.out.write_all(&compressed)
    }

    fn finish(mut self) -> io::Result<W> {
        if !self.frame.is_empty() {
            self.end_frame()?;
        }
        Ok(self.out)
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let now = buf.get(..FRAME - self.frame.len()).unwrap_or(buf);
        self.frame.extend_from_slice(now);
        if self.frame.len() == FRAME {
            self.end_frame()?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::{Compression, decoder};
    use std::io::Read;

    #[test]
    fn what_is_stored_decodes_to_what_was_written_and_is_the_same_each_time() {
        let bytes: Vec<u8> = (0..1_300_000u32).map(|i| (i / 7 % 251) as u8).collect();
        for (stored, compression) in
            [(Stored::Gzip, Some(Compression::Gzip)), (Stored::Zstd, Some(Compression::Zstd))]
        {
            let encode = |step: usize| {
                let mut encoder = Encoder::new(stored, Vec::new()).unwrap();
                bytes.chunks(step).for_each(|chunk| encoder.write_all(chunk).unwrap());
                encoder.finish().unwrap()
            };
            let stream = encode(1 << 20);
            assert_eq!(Compression::of(&stream).unwrap(), compression);
            let mut decoded = Vec::new();
            decoder(compression.unwrap(), &*stream).unwrap().read_to_end(&mut decoded).unwrap();
            assert!(decoded == bytes, "{stored:?}");
            assert!(stored == Stored::Gzip || encode(1000) == stream);
            assert!(encode(1 << 20) == stream);
        }
    }
}
