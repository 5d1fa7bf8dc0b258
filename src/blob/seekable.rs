//! A compressed blob that has seek points.

use std::io::{self, Read};

use crate::mapped::{Damaged, Mended};

use super::blocks::Blocks;
use super::codec;
use super::seek::{Resumed, Start};
use super::seek_table::{Place, SeekTable};
use super::{Blob, Compression, Identity, Reader, decoder, zstd};

/// Bytes that are passed over at a time.
const PASSED_OVER: usize = 128 * 1024;

/// A compressed blob, and where its decoding can begin.
pub struct Seekable {
    /// What it is called in messages.
    pub place: String,
    /// How it is compressed.
    pub compression: Compression,
    /// The compressed stream.
    pub blob: Blob,
    /// Its seek points.
    pub seek: Mended<SeekTable>,
    /// The chunks that some of its blocks are in.
    pub chunks: Option<Blob>,
    /// Hears that a chunk is damaged, each time that it is read.
    pub on_bad_chunk: Box<dyn Fn() + Send + Sync>,
}

impl Seekable {
    fn ask<A>(&self, question: impl Fn(&SeekTable) -> Result<A, Damaged>) -> io::Result<A> {
        self.seek.ask(|Damaged| true, question).map_err(io::Error::other)
    }

    fn at(&self, block: u64) -> io::Result<Place> {
        self.ask(|seek| seek.place(block))
    }

    /// Decodes from the very beginning, as if nothing were known.
    fn decode_from_the_front(&self, block: u64) -> io::Result<Vec<u8>> {
        let size = u64::from(self.block_size());
        let stream = io::BufReader::new(Reader::new(&*self.blob));
        let mut decoder = decoder(self.compression, stream)?;
        pass_over(&mut decoder, block.saturating_mul(size))?;
        let mut bytes = Vec::new();
        decoder.take(size).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Blocks for Seekable {
    fn len(&self) -> u64 {
        self.seek.get().summary().len
    }

    fn block_size(&self) -> u32 {
        self.seek.get().summary().block_size
    }

    fn start(&self, block: u64) -> io::Result<Resumed> {
        let place = self.at(block)?;
        let (Place::Blob(start) | Place::Chunk(start)) = &place;
        let mut decoder = match (&place, &self.chunks) {
            (Place::Blob(start), _) => codec::resume(self.compression, self.blob.clone(), start)?,
            (Place::Chunk(start), Some(chunks)) => zstd::resume(chunks.clone(), start)?,
            (Place::Chunk(_), None) => return Err(io::Error::other("the chunks are not there")),
        };
        pass_over(&mut decoder, start.skip)?;
        Ok(decoder)
    }

    fn skip(&self, block: u64) -> u64 {
        match self.at(block) {
            Ok(Place::Blob(Start { skip, .. })) => skip,
            Ok(Place::Chunk(_)) | Err(_) => 0,
        }
    }

    fn checksum(&self, block: u64) -> io::Result<u32> {
        self.ask(|seek| seek.checksum(block))
    }

    /// A chunk is our own: that it is damaged is no fault of the image.
    fn recover(&self, block: u64) -> Option<io::Result<Vec<u8>>> {
        matches!(self.at(block), Ok(Place::Chunk(_))).then(|| {
            (self.on_bad_chunk)();
            self.decode_from_the_front(block)
        })
    }

    fn place(&self) -> &str {
        &self.place
    }

    fn identity(&self) -> Option<Identity> {
        Some(self.blob.identity()?.decoded())
    }
}

/// Decodes bytes that nobody wants, many at a time: decoders are slow in small steps.
fn pass_over(decoder: &mut impl Read, mut left: u64) -> io::Result<()> {
    let mut buffer = vec![0; PASSED_OVER.min(usize::try_from(left).unwrap_or(PASSED_OVER))];
    while left > 0 {
        let len = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match decoder.read(buffer.get_mut(..len).unwrap_or_default()) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => left -= n as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
