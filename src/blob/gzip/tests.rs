//! Streams of every kind: read once, and again from each mark.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use libz_rs_sys::{Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::blob::{FirstPass, Start};

use super::state::State;
use super::sys::{Encoding, deflate};
use super::{Gzip, resume};

const DEFAULT: Encoding = Encoding { level: 6, strategy: Z_DEFAULT_STRATEGY, memory: 8 };
const STORED: Encoding = Encoding { level: 0, ..DEFAULT };
const FIXED: Encoding = Encoding { strategy: Z_FIXED, ..DEFAULT };

/// A header without anything that may be left out.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

fn member(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
    let crc = crc32fast::hash(bytes).to_le_bytes();
    let len = (bytes.len() as u32).to_le_bytes();
    [&HEADER[..], &deflate(bytes, encoding), &crc, &len].concat()
}

/// Something like text: words again and again, and something new now and then.
fn text(len: usize, mut seed: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + 16);
    while bytes.len() < len {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match seed >> 28 {
            0 => bytes.extend(seed.to_be_bytes()),
            _ => bytes.extend(format!("word{} ", (seed >> 16) % 999).bytes()),
        }
    }
    bytes.truncate(len);
    bytes
}

fn noise(len: usize, mut seed: u32) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// A stream read block by block, with a mark in front of each block, and one at the end.
struct Marked {
    plain: Vec<u8>,
    starts: Vec<Start>,
}

fn mark_all(stream: &[u8], block: usize, chunk: usize) -> io::Result<Marked> {
    let blob = stream.to_vec();
    let mut first = Gzip::new(BufReader::with_capacity(chunk, stream))?;
    let mut marked = Marked { plain: Vec::new(), starts: Vec::new() };
    loop {
        marked.starts.push(first.mark()?.seal(&blob)?);
        let read = first.by_ref().take(block as u64).read_to_end(&mut marked.plain)?;
        if read == 0 {
            return Ok(marked);
        }
    }
}

/// At most `len` bytes from a start on.
fn read_from(stream: &[u8], start: &Start, len: usize) -> io::Result<Vec<u8>> {
    let mut rest = resume(Arc::new(stream.to_vec()), start)?;
    io::copy(&mut rest.by_ref().take(start.skip), &mut io::sink())?;
    let mut bytes = Vec::new();
    rest.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[track_caller]
fn assert_resumes(stream: &[u8], plain: &[u8], block: usize) -> Vec<Start> {
    let marked = mark_all(stream, block, 4096).unwrap();
    assert!(marked.plain == plain);
    for (no, start) in marked.starts.iter().enumerate() {
        let want = &plain[plain.len().min(no * block)..];
        assert!(
            read_from(stream, start, usize::MAX).unwrap() == want,
            "block {no} of {block} bytes: {start:?}"
        );
    }
    marked.starts
}

fn error(stream: &[u8]) -> io::Error {
    mark_all(stream, 1000, 64).err().expect("an error")
}

#[test]
fn each_block_can_be_begun_at_whatever_the_encoder_did() {
    let plain = [text(90_000, 1), noise(70_000, 2), vec![7; 20_000], text(40_000, 3)].concat();
    for strategy in [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED] {
        for (level, memory) in [(1, 8), (6, 1), (9, 9)] {
            let encoding = Encoding { level, strategy, memory };
            assert_resumes(&member(&plain, encoding), &plain, 9973);
        }
    }
    assert_resumes(&member(&plain, STORED), &plain, 9973);
}

#[test]
fn a_mark_may_stand_at_every_byte() {
    for encoding in [DEFAULT, STORED, FIXED] {
        let parts = [text(700, 1), vec![b'a'; 600], vec![], noise(99, 4)];
        let stream: Vec<u8> = parts.iter().flat_map(|part| member(part, encoding)).collect();
        assert_resumes(&stream, &parts.concat(), 1);
    }
}

#[test]
fn a_mark_within_a_match_needs_the_window_in_front_of_the_match() {
    // A stored block, then one match of 258 bytes from as far back as there is.
    let plain = noise(32_768, 5);
    let [a, b] = (plain.len() as u16).to_le_bytes();
    let mut bits = BitWriter::default();
    bits.put(1, 1);
    bits.put(1, 2);
    bits.put_code(0b1100_0101, 8); // length 258
    bits.put_code(29, 5); // distance 24577 and 13 more bits
    bits.put(8191, 13);
    bits.put_code(0, 7);
    let whole = [&plain[..], &plain[..258]].concat();
    let trailer = [crc32fast::hash(&whole).to_le_bytes(), (whole.len() as u32).to_le_bytes()].concat();
    let stream = [&HEADER[..], &[0, a, b, !a, !b], &plain, &bits.0, &trailer].concat();
    let starts = assert_resumes(&stream, &whole, 32_768 + 200);
    assert_eq!(starts[1].skip, 200);
}

#[derive(Default)]
struct BitWriter(Vec<u8>, u32);

impl BitWriter {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in 0..bits {
            if self.1.is_multiple_of(8) {
                self.0.push(0);
            }
            *self.0.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (self.1 % 8);
            self.1 += 1;
        }
    }

    /// Huffman codes begin with their highest bit.
    fn put_code(&mut self, code: u32, bits: u32) {
        self.put(code.reverse_bits() >> (32 - bits), bits);
    }
}

#[test]
fn a_window_holds_only_what_is_referred_to() {
    let noise = noise(32_768, 2);
    let stream = member(&[&noise[..], &noise[500..600], &[0; 40_000]].concat(), DEFAULT);
    let start = &mark_all(&stream, 32_768, 4096).unwrap().starts[1];
    let State { window, .. } = State::decode(&start.state).unwrap();
    assert_eq!(window.len(), 32_768 - 500);
    assert!(window[..100] == noise[500..600]);
    assert!(window[100..].iter().all(|&byte| byte == 0));
}

#[test]
fn a_place_between_members_needs_no_state() {
    let stream = [member(&text(1000, 1), DEFAULT), member(b"", DEFAULT), member(&text(1000, 2), DEFAULT)];
    let starts = assert_resumes(&stream.concat(), &[text(1000, 1), text(1000, 2)].concat(), 1000);
    let [_, second, end] = starts.try_into().unwrap();
    assert_eq!(second, Start { bit: 8 * stream[0].len() as u64, ..Start::default() });
    assert_eq!(end, Start { bit: 8 * stream.concat().len() as u64, ..Start::default() });
}

#[test]
fn empty_members_are_nothing() {
    let empty = member(b"", DEFAULT);
    assert_resumes(&empty, b"", 10);
    let stream = [empty.repeat(100), member(b"x", STORED), empty.repeat(3), member(b"y", FIXED)].concat();
    assert_resumes(&stream, b"xy", 1);
}

#[test]
fn zeros_behind_the_last_member_are_padding() {
    let stream = [member(b"one ", DEFAULT), member(b"two", DEFAULT), vec![0; 70_000]].concat();
    assert_resumes(&stream, b"one two", 4);
    let again = [stream, member(b"three", DEFAULT)].concat();
    assert!(error(&again).to_string().contains("trailing garbage after the last gzip member"));
}

#[test]
fn garbage_behind_the_last_member_is_an_error() {
    let whole = member(b"bytes", DEFAULT);
    for garbage in [&b"garbage"[..], b"\x1f\x8c", b"\0\0garbage"] {
        let error = error(&[&whole, garbage].concat());
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("trailing garbage after the last gzip member"), "{error}");
    }
}

#[test]
fn no_gzip_at_all_is_an_error() {
    assert_eq!(error(b"garbage").to_string(), "offset 2: no gzip member");
    assert_eq!(error(b"").kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(error(&[0; 100]).kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_wrong_checksum_or_length_is_an_error_that_names_the_member() {
    let good = member(b"good", DEFAULT);
    let offset = good.len();
    let bad = |from_end: usize| {
        let mut stream = [good.clone(), member(b"bad", DEFAULT)].concat();
        let at = stream.len() - from_end;
        stream[at] ^= 1;
        error(&stream)
    };
    let crc = crc32fast::hash(b"bad");
    let expected =
        format!("gzip member at offset {offset}: bad CRC-32 (found {crc:08x}, expected {:08x})", crc ^ 1);
    assert_eq!(bad(8).to_string(), expected);
    let lying = bad(4);
    assert_eq!(lying.kind(), io::ErrorKind::InvalidData);
    let expected = format!("gzip member at offset {offset}: bad length (found 3 modulo 2^32, expected 2)");
    assert_eq!(lying.to_string(), expected);
}

#[test]
fn a_stream_cut_at_any_byte_is_an_error() {
    let first = member(&text(3000, 1), DEFAULT);
    let stream = [first.clone(), member(&noise(500, 2), DEFAULT)].concat();
    for cut in (0..stream.len()).filter(|&cut| cut != first.len()) {
        let error = error(&stream[..cut]);
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
        assert_eq!(error.to_string(), format!("offset {cut}: the gzip stream is cut"));
    }
}

/// A header with fields that the flags ask for.
fn header(flags: u8, fields: &[u8]) -> Vec<u8> {
    let mut header = HEADER.to_vec();
    header[3] = flags;
    header.extend(fields);
    header
}

#[test]
fn a_header_may_have_all_its_fields() {
    let rest = &member(b"bytes", DEFAULT)[HEADER.len()..];
    let stream = |header: &[u8]| [header, rest].concat();
    let fields = [&b"\x05\x00extra"[..], b"name\0", &[b'c'; 100_000], b"\0"].concat();
    let all = header(0b1_1111, &fields);
    let [low, high, ..] = crc32fast::hash(&all).to_le_bytes();
    assert_resumes(&stream(&[&all[..], &[low, high]].concat()), b"bytes", 2);
    assert_resumes(&stream(&header(0b1_1100, &fields)), b"bytes", 2);
    assert_resumes(&stream(&header(0b0_0100, b"\0\0")), b"bytes", 2);
    let wrong = error(&stream(&[&all[..], &[low ^ 1, high]].concat()));
    assert!(wrong.to_string().contains("bad CRC-16 of a gzip header"), "{wrong}");
}

#[test]
fn an_unknown_method_or_flag_is_an_error() {
    let mut method = member(b"bytes", DEFAULT);
    method[2] = 7;
    let mut flag = member(b"bytes", DEFAULT);
    flag[3] = 0x20;
    for stream in [method, flag] {
        assert!(error(&stream).to_string().contains("is unknown"));
    }
}

#[test]
fn a_name_that_does_not_end_is_not_kept() {
    let name = [header(0b1000, b""), vec![b'n'; 1 << 20]].concat();
    assert_eq!(error(&name).kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_bomb_takes_no_more_memory_than_its_block() {
    let plain = vec![0; 20_000_000];
    let stream = member(&plain, Encoding { level: 9, ..DEFAULT });
    assert!(stream.len() * 1000 < plain.len());
    let marked = mark_all(&stream, 1 << 20, 100).unwrap();
    assert!(marked.plain == plain);
    for start in &marked.starts {
        assert!(start.state.len() < 200);
        assert!(read_from(&stream, start, 1 << 20).unwrap().iter().all(|&byte| byte == 0));
    }
}

#[test]
fn a_state_that_is_garbage_is_an_error() {
    let stream = member(&text(100_000, 1), DEFAULT);
    let start = mark_all(&stream, 50_000, 4096).unwrap().starts.swap_remove(1);
    for cut in 1..start.state.len() {
        let cut = Start { state: start.state[..cut].to_vec(), ..start.clone() };
        assert!(read_from(&stream, &cut, 100).is_err());
    }
    for bit in [u64::MAX, u64::MAX - 7, 8 * stream.len() as u64 + 1] {
        assert!(read_from(&stream, &Start { bit, ..start.clone() }, 100).is_err());
        assert!(read_from(&stream, &Start { bit, ..Start::default() }, 100).unwrap_or_default().is_empty());
    }
    for state in [&[4][..], &[0, 255, 255, 0], &[1, 8, 1, 0, 5, 0, 0], &[1, 0, 0, 0, 0, 0], &[0]] {
        let start = Start { state: state.to_vec(), ..Start::default() };
        assert!(resume(Arc::new(stream.clone()), &start).is_err(), "{state:?}");
    }
}

/// A member's bytes and how they are encoded.
fn member_strategy() -> impl Strategy<Value = (Vec<u8>, Encoding)> {
    let bytes = (0..5u8, 0..60_000usize, any::<u32>()).prop_map(|(kind, len, seed)| match kind {
        0 => text(len, seed),
        1 => noise(len, seed),
        2 => vec![seed as u8; len],
        3 => noise(len.min(997), seed).into_iter().cycle().take(len).collect(),
        _ => [text(len / 2, seed), noise(len / 2, seed)].concat(),
    });
    let strategy = select(vec![Z_DEFAULT_STRATEGY, Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]);
    let encoding =
        (0..=9, strategy, 1..=9).prop_map(|(level, strategy, memory)| Encoding { level, strategy, memory });
    (bytes, encoding)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_streams_can_be_begun_at_each_block(
        members in vec(member_strategy(), 1..5),
        block in 1024..100_000usize,
        chunk in 1..5000usize,
    ) {
        let stream: Vec<u8> = members.iter().flat_map(|(bytes, encoding)| member(bytes, *encoding)).collect();
        let plain: Vec<u8> = members.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let marked = mark_all(&stream, block, chunk).unwrap();
        prop_assert!(marked.plain == plain);
        for (no, start) in marked.starts.iter().enumerate() {
            let rest = &plain[plain.len().min(no * block)..];
            let want = &rest[..rest.len().min(2 * block)];
            prop_assert!(read_from(&stream, start, 2 * block).unwrap() == want, "block {}", no);
        }
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_nothing(
        members in vec(member_strategy(), 1..3),
        at in any::<Index>(),
        bit in 0..8u8,
    ) {
        let good: Vec<u8> = members.iter().flat_map(|(bytes, encoding)| member(bytes, *encoding)).collect();
        let marked = mark_all(&good, 20_000, 4096).unwrap();
        let mut bad = good.clone();
        bad[at.index(good.len())] ^= 1 << bit;
        if let Ok(bad) = mark_all(&bad, 20_000, 4096) {
            prop_assert!(bad.plain == marked.plain);
        }
        for start in &marked.starts {
            let _ = read_from(&bad, start, 200_000);
            let mut start = start.clone();
            if !start.state.is_empty() {
                let at = at.index(start.state.len());
                start.state[at] ^= 1 << bit;
                let _ = read_from(&good, &start, 200_000);
            }
        }
    }
}
