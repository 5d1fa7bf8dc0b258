//! Layers with a table of contents: eStargz and zstd:chunked, checked against the layer, or trusted.

use std::fs;
use std::path::Path;
use std::process::Command;

use peelfs::digest::Digest;
use serde_json::json;
use tempfile::TempDir;

use super::{Files, config, peelfs_in, shown, stdout};
use crate::support::archive::{Written, docker, oci};
use crate::support::need::{has, has_fuse, need};
use crate::support::toc::Estargz;
use crate::support::{Layer, Mount, Tree, layer};

/// A base with a bit of everything.
fn base() -> Layer {
    let everything = layer(
        "d/ d/empty d/f=contents-of-more-than-a-chunk!4755 d/l->f d/h=>d/f d/p| cnull@1:3!666 bdisk@8:1 \
         gone=1 below/a=1 implied/dir/x=x",
    );
    everything.pax([("SCHILY.xattr.user.colour", &b"blue\0\xff"[..])]).file("with-xattrs", b"x")
}

/// The same with a file of many chunks.
fn large_base() -> Layer {
    base().file("large", &large())
}

/// A layer above it.
fn top() -> Layer {
    layer(".wh.gone below/ below/.wh..wh..opq below/b=2 link=>d/f d/f=new")
}

/// What does not shrink, in part, and zeros.
fn large() -> Vec<u8> {
    let noise = (0..600_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8);
    noise.chain(std::iter::repeat_n(0, 300_000)).chain([1; 1000]).collect()
}

/// An eStargz image, its files in chunks of so many bytes.
fn estargz_image<const CHUNK: usize>(layers: impl IntoIterator<Item = Layer>) -> Written {
    let mut image = Written::new("app:1", layers);
    image.layers = image.layers.iter().map(|tar| Estargz::of(tar, CHUNK).decoded()).collect();
    image.store = |tar| Estargz::of(tar, CHUNK).finish();
    image
}

/// Asserts that an image shows the same whether its tables are trusted or not.
#[track_caller]
fn assert_same_tree(dir: &Path, image: &str) {
    let listed = |options: &str| stdout(dir, &format!("ls -R --json --no-cache {options} {image}"));
    assert_eq!(
        String::from_utf8(listed("--trust-toc")).unwrap(),
        String::from_utf8(listed("")).unwrap(),
        "{image}"
    );
    let shown = |options: &str| shown(dir, &format!("--no-cache {options} {image}"));
    assert!(shown("--trust-toc") == shown(""), "{image}: contents");
}

#[test]
fn an_estargz_image_shows_the_same_by_its_tables() {
    let dir = TempDir::new().unwrap();
    for (name, archive) in [
        ("docker", docker(&[estargz_image::<7>([base(), top()])])),
        ("docker-large", docker(&[estargz_image::<100_000>([large_base(), top()])])),
        ("oci-large", oci(&[estargz_image::<100_000>([large_base(), top()])])),
    ] {
        fs::write(dir.path().join(name), archive).unwrap();
        assert_same_tree(dir.path(), name);
        stdout(dir.path(), &format!("verify --no-cache {name}"));
    }
}

#[test]
fn a_zstd_chunked_image_of_skopeo_shows_the_same_by_its_tables() {
    need!(has("skopeo"), "needs skopeo");
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("plain"), docker(&[Written::new("app:1", [large_base(), top()])])).unwrap();
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", "copy", "--quiet", "--dest-compress-format", "zstd:chunked"]);
    let output =
        skopeo.args(["docker-archive:plain", "oci:image:1"]).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let blobs = fs::read_dir(dir.path().join("image/blobs/sha256")).unwrap();
    let blobs = blobs.map(|blob| fs::read(blob.unwrap().path()).unwrap());
    let with_tables = blobs.filter(|blob| blob.ends_with(b"UlInUx")).count();
    assert_eq!(with_tables, 2, "zstd:chunked layers");
    assert_same_tree(dir.path(), "image");
    stdout(dir.path(), "verify --no-cache image");
    // The layers are as they were.
    assert!(shown(dir.path(), "--no-cache --trust-toc image") == shown(dir.path(), "--no-cache plain"));
}

#[test]
fn a_mount_by_tables_reads_what_any_mount_reads() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let archive = dir.path().join("image");
    fs::write(&archive, docker(&[estargz_image::<100_000>([large_base(), top()])])).unwrap();
    let archive = archive.to_str().unwrap();
    let plain = Tree::read(Mount::new(["--no-cache", archive]).path());
    for options in [&["-o", "trust_toc,no_cache"][..], &["--trust-toc", "--no-cache", "--cache-mem", "0"]] {
        let mount = Mount::new(options.iter().chain([&archive]));
        assert_eq!(Tree::read(mount.path()).differences(&plain, 20), "", "{options:?}");
    }
}

/// Writes a layer, and gives exit status and stderr of commands.
fn said(dir: &Path, layer: &Estargz, line: &str) -> (Option<i32>, String) {
    fs::write(dir.join("layer"), layer.finish()).unwrap();
    let output = peelfs_in(dir, line);
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn a_trusted_layer_is_not_decoded_and_its_chunks_are_checked() {
    let dir = TempDir::new().unwrap();
    let tar = layer("a=1 b=2222 c=3").finish();
    let mut stream = Estargz::of(&tar, 100);
    let at = stream.entry("b")["offset"].as_u64().unwrap() as usize;
    let mut bytes = stream.finish();
    // Behind the member's header, in the deflate data.
    bytes[at + 12] ^= 0x55;
    fs::write(dir.path().join("layer"), bytes).unwrap();
    let run = |line: &str| {
        let output = peelfs_in(dir.path(), line);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    assert_eq!(run("ls --no-cache layer").0, Some(2));
    assert_eq!(run("ls --no-cache --trust-toc layer"), (Some(0), "a\nb\nc\n".into()));
    assert_eq!(run("cat --no-cache --trust-toc layer a c"), (Some(0), "13".into()));
    let (status, said) = run("cat --no-cache --trust-toc layer b");
    assert_eq!(status, Some(2));
    assert!(said.contains(&format!("layer: chunk 1: at offset {at} of the gzip stream: ")), "{said}");
}

#[test]
fn a_chunk_with_another_digest_is_never_given() {
    let dir = TempDir::new().unwrap();
    let mut stream = Estargz::of(&layer("a=1 b=2").finish(), 100);
    stream.entry("b")["chunkDigest"] = Digest::of(b"3").to_string().into();
    let (status, output) = said(dir.path(), &stream, "cat --no-cache --trust-toc layer b");
    assert_eq!(status, Some(2));
    assert!(output.contains("bytes do not match the digest that the table of contents gives"), "{output}");
}

/// An OCI archive of one layer with annotations.
fn annotated(layer: &Estargz, annotation: (&str, &str)) -> Files {
    let mut files = Files::default();
    let mut blob = |bytes: &[u8], media_type: &str| {
        files.add(&format!("blobs/sha256/{}", Digest::of(bytes).hex()), bytes);
        let media_type = format!("application/vnd.oci.image.{media_type}");
        json!({ "mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len() })
    };
    let config = blob(config(&[&layer.decoded()]).to_string().as_bytes(), "config.v1+json");
    let mut layer = blob(&layer.finish(), "layer.v1.tar+gzip");
    layer["annotations"] = json!({ annotation.0: annotation.1 });
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
    let manifest = blob(manifest.to_string().as_bytes(), "manifest.v1+json");
    files.add("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    files.add_json("index.json", &json!({ "schemaVersion": 2, "manifests": [manifest] }));
    files
}

#[test]
fn a_table_must_be_the_one_that_the_manifest_names() {
    let dir = TempDir::new().unwrap();
    let tar = layer("a=1").finish();
    let stream = Estargz::of(&tar, 100);
    let own = Digest::of(&stream.table()).to_string();
    let other = Digest::of(b"other").to_string();
    let run = |digest: &str, line: &str| {
        let annotation = ("containerd.io/snapshot/stargz/toc.digest", digest);
        annotated(&stream, annotation).write_tar(&dir.path().join("image"));
        let output = peelfs_in(dir.path(), line);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    assert_eq!(run(&own, "ls --no-cache --trust-toc image"), (Some(0), "a\n".into()));
    assert_eq!(run(&own, "verify --no-cache image").0, Some(0));
    let mismatch = format!("table of contents: found {own}, expected {other}");
    let (status, said) = run(&other, "ls --no-cache --trust-toc image");
    assert!(status == Some(2) && said.contains(&mismatch), "{said}");
    let (status, said) = run(&other, "ls --no-cache --trust-toc --no-verify image");
    assert!(status == Some(0) && said.contains(&mismatch) && said.starts_with("a\n"), "{said}");
    // Without trust the table is not used, and what is wrong with it is only said.
    let (status, said) = run(&other, "ls --no-cache image");
    assert!(status == Some(0) && said.contains(&mismatch), "{said}");
    let (status, said) = run(&other, "verify --no-cache image");
    assert!(status == Some(1) && said.contains(&mismatch), "{said}");
}

/// What becomes of an image whose table says something else than its layer.
#[track_caller]
fn assert_lie(lie: impl Fn(&mut Estargz), in_passing: bool, difference: &str) {
    let dir = TempDir::new().unwrap();
    let tar = layer("a=1 b=2 d/ d/f=contents!644 l->a").finish();
    let mut stream = Estargz::of(&tar, 100);
    lie(&mut stream);
    let own = Digest::of(&stream.table()).to_string();
    let annotation = ("containerd.io/snapshot/stargz/toc.digest", &*own);
    annotated(&stream, annotation).write_tar(&dir.path().join("image"));
    let output = peelfs_in(dir.path(), "ls --no-cache image");
    let warning = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"a\nb\nd\nl\n"[..]), "{warning}");
    assert_eq!(warning.contains(difference), in_passing, "{warning}");
    let output = peelfs_in(dir.path(), "verify --no-cache image");
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && report.contains(difference), "{report}");
}

#[test]
fn a_table_that_is_not_that_of_the_layer_is_told() {
    let differs = |what: &str| format!("table of contents: it is not that of the layer: {what}");
    let more = json!({ "type": "fifo", "name": "d/more" });
    assert_lie(
        |toc| toc.entry("d/f")["mode"] = 0o4755.into(),
        true,
        &differs("/d/f: mode 4755, in the layer 0644"),
    );
    assert_lie(|toc| toc.entries.push(more.clone()), true, &differs("/d/more: not in the layer"));
    assert_lie(|toc| drop(toc.entries.pop()), true, &differs("/l: only in the layer"));
    assert_lie(
        |toc| toc.entry("l")["linkName"] = "b".into(),
        true,
        &differs("/l: another target in the layer"),
    );
    let swap = |toc: &mut Estargz| {
        let (a, b) = (toc.entry("a")["name"].take(), toc.entry("b")["name"].take());
        let (of_a, of_b) = (0, 1);
        (toc.entries[of_a]["name"], toc.entries[of_b]["name"]) = (b, a);
    };
    // Contents are compared by who reads everything.
    assert_lie(swap, false, &differs("/a: other contents in the layer"));
    let offset = |toc: &mut Estargz| toc.entry("b")["offset"] = u64::MAX.into();
    assert_lie(offset, true, "table of contents: b: a chunk that begins outside the layer");
    let digest = |toc: &mut Estargz| toc.entry("b")["chunkDigest"] = Digest::of(b"x").to_string().into();
    assert_lie(digest, false, "bytes do not match the digest that the table of contents gives");
}

#[test]
fn a_table_that_is_of_no_use_is_passed_over() {
    let dir = TempDir::new().unwrap();
    let tar = layer("a=1 b=2").finish();
    let mut stream = Estargz::of(&tar, 100);
    stream.entry("b")["chunkDigest"].take();
    stream.entry("b")["digest"].take();
    let (status, output) = said(dir.path(), &stream, "cat --no-cache --trust-toc layer b");
    assert_eq!(status, Some(0), "{output}");
    let warning = "layer: table of contents: b: a chunk without a digest at line 1 column ";
    assert!(output.starts_with('2') && output.contains(warning), "{output}");
    assert!(output.contains("; reading the layer instead"), "{output}");
}

#[test]
fn what_a_trusted_table_says_is_not_kept() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("image"), docker(&[estargz_image::<7>([layer("a=1 b=2")])])).unwrap();
    let layers = || fs::read_dir(dir.path().join("cache/v1/layers")).map_or(0, Iterator::count);
    stdout(dir.path(), "ls --cache-dir cache --trust-toc image");
    assert_eq!(layers(), 0);
    stdout(dir.path(), "ls --cache-dir cache image");
    assert!(layers() > 0);
}
