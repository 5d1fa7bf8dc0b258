//! `peelfs index`: what is read, and what was known.

use std::fs;

use serde_json::Value;

use super::{app, stored, write, xz};
use crate::support::archive::{Written, docker};
use crate::support::mount::command;
use crate::support::{layer, session};

#[test]
fn layers_are_read_once() {
    session(
        stored().path(),
        r#"
$ peelfs index --cache-dir cache gzip.tar
0  gzip  8.4 KiB  300 entries  read  da0d00f53e83
1  gzip  1.1 MiB      1 entry  read  5a68f73a886b
2 layers: 2 read, 0 cached in $PWD/cache
$ peelfs index --cache-dir cache gzip.tar
0  gzip  8.4 KiB  300 entries  cached  da0d00f53e83
1  gzip  1.1 MiB      1 entry  cached  5a68f73a886b
2 layers: 0 read, 2 cached in $PWD/cache
$ peelfs index --cache-dir cache zstd.tar
0  zstd  612.9 KiB  1 entry  read  5a68f73a886b
1 layer: 1 read, 0 cached in $PWD/cache
$ peelfs index --cache-dir cache plain.tar
0  plain  301.0 KiB  300 entries  read  da0d00f53e83
1 layer: 1 read, 0 cached in $PWD/cache
$ peelfs index --cache-dir cache plain.tar
0  plain  301.0 KiB  300 entries  cached  da0d00f53e83
1 layer: 0 read, 1 cached in $PWD/cache
$ peelfs index --cache-dir cache small.tar
0  plain  2.0 KiB  1 entry  small  2802ecf59a86
1 layer: 0 read, 0 cached in $PWD/cache
$ cp gzip.tar copy.tar; peelfs index --cache-dir cache copy.tar
0  gzip  8.4 KiB  300 entries  cached  da0d00f53e83
1  gzip  1.1 MiB      1 entry  cached  5a68f73a886b
2 layers: 0 read, 2 cached in $PWD/cache
"#,
    );
}

#[test]
fn the_archive_may_be_compressed_or_no_archive_at_all() {
    let dir = app();
    fs::create_dir(dir.path().join("layer")).unwrap();
    write(dir.path(), "layer/f", b"1");
    write(dir.path(), "layer.tar.xz", &xz(&super::many().finish()));
    session(
        dir.path(),
        r#"
$ gzip app.tar; peelfs index --cache-dir cache app.tar.gz
-  gzip          -          -  read   946be9487860
0  plain  11.0 KiB  9 entries  small  308cc1fdc66c
1  plain   5.5 KiB  8 entries  small  7d5199959379
2  plain   4.0 KiB  4 entries  small  d6e210b5150e
3 layers: 0 read, 0 cached in $PWD/cache
$ peelfs index --cache-dir cache app.tar.gz
-  gzip          -          -  cached  946be9487860
0  plain  11.0 KiB  9 entries  small   308cc1fdc66c
1  plain   5.5 KiB  8 entries  small   7d5199959379
2  plain   4.0 KiB  4 entries  small   d6e210b5150e
3 layers: 0 read, 0 cached in $PWD/cache
$ peelfs index --cache-dir cache --lower layer layer.tar.xz
0  directory          -    2 entries  -
1  xz         301.0 KiB  300 entries  read  da0d00f53e83
2 layers: 1 read, 0 cached in $PWD/cache
"#,
    );
}

#[test]
fn the_default_directory_is_filled() {
    session(
        stored().path(),
        r#"
$ peelfs index zstd.tar >/dev/null; peelfs cache ls | cut -d' ' -f1 | head -1
5a68f73a886b
$ XDG_CACHE_HOME=$PWD/home peelfs index zstd.tar | tail -1
1 layer: 1 read, 0 cached in $PWD/home/peelfs
$ XDG_CACHE_HOME= HOME=$PWD/home peelfs index zstd.tar | tail -1
1 layer: 1 read, 0 cached in $PWD/home/.cache/peelfs
"#,
    );
}

#[test]
fn there_must_be_a_place_to_keep_it() {
    let dir = stored();
    write(dir.path(), "file", b"");
    write(dir.path(), "damaged.tar.gz", &super::gzip(&super::long().finish())[..50_000]);
    session(
        dir.path(),
        r#"
$ peelfs index --no-cache gzip.tar
! peelfs: with --no-cache there is nowhere to keep an index
? 2
$ peelfs index --cache-dir file gzip.tar
! peelfs: cache directory $PWD/file: File exists (os error 17)
? 2
$ peelfs index --cache-dir /proc/peelfs gzip.tar
! peelfs: cache directory /proc/peelfs: No such file or directory (os error 2)
? 2
$ peelfs index --cache-dir cache nothing.tar
! peelfs: nothing.tar: No such file or directory (os error 2)
? 2
$ peelfs index --cache-dir cache damaged.tar.gz; peelfs cache ls --cache-dir cache
0 layers, 0 B of 2.0 GiB in $PWD/cache
! peelfs: damaged.tar.gz: gzip stream, near offset 50000: offset 50000: the gzip stream is cut
$ peelfs index --cache-dir cache --strict gzip.tar | tail -1
2 layers: 2 read, 0 cached in $PWD/cache
"#,
    );
}

#[test]
fn machines_read_json() {
    let dir = stored();
    let index = || -> Value {
        let mut command = command();
        command.args(["index", "--json", "--cache-dir", "cache", "gzip.tar"]).current_dir(dir.path());
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    };
    for state in ["read", "cached"] {
        let index = index();
        assert_eq!(index["dir"], dir.path().join("cache").display().to_string());
        let layers = index["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 2);
        for (no, layer) in layers.iter().enumerate() {
            assert_eq!((&layer["layer"], &layer["state"]), (&no.into(), &state.into()));
            assert_eq!(layer["compression"], "gzip");
            assert!(layer["diff_id"].as_str().unwrap().starts_with("sha256:"));
            assert!(layer["place"].as_str().unwrap().ends_with(&layer["digest"].as_str().unwrap()[7..]));
        }
        assert_eq!(layers[0]["members"], 300);
    }
}

#[test]
fn layers_of_another_image_are_known() {
    let dir = stored();
    let mut other = Written::new("other:1", [super::long(), layer("more=1")]);
    other.store = super::gzip;
    write(dir.path(), "other.tar", &crate::support::archive::oci(&[other]));
    write(dir.path(), "docker.tar", &docker(&[Written::new("plain:1", [super::many()])]));
    session(
        dir.path(),
        r#"
$ peelfs index --cache-dir cache gzip.tar | tail -1
2 layers: 2 read, 0 cached in $PWD/cache
$ peelfs index --cache-dir cache other.tar
0  gzip  1.1 MiB  1 entry  cached  5a68f73a886b
1  gzip    102 B  1 entry  read    1ed4f36a0623
2 layers: 1 read, 1 cached in $PWD/cache
$ peelfs index --cache-dir cache docker.tar
0  plain  301.0 KiB  300 entries  read  da0d00f53e83
1 layer: 1 read, 0 cached in $PWD/cache
"#,
    );
}
