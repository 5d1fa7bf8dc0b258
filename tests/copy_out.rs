//! `peelfs cp`: what was copied is what the mount shows, and nothing is written anywhere else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::support::mount::command;
use crate::support::need::{has_fuse, is_root, need};
use crate::support::{Layer, Mount, Nobody, Tree, layer, peelfs, write_tars};

fn cp(dir: &Path, args: &[&str]) -> Output {
    command().arg("cp").args(args).current_dir(dir).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory with `image.tar`, one layer.
fn image(tar: Layer) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("image.tar"), tar.finish()).unwrap();
    dir
}

#[test]
fn as_root_an_archive_is_what_the_mount_shows() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let attributes = layer("./!711").pax([
        ("mtime", &b"-1.5"[..]),
        ("SCHILY.xattr.user.colour", b"blue"),
        ("SCHILY.xattr.trusted.raw", b"\0\xff"),
    ]);
    let tars = write_tars(
        dir.path(),
        [
            attributes.file("a/b", &[b'x'; 300_000]),
            layer("./!711 a/ a/c=1!4755 h=>a/c cnull@1:3 bsda@8:1 p|!622 d/ d/old=1 l->/etc/passwd"),
            layer("d/.wh..wh..opq d/new=3 tmp/!1777 closed/!0 closed/in=1!0"),
        ],
    );
    let mut copy = command();
    let (top, lower) = tars.split_last().unwrap();
    lower.iter().for_each(|layer| _ = copy.arg("--lower").arg(layer));
    let output = copy.args(["cp", "-a"]).arg(top).arg("/").arg(dir.path().join("out")).output();
    // Options belong behind the verb.
    assert_eq!(output.unwrap().status.code(), Some(2));
    let mut copy = command();
    copy.args(["cp", "-a"]);
    lower.iter().for_each(|layer| _ = copy.arg("--lower").arg(layer));
    let output = copy.arg(top).arg("/").arg(dir.path().join("out")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let mount = Mount::of_tars(&tars);
    let differences = Tree::read(mount.path()).differences(&Tree::read(&dir.path().join("out")), 20);
    assert!(differences.is_empty(), "the mount first:\n{differences}");
}

#[test]
fn no_symlink_leads_out_of_where_it_is_to_go() {
    // In the image one after the other; planted before; a name that is no directory any more.
    let dir = image(layer("d/ d/x=evil up->.. file->../outside/secret"));
    let outside = dir.path().join("outside");
    let untouched = || {
        assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "mine");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    };
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "mine").unwrap();
    fs::create_dir(dir.path().join("out")).unwrap();
    symlink("../outside", dir.path().join("out/d")).unwrap();
    symlink("../outside/secret", dir.path().join("out/file")).unwrap();
    let output = cp(dir.path(), &["image.tar:/.", "out"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output), "peelfs: /d: not copied over out/d, which is no directory\n");
    untouched();
    assert_eq!(fs::read_link(dir.path().join("out/up")).unwrap(), Path::new(".."));
    assert_eq!(fs::read_link(dir.path().join("out/file")).unwrap(), Path::new("../outside/secret"));
    // A file takes the place of a symlink.
    symlink("../outside/secret", dir.path().join("out/x")).unwrap();
    assert!(cp(dir.path(), &["image.tar:/d/x", "out"]).status.success());
    assert_eq!(fs::read_to_string(dir.path().join("out/x")).unwrap(), "evil");
    untouched();
}

#[test]
fn names_that_lead_out_are_in_no_tree_and_none_of_their_bytes_are_copied() {
    let dir = image(layer("ok=1 ../escaped=evil /absolute=2"));
    fs::create_dir(dir.path().join("out")).unwrap();
    let output = cp(dir.path(), &["image.tar:/.", "out/sub"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let names = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&dir.path().join("out")), ["sub"]);
    assert_eq!(names(dir.path()), ["image.tar", "out"]);
    let output = cp(dir.path(), &["image.tar:../../ok", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(names(&dir.path().join("out")), ["ok", "sub"]);
}

#[test]
fn without_archive_a_copy_is_its_owners_and_grants_nothing() {
    need!(is_root(), "needs root");
    let dir = image(layer("d/!2755 d/suid=1!4755 d/link=>d/suid d/p| cd/null@1:3"));
    let nobody = Nobody::new();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let output =
        nobody.peelfs().args(["cp", "image.tar:/d", "out"]).current_dir(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("d/null: a device left out; root makes them with --archive"), "{said}");
    let suid = fs::metadata(dir.path().join("out/suid")).unwrap();
    assert_eq!(suid.mode() & 0o7777, 0o755);
    assert_ne!(suid.uid(), 0);
    assert_eq!(suid.ino(), fs::metadata(dir.path().join("out/link")).unwrap().ino());
    assert_eq!(fs::metadata(dir.path().join("out")).unwrap().mode() & 0o7777, 0o755);
    assert!(!dir.path().join("out/null").exists());
}

#[test]
fn a_hole_stays_a_hole_and_a_size_that_is_too_large_is_an_error() {
    let dir = TempDir::new().unwrap();
    let sparse = fs::File::create(dir.path().join("sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    let tar = std::process::Command::new("tar")
        .args(["-cS", "-f", "image.tar", "sparse"])
        .current_dir(dir.path())
        .status();
    assert!(tar.unwrap().success());
    let output = cp(dir.path(), &["image.tar:sparse", "copy"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let copy = fs::metadata(dir.path().join("copy")).unwrap();
    assert_eq!((copy.len(), copy.blocks()), (1 << 30, 0));
}

#[test]
fn what_is_asked_for_is_understood_or_refused() {
    let dir = image(layer("etc/ etc/motd=hello etc/a->motd bin->usr/bin usr/bin/sh=1"));
    fs::create_dir(dir.path().join("into")).unwrap();
    for (args, place, text) in [
        (&["image.tar:/etc/motd", "new"][..], "new", "hello"),
        (&["image.tar:etc/motd", "into"], "into/motd", "hello"),
        (&["image.tar", "/etc/motd", "other"], "other", "hello"),
        (&["image.tar@0:/etc", "etc"], "etc/motd", "hello"),
        (&["image.tar:/etc/.", "into"], "into/motd", "hello"),
        (&["-L", "image.tar:/etc/a", "followed"], "followed", "hello"),
        (&["image.tar:/bin/sh", "image.tar:/etc/motd", "into"], "into/sh", "1"),
    ] {
        let output = cp(dir.path(), args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        assert_eq!(fs::read_to_string(dir.path().join(place)).unwrap(), text, "{args:?}");
    }
    for (args, said) in [
        (&["image.tar:/nothing", "x"][..], "/nothing: no such file or directory"),
        (&["image.tar:/etc/motd", "no/such/place"], "no/such/place: No such file"),
        (&["image.tar:/etc/motd", "image.tar:/bin", "new"], "new: no directory, for several things"),
        (&["nothing.tar:/etc", "x"], "nothing.tar: no such file"),
        (&["image.tar:/etc", "new"], "not copied over new, which is no directory"),
    ] {
        let output = cp(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    let tar = peelfs([
        std::ffi::OsStr::new("cp"),
        dir.path().join("image.tar").as_os_str(),
        "/etc".as_ref(),
        "-".as_ref(),
    ]);
    let names: Vec<_> = tar::Archive::new(&*tar.stdout)
        .entries()
        .unwrap()
        .map(|e| e.unwrap().path().unwrap().into_owned())
        .collect();
    assert_eq!(names, ["etc/", "etc/a", "etc/motd"].map(std::path::PathBuf::from));
}

#[test]
fn a_name_whose_first_could_not_be_copied_is_no_link_to_what_is_there() {
    need!(is_root(), "needs root");
    let dir = image(layer("cdev@1:3 e=>dev file=1 g=>file"));
    let out = dir.path().join("out");
    fs::create_dir_all(out.join("file")).unwrap();
    fs::write(out.join("dev"), "of the host").unwrap();
    let output = cp(dir.path(), &["image.tar:/.", "out"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!out.join("e").exists(), "{}", stderr(&output));
    assert_eq!(fs::metadata(out.join("dev")).unwrap().nlink(), 1);
    assert_eq!(fs::read_to_string(out.join("g")).unwrap(), "1");
}

#[test]
fn a_file_called_as_ours_are_on_their_way_is_copied() {
    need!(is_root(), "needs root");
    let dir = image(layer(".peelfs-1-0=1 z=2"));
    // In a process namespace of its own its number is 1.
    let script = format!("exec '{}' cp image.tar / out", crate::support::mount::PEELFS);
    let unshare = std::process::Command::new("unshare")
        .args(["-pf", "sh", "-c", &script])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(unshare.status.success(), "{}", stderr(&unshare));
    assert_eq!(fs::read_to_string(dir.path().join("out/.peelfs-1-0")).unwrap(), "1");
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 2);
}

#[test]
fn a_directory_that_is_there_looks_as_before_and_the_umask_counts() {
    let dir = image(layer("s/!777 s/f=1!666 n/!777"));
    let out = dir.path().join("out");
    fs::create_dir_all(out.join("s")).unwrap();
    fs::set_permissions(out.join("s"), fs::Permissions::from_mode(0o700)).unwrap();
    let script = format!("umask 027 && '{}' cp image.tar:/. out", crate::support::mount::PEELFS);
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let mode = |name: &str| fs::metadata(out.join(name)).unwrap().mode() & 0o7777;
    assert_eq!([mode("s"), mode("s/f"), mode("n")], [0o700, 0o640, 0o750]);
}

#[test]
fn several_things_do_not_go_to_one_name() {
    let dir = image(layer("a/f=A b/f=B c/g=>a/f"));
    for dest in [".", "-"] {
        let output = cp(dir.path(), &["image.tar:/a/f", "image.tar:/b/f", dest]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("/b/f: something else"), "{}", stderr(&output));
        assert!(output.stdout.is_empty() && !dir.path().join("f").exists());
    }
    // Contents of directories go over each other; a hard link is to what it was.
    let output = cp(dir.path(), &["image.tar:/a/.", "image.tar:/b/.", "image.tar:/c/.", "-"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let tar = tar_of(&output.stdout);
    assert_eq!(tar, [("f", "A"), ("f", "B"), ("g", "A")].map(|(name, text)| (name.into(), text.into())));
}

/// The files of a tar, each with its data; a hard link has none.
fn tar_of(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(bytes);
    let files =
        archive.entries().unwrap().map(Result::unwrap).filter(|entry| !entry.header().entry_type().is_dir());
    files
        .map(|mut entry| {
            let name = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            (name, text)
        })
        .collect()
}
