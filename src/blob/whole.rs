//! Streams without seek points (xz, bzip2): decoding begins at the first byte, wherever one wants to be.

use std::io::{self, BufRead, Read};

use super::steps::Steps;
use super::{Blob, Compression, FirstPass, Mark, Resumed, Start, decoder};

/// A stream, decoded by the library.
pub struct Whole<'a> {
    compression: Compression,
    decoder: Box<dyn Read + Send + 'a>,
    /// Bytes that were decoded.
    decoded: u64,
}

impl<'a> Whole<'a> {
    /// Decodes a stream from its first byte.
    pub fn new(compression: Compression, stream: impl BufRead + Send + 'a) -> io::Result<Whole<'a>> {
        Ok(Whole { compression, decoder: decoder(compression, stream)?, decoded: 0 })
    }

    fn error(&self, error: io::Error) -> io::Error {
        let (compression, decoded) = (self.compression, self.decoded);
        io::Error::new(error.kind(), format!("{compression} stream, {decoded} decoded bytes in: {error}"))
    }
}

impl Read for Whole<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buf).map_err(|error| self.error(error))?;
        self.decoded += n as u64;
        Ok(n)
    }
}

impl FirstPass for Whole<'_> {
    fn mark(&mut self) -> io::Result<Box<dyn Mark>> {
        Ok(Box::new(Start { bit: 0, skip: self.decoded, state: Vec::new() }))
    }
}

/// A decoder at the first byte of the stream, which is where every start is.
pub fn resume(blob: Blob, compression: Compression) -> io::Result<Resumed> {
    decoder(compression, Steps::new(blob, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;

    fn streams(plain: &[u8]) -> [(Compression, Vec<u8>); 2] {
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(plain).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(plain).unwrap();
        [(Compression::Xz, xz.finish().unwrap()), (Compression::Bzip2, bzip2.finish().unwrap())]
    }

    #[test]
    fn every_block_is_found_from_the_first_byte() {
        let plain: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(i) / 11 % 251) as u8).collect();
        for (compression, stream) in streams(&plain) {
            let mut first_pass = Whole::new(compression, &stream[..]).unwrap();
            for block in plain.chunks(30_000) {
                let start = first_pass.mark().unwrap().seal(&stream).unwrap();
                let mut decoded = vec![0; block.len()];
                first_pass.read_exact(&mut decoded).unwrap();
                assert!(decoded == block, "{compression}");

                let mut resumed = resume(Arc::new(stream.clone()), compression).unwrap();
                io::copy(&mut (&mut resumed).take(start.skip), &mut io::sink()).unwrap();
                resumed.read_exact(&mut decoded).unwrap();
                assert!(decoded == block, "{compression} at {}", start.skip);
            }
            assert_eq!(first_pass.read(&mut [0]).unwrap(), 0);
        }
    }

    #[test]
    fn damage_is_an_error_that_says_where() {
        let plain = vec![7; 10_000];
        for (compression, stream) in streams(&plain) {
            let cut = &stream[..stream.len() - 1];
            let error = Whole::new(compression, cut).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
            let says = error.to_string();
            assert!(says.starts_with(&format!("{compression} stream, 10000 decoded bytes in: ")), "{says}");
        }
    }
}
