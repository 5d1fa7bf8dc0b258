//! The blocks that are in memory or on their way there, for all blobs of the process.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;

use super::ahead::Ahead;
use super::decoders::Decoders;
use super::flight::Flight;
use super::{BlobNo, Block, BlockId};

/// After what time nobody is expected to ask for a block that was decoded ahead.
const STALE: Duration = Duration::from_secs(1);

/// Decoded blocks, least recently used first out, and all that is shared by those who decode them.
///
/// Blocks that are kept and blocks that are being decoded are `limit` bytes together. Beyond that is only
/// what cannot be done without: each reader's own block, and the last one decoded.
pub struct BlockCache {
    limit: u64,
    state: Mutex<State>,
    blobs: AtomicU64,
    pub(super) decoders: Decoders,
    pub(super) ahead: Arc<Ahead>,
}

struct State {
    ready: LruCache<BlockId, Ready>,
    flying: HashMap<BlockId, Flying>,
    /// Bytes of all blocks, ready and flying.
    bytes: u64,
    /// Those of them that were decoded ahead, and that somebody is still expected to ask for.
    unread: u64,
    stats: Stats,
}

struct Ready {
    block: Block,
    /// Since when it waits for its reader, if it was decoded ahead.
    unread: Option<Instant>,
}

struct Flying {
    flight: Arc<Flight>,
    unread: bool,
}

/// What a cache has done since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Blocks that were there when they were asked for.
    pub hits: u64,
    /// Blocks that someone else was decoding when they were asked for.
    pub waits: u64,
    /// Blocks that were decoded because they were asked for.
    pub misses: u64,
    /// Blocks that were decoded before they were asked for.
    pub ahead: u64,
    /// Those of them that were asked for later.
    pub ahead_hits: u64,
    /// Bytes that were decoded.
    pub decoded: u64,
}

impl Stats {
    /// What has been done since some earlier time.
    pub fn since(&self, earlier: &Stats) -> Stats {
        Stats {
            hits: self.hits - earlier.hits,
            waits: self.waits - earlier.waits,
            misses: self.misses - earlier.misses,
            ahead: self.ahead - earlier.ahead,
            ahead_hits: self.ahead_hits - earlier.ahead_hits,
            decoded: self.decoded - earlier.decoded,
        }
    }
}

/// What a reader gets who asks for a block.
pub enum Claim<'a> {
    /// The block.
    Ready(Block),
    /// The decode of someone else.
    Flying(Arc<Flight>),
    /// The duty to decode it.
    Granted(Landing<'a>),
}

impl BlockCache {
    /// Keeps at most `limit` decoded bytes.
    pub fn new(limit: u64) -> BlockCache {
        let state = State {
            ready: LruCache::unbounded(),
            flying: HashMap::new(),
            bytes: 0,
            unread: 0,
            stats: Stats::default(),
        };
        BlockCache {
            limit,
            state: Mutex::new(state),
            blobs: AtomicU64::new(0),
            decoders: Decoders::new(),
            ahead: Arc::default(),
        }
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        self.state.lock().stats
    }

    /// Decoded bytes in it, those included that are being decoded.
    pub fn held(&self) -> u64 {
        self.state.lock().bytes
    }

    pub(super) fn new_blob(&self) -> BlobNo {
        BlobNo(self.blobs.fetch_add(1, Ordering::Relaxed))
    }

    /// A block of `len` bytes for someone who reads it.
    pub(super) fn claim(&self, id: BlockId, len: usize) -> Claim<'_> {
        let mut state = self.state.lock();
        if let Some(block) = state.hit(id) {
            return Claim::Ready(block);
        }
        if let Some(flight) = state.join(id, len as u64) {
            return Claim::Flying(flight);
        }
        state.stats.misses += 1;
        let (flight, gone) = state.begin(id, len as u64, false, self.limit);
        drop(state);
        Claim::Granted(Landing::new(self, id, flight, len, gone))
    }

    /// The duty to decode a block that nobody asked for; `None` if it is there, or there is no room.
    pub(super) fn claim_ahead(&self, id: BlockId, len: usize) -> Option<Landing<'_>> {
        let mut state = self.state.lock();
        if state.has(id) {
            return None;
        }
        // What is decoded ahead must not drive out what is in use, and least of all its own kind.
        let room = (self.limit / 4).checked_sub(len as u64)?;
        if state.unread > room {
            state.write_off(STALE);
        }
        if state.unread > room {
            return None;
        }
        state.stats.ahead += 1;
        let (flight, gone) = state.begin(id, len as u64, true, self.limit);
        drop(state);
        Some(Landing::new(self, id, flight, len, gone))
    }

    /// Whether a block is there or being decoded.
    pub(super) fn has(&self, id: BlockId) -> bool {
        self.state.lock().has(id)
    }

    /// The decode of a block, if one is under way.
    pub(super) fn flight(&self, id: BlockId) -> Option<Arc<Flight>> {
        self.state.lock().flying.get(&id).map(|flying| flying.flight.clone())
    }

    /// Drops all blocks and decoders that nobody is using.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        let ids: Vec<BlockId> = state.ready.iter().map(|(id, _)| *id).collect();
        let gone: Vec<Block> = ids.into_iter().filter_map(|id| state.pop(id)).collect();
        drop(state);
        drop(gone);
        self.decoders.clear();
    }

    /// Drops all blocks and decoders of a blob.
    pub(super) fn forget(&self, blob: BlobNo) {
        let mut state = self.state.lock();
        let ids: Vec<BlockId> = state.ready.iter().map(|(id, _)| *id).filter(|id| id.blob == blob).collect();
        let gone: Vec<Block> = ids.into_iter().filter_map(|id| state.pop(id)).collect();
        drop(state);
        drop(gone);
        self.decoders.forget(blob);
    }
}

impl State {
    fn has(&self, id: BlockId) -> bool {
        self.ready.contains(&id) || self.flying.contains_key(&id)
    }

    /// A block that is there.
    fn hit(&mut self, id: BlockId) -> Option<Block> {
        let ready = self.ready.get_mut(&id)?;
        self.stats.hits += 1;
        if ready.unread.take().is_some() {
            self.unread -= ready.block.len() as u64;
            self.stats.ahead_hits += 1;
        }
        Some(ready.block.clone())
    }

    /// A decode that is under way.
    fn join(&mut self, id: BlockId, len: u64) -> Option<Arc<Flight>> {
        let flying = self.flying.get_mut(&id)?;
        self.stats.waits += 1;
        if std::mem::take(&mut flying.unread) {
            self.unread -= len;
            self.stats.ahead_hits += 1;
        }
        Some(flying.flight.clone())
    }

    /// Makes room for a block and has it decoded; gives the blocks that went for it as well.
    fn begin(&mut self, id: BlockId, len: u64, unread: bool, limit: u64) -> (Arc<Flight>, Vec<Block>) {
        let flight = Arc::new(Flight::default());
        self.flying.insert(id, Flying { flight: flight.clone(), unread });
        self.bytes += len;
        if unread {
            self.unread += len;
        }
        (flight, self.evict(limit, 0))
    }

    /// Ends a decode; gives the blocks that went for it.
    fn end(&mut self, id: BlockId, len: u64, block: Option<&Block>, limit: u64) -> Vec<Block> {
        let unread = self.flying.remove(&id).is_some_and(|flying| flying.unread);
        match block {
            Some(block) => {
                self.stats.decoded += len;
                let unread = unread.then(Instant::now);
                self.ready.put(id, Ready { block: block.clone(), unread });
                // The one that was just decoded stays: who asked for it will ask again for its next bytes.
                self.evict(limit, 1)
            }
            None => {
                self.bytes -= len;
                self.unread -= if unread { len } else { 0 };
                Vec::new()
            }
        }
    }

    /// Counts blocks as read whose readers have stopped: they would keep others from being decoded ahead.
    fn write_off(&mut self, age: Duration) {
        for (_, ready) in self.ready.iter_mut() {
            if ready.unread.take_if(|since| since.elapsed() >= age).is_some() {
                self.unread -= ready.block.len() as u64;
            }
        }
    }

    fn evict(&mut self, limit: u64, stay: usize) -> Vec<Block> {
        let mut gone = Vec::new();
        while self.bytes > limit && self.ready.len() > stay {
            let Some((_, ready)) = self.ready.pop_lru() else { break };
            gone.push(self.leave(ready));
        }
        gone
    }

    fn pop(&mut self, id: BlockId) -> Option<Block> {
        let ready = self.ready.pop(&id)?;
        Some(self.leave(ready))
    }

    /// Takes a block that is no longer in `ready` out of the sums.
    fn leave(&mut self, ready: Ready) -> Block {
        let len = ready.block.len() as u64;
        self.bytes -= len;
        self.unread -= if ready.unread.is_some() { len } else { 0 };
        ready.block
    }
}

/// The duty to decode a block: others wait for it, and are told even if the decoder panics.
pub struct Landing<'a> {
    cache: &'a BlockCache,
    id: BlockId,
    flight: Arc<Flight>,
    len: usize,
    /// The bytes of a block that had to go for this one.
    spare: Option<Vec<u8>>,
    landed: bool,
}

impl<'a> Landing<'a> {
    fn new(cache: &'a BlockCache, id: BlockId, flight: Arc<Flight>, len: usize, gone: Vec<Block>) -> Self {
        let spare = gone.into_iter().filter(|block| block.len() == len).find_map(Arc::into_inner);
        Landing { cache, id, flight, len, spare, landed: false }
    }

    /// Where to decode to; what is in it means nothing.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spare.take().unwrap_or_else(|| vec![0; self.len])
    }

    /// Keeps the block, and gives it, or the error, to all who wait.
    pub fn land(mut self, outcome: io::Result<Vec<u8>>) -> io::Result<Block> {
        let outcome = outcome.map(Arc::new);
        self.tell(&outcome);
        outcome
    }

    fn tell(&mut self, outcome: &io::Result<Block>) {
        self.landed = true;
        let block = outcome.as_ref().ok();
        let gone = self.cache.state.lock().end(self.id, self.len as u64, block, self.cache.limit);
        drop(gone);
        self.flight.land(outcome);
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if !self.landed {
            self.tell(&Err(io::Error::other("the decoder panicked")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(block: u64) -> BlockId {
        BlockId { blob: BlobNo(0), block }
    }

    #[test]
    fn blocks_that_nobody_reads_stop_what_is_decoded_ahead_for_a_while() {
        let cache = BlockCache::new(1000);
        let ahead = |block| cache.claim_ahead(id(block), 100).map(|landing| landing.land(Ok(vec![1; 100])));
        assert!(ahead(0).is_some() && ahead(1).is_some());
        assert!(ahead(1).is_none() && ahead(2).is_none());
        assert!(matches!(cache.claim(id(1), 100), Claim::Ready(_)));
        assert!(ahead(2).is_some() && ahead(3).is_none());
        cache.state.lock().write_off(Duration::ZERO);
        assert!(ahead(3).is_some() && ahead(4).is_some() && ahead(5).is_none());
        assert!(cache.claim_ahead(id(9), 251).is_none());
        cache.forget(BlobNo(0));
        let state = cache.state.lock();
        assert_eq!((state.bytes, state.unread, state.stats.ahead, state.stats.ahead_hits), (0, 0, 5, 1));
    }
}
