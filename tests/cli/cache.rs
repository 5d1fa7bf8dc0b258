//! `peelfs cache`: what is kept, whether it is whole, and how it goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::{long_file, stored, write};
use crate::support::mount::command;
use crate::support::session;

/// Runs a command on a cache in the directory; its arguments stand in one line.
fn peelfs(dir: &Path, line: &str) -> Output {
    command().args(line.split(' ')).args(["--cache-dir", "cache"]).current_dir(dir).output().unwrap()
}

fn stdout(dir: &Path, line: &str) -> String {
    let output = peelfs(dir, line);
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{line}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(dir: &Path, line: &str) -> Value {
    serde_json::from_str(&stdout(dir, line)).unwrap()
}

/// The files of layers in the cache, by name.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("cache/v1/layers")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

#[test]
fn a_cache_that_is_not_there_is_empty() {
    session(
        stored().path(),
        r#"
$ peelfs cache ls --cache-dir cache
0 layers, 0 B of 2.0 GiB in $PWD/cache
$ peelfs cache verify --cache-dir cache
ok: 0 files, 0 B read in $PWD/cache
$ peelfs cache prune --cache-dir cache
removed: 0 layers, 0 B
left: 0 layers, 0 B in $PWD/cache
$ peelfs cache --cache-dir cache --json ls
{
  "dir": "$PWD/cache",
  "limit": 2147483648,
  "size": 0,
  "layers": []
}
$ test -e cache
? 1
"#,
    );
}

#[test]
fn what_is_kept_is_listed_and_least_recently_used_comes_first() {
    session(
        stored().path(),
        r#"
$ for image in zstd gzip plain; do peelfs index --cache-dir cache $image.tar >/dev/null; done
$ cd cache/v1/layers; touch -d 2024-01-02T03:04:05Z 5*; touch -d 2023-01-02T03:04:05Z d*; touch -d 2025-01-01T00:00Z f*
$ peelfs cache ls --cache-dir cache | sed 's/file-[0-9a-f]*/file-............/; s/\(seek\|chunks\) [^,]*/\1 .../g'
da0d00f53e83        24.0 KiB  2023-01-02 03:04  index 16.7 KiB, seek ...
5a68f73a886b       372.0 KiB  2024-01-02 03:04  chunks ..., index 1.7 KiB, seek ..., seek ...
file-............   20.0 KiB  2025-01-01 00:00  index 16.7 KiB
3 layers, 416.0 KiB of 2.0 GiB in $PWD/cache
$ peelfs cache verify --cache-dir cache | sed 's/, .* read/, ... read/'
ok: 7 files, ... read in $PWD/cache
$ peelfs cache prune --cache-dir cache
removed: 0 layers, 0 B
left: 3 layers, 416.0 KiB in $PWD/cache
$ peelfs cache prune --cache-dir cache --max-size 200K
removed: 2 layers, 396.0 KiB
left: 1 layer, 20.0 KiB in $PWD/cache
$ peelfs cache prune --cache-dir cache --max-size 0
removed: 1 layer, 20.0 KiB
left: 0 layers, 0 B in $PWD/cache
$ peelfs cache ls --cache-dir cache
0 layers, 0 B of 2.0 GiB in $PWD/cache
$ find cache -type f
cache/v1/CACHEDIR.TAG
$ peelfs tree --cache-dir cache zstd.tar
/
└── long

0 directories, 1 file
"#,
    );
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let dir = stored();
    write(dir.path(), "file", b"");
    session(
        dir.path(),
        r#"
$ peelfs cache ls --cache-dir file
! peelfs: cache directory $PWD/file: Not a directory (os error 20)
? 2
$ peelfs cache verify --cache-dir file
! peelfs: cache directory $PWD/file: Not a directory (os error 20)
? 2
$ peelfs cache prune --cache-dir file
! peelfs: cache directory $PWD/file: Not a directory (os error 20)
? 2
$ peelfs cache prune --max-size much
! error: invalid value 'much' for '--max-size <SIZE>': `much` is not a size (bytes, or a number with K, M, G or T)
! 
! For more information, try '--help'.
? 2
$ peelfs cache
! List, check or empty the directory of indexes that are kept between mounts
! 
! Usage: peelfs cache [OPTIONS] <COMMAND>
! 
! Commands:
!   ls      List the layers that something is kept of, least recently used first
!   verify  Read all files, and remove those that are damaged
!   prune   Remove layers, least recently used first, until the others fit
!   help    Print this message or the help of the given subcommand(s)
! 
! Options:
!   -v, --verbose...       Say more on stderr (repeat for more; RUST_LOG overrides)
!       --color <WHEN>     Use colours [default: auto]
!       --no-pager         Write to the terminal itself, through no pager
!       --cache-dir <DIR>  The directory [default: $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
!       --json             Write JSON
!   -h, --help             Print help
? 2
$ peelfs cache ls >/dev/full
! peelfs: stdout: No space left on device (os error 28)
? 2
"#,
    );
}

#[test]
fn machines_read_json() {
    let dir = stored();
    stdout(dir.path(), "index zstd.tar");
    stdout(dir.path(), "index plain.tar");
    let cache = dir.path().join("cache").display().to_string();
    let list = json(dir.path(), "cache ls --json");
    assert_eq!((&list["dir"], &list["limit"]), (&cache.clone().into(), &(2u64 << 30).into()));
    let layers = list["layers"].as_array().unwrap();
    let zstd = layers.iter().find(|layer| !layer["diff_id"].is_null()).unwrap();
    let parts: Vec<&Value> = zstd["parts"].as_array().unwrap().iter().map(|part| &part["part"]).collect();
    assert_eq!(parts, ["chunks", "index", "seek"]);
    for part in zstd["parts"].as_array().unwrap() {
        let file = dir.path().join("cache/v1/layers").join(part["file"].as_str().unwrap());
        assert_eq!(part["size"], file.metadata().unwrap().len());
    }
    assert_eq!(layers.iter().map(|layer| layer["size"].as_u64().unwrap()).sum::<u64>(), list["size"]);
    let check = json(dir.path(), "cache verify --json");
    assert_eq!((&check["files_read"], &check["damaged"]), (&4.into(), &Value::Array(vec![])));
    fs::write(&files(dir.path())[0], b"?").unwrap();
    let output = peelfs(dir.path(), "cache verify --json");
    assert_eq!(output.status.code(), Some(1));
    let check: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(check["damaged"].as_array().unwrap().len(), 1);
    assert_eq!(check["damaged"][0]["removed"], true);
    let prune = json(dir.path(), "cache prune --max-size 0 --json");
    assert_eq!((&prune["layers_removed"], &prune["bytes_left"]), (&2.into(), &0.into()));
}

/// Bytes of a file to be changed, one at a time: of its head, of what it holds, and of its end.
fn places(file: &Path) -> Vec<u64> {
    let len = file.metadata().unwrap().len();
    match name(file).contains("chunks") {
        true => vec![0, 100, len / 2, len - 10],
        // Magic number, version, kind, lengths, the first table's place; records; checksums.
        false => vec![0, 8, 12, 17, 36, 41, 1600, (1600 + len) / 2, len - 1],
    }
}

#[test]
fn any_damage_is_found_and_removed_and_nobody_is_the_worse_for_it() {
    let dir = stored();
    let images = ["gzip.tar", "zstd.tar", "plain.tar"];
    let contents = |image: &str| {
        let path = if image == "plain.tar" { "many/007" } else { "long" };
        peelfs(dir.path(), &format!("cat {image} {path}")).stdout
    };
    // Two of them share a layer, and its index.
    images.iter().for_each(|image| drop(stdout(dir.path(), &format!("index {image}"))));
    let all = files(dir.path());
    assert_eq!(all.len(), 7, "{all:?}");
    for file in &all {
        for at in places(file) {
            let mut bytes = fs::read(file).unwrap();
            bytes[at as usize] ^= 0x55;
            // Files of the cache never change: this one takes the other's place.
            fs::remove_file(file).unwrap();
            fs::write(file, bytes).unwrap();
            let output = peelfs(dir.path(), "cache verify");
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!((output.status.code(), &*output.stderr), (Some(1), &b""[..]), "{at}: {said}");
            let line = said.lines().next().unwrap();
            assert!(line.starts_with(&format!("{}: ", name(file))), "{at}: {said}");
            assert!(line.ends_with("; removed") && !file.exists(), "{at}: {said}");
            assert!(said.contains("\n1 damaged: "), "{at}: {said}");
            for image in images {
                let expected = if image == "plain.tar" { b"7".to_vec() } else { long_file() };
                assert!(contents(image) == expected, "{image}, {}, byte {at}", name(file));
            }
            assert_eq!(files(dir.path()), all, "{at}");
        }
    }
}

#[test]
fn chunks_without_their_seek_table_are_told_from_damaged_ones() {
    let dir = stored();
    stdout(dir.path(), "index zstd.tar");
    let seek = files(dir.path()).into_iter().find(|file| name(file).contains("seek")).unwrap();
    fs::remove_file(seek).unwrap();
    session(
        dir.path(),
        r#"
$ peelfs cache verify --cache-dir cache
ok: 1 file, 1.7 KiB read, 1 not checked in $PWD/cache
$ peelfs index --cache-dir cache zstd.tar
0  zstd  612.9 KiB  1 entry  read  5a68f73a886b
1 layer: 1 read, 0 cached in $PWD/cache
$ peelfs cache verify --cache-dir cache
ok: 3 files, 354.1 KiB read in $PWD/cache
"#,
    );
}
