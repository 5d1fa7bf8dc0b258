//! A compressed blob at random offsets: its blocks through the cache, none without its checksum.

use std::collections::HashSet;
use std::io::{self, Read};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::wait;

use super::super::{Identity, ReadAt, Resumed};
use super::cache::{BlockCache, Claim};
use super::reads::Reads;
use super::{BlobNo, Block, BlockId, Blocks};

/// The decoded bytes of a compressed blob.
pub struct Decoded {
    source: Arc<Source>,
}

impl Decoded {
    /// Reads blocks through a cache; they leave it when this is dropped.
    pub fn new(blocks: Arc<dyn Blocks>, cache: Arc<BlockCache>) -> Decoded {
        let (len, block_size) = (blocks.len(), u64::from(blocks.block_size()).max(1));
        let (reads, reported) = (Reads::new(block_size), Mutex::default());
        let blob = cache.new_blob();
        Decoded { source: Arc::new(Source { blocks, cache, blob, len, block_size, reads, reported }) }
    }
}

impl ReadAt for Decoded {
    fn len(&self) -> u64 {
        self.source.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = self.source.len.saturating_sub(offset);
        let n = usize::try_from(rest).unwrap_or(usize::MAX).min(buf.len());
        if n == 0 {
            return Ok(0);
        }
        if let Some(blocks) = self.source.reads.note(offset, n as u64) {
            self.ask_ahead(blocks);
        }
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..n).filter(|rest| !rest.is_empty()) {
            done += self.source.read_block(offset + done as u64, rest)?;
        }
        Ok(n)
    }

    fn identity(&self) -> Option<Identity> {
        self.source.blocks.identity()
    }
}

impl Decoded {
    /// Asks for what a decoder goes through from one seek point to the next, so that several can be at work.
    fn ask_ahead(&self, blocks: RangeInclusive<u64>) {
        let source = &self.source;
        let (mut block, last) = (*blocks.start(), *blocks.end());
        while block <= last.min(source.count().saturating_sub(1)) {
            let first = block;
            block += 1;
            while block < source.count() && source.is_dear(block) {
                block += 1;
            }
            if let Some(first) = (first..block).find(|&missing| !source.cache.has(source.id(missing))) {
                source.cache.ahead.ask(source, first..block);
            }
        }
    }
}

/// What a blob's readers share with those who decode ahead for them.
pub struct Source {
    blocks: Arc<dyn Blocks>,
    cache: Arc<BlockCache>,
    blob: BlobNo,
    len: u64,
    block_size: u64,
    reads: Reads,
    /// Blocks whose damage has been logged.
    reported: Mutex<HashSet<u64>>,
}

impl Source {
    /// A block's name in the cache.
    pub fn id(&self, block: u64) -> BlockId {
        BlockId { blob: self.blob, block }
    }

    fn count(&self) -> u64 {
        self.len.div_ceil(self.block_size)
    }

    fn block_len(&self, block: u64) -> usize {
        let len = self.len.saturating_sub(block.saturating_mul(self.block_size)).min(self.block_size);
        usize::try_from(len).unwrap_or(usize::MAX)
    }

    /// Reads from one block as much as it has.
    fn read_block(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let block = offset / self.block_size;
        self.block(block)?.read_at(offset % self.block_size, buf)
    }

    fn block(&self, block: u64) -> io::Result<Block> {
        match self.cache.claim(self.id(block), self.block_len(block)) {
            Claim::Ready(bytes) => Ok(bytes),
            Claim::Flying(flight) => flight.wait(),
            Claim::Granted(mut landing) => {
                wait::announce();
                let decoded = self.decode(block, landing.buffer());
                landing.land(decoded)
            }
        }
    }

    /// Decodes blocks that nobody has asked for yet, as long as that is not work for nothing.
    pub fn decode_ahead(&self, blocks: Range<u64>) {
        for block in blocks {
            if self.is_dear(block) {
                self.wait_for_predecessor(block);
                if !self.cache.decoders.has(self.id(block)) {
                    return;
                }
            }
            if let Some(mut landing) = self.cache.claim_ahead(self.id(block), self.block_len(block)) {
                let decoded = self.decode(block, landing.buffer());
                if let Err(error) = landing.land(decoded) {
                    return tracing::debug!(%error, "decoding ahead");
                }
            }
        }
    }

    /// Whether a decoder of its own costs more than waiting for the one that is on the way.
    fn is_dear(&self, block: u64) -> bool {
        self.blocks.skip(block) >= self.block_size
    }

    fn wait_for_predecessor(&self, block: u64) {
        let flight = block.checked_sub(1).and_then(|before| self.cache.flight(self.id(before)));
        if let Some(Err(error)) = flight.map(|flight| flight.wait()) {
            tracing::debug!(%error, "waiting for the block before");
        }
    }

    /// A block's bytes: by a decoder that stands there, by one of its own, or as a last resort otherwise.
    fn decode(&self, block: u64, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
        match self.live(block).map(|decoder| self.fill(decoder, block, &mut buffer)) {
            Some(Ok(())) => return Ok(buffer),
            Some(Err(error)) => tracing::debug!(%error, "a decoder that was kept"),
            None => {}
        }
        let started = self.blocks.start(block);
        match started.and_then(|decoder| self.fill(decoder, block, &mut buffer)) {
            Ok(()) => Ok(buffer),
            Err(error) => self.recover(block, error),
        }
    }

    /// A decoder that stands at a block, or will in less time than it takes to get another there.
    fn live(&self, block: u64) -> Option<Resumed> {
        let id = self.id(block);
        self.cache.decoders.take(id).or_else(|| {
            if self.is_dear(block) {
                self.wait_for_predecessor(block);
            }
            self.cache.decoders.take(id)
        })
    }

    /// Fills `buffer` with a block, and keeps the decoder for the next one.
    fn fill(&self, mut decoder: Resumed, block: u64, buffer: &mut [u8]) -> io::Result<()> {
        decoder.read_exact(buffer)?;
        self.compare(block, buffer)?;
        let next = self.id(block + 1);
        // Another thread may be past it already; but where starting is dear, it waits for this decoder.
        if next.block < self.count() && (self.is_dear(next.block) || !self.cache.has(next)) {
            self.cache.decoders.keep(next, decoder, self.blocks.decoder_size());
        }
        Ok(())
    }

    fn compare(&self, block: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() == self.block_len(block) && crc32fast::hash(bytes) == self.blocks.checksum(block)? {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "bytes do not match their checksum"))
    }

    /// Tries the other way to a block's bytes; without one, says what is wrong with it.
    fn recover(&self, block: u64, error: io::Error) -> io::Result<Vec<u8>> {
        let first = self.is_first_report(block);
        let recovered = self.blocks.recover(block).map(|recovered| {
            let bytes = recovered?;
            self.compare(block, &bytes).map(|()| bytes)
        });
        let (place, offset) = (self.blocks.place(), block.saturating_mul(self.block_size));
        let error = match recovered {
            Some(Ok(bytes)) => {
                if first {
                    tracing::warn!("{place}, block at offset {offset}: {error}; recovered");
                }
                return Ok(bytes);
            }
            Some(Err(error)) => error,
            None => error,
        };
        let error = io::Error::new(error.kind(), format!("{place}, block at offset {offset}: {error}"));
        if first {
            tracing::error!("{error}");
        }
        Err(error)
    }

    fn is_first_report(&self, block: u64) -> bool {
        self.reported.lock().insert(block)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.cache.forget(self.blob);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::super::fake::{Fake, Fault, Recover, read};
    use super::*;

    fn cache() -> Arc<BlockCache> {
        Arc::new(BlockCache::new(1 << 20))
    }

    #[test]
    fn a_read_may_span_blocks_and_ends_with_the_blob() {
        let (fake, plain) = Fake::of(10_050, 1000);
        let (blob, _) = fake.through(&cache());
        assert_eq!(blob.len(), 10_050);
        assert_eq!(read(&blob, 990, 3000).unwrap(), plain[990..3990]);
        assert_eq!(read(&blob, 9_999, 1000).unwrap(), plain[9_999..]);
        assert_eq!(read(&blob, 0, 20_000).unwrap(), plain);
        for offset in [10_050, 10_051, u64::MAX] {
            assert!(read(&blob, offset, 10).unwrap().is_empty());
        }
        assert!(read(&blob, 5, 0).unwrap().is_empty());
        let (empty, _) = Fake::of(0, 1000).0.through(&cache());
        assert!(read(&empty, 0, 10).unwrap().is_empty());
    }

    #[test]
    fn bytes_that_fail_their_checksum_are_never_given() {
        for fault in [Fault::Wrong, Fault::Error, Fault::Cut] {
            let (mut fake, plain) = Fake::of(10_000, 1000);
            fake.faults.push((3, fault));
            let (blob, fake) = fake.through(&cache());
            for (offset, len) in [(3000, 10), (2990, 20), (0, 10_000), (3999, 1)] {
                let error = read(&blob, offset, len).unwrap_err().to_string();
                assert!(error.starts_with("layer 3, block at offset 3000: "), "{error}");
                assert!(fault != Fault::Wrong || error.ends_with("bytes do not match their checksum"));
            }
            assert!(fake.starts.load(Relaxed) >= 4, "a failure is not kept");
            assert_eq!(read(&blob, 4000, 6000).unwrap(), plain[4000..]);
            assert_eq!(read(&blob, 0, 3000).unwrap(), plain[..3000]);
        }
    }

    #[test]
    fn recovered_bytes_are_given_if_they_match() {
        let (mut fake, plain) = Fake::of(10_000, 1000);
        fake.faults = vec![(3, Fault::Wrong), (9, Fault::Error)];
        fake.recovers = Some(Ok);
        let (blob, _) = fake.through(&cache());
        assert_eq!(read(&blob, 0, 10_000).unwrap(), plain);

        let lies: [Recover; 3] = [
            |bytes| Ok(bytes[1..].to_vec()),
            |bytes| Ok(vec![0; bytes.len()]),
            |_| Err(io::Error::other("no")),
        ];
        for lie in lies {
            let (mut fake, _) = Fake::of(10_000, 1000);
            fake.faults.push((3, Fault::Error));
            fake.recovers = Some(lie);
            let (blob, _) = fake.through(&cache());
            assert!(read(&blob, 3000, 1).is_err());
        }
    }

    #[test]
    fn a_kept_decoder_that_went_wrong_is_replaced() {
        let (mut fake, plain) = Fake::of(10_000, 1000);
        fake.faults = vec![(4, Fault::WrongWhenKept)];
        let (blob, fake) = fake.through(&Arc::new(BlockCache::new(0)));
        assert_eq!(read(&blob, 0, 10_000).unwrap(), plain);
        assert_eq!(fake.starts.load(Relaxed), 2);
    }
}
