//! Decoders that stand at the first byte of a block, kept for whoever reads on from there.

use lru::LruCache;
use parking_lot::Mutex;

use super::super::Resumed;
use super::{BlobNo, BlockId};

/// Decoders that are kept, for all blobs together; so many files are seldom read front to back at once.
const MAX_DECODERS: usize = 16;

/// Memory that they may hold together, in bytes: a zstd decoder may have a window of many MiB. The one
/// that was kept last stays even if it alone holds more.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Decoders by the block that they give next, least recently kept first out.
pub struct Decoders {
    kept: Mutex<Kept>,
}

struct Kept {
    decoders: LruCache<BlockId, Live>,
    bytes: u64,
}

struct Live {
    decoder: Resumed,
    size: u64,
}

impl Kept {
    fn new() -> Kept {
        Kept { decoders: LruCache::unbounded(), bytes: 0 }
    }
}

impl Decoders {
    /// None yet.
    pub fn new() -> Decoders {
        Decoders { kept: Mutex::new(Kept::new()) }
    }

    /// A decoder that stands at a block; it is the caller's now.
    pub fn take(&self, id: BlockId) -> Option<Resumed> {
        let mut kept = self.kept.lock();
        let live = kept.decoders.pop(&id)?;
        kept.bytes -= live.size;
        Some(live.decoder)
    }

    /// Whether one stands at a block.
    pub fn has(&self, id: BlockId) -> bool {
        self.kept.lock().decoders.contains(&id)
    }

    /// Keeps a decoder of `size` bytes that stands at a block; others may go for it.
    pub fn keep(&self, id: BlockId, decoder: Resumed, size: u64) {
        let mut gone = Vec::new();
        let mut kept = self.kept.lock();
        if let Some(old) = kept.decoders.put(id, Live { decoder, size }) {
            kept.bytes -= old.size;
            gone.push(old);
        }
        kept.bytes = kept.bytes.saturating_add(size);
        while kept.decoders.len() > 1 && (kept.decoders.len() > MAX_DECODERS || kept.bytes > MAX_BYTES) {
            let Some((_, old)) = kept.decoders.pop_lru() else { break };
            kept.bytes -= old.size;
            gone.push(old);
        }
        drop(kept);
        drop(gone);
    }

    /// Drops all of them.
    pub fn clear(&self) {
        let gone = std::mem::replace(&mut *self.kept.lock(), Kept::new());
        drop(gone);
    }

    /// Drops all decoders of a blob.
    pub fn forget(&self, blob: BlobNo) {
        let mut kept = self.kept.lock();
        let ids: Vec<BlockId> =
            kept.decoders.iter().map(|(id, _)| *id).filter(|id| id.blob == blob).collect();
        let gone: Vec<Live> = ids.iter().filter_map(|id| kept.decoders.pop(id)).collect();
        kept.bytes -= gone.iter().map(|live| live.size).sum::<u64>();
        drop(kept);
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(block: u64) -> BlockId {
        BlockId { blob: BlobNo(block % 2), block }
    }

    #[test]
    fn count_and_memory_are_bounded_and_the_last_one_stays() {
        let decoders = Decoders::new();
        for block in 0..100 {
            decoders.keep(id(block), Box::new(std::io::empty()), 1);
        }
        let kept: Vec<u64> = (0..100).filter(|&block| decoders.has(id(block))).collect();
        assert_eq!(kept, Vec::from_iter(84..100));
        decoders.forget(BlobNo(0));
        assert_eq!(decoders.kept.lock().bytes, 8);
        assert!(decoders.take(id(99)).is_some() && decoders.take(id(99)).is_none());
        decoders.keep(id(7), Box::new(std::io::empty()), MAX_BYTES + 1);
        decoders.keep(id(7), Box::new(std::io::empty()), MAX_BYTES + 1);
        assert!(decoders.has(id(7)) && !decoders.has(id(97)));
        assert_eq!(decoders.kept.lock().bytes, MAX_BYTES + 1);
    }
}
