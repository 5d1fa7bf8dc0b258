//! Blocks for tests: bytes that "decode" to themselves, and count, wait, fail and lie when told to.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::super::{Blob, ReadAt, Resumed};
use super::{BlockCache, Blocks, Decoded};

/// Makes of a block's bytes what is given as recovered.
pub type Recover = fn(Vec<u8>) -> io::Result<Vec<u8>>;

/// What goes wrong with one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its decoders end with an error.
    Error,
    /// Its decoders end too early.
    Cut,
    /// Its decoders panic.
    Panic,
    /// Its decoders give other bytes.
    Wrong,
    /// Only decoders that come from the block before give other bytes.
    WrongWhenKept,
}

/// Blocks of a blob that stands for its own compressed form.
pub struct Fake {
    bytes: Blob,
    len: u64,
    block_size: u32,
    checksums: Vec<u32>,
    pub faults: Vec<(u64, Fault)>,
    pub recovers: Option<Recover>,
    pub delay: Duration,
    pub skip: u64,
    /// Called before each decode.
    pub before: Option<Box<dyn Fn(u64) + Send + Sync>>,
    pub starts: AtomicU64,
    pub decodes: Arc<AtomicU64>,
}

impl Fake {
    /// `plain` is what `bytes` gives.
    pub fn new(bytes: Blob, plain: &[u8], block_size: u32) -> Fake {
        Fake {
            len: bytes.len(),
            bytes,
            block_size,
            checksums: plain.chunks(block_size as usize).map(crc32fast::hash).collect(),
            faults: Vec::new(),
            recovers: None,
            delay: Duration::ZERO,
            skip: 0,
            before: None,
            starts: AtomicU64::new(0),
            decodes: Arc::default(),
        }
    }

    /// Blocks of some bytes that are all different.
    pub fn of(len: usize, block_size: u32) -> (Fake, Vec<u8>) {
        let plain = bytes(len);
        (Fake::new(Arc::new(plain.clone()), &plain, block_size), plain)
    }

    /// Reads itself through a cache.
    pub fn through(self, cache: &Arc<BlockCache>) -> (Decoded, Arc<Fake>) {
        let fake = Arc::new(self);
        (Decoded::new(FakeBlocks::of(&fake), cache.clone()), fake)
    }

    fn fault(&self, block: u64) -> Option<Fault> {
        self.faults.iter().find(|(at, _)| *at == block).map(|(_, fault)| *fault)
    }
}

/// Bytes without a pattern.
pub fn bytes(len: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(len);
    bytes
}

/// Reads at an offset, short at the end.
pub fn read(blob: &Decoded, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; len];
    let n = blob.read_at(offset, &mut buf)?;
    buf.truncate(n);
    Ok(buf)
}

struct FakeBlocks(Arc<Fake>);

impl FakeBlocks {
    fn of(fake: &Arc<Fake>) -> Arc<FakeBlocks> {
        Arc::new(FakeBlocks(fake.clone()))
    }
}

impl Blocks for FakeBlocks {
    fn len(&self) -> u64 {
        self.0.len
    }

    fn block_size(&self) -> u32 {
        self.0.block_size
    }

    fn start(&self, block: u64) -> io::Result<Resumed> {
        self.0.starts.fetch_add(1, Relaxed);
        let offset = block * u64::from(self.0.block_size);
        Ok(Box::new(FakeDecoder { fake: self.0.clone(), offset, started_at: block }))
    }

    fn skip(&self, _block: u64) -> u64 {
        self.0.skip
    }

    fn checksum(&self, block: u64) -> io::Result<u32> {
        self.0.checksums.get(block as usize).copied().ok_or_else(|| io::Error::other("no such block"))
    }

    fn recover(&self, block: u64) -> Option<io::Result<Vec<u8>>> {
        let size = self.0.block_size as usize;
        let mut bytes = vec![0; size.min((self.0.len - block * size as u64) as usize)];
        self.0.bytes.read_at(block * size as u64, &mut bytes).unwrap();
        self.0.recovers.map(|recover| recover(bytes))
    }

    fn place(&self) -> &str {
        "layer 3"
    }
}

struct FakeDecoder {
    fake: Arc<Fake>,
    offset: u64,
    started_at: u64,
}

impl Read for FakeDecoder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let size = u64::from(self.fake.block_size);
        let block = self.offset / size;
        let mut wrong = false;
        if self.offset.is_multiple_of(size) && self.offset < self.fake.len {
            self.fake.decodes.fetch_add(1, Relaxed);
            if let Some(before) = &self.fake.before {
                before(block);
            }
            thread::sleep(self.fake.delay);
            match self.fake.fault(block) {
                Some(Fault::Error) => return Err(io::Error::other("bad code")),
                Some(Fault::Cut) => return Ok(0),
                Some(Fault::Panic) => panic!("a bug in a decoder"),
                Some(Fault::Wrong) => wrong = true,
                Some(Fault::WrongWhenKept) => wrong = self.started_at != block,
                None => {}
            }
        }
        // Not a divisor of any block size, so that reads end in the middle of nothing; never past a block.
        let n = buf.len().min(1009).min((size - self.offset % size) as usize);
        let n = self.fake.bytes.read_at(self.offset, &mut buf[..n])?;
        if wrong {
            buf[0] ^= 1;
        }
        self.offset += n as u64;
        Ok(n)
    }
}
