//! Frames in every order, and streams that are damaged.

use std::io::{BufReader, Write};
use std::sync::Arc;

use ::zstd::stream::Encoder;
use proptest::prelude::*;

use super::*;

/// Bytes that shrink about as well as a tar's.
fn plain(len: usize) -> Vec<u8> {
    let mut state = len as u32 | 1;
    (0..len)
        .map(|i| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            if i / 300 % 3 == 0 { state as u8 } else { (i / 7) as u8 }
        })
        .collect()
}

fn frame(plain: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(plain, 1).unwrap()
}

fn sized_and_checked_frame(plain: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.set_pledged_src_size(Some(plain.len() as u64)).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A frame of a block for each piece, and an empty last one.
fn flushed_frame(pieces: &[&[u8]]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), -5).unwrap();
    for piece in pieces {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
    }
    encoder.finish().unwrap()
}

fn skippable(magic: u8, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap();
    [&[magic, 0x2a, 0x4d, 0x18][..], &len.to_le_bytes(), content].concat()
}

/// The seekable format of zstd's `contrib`: frames, and a table of them in a skippable frame.
fn seekable(plain: &[u8], frame_len: usize) -> Vec<u8> {
    let (mut stream, mut table, mut count) = (Vec::new(), Vec::new(), 0u32);
    for piece in plain.chunks(frame_len) {
        let frame = sized_and_checked_frame(piece);
        table.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
        table.extend(u32::try_from(piece.len()).unwrap().to_le_bytes());
        stream.extend(frame);
        count += 1;
    }
    table.extend(count.to_le_bytes());
    table.extend([0, 0xb1, 0xea, 0x92, 0x8f]);
    [stream, skippable(0x5e, &table)].concat()
}

/// Decodes in reads of `block` bytes and marks the places before, between and behind them.
fn first_pass(stream: &[u8], block: usize, read_ahead: usize) -> io::Result<(Vec<u8>, Vec<Start>)> {
    let mut zstd = Zstd::new(BufReader::with_capacity(read_ahead, stream))?;
    let blob: &dyn crate::blob::ReadAt = &stream.to_vec();
    let (mut plain, mut starts) = (Vec::new(), Vec::new());
    loop {
        starts.push(zstd.mark()?.seal(blob)?);
        if (&mut zstd).take(block as u64).read_to_end(&mut plain)? < block {
            return Ok((plain, starts));
        }
    }
}

fn decode(stream: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    Zstd::new(stream)?.read_to_end(&mut plain).map(|_| plain)
}

fn rest_from(stream: &[u8], start: &Start) -> io::Result<Vec<u8>> {
    let mut resumed = resume(Arc::new(stream.to_vec()), start)?;
    let skipped = io::copy(&mut (&mut resumed).take(start.skip), &mut io::sink())?;
    assert_eq!(skipped, start.skip);
    let mut rest = Vec::new();
    resumed.read_to_end(&mut rest).map(|_| rest)
}

fn assert_resumes(name: &str, stream: &[u8], plain: &[u8], block: usize, read_ahead: usize) -> Vec<Start> {
    let (decoded, starts) = first_pass(stream, block, read_ahead).unwrap();
    assert!(decoded == plain, "{name}: {} bytes for {}", decoded.len(), plain.len());
    assert_eq!(starts.len(), plain.len() / block + 1, "{name}");
    for (number, start) in starts.iter().enumerate() {
        assert!(rest_from(stream, start).unwrap() == plain[number * block..], "{name}: {start:?}");
    }
    starts
}

#[test]
fn frames_of_every_kind_resume_at_every_block() {
    let plain = plain(300_000);
    let (one, two) = plain.split_at(100_000);
    let (empty, toc) = (frame(b""), skippable(0x50, b"a table of contents"));
    let nothing = skippable(0x5f, b"");
    for (name, stream) in [
        ("one frame", frame(&plain)),
        ("one frame with its size and checksum", sized_and_checked_frame(&plain)),
        ("two frames", [frame(one), sized_and_checked_frame(two)].concat()),
        (
            "empty frames",
            [&empty, &frame(one), &empty, &empty, &frame(two), &empty].map(Vec::as_slice).concat(),
        ),
        ("skippable first", [&toc, &nothing, &frame(&plain)].map(Vec::as_slice).concat()),
        ("skippable between", [&frame(one), &toc, &nothing, &frame(two)].map(Vec::as_slice).concat()),
        ("skippable last", [&frame(&plain), &toc, &nothing].map(Vec::as_slice).concat()),
        ("flushed", flushed_frame(&[one, two])),
        ("seekable", seekable(&plain, 30_000)),
    ] {
        for (block, read_ahead) in
            [(10_000, 1), (100_000, 7), (65_536, 100_000), (299_999, 3), (300_001, 512)]
        {
            assert_resumes(name, &stream, &plain, block, read_ahead);
        }
    }
}

#[test]
fn the_end_of_a_frame_marks_the_next() {
    let plain = plain(60_000);
    for encode in [frame, sized_and_checked_frame, |plain: &[u8]| flushed_frame(&[plain])] {
        let toc = skippable(0x50, b"1234");
        let frames: Vec<Vec<u8>> = plain.chunks(20_000).map(encode).collect();
        let stream = [&toc, &frames[0], &toc, &frames[1], &frames[2], &toc].map(Vec::as_slice).concat();
        let starts = assert_resumes("frames", &stream, &plain, 10_000, 64);
        let first = toc.len();
        let second = first + frames[0].len() + toc.len();
        let third = second + frames[1].len();
        let marked: Vec<(usize, u64)> = starts.iter().map(|at| (at.bit as usize / 8, at.skip)).collect();
        let end = (stream.len(), 0);
        assert_eq!(
            marked,
            [(first, 0), (first, 10_000), (second, 0), (second, 10_000), (third, 0), (third, 10_000), end]
        );
    }
}

#[test]
fn marks_may_be_taken_again_and_again() {
    let plain = plain(400_000);
    let stream = frame(&plain);
    let mut zstd = Zstd::new(&stream[..]).unwrap();
    let mut decoded = vec![0; 150_000];
    zstd.read_exact(&mut decoded).unwrap();
    for _ in 0..100 {
        assert_eq!(zstd.mark().unwrap().seal(&stream).unwrap().skip, 150_000);
    }
    zstd.read_to_end(&mut decoded).unwrap();
    assert!(decoded == plain);
}

#[test]
fn what_cannot_be_decoded_is_refused_by_name() {
    let good = frame(b"good");
    // The window descriptor stands for 2 GiB; there is one raw block, "x".
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x09, 0x00, 0x00, b'x'];
    let dictionary = [0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 42, 0x09, 0x00, 0x00, b'x'];
    let mut checksum = sized_and_checked_frame(b"content");
    *checksum.last_mut().unwrap() ^= 1;
    let at = good.len();
    for (behind, problem) in [
        (&window[..], format!("zstd frame at offset {at}: needs a window of 2147483648 bytes, at most")),
        (&dictionary, format!("zstd frame at offset {at}: needs dictionary 42")),
        (&checksum, format!("zstd frame at offset {at}, near offset")),
        (b"garbage", format!("trailing garbage after the last zstd frame, at offset {at}")),
        (b"\0\0\0\0\0\0", format!("trailing garbage after the last zstd frame, at offset {at}")),
    ] {
        let error = decode(&[&good, behind].concat()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().starts_with(&problem), "{error}");
    }
    assert_eq!(decode(b"garbage").unwrap_err().to_string(), "not a zstd stream");
}

#[test]
fn the_largest_window_is_allowed() {
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x09, 0x00, 0x00, b'x'];
    assert_eq!(decode(&window).unwrap(), b"x");
    assert!(decode(&[&window[..5], &[17 << 3 | 1], &window[6..]].concat()).is_err());
}

#[test]
fn a_cut_is_noticed_wherever_it_is() {
    let parts = [
        skippable(0x53, b"in front"),
        sized_and_checked_frame(&plain(700)),
        flushed_frame(&[&plain(500), b"end"]),
        skippable(0x50, b""),
        frame(b""),
    ];
    let stream = parts.concat();
    let whole: Vec<usize> = (0..=parts.len()).map(|n| parts[..n].concat().len()).collect();
    for cut in 0..=stream.len() {
        for block in [64, 10_000] {
            let result = first_pass(&stream[..cut], block, 16);
            match whole.contains(&cut) {
                true => assert!(result.is_ok(), "cut at {cut}"),
                false => {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}: {error}");
                    assert!(error.to_string().starts_with("the zstd stream is cut at offset"), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_lying_length_of_a_skippable_frame_is_a_cut() {
    let stream = [&frame(b"good")[..], &[0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff], b"few"].concat();
    assert_eq!(decode(&stream).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_start_that_is_nowhere_gives_no_bytes() {
    let stream = frame(&plain(1000));
    for bit in [8, 8 * stream.len() as u64 - 8, 8 * stream.len() as u64, u64::MAX] {
        let mut rest = Vec::new();
        let start = Start { bit, skip: 0, state: Vec::new() };
        let result = resume(Arc::new(stream.clone()), &start).unwrap().read_to_end(&mut rest);
        assert!(rest.is_empty(), "bit {bit}: {result:?}");
    }
}

/// Streams of a few frames of every kind, with what they decode to.
fn streams() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let part = (0..5usize, prop_oneof![0..50usize, 0..20_000usize]).prop_map(|(kind, len)| {
        let plain = plain(len);
        match kind {
            0 => (frame(&plain), plain),
            1 => (sized_and_checked_frame(&plain), plain),
            2 => (flushed_frame(&[&plain[..len / 3], &plain[len / 3..]]), plain),
            3 => (seekable(&plain, 3_000), plain),
            _ => (skippable(0x50 + (len % 16) as u8, &plain), Vec::new()),
        }
    });
    prop::collection::vec(part, 1..6).prop_map(|parts| {
        let (stream, plain): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        (stream.concat(), plain.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn resumed_is_what_was_decoded(
        (stream, plain) in streams(), block in 1_000..30_000usize, read_ahead in 1..5_000usize
    ) {
        assert_resumes("random frames", &stream, &plain, block, read_ahead);
    }

    #[test]
    fn damage_neither_panics_nor_hangs(
        (stream, plain) in streams(), at in any::<prop::sample::Index>(), flip in 1..=255u8, skip in 0..100_000u64
    ) {
        let mut damaged = stream.clone();
        damaged[at.index(stream.len())] ^= flip;
        if let Ok((decoded, starts)) = first_pass(&damaged, 5_000, 1_000) {
            prop_assert_eq!(starts.len(), decoded.len() / 5_000 + 1);
        }
        let (_, starts) = first_pass(&stream, 5_000, 1_000).unwrap();
        for start in starts {
            let mut resumed = resume(Arc::new(damaged.clone()), &start).unwrap();
            let limit = 2 * plain.len() as u64 + skip;
            let _ = io::copy(&mut (&mut resumed).take(limit), &mut io::sink());
        }
    }
}
