//! Decompression front to back, by the libraries.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::Compression;

/// Decodes a compressed stream to its very end: all its members or frames, and nothing behind them.
pub fn decoder<'a>(
    compression: Compression,
    stream: impl BufRead + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    Ok(match compression {
        Compression::Gzip => Box::new(GzipMembers::new(stream)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(stream)?),
        Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(stream)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(stream)),
    })
}

/// All members of a gzip file; zeros behind the last one are padding.
///
/// `flate2` stops after the first member (`GzDecoder`) or fails on the padding (`MultiGzDecoder`).
struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipMembers<R> {
    fn new(stream: R) -> Self {
        GzipMembers { member: Some(GzDecoder::new(stream)) }
    }

    /// Begins the next member, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else { return Ok(()) };
        let mut stream = member.into_inner();
        let padding = skip_zeros(&mut stream)?;
        match stream.fill_buf()? {
            [] => Ok(()),
            [0x1f, ..] if padding == 0 => {
                self.member = Some(GzDecoder::new(stream));
                Ok(())
            }
            _ => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "trailing garbage after the last gzip member"))
            }
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}

fn skip_zeros(stream: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = stream.fill_buf()?;
        let zeros = buffer.iter().take_while(|&&byte| byte == 0).count();
        let more = zeros > 0 && zeros == buffer.len();
        stream.consume(zeros);
        skipped += zeros as u64;
        if !more {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(compression: Compression, stream: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        decoder(compression, stream)?.read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn gzip_members_are_joined_and_padding_is_skipped() {
        let stream = [gzip(b"one "), gzip(b""), gzip(b"two"), vec![0; 5000]].concat();
        assert_eq!(decode(Compression::Gzip, &stream).unwrap(), b"one two");
    }

    #[test]
    fn gzip_damage_is_an_error() {
        let whole = gzip(b"some bytes that are long enough to be cut");
        let garbage = [whole.clone(), b"garbage".to_vec()].concat();
        assert!(decode(Compression::Gzip, &garbage).unwrap_err().to_string().contains("trailing garbage"));
        assert!(decode(Compression::Gzip, &whole[..whole.len() - 3]).is_err());
        let mut wrong_crc = whole.clone();
        let at = whole.len() - 6;
        wrong_crc[at] ^= 1;
        assert!(decode(Compression::Gzip, &wrong_crc).is_err());
    }

    #[test]
    fn zstd_frames_are_joined_and_a_cut_is_noticed() {
        let frame = zstd::encode_all(&b"bytes"[..], 1).unwrap();
        assert_eq!(
            decode(Compression::Zstd, &[frame.clone(), frame.clone()].concat()).unwrap(),
            b"bytesbytes"
        );
        assert!(decode(Compression::Zstd, &frame[..frame.len() - 2]).is_err());
        assert!(decode(Compression::Zstd, &[&frame[..], b"garbage"].concat()).is_err());
    }
}
