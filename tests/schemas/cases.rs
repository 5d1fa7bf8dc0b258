//! Commands whose documents show all that the schemas promise.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use peelfs::digest::Digest;
use serde_json::{Value, json};
use tar::EntryType;
use tempfile::TempDir;

use super::check::{Checker, names as schema_names};
use crate::cli::{app, configured, hostile_names, many, several, stored, write};
use crate::support::archive::{Written, docker, oci};
use crate::support::compress::{gzip, xz};
use crate::support::layer::pax_record;
use crate::support::mount::PEELFS;
use crate::support::proc::eventually;
use crate::support::toc::Estargz;
use crate::support::user::path_with;
use crate::support::{Layer, layer};

/// What is asked of every image.
const ASKED: [&str; 12] = [
    "inspect --json IMAGE",
    "history --json IMAGE",
    "ls --json -R IMAGE",
    "tree --json IMAGE",
    "stat --json IMAGE /",
    "find --json IMAGE",
    "find --json --all-layers IMAGE",
    "du --json --all IMAGE",
    "waste --json IMAGE",
    "verify --json IMAGE",
    "index --json IMAGE",
    "explain --json IMAGE /",
];

/// Runs a command line in a shell, in a directory, with a cache that stands there.
fn run(dir: &Path, line: &str) -> Output {
    let programs = Path::new(PEELFS).parent().unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line).current_dir(dir).stdin(Stdio::null()).env("PATH", path_with(programs));
    shell.env("XDG_CACHE_HOME", dir.join("cache")).env_remove("RUST_LOG").output().unwrap()
}

/// The same, for what is to succeed.
#[track_caller]
fn succeed(dir: &Path, line: &str) {
    let output = run(dir, line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Checks what `peelfs LINE` writes, a document or nothing; gives its exit status.
fn document(checker: &mut Checker, dir: &Path, line: &str) -> i32 {
    let output = run(dir, &format!("peelfs {line}"));
    let status = output.status.code().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.stdout.is_empty() {
        if status != 2 {
            checker.problems.push(format!("{line}: no document, status {status}: {said}"));
        }
        return status;
    }
    let document =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {said}"));
    let words: Vec<&str> = line.split(' ').take(2).collect();
    let schemas = schema_names();
    let name = if schemas.contains(&words.join("-")) { words.join("-") } else { words[0].to_owned() };
    checker.check(&name, &document);
    status
}

/// The same, with the status that it is to have.
fn expect(checker: &mut Checker, dir: &Path, line: &str, status: i32) {
    let found = document(checker, dir, line);
    if found != status {
        checker.problems.push(format!("{line}: status {found}, not {status}"));
    }
}

/// Asks all of an image that can be opened.
fn ask(checker: &mut Checker, dir: &Path, image: &str) {
    for line in ASKED {
        let status = document(checker, dir, &line.replace("IMAGE", image));
        if status != 0 && !(status == 1 && line.starts_with("verify")) {
            checker.problems.push(format!("{line} of {image}: {status}"));
        }
    }
}

/// Images of every form, whole and damaged.
pub fn images(checker: &mut Checker) {
    let dir = app();
    let at = dir.path();
    ask(checker, at, "app.tar");
    ask(checker, at, "app.tar@1");
    ask(checker, at, "'app.tar#1'");
    ask(checker, at, "--lower app.tar app.tar");
    expect(checker, at, "stat --json app.tar etc nothing", 2);
    let dir = several();
    for image in ["--image one:1 two.tar", "--platform linux/arm64 platforms.tar"] {
        ask(checker, dir.path(), image);
    }
    let config = r#"{"os":"linux","architecture":"arm","variant":"v7","author":"me","created":"no time","config":[1],
        "history":[{"comment":"said","author":"you","created":"2024-01-02T03:04:05.999+02:00"}]}"#;
    ask(checker, configured(config, "app:1").path(), "image.tar");
    let dir = directory();
    write(dir.path(), "v1.tar", &docker_v1());
    for image in ["layer", "v1.tar"] {
        ask(checker, dir.path(), image);
    }
    let dir = stored();
    for image in ["gzip", "zstd", "plain", "small", "plain"] {
        ask(checker, dir.path(), &format!("{image}.tar"));
    }
    damaged(checker);
}

/// A directory `layer` with one file of each type but for devices.
fn directory() -> TempDir {
    let dir = TempDir::new().unwrap();
    let at = dir.path().join("layer");
    fs::create_dir(&at).unwrap();
    fs::write(at.join("file"), b"1").unwrap();
    fs::set_permissions(at.join("file"), fs::Permissions::from_mode(0o4755)).unwrap();
    // Its name is left behind, and that is all that counts.
    UnixListener::bind(at.join("socket")).unwrap();
    dir
}

/// An image as Docker wrote them before 1.10, of one layer.
fn docker_v1() -> Vec<u8> {
    let id = Digest::of(b"v1").hex().to_owned();
    let config = json!({ "id": id, "os": "linux", "architecture": "amd64" }).to_string();
    Layer::new()
        .file(&format!("{id}/VERSION"), b"1.0")
        .file(&format!("{id}/json"), config.as_bytes())
        .file(&format!("{id}/layer.tar"), &layer("f=1").finish())
        .file("repositories", json!({ "app": { "1": id } }).to_string().as_bytes())
        .finish()
}

/// Images that are not what they say they are.
fn damaged(checker: &mut Checker) {
    let dir = TempDir::new().unwrap();
    let layers = [layer("a=first"), layer("b=second x/../y .wh."), layer("c=third")];
    let mut image = oci(&[Written::new("bad:1", layers)]);
    for (old, new) in [(&b"first"[..], &b"other"[..]), (b"\"sh\"", b"\"zz\"")] {
        let at = image.windows(old.len()).position(|window| window == old).unwrap();
        image[at..at + new.len()].copy_from_slice(new);
    }
    write(dir.path(), "bad.tar", &image);
    expect(checker, dir.path(), "verify --json bad.tar", 1);
    ask(checker, dir.path(), "--no-verify bad.tar");
    write(dir.path(), "cut.tar", &layer("a=first b=second").finish()[..514]);
    expect(checker, dir.path(), "verify --json cut.tar", 1);
    expect(checker, dir.path(), "ls --json cut.tar", 2);
}

/// Names, targets and values that are no UTF-8, or hostile, and times that have no name.
pub fn names(checker: &mut Checker) {
    ask(checker, hostile_names().path(), "names.tar");
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let file = |tar: Layer, name: &[u8], text: &[u8]| tar.add(EntryType::Regular, name, text, |_| {});
    let link = |tar: Layer, name: &[u8], target: &[u8]| {
        let tar = tar.pax([("linkpath", target)]);
        tar.add(EntryType::Symlink, name, b"", |_| {})
    };
    let mut base = file(layer("d/"), b"d\xff/f\xff", b"1");
    base = file(base, b"w\xff", b"wasted");
    base = link(link(base, b"l\xff", b"t\xff"), b"s\xff", b"d\xff");
    base = base.pax([("mtime", &b"-99999999999999.5"[..])]).file("old", b"");
    let mut record = pax_record("SCHILY.xattr.user.?", b"\xfe");
    let at_mark = record.iter().position(|&byte| byte == b'?').unwrap();
    record[at_mark] = b'\xff';
    base = base.add(EntryType::XHeader, b"pax", &record, |_| {}).file("x", b"");
    let top = file(Layer::new(), b"w\xff", b"other");
    write(at, "odd.tar", &docker(&[Written::new("odd:1", [base, top])]));
    ask(checker, at, "odd.tar");
    succeed(at, r"cp odd.tar $(printf 'i\377.tar')");
    ask(checker, at, r"$(printf 'i\377.tar')");
    for path in [r"d\377/f\377/x", r"d\377/g\377", r"l\377", r"s\377/f\377", r"w\377", "old", "x"] {
        for verb in ["explain --json", "stat --json"] {
            document(checker, at, &format!("{verb} odd.tar $(printf '{path}')"));
        }
    }
}

/// Every way in which a name shows or does not, and in which bytes are hidden.
pub fn accounts(checker: &mut Checker) {
    let dir = app();
    for path in
        ["", "bin/ash", "dev/null", "dev/sda", "run/p", "lib/libc.so", "etc/motd/x", "srv/link", "tmp/no"]
    {
        expect(checker, dir.path(), &format!("explain --json app.tar /{path}"), 0);
    }
    for path in ["etc/motd", "etc/hostname", "etc/hostnam", "etc/passwd", "bin/sh/x"] {
        expect(checker, dir.path(), &format!("explain --digest --json app.tar /{path}"), 0);
    }
    let dir = directory();
    for path in ["socket", "file", "nothing"] {
        expect(checker, dir.path(), &format!("explain --json layer {path}"), 0);
    }
    let layers =
        ["same=a new=b gone=c old/x=d implied/y=e", "same=a!600 new=B .wh.gone old/ old/.wh..wh..opq"];
    write(dir.path(), "waste.tar", &docker(&[Written::new("app:1", layers.map(layer))]));
    ask(checker, dir.path(), "waste.tar");
    for path in ["same", "new", "gone", "old", "old/x", "implied"] {
        expect(checker, dir.path(), &format!("explain --json waste.tar {path}"), 0);
    }
}

/// All in which two things of one name can differ.
pub fn differences(checker: &mut Checker) {
    let dir = TempDir::new().unwrap();
    let at = dir.path();
    let both = |line: &str, name: &[u8], set: fn(&mut tar::Header)| {
        let tar = layer(line).add(EntryType::Regular, name, b"renamed", |_| {});
        let tar = tar.pax([("linkpath", name)]).add(EntryType::Symlink, b"link", b"", |_| {});
        tar.add(EntryType::Regular, b"owned", b"1", set)
    };
    let old = both("kind=1 mode=1 size=1 text=1 cdev@1:3 cnull@1:3 gone=12", b"from\xff", |_| {});
    let new = both("kind/ mode=1!600 size=12 text=2 cdev@1:5 cnull@1:3 added=123", b"to\xff", |header| {
        header.set_uid(7);
        header.set_mtime(7);
    });
    let new = new.pax([("SCHILY.xattr.user.a", &b"b"[..])]).add(EntryType::Regular, b"kept", b"1", |_| {});
    write(at, "old.tar", &old.file("kept", b"1").finish());
    write(at, "new.tar", &new.finish());
    expect(checker, at, "diff --json --content old.tar new.tar", 1);
    expect(checker, at, "diff --json --no-renames new.tar old.tar", 1);
    expect(checker, at, "diff --json old.tar old.tar", 0);
}

/// What is kept of layers, however they are stored; and what is damaged of it.
pub fn caches(checker: &mut Checker) {
    let dir = stored();
    let at = dir.path();
    let cache = r"--cache-dir $(printf 'c\377')";
    let list = format!("cache ls --json {cache}");
    expect(checker, at, &list, 0);
    let image = fs::read(at.join("plain.tar")).unwrap();
    write(at, "outer.tar.gz", &gzip(&image));
    write(at, "layer.tar.xz", &xz(&many().finish()));
    succeed(at, "if command -v bzip2; then bzip2 -k plain.tar; else cp plain.tar plain.tar.bz2; fi");
    let mut image = Written::new("app:1", [layer("f=text")]);
    image.layers = image.layers.iter().map(|tar| Estargz::of(tar, 4).decoded()).collect();
    image.store = |tar| Estargz::of(tar, 4).finish();
    write(at, "toc.tar", &oci(&[image]));
    fs::create_dir(at.join("layer")).unwrap();
    for image in [
        "gzip.tar",
        "zstd.tar",
        "plain.tar",
        "small.tar",
        "outer.tar.gz",
        "layer.tar.xz",
        "plain.tar.bz2",
        "layer",
        "--trust-toc toc.tar",
        "gzip.tar",
    ] {
        expect(checker, at, &format!("index --json {cache} {image}"), 0);
    }
    expect(checker, at, &list, 0);
    expect(checker, at, &format!("cache verify --json {cache}"), 0);
    succeed(at, r#"for file in "$(printf 'c\377')"/v1/layers/*.index; do echo x >"$file"; done"#);
    expect(checker, at, &format!("cache verify --json {cache}"), 1);
    for size in ["", "--max-size 0"] {
        expect(checker, at, &format!("cache prune --json {cache} {size}"), 0);
    }
}

/// What was written over an image, and what is made of it.
pub fn uppers(checker: &mut Checker) {
    let dir = app();
    let at = dir.path();
    let script = r#"
        mkdir mnt && peelfs mount --upper upper app.tar mnt && cd mnt &&
        rm etc/hostname && echo 1 >etc/passwd && mkdir new && echo 1 >"new/$(printf '\377')" &&
        mv srv moved && chmod 700 bin && cd .. && peelfs umount mnt"#;
    succeed(at, script);
    // Its daemon may end a moment later.
    eventually("nobody uses the upper", || {
        let output = run(at, "peelfs revert app.tar --upper upper /nothing");
        !String::from_utf8_lossy(&output.stderr).contains("mounted")
    });
    expect(checker, at, "status --json app.tar --upper upper", 0);
    expect(checker, at, "diff --json app.tar app.tar+upper", 1);
    expect(checker, at, "commit --json app.tar --upper upper -o new.tar", 0);
    expect(checker, at, "commit --json app.tar --upper upper --layer-only -o layer.tar.gz", 0);
    ask(checker, at, "new.tar");
}

/// Explanations with an upper: what it says, and where what shows comes from.
pub fn explained_uppers(checker: &mut Checker) {
    let dir = app();
    let at = dir.path();
    let raw = Layer::new().add(EntryType::Directory, b"raw\xff/", b"", |_| {});
    write(at, "raw.tar", &raw.finish());
    let script = r#"
        mkdir mnt && peelfs mount --upper upper app.tar mnt && cd mnt &&
        rm etc/hostname bin/ash && echo 1 >bin/ash && mv srv moved && ln -s moved to && ln -s "$(printf '\377')" link &&
        mknod null c 1 3 && chmod 600 usr/lib/libc.so && echo 1 >"new$(printf '\377')" && cd .. && peelfs umount mnt &&
        peelfs mount -o metacopy=on --upper attributes app.tar mnt && chmod 700 mnt/bin/sh && peelfs umount mnt &&
        peelfs mount --upper renamed raw.tar mnt && mv mnt/raw* mnt/plain && peelfs umount mnt &&
        mkdir upper/nowhere && setfattr -n trusted.overlay.redirect -v .. upper/nowhere &&
        truncate -s 5 upper/lost && setfattr -n trusted.overlay.metacopy upper/lost"#;
    succeed(at, script);
    let asked = ["/", "/etc/hostname", "/bin/ash", "/to/data", "/link", "/null", "/usr/lib/libc.so", "/lost"];
    for path in asked {
        expect(checker, at, &format!("explain --json app.tar --upper upper {path}"), 0);
    }
    expect(checker, at, "explain --json app.tar --upper upper /new$(printf '\\377')", 0);
    expect(checker, at, "explain --json app.tar --upper upper /nowhere/name", 0);
    expect(checker, at, "explain --json app.tar --upper attributes /bin/sh", 0);
    expect(checker, at, "explain --json raw.tar --upper renamed /plain", 0);
}

/// The statistics of a mount, at a mount point whose name is no UTF-8.
pub fn mounts(checker: &mut Checker) {
    let dir = stored();
    let at = dir.path();
    let script = r#"
        m=$(printf 'm\377') && mkdir "$m" && peelfs mount --stats=json --log-file log gzip.tar "$m" &&
        ls -lR "$m" >/dev/null && cat "$m/long" >/dev/null && ! cat "$m/nothing" 2>/dev/null && peelfs umount "$m""#;
    succeed(at, script);
    let read = || fs::read_to_string(at.join("log")).unwrap_or_default();
    eventually("statistics are written", || read().ends_with("}\n"));
    for line in read().lines().filter(|line| line.starts_with('{')) {
        let statistics: Value = serde_json::from_str(line).unwrap();
        checker.check("mount-stats", &statistics);
    }
}

/// Everything of images that other projects collected; those that cannot be opened have no documents.
pub fn collected(checker: &mut Checker, folder: &Path) {
    let dir = TempDir::new().unwrap();
    for kind in ["archives", "ocidirs", "tars"] {
        for image in fs::read_dir(folder.join(kind)).unwrap() {
            let image = format!("'{}'", image.unwrap().path().display());
            if document(checker, dir.path(), &format!("inspect --json --no-verify {image}")) == 0 {
                ask(checker, dir.path(), &format!("--no-verify {image}"));
            } else {
                document(checker, dir.path(), &format!("verify --json {image}"));
            }
        }
    }
}
