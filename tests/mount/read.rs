//! read(2) and mmap(2): the bytes of the layer, from any offset, however they are asked for.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::{mount, mount_lines, succeed};
use crate::support::need::{has_fuse, need};
use crate::support::{Layer, Mount, layer, sys};

/// Bytes that differ wherever one looks.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let words = (0..len.div_ceil(8)).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(len).collect()
}

/// A number below `limit`, another one each time.
fn random(state: &mut u64, limit: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % limit
}

/// Has the kernel forget what it has read: closed files are read anew.
fn drop_cache(file: &File) {
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

#[test]
fn any_stretch_of_a_file_is_the_bytes_of_the_layer() {
    need!(has_fuse(), "needs FUSE");
    let bytes = noise(3_000_001, 7);
    let (mount, _dir) = mount([layer("a=before").file("f", &bytes).file("z", b"behind")]);
    let file = File::open(mount.join("f")).unwrap();
    let mut state = 42;
    for round in 0..400 {
        if round % 40 == 0 {
            drop_cache(&file);
        }
        let offset = random(&mut state, bytes.len() + 5000);
        let longest = [16, 5000, 400_000][round % 3];
        let mut buffer = vec![0xaa; random(&mut state, longest)];
        let n = file.read_at(&mut buffer, offset as u64).unwrap();
        let expected = bytes.get(offset..).unwrap_or_default();
        let expected = &expected[..expected.len().min(buffer.len())];
        assert_eq!(n, expected.len(), "{} bytes at {offset}", buffer.len());
        assert!(buffer[..n] == *expected, "{} bytes at {offset} differ", buffer.len());
        assert!(buffer[n..].iter().all(|&byte| byte == 0xaa), "bytes behind the end");
    }
}

#[test]
fn past_the_end_there_is_nothing() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["f=hello empty z=other"]);
    let mut buffer = [0; 10];
    for (name, offset, expected) in [
        ("f", 0, "hello"),
        ("f", 3, "lo"),
        ("f", 5, ""),
        ("f", 6, ""),
        ("f", 511, ""),
        ("f", 1 << 40, ""),
        ("f", i64::MAX as u64 - 10, ""),
        ("empty", 0, ""),
        ("empty", 512, ""),
    ] {
        let n = File::open(mount.join(name)).unwrap().read_at(&mut buffer, offset).unwrap();
        assert_eq!(str::from_utf8(&buffer[..n]).unwrap(), expected, "{name} at {offset}");
    }
    let mut file = File::open(mount.join("f")).unwrap();
    assert_eq!(file.seek(SeekFrom::End(-2)).unwrap(), 3);
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "lo");
}

#[test]
fn a_file_that_is_larger_than_any_buffer() {
    need!(has_fuse(), "needs FUSE");
    let bytes = noise(64 << 20, 3);
    let (mount, _dir) = mount([Layer::new().file("big", &bytes)]);
    assert!(fs::read(mount.join("big")).unwrap() == bytes, "front to back");
    let file = File::open(mount.join("big")).unwrap();
    drop_cache(&file);
    let mut buffer = vec![0; 8 << 20];
    for start in [(1 << 20) + 1, 17 << 20, (56 << 20) + 4095, (60 << 20) - 1] {
        let n = file.read_at(&mut buffer, start as u64).unwrap();
        assert!(buffer[..n] == bytes[start..start + n], "{n} bytes at {start}");
    }
}

#[test]
fn a_mapping_has_the_same_bytes() {
    need!(has_fuse(), "needs FUSE");
    let bytes = noise(200_003, 11);
    let (mount, _dir) = mount([layer("a=before").file("f", &bytes)]);
    let file = File::open(mount.join("f")).unwrap();
    assert!(sys::read_mapped(&file, bytes.len()).unwrap() == bytes);
}

#[test]
fn many_readers_at_once_get_what_each_asked_for() {
    need!(has_fuse(), "needs FUSE");
    let files: Vec<Vec<u8>> = (0..8).map(|no| noise(300_000 + no * 1111, no as u64 + 1)).collect();
    let tar =
        files.iter().enumerate().fold(Layer::new(), |tar, (no, bytes)| tar.file(&no.to_string(), bytes));
    let (mount, _dir) = mount([tar]);
    std::thread::scope(|scope| {
        for (no, bytes) in files.iter().enumerate() {
            let path = mount.join(&no.to_string());
            scope.spawn(move || {
                let file = File::open(path).unwrap();
                let (mut state, mut buffer) = (no as u64, vec![0; 70_000]);
                for _ in 0..60 {
                    drop_cache(&file);
                    let offset = random(&mut state, bytes.len());
                    let n = file.read_at(&mut buffer, offset as u64).unwrap();
                    assert!(buffer[..n] == bytes[offset..offset + n], "file {no}, {n} bytes at {offset}");
                }
            });
        }
    });
}

#[test]
fn names_of_one_file_and_merged_ones_have_the_contents_of_their_layer() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) = mount_lines(&["a=base b=>a c=base", "c=top a=top", ".wh.c d=>b"]);
    for (name, contents) in [("a", "top"), ("b", "base"), ("d", "base")] {
        assert_eq!(fs::read_to_string(mount.join(name)).unwrap(), contents, "{name}");
    }
}

#[test]
fn programs_of_the_image_can_be_run() {
    need!(has_fuse(), "needs FUSE");
    let (mount, _dir) =
        mount([layer("").add(tar::EntryType::Regular, b"run", b"#!/bin/sh\necho ran \"$@\"\n", |header| {
            header.set_mode(0o755);
        })]);
    assert_eq!(succeed(std::process::Command::new(mount.join("run")).arg("well")), "ran well\n");
}

#[test]
fn an_image_that_is_deleted_or_replaced_by_another_file_stays_readable() {
    need!(has_fuse(), "needs FUSE");
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, line: &str| -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, layer(line).finish()).unwrap();
        path
    };
    let image = write("image.tar", "f=old");
    let mount = Mount::new([&image]);
    fs::rename(write("new.tar", "f=newer"), &image).unwrap();
    assert_eq!(fs::read_to_string(mount.join("f")).unwrap(), "old");
    fs::remove_file(&image).unwrap();
    drop_cache(&File::open(mount.join("f")).unwrap());
    assert_eq!(fs::read_to_string(mount.join("f")).unwrap(), "old");
}
