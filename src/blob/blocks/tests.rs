//! All of it together: many readers, nested blobs, decoders that fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::fake::{Fake, Fault, bytes, read};
use super::{BlockCache, Decoded};

fn cache(limit: u64) -> Arc<BlockCache> {
    Arc::new(BlockCache::new(limit))
}

/// Reads all of a blob in steps, each by the first of `threads` that is free, and compares.
fn read_through(blob: &Decoded, plain: &[u8], step: usize, threads: usize) {
    let next = AtomicU64::new(0);
    let work = || {
        loop {
            let offset = next.fetch_add(step as u64, Relaxed);
            let Some(rest) = plain.get(offset as usize..).filter(|rest| !rest.is_empty()) else { return };
            assert!(read(blob, offset, step).unwrap() == rest[..step.min(rest.len())], "at {offset}");
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

/// Reads at places that do not follow each other, and compares.
fn read_about(blob: &Decoded, plain: &[u8], len: usize, times: usize, seed: u64) {
    let mut x = seed;
    for _ in 0..times {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let offset = (x >> 33) as usize % plain.len();
        let end = plain.len().min(offset + len);
        assert!(read(blob, offset as u64, len).unwrap() == plain[offset..end], "at {offset}");
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(10), "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_block_is_decoded_once_for_all_who_wait() {
    let cache = cache(1 << 20);
    let (mut fake, plain) = Fake::of(10_000, 1000);
    fake.delay = Duration::from_millis(50);
    let (blob, fake) = fake.through(&cache);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(read(&blob, 3000, 1000).unwrap(), plain[3000..4000]));
        }
    });
    assert_eq!(fake.decodes.load(Relaxed), 1);
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.hits + stats.waits, stats.decoded), (1, 7, 1000));
}

#[test]
fn what_is_let_go_of_is_decoded_again() {
    let cache = cache(1 << 20);
    let (fake, plain) = Fake::of(10_000, 1000);
    let (blob, fake) = fake.through(&cache);
    for decodes in [1, 2] {
        assert_eq!(read(&blob, 3000, 1000).unwrap(), plain[3000..4000]);
        assert_eq!(read(&blob, 3500, 500).unwrap(), plain[3500..4000]);
        assert_eq!((fake.decodes.load(Relaxed), cache.held()), (decodes, 1000));
        cache.clear();
        assert_eq!(cache.held(), 0);
    }
}

#[test]
fn all_who_wait_are_told_of_an_error_and_of_a_panic() {
    for fault in [Fault::Error, Fault::Panic] {
        let cache = cache(1 << 20);
        let (mut fake, plain) = Fake::of(10_000, 1000);
        fake.delay = Duration::from_millis(50);
        fake.faults.push((3, fault));
        let (blob, fake) = fake.through(&cache);
        let failed = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let outcome = catch_unwind(AssertUnwindSafe(|| read(&blob, 3000, 1000)));
                    failed.fetch_add(u64::from(!matches!(outcome, Ok(Ok(_)))), Relaxed);
                });
            }
        });
        assert_eq!(failed.load(Relaxed), 8);
        assert!(fake.decodes.load(Relaxed) <= 8);
        assert_eq!(cache.held(), 0);
        assert_eq!(read(&blob, 4000, 6000).unwrap(), plain[4000..]);
    }
}

#[test]
fn the_limit_holds_at_all_times() {
    let cache = cache(12_000);
    let most = Arc::new(AtomicU64::new(0));
    let (mut fake, plain) = Fake::of(100_500, 1000);
    let (watched, seen) = (cache.clone(), most.clone());
    fake.before = Some(Box::new(move |_| _ = seen.fetch_max(watched.held(), Relaxed)));
    let (blob, _) = fake.through(&cache);
    thread::scope(|scope| {
        for seed in 0..2 {
            let (blob, plain) = (&blob, &plain);
            scope.spawn(move || read_about(blob, plain, 2500, 500, seed));
            scope.spawn(move || read_through(blob, plain, 300, 1));
        }
    });
    let most = most.load(Relaxed);
    assert!((11_000..=12_000).contains(&most), "{most}");
}

#[test]
fn without_room_one_block_is_kept() {
    let cache = cache(0);
    let (blob, fake) = Fake::of(10_000, 1000).0.through(&cache);
    let plain = bytes(10_000);
    read_through(&blob, &plain, 100, 1);
    assert_eq!((fake.decodes.load(Relaxed), fake.starts.load(Relaxed)), (10, 1));
    assert_eq!(cache.held(), 1000);
    read_about(&blob, &plain, 1500, 100, 1);
    assert!(cache.held() <= 1000);
    assert_eq!(cache.stats().ahead, 0);
}

#[test]
fn reading_on_takes_the_decoder_that_is_there() {
    let size = 256 * 1024;
    for (threads, most_starts) in [(1, 1), (4, 16)] {
        let (mut fake, plain) = Fake::of(16 * 1024 * 1024, size);
        fake.skip = u64::from(size);
        let (blob, fake) = fake.through(&cache(64 << 20));
        read_through(&blob, &plain, 1 << 20, threads);
        let (starts, decodes) = (fake.starts.load(Relaxed), fake.decodes.load(Relaxed));
        assert!(starts <= most_starts, "{threads} threads: {starts} starts");
        assert_eq!(decodes, 64, "{threads} threads");
    }
}

#[test]
fn blocks_are_decoded_ahead_of_who_reads_on() {
    let cache = cache(1 << 20);
    let (mut fake, plain) = Fake::of(100_500, 1000);
    fake.delay = Duration::from_millis(2);
    let (blob, fake) = fake.through(&cache);
    read_through(&blob, &plain, 100, 1);
    let stats = cache.stats();
    assert!(stats.ahead >= 50 && stats.ahead_hits == stats.ahead, "{stats:?}");
    assert_eq!((fake.decodes.load(Relaxed), stats.decoded), (101, 100_500));
}

#[test]
fn two_readers_on_four_threads_are_both_decoded_for() {
    let cache = cache(1 << 20);
    let (mut fake, plain) = Fake::of(200_000, 1000);
    fake.delay = Duration::from_millis(1);
    let (blob, _) = fake.through(&cache);
    let (front, back) = plain.split_at(100_000);
    let read_back = || {
        for (i, bytes) in back.chunks(250).enumerate() {
            assert!(read(&blob, 100_000 + i as u64 * 250, 250).unwrap() == bytes);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| read_through(&blob, front, 250, 3));
        scope.spawn(read_back);
    });
    assert!(cache.stats().ahead_hits >= 50, "{:?}", cache.stats());
}

#[test]
fn random_reads_are_not_decoded_ahead_of() {
    let cache = cache(16 << 20);
    let (blob, _) = Fake::of(400_000, 4096).0.through(&cache);
    read_about(&blob, &bytes(400_000), 64, 2000, 7);
    assert_eq!(cache.stats().ahead, 0);
    assert_eq!(cache.ahead.threads(), 0);
}

#[test]
fn a_decoder_that_panics_ahead_hurts_nobody_else() {
    let cache = cache(1 << 20);
    let (mut fake, plain) = Fake::of(50_000, 1000);
    fake.delay = Duration::from_millis(1);
    let begun = Arc::new(AtomicU64::new(0));
    let seen = begun.clone();
    fake.before = Some(Box::new(move |block| _ = seen.fetch_max(block, Relaxed)));
    fake.faults.push((30, Fault::Panic));
    let (blob, _) = fake.through(&cache);
    read_through(&blob, &plain[..30_000], 100, 1);
    wait_until("the block behind is begun", || begun.load(Relaxed) >= 30);
    assert!(read(&blob, 31_000, 19_000).unwrap() == plain[31_000..]);
    let ahead = cache.stats().ahead_hits;
    let (mut other, _) = Fake::of(50_000, 1000);
    other.delay = Duration::from_millis(1);
    read_through(&other.through(&cache).0, &plain, 100, 1);
    assert!(cache.stats().ahead_hits > ahead);
}

#[test]
fn nested_blobs_share_the_smallest_cache() {
    for (limit, threads) in [(0, 1), (0, 4), (900, 4), (3000, 4), (100_000, 4)] {
        let cache = cache(limit);
        let plain = bytes(30_000);
        let (outer, _) = Fake::new(Arc::new(plain.clone()), &plain, 1000).through(&cache);
        let (middle, _) = Fake::new(Arc::new(outer), &plain, 700).through(&cache);
        let mut fake = Fake::new(Arc::new(middle), &plain, 900);
        fake.skip = 900;
        let (inner, _) = fake.through(&cache);
        read_through(&inner, &plain, 450, threads);
        thread::scope(|scope| {
            for seed in 0..threads as u64 {
                let (inner, plain) = (&inner, &plain);
                scope.spawn(move || read_about(inner, plain, 1000, 100, seed));
            }
        });
        drop(inner);
        wait_until("all is free", || cache.held() == 0);
    }
}

#[test]
fn a_blob_that_is_dropped_leaves_nothing() {
    let cache = cache(1 << 20);
    let plain = bytes(50_000);
    let (other, _) = Fake::of(5000, 1000).0.through(&cache);
    assert_eq!(read(&other, 0, 5000).unwrap(), plain[..5000]);
    let (outer, outer_fake) = Fake::new(Arc::new(plain.clone()), &plain, 1000).through(&cache);
    let (inner, inner_fake) = Fake::new(Arc::new(outer), &plain, 1000).through(&cache);
    read_through(&inner, &plain[..25_000], 100, 2);
    drop(inner);
    // Whoever decodes ahead finishes its block first.
    wait_until("no decoder is left", || Arc::strong_count(&inner_fake) == 1);
    drop(inner_fake);
    wait_until("no outer decoder is left", || Arc::strong_count(&outer_fake) == 1);
    assert_eq!(cache.held(), 5000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_reads_give_the_bytes(
        len in 1usize..20_000,
        block_size in 1u32..3000,
        limit in 0u64..30_000,
        dear in any::<bool>(),
        reads in prop::collection::vec((0usize..21_000, 0usize..5000), 1..50),
    ) {
        let cache = cache(limit);
        let (mut fake, plain) = Fake::of(len, block_size);
        fake.skip = u64::from(block_size) * u64::from(dear);
        let (blob, _) = fake.through(&cache);
        for (offset, count) in reads {
            let expected = &plain[offset.min(len)..(offset + count).min(len)];
            prop_assert_eq!(read(&blob, offset as u64, count).unwrap(), expected);
            prop_assert!(cache.held() <= limit.max(3 * u64::from(block_size)));
        }
    }
}
