//! Streams that are cut, damaged or lie: wherever such a stream stands, what is wrong is said with archive, member
//! and offset, `verify` goes on to the end, and nothing of it is kept. Streams that only look odd are read.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::{Compression, GzBuilder};
use tempfile::TempDir;

use super::{gzip, peelfs_in, sha256, shown, stdout, zstd};
use crate::support::archive::{Written, docker, oci};
use crate::support::layer;
use crate::support::mount::PEELFS;
use crate::support::need::{has, need};

type Store = fn(&[u8]) -> Vec<u8>;

/// A tar that takes a few kilobytes however it is compressed.
fn tar() -> crate::support::Layer {
    let noise: Vec<u8> = (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    layer("d/ d/a=1 d/b=2").file("noise", &noise)
}

fn image(store: Store) -> Written {
    let mut image = Written::new("app:1", [tar()]);
    image.store = store;
    image
}

/// A stream where streams are found.
struct Placed {
    stream: Vec<u8>,
    /// What is opened.
    file: Vec<u8>,
    /// What messages call the stream if the file is called `image`.
    place: String,
}

/// A layer on its own, in an archive of either form, and a whole archive that is compressed.
fn everywhere(store: Store) -> [Placed; 4] {
    let stream = store(&tar().finish());
    let hex = sha256(&stream);
    let placed = |stream: &[u8], file, place: String| Placed { stream: stream.to_vec(), file, place };
    let whole = store(&docker(&[image(<[u8]>::to_vec)]));
    [
        placed(&stream, stream.clone(), "image".to_owned()),
        placed(&stream, docker(&[image(store)]), format!("image: {hex}/layer.tar")),
        placed(&stream, oci(&[image(store)]), format!("image: blobs/sha256/{hex}")),
        placed(&whole, whole.clone(), "image".to_owned()),
    ]
}

/// Runs a command with a cache of its own.
fn run(dir: &Path, command: &str, rest: &str) -> Output {
    peelfs_in(dir, &format!("{command} --cache-dir cache {rest}"))
}

#[track_caller]
fn assert_said(output: &Output, said: &str) {
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("peelfs: {said}\n"));
    assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]));
}

/// Names of what is in the cache of layers.
fn kept(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir.join("cache/v1/layers")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Has a stream refused with these words, which may depend on the stream, wherever it stands.
#[track_caller]
fn assert_refused(store: Store, words: impl Fn(&[u8]) -> String) {
    for Placed { stream, file, place } in everywhere(store) {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("image"), file).unwrap();
        fs::create_dir(dir.path().join("mnt")).unwrap();
        let said = format!("{place}: {}", words(&stream));
        assert_said(&run(dir.path(), "ls", "image"), &said);
        assert_said(&run(dir.path(), "mount", "image mnt"), &said);
        let verify = run(dir.path(), "verify", "image");
        let report = String::from_utf8(verify.stdout).unwrap();
        assert_eq!(verify.status.code(), Some(1), "{report}");
        assert!(report.contains(&said), "{said}\n{report}");
        assert_eq!(kept(dir.path()), Vec::<String>::new());
    }
}

/// Has a stream read wherever it stands.
#[track_caller]
fn assert_read(store: Store) {
    for Placed { file, place, .. } in everywhere(store) {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("image"), file).unwrap();
        fs::write(dir.path().join("plain"), tar().finish()).unwrap();
        let expected = shown(dir.path(), "--no-cache plain");
        for options in ["--no-cache", "--cache-dir cache", "--cache-dir cache"] {
            assert_eq!(shown(dir.path(), &format!("{options} image")), expected, "{place}");
        }
        stdout(dir.path(), "verify --no-cache image");
    }
}

/// The number that stands so many bytes before the end.
fn number(stream: &[u8], from_end: usize) -> u32 {
    u32::from_le_bytes(*stream[stream.len() - from_end..].first_chunk().unwrap())
}

fn flipped(mut stream: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = stream.len() - from_end;
    stream[at] ^= 1;
    stream
}

fn cut(mut stream: Vec<u8>) -> Vec<u8> {
    stream.truncate(stream.len() / 2);
    stream
}

#[test]
fn a_gzip_stream_that_is_cut() {
    assert_refused(
        |bytes| cut(gzip(bytes)),
        |stream| format!("gzip stream, near offset {0}: offset {0}: the gzip stream is cut", stream.len()),
    );
}

#[test]
fn a_gzip_stream_that_is_cut_in_its_header() {
    assert_refused(
        |bytes| gzip(bytes)[..7].to_vec(),
        |_| "gzip stream, near offset 7: offset 7: the gzip stream is cut".to_owned(),
    );
}

#[test]
fn a_zstd_stream_that_is_cut() {
    assert_refused(
        |bytes| cut(zstd(bytes)),
        |stream| {
            let len = stream.len();
            format!(
                "zstd stream, near offset {len}: the zstd stream is cut at offset {len}, within the frame at offset 0"
            )
        },
    );
}

#[test]
fn a_gzip_checksum_that_is_wrong() {
    assert_refused(
        |bytes| flipped(gzip(bytes), 8),
        |stream| {
            let (found, expected) = (number(stream, 8) ^ 1, number(stream, 8));
            format!(
                "gzip stream, near offset {}: gzip member at offset 0: \
                 bad CRC-32 (found {found:08x}, expected {expected:08x})",
                stream.len()
            )
        },
    );
}

#[test]
fn a_gzip_length_that_lies() {
    assert_refused(
        |bytes| flipped(gzip(bytes), 4),
        |stream| {
            let (found, expected) = (number(stream, 4) ^ 1, number(stream, 4));
            format!(
                "gzip stream, near offset {}: gzip member at offset 0: \
                 bad length (found {found} modulo 2^32, expected {expected})",
                stream.len()
            )
        },
    );
}

#[test]
fn a_zstd_checksum_that_is_wrong() {
    assert_refused(
        |bytes| flipped(zstd(bytes), 4),
        |stream| {
            let len = stream.len();
            format!(
                "zstd stream, near offset {len}: zstd frame at offset 0, near offset {}: \
                 restored data doesn't match checksum",
                len - 4
            )
        },
    );
}

#[test]
fn the_second_member_is_checked_as_the_first_is() {
    assert_refused(
        |bytes| {
            let (first, second) = bytes.split_at(700);
            [gzip(first), flipped(gzip(second), 8)].concat()
        },
        |stream| {
            let second = stream.windows(3).rposition(|bytes| bytes == [0x1f, 0x8b, 8]).unwrap();
            let (found, expected) = (number(stream, 8) ^ 1, number(stream, 8));
            format!(
                "gzip stream, near offset {}: gzip member at offset {second}: \
                 bad CRC-32 (found {found:08x}, expected {expected:08x})",
                stream.len()
            )
        },
    );
}

/// A frame that says so of its window, and whose decoded bytes are none.
fn zstd_frame_with(descriptor: &[u8]) -> Vec<u8> {
    [&[0x28, 0xb5, 0x2f, 0xfd], descriptor, &[1, 0, 0]].concat()
}

#[test]
fn a_zstd_window_of_2_gib() {
    let says = |_: &[u8]| {
        "zstd stream, near offset 9: zstd frame at offset 0: \
         needs a window of 2147483648 bytes, at most 134217728 are allowed"
            .to_owned()
    };
    assert_refused(|_| zstd_frame_with(&[0, 0xa8]), says);
}

#[test]
fn a_zstd_frame_of_2_gib_in_a_single_segment() {
    let says = |_: &[u8]| {
        "zstd stream, near offset 12: zstd frame at offset 0: \
         needs a window of 2147483648 bytes, at most 134217728 are allowed"
            .to_owned()
    };
    assert_refused(|_| zstd_frame_with(&[0xa0, 0, 0, 0, 0x80]), says);
}

#[test]
fn garbage_behind_a_gzip_stream() {
    let says = |more: usize| {
        move |stream: &[u8]| {
            format!(
                "gzip stream, near offset {}: offset {}: trailing garbage after the last gzip member",
                stream.len(),
                stream.len() - more
            )
        }
    };
    assert_refused(|bytes| [gzip(bytes), b"garbage".to_vec()].concat(), says(7));
    assert_refused(|bytes| [gzip(bytes), vec![0; 512], b"garbage".to_vec()].concat(), says(7));
}

#[test]
fn garbage_behind_a_zstd_stream() {
    assert_refused(
        |bytes| [zstd(bytes), b"garbage".to_vec()].concat(),
        |stream| {
            let (len, end) = (stream.len(), stream.len() - 7);
            format!(
                "zstd stream, near offset {len}: trailing garbage after the last zstd frame, at offset {end}"
            )
        },
    );
}

/// A stream that is fine and is not what a digest says of it: one bit of its header that means nothing.
fn other_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut stream = gzip(bytes);
    stream[9] ^= 1;
    stream
}

/// Puts bytes in the place of others as long.
fn replace(file: &mut [u8], old: &[u8], new: &[u8]) {
    let at = file.windows(old.len()).position(|window| window == old).unwrap();
    file[at..at + new.len()].copy_from_slice(new);
}

const HINT: &str = "`peelfs verify` lists all that is wrong, --no-verify looks anyway";

/// Has an image refused for what is said of its layer, and shown to who looks anyway.
#[track_caller]
fn assert_not_as_claimed(file: &[u8], place: &str, mismatch: &str) {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("image"), file).unwrap();
    fs::create_dir(dir.path().join("mnt")).unwrap();
    let said = format!("{place}: {mismatch}");
    // Now, when the layer is read, and once it is known.
    for _ in 0..2 {
        assert_said(&run(dir.path(), "ls", "image"), &format!("{said}; {HINT}"));
        assert_said(&run(dir.path(), "mount", "image mnt"), &format!("{said}; {HINT}"));
        let anyway = run(dir.path(), "ls", "--no-verify image");
        assert_eq!(String::from_utf8(anyway.stderr).unwrap(), format!("peelfs: warning: {said}\n"));
        assert_eq!((anyway.status.code(), &*anyway.stdout), (Some(0), &b"d\nnoise\n"[..]));
        let verify = run(dir.path(), "verify", "image");
        let report = String::from_utf8(verify.stdout).unwrap();
        assert_eq!(verify.status.code(), Some(1), "{report}");
        assert!(report.contains(&format!("layer 0 {said}\n1 problem: ")), "{report}");
    }
}

#[test]
fn a_layer_that_is_not_what_its_digest_says() {
    let (claimed, stored) = (gzip(&tar().finish()), other_gzip(&tar().finish()));
    let mut file = oci(&[image(gzip)]);
    replace(&mut file, &claimed, &stored);
    let place = format!("image: blobs/sha256/{}", sha256(&claimed));
    let mismatch = format!("digest: found sha256:{}, expected sha256:{}", sha256(&stored), sha256(&claimed));
    assert_not_as_claimed(&file, &place, &mismatch);
}

#[test]
fn a_layer_that_is_not_what_its_diff_id_says() {
    // The configuration is made from the tar, and what is stored is another.
    fn other(_: &[u8]) -> Vec<u8> {
        gzip(&layer("d/ noise=quiet").finish())
    }
    let (claimed, stored) = (tar().finish(), layer("d/ noise=quiet").finish());
    let mismatch = format!("diff ID: found sha256:{}, expected sha256:{}", sha256(&stored), sha256(&claimed));
    let hex = sha256(&gzip(&stored));
    assert_not_as_claimed(&oci(&[image(other)]), &format!("image: blobs/sha256/{hex}"), &mismatch);
    assert_not_as_claimed(&docker(&[image(other)]), &format!("image: {hex}/layer.tar"), &mismatch);
}

/// A gigabyte of zeros in a megabyte.
fn bomb(_: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    // A tar's header first, or it would be no tar before it is too long.
    let header = layer("").file("zeros", &[0; 512]).finish();
    let mut tar = tar::Header::from_byte_slice(&header[..512]).clone();
    tar.set_size(1 << 30);
    tar.set_cksum();
    [gzip(tar.as_bytes()), encoder.finish().unwrap().repeat(64)].concat()
}

#[test]
fn a_stream_that_expands_a_thousandfold_is_refused_early() {
    for Placed { stream, file, place } in everywhere(bomb) {
        assert!(stream.len() < 1 << 21);
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("image"), file).unwrap();
        fs::create_dir(dir.path().join("mnt")).unwrap();
        // Of the stream no more than its first piece has been read.
        let said = format!(
            "{place}: gzip stream, near offset 262144: it decodes to more than 1048576 bytes (--max-layer-size)"
        );
        for command in ["ls image", "mount image mnt"] {
            let (command, rest) = command.split_once(' ').unwrap();
            let script = format!(
                "ulimit -v 1000000; exec {PEELFS} {command} --cache-dir cache --max-layer-size 1M {rest}"
            );
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(script).current_dir(dir.path()).stdin(Stdio::null());
            assert_said(&shell.output().unwrap(), &said);
        }
        let verify = run(dir.path(), "verify", "--max-layer-size 1M image");
        assert_eq!(verify.status.code(), Some(1));
        assert!(String::from_utf8(verify.stdout).unwrap().contains(&said));
        assert_eq!(kept(dir.path()), Vec::<String>::new());
    }
}

/// A stream in pieces of a length that fits nothing else.
fn pieces(bytes: &[u8], store: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    bytes.chunks(700).flat_map(store).collect()
}

fn member(header: GzBuilder, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = header.write(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn zeros_behind_a_gzip_stream_are_padding() {
    assert_read(|bytes| [gzip(bytes), vec![0; 1]].concat());
    assert_read(|bytes| [gzip(bytes), vec![0; 10_000]].concat());
}

#[test]
fn members_and_frames_may_be_many_and_some_of_them_empty() {
    assert_read(|bytes| pieces(bytes, gzip));
    assert_read(|bytes| pieces(bytes, zstd));
    assert_read(|bytes| {
        [gzip(b""), gzip(b""), pieces(bytes, |piece| [gzip(piece), gzip(b"")].concat())].concat()
    });
    assert_read(|bytes| [zstd(b""), pieces(bytes, |piece| [zstd(piece), zstd(b"")].concat())].concat());
}

#[test]
fn frames_to_skip_may_stand_anywhere() {
    const SKIPPABLE: [u8; 11] = [0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, b'x', b'y', b'z'];
    assert_read(|bytes| {
        [&SKIPPABLE[..], &pieces(bytes, |piece| [&zstd(piece)[..], &SKIPPABLE].concat())].concat()
    });
}

#[test]
fn headers_may_have_extra_fields_names_and_comments() {
    assert_read(|bytes| member(GzBuilder::new().filename("layer.tar").mtime(1_700_000_000), bytes));
    assert_read(|bytes| {
        let header = || GzBuilder::new().extra(vec![b'x'; 60_000]).filename("n").comment("c");
        pieces(bytes, |piece| member(header(), piece))
    });
}

/// As BGZF: members of at most 64 KiB whose length stands in an extra field, and an empty one at the end.
#[test]
fn what_bgzip_writes() {
    need!(has("bgzip"), "needs bgzip");
    assert_read(|bytes| by_program("bgzip", &["-c"], bytes));
}

/// As eStargz: a member for each file, and at the end an empty one with a footer in its extra field.
#[test]
fn what_a_registry_converts_to_estargz() {
    assert_read(|bytes| {
        let footer = GzBuilder::new().extra(*b"SG\x16\x000000000000001234STARGZ");
        [bytes.chunks(512).flat_map(gzip).collect(), member(footer, b"")].concat()
    });
}

#[test]
fn what_pigz_writes() {
    need!(has("pigz"), "needs pigz");
    assert_read(|bytes| by_program("pigz", &["-i", "-b", "128", "-p", "4", "-c"], bytes));
}

#[test]
fn what_pzstd_writes() {
    need!(has("pzstd"), "needs pzstd");
    assert_read(|bytes| by_program("pzstd", &["-q", "-p", "4", "-c"], bytes));
}

/// What a program makes of bytes.
fn by_program(program: &str, args: &[&str], bytes: &[u8]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("bytes"), bytes).unwrap();
    let output = Command::new(program).args(args).arg(dir.path().join("bytes")).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
