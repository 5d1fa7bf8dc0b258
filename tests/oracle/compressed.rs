//! Layers that the usual programs compressed: every file has, at any offset, the bytes that GNU tar unpacks.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{NEEDS, assert_same, can_compare, compare};
use crate::support::bytes::{Random, mixed};
use crate::support::need::{has, need};
use crate::support::{Layer, Mount, Overlay, Tree, layer, write_tars};

/// Programs that compress a file to stdout.
const PROGRAMS: [&[&str]; 12] = [
    &["gzip", "-1c"],
    &["gzip", "-9c"],
    &["pigz", "-cp4"],
    &["pigz", "-icp4", "-b128"],
    &["bgzip", "-c"],
    &["zstd", "-1qc"],
    &["zstd", "-15qc"],
    &["zstd", "-qc", "--long=27", "--no-check"],
    &["zstd", "-qcT2", "-B1MiB"],
    &["pzstd", "-qc", "-p4"],
    &["xz", "-0c"],
    &["bzip2", "-1c"],
];

fn layers() -> [Layer; 2] {
    let small = (0..60).fold(layer("d/ d/link->../large gone=1"), |tar, i| {
        tar.file(&format!("d/{i}"), &mixed(i * i * 11, i as u32))
    });
    let small = small.file("large", &mixed(2_300_000, 100)).file("text", &b"all the same ".repeat(100_000));
    [small, layer(".wh.gone d/ d/.wh.5 top/").file("top/large", &mixed(900_000, 101))]
}

#[test]
fn layers_by_all_programs_have_the_bytes_that_tar_unpacks() {
    need!(can_compare(), NEEDS);
    let dir = TempDir::new().unwrap();
    let tars = write_tars(dir.path(), layers());
    let overlay = Overlay::of_tars(&tars);
    let truth = || Tree::read_overlay(&overlay.path());
    for (seed, program) in (0..).zip(PROGRAMS) {
        need!(has(program[0]), &format!("needs {}", program[0]));
        let compressed: Vec<PathBuf> = tars.iter().map(|tar| compress(program, tar)).collect();
        let cache = format!("cache_dir={}/cache", dir.path().display());
        for words in [&cache, &cache, "no_cache"] {
            let mut args = vec!["-o".as_ref(), words.as_ref()];
            args.extend(compressed.iter().map(|tar| tar.as_os_str()));
            let mount = Mount::new(args);
            for name in truth().0.iter().filter(|(_, entry)| entry.kind == 'f').map(|(name, _)| name) {
                let name = str::from_utf8(name).unwrap();
                assert_same_at_random(&overlay.path().join(name), &mount.join(name), seed);
            }
            assert_same(&format!("{program:?}, {words}"), &compare(&Tree::read(mount.path()), truth()));
        }
    }
}

/// What a program makes of a tar, beside it.
fn compress(program: &[&str], tar: &Path) -> PathBuf {
    let output = Command::new(program[0]).args(&program[1..]).arg(tar).output().unwrap();
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    let path = tar.with_extension("compressed");
    fs::write(&path, output.stdout).unwrap();
    path
}

/// Reads a file at random offsets, as far as it goes and beyond; more often one that is large.
fn assert_same_at_random(expected: &Path, found: &Path, seed: u32) {
    let (expected, file) = (fs::read(expected).unwrap(), File::open(found).unwrap());
    let mut random = Random::new(seed);
    for _ in 0..3 + expected.len() / 40_000 {
        let offset = random.below(expected.len() + 10);
        let mut buffer = vec![0; random.below(20_000)];
        let n = file.read_at(&mut buffer, offset as u64).unwrap();
        let rest = expected.get(offset..).unwrap_or_default();
        let rest = &rest[..rest.len().min(buffer.len())];
        assert!(buffer[..n] == *rest, "{}: {} bytes at {offset}", found.display(), buffer.len());
    }
}
