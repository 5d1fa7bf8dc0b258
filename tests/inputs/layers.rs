//! Layers without an image: tars, root file systems and unpacked directories, alone and stacked.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use tempfile::TempDir;

use super::{inspect, refused, shown};
use crate::support::archive::{Written, docker};
use crate::support::mount::{PEELFS, cache_home};
use crate::support::need::{has, has_fuse, is_root, need};
use crate::support::proc::assert_gone;
use crate::support::user::path_with;
use crate::support::{Mount, Tree, layer};

fn write(dir: &Path, name: &str, line: &str) {
    fs::write(dir.join(name), layer(line).finish()).unwrap();
}

/// Files by path, each with its contents; a path that ends in `/` is a directory.
fn write_dir(dir: &Path, files: &[(&str, &str)]) {
    for (path, contents) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match path.as_os_str().to_str().unwrap().ends_with('/') {
            true => fs::create_dir_all(path).unwrap(),
            false => fs::write(path, contents).unwrap(),
        }
    }
}

#[test]
fn a_tar_that_holds_no_image_is_one_layer() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "rootfs", "bin/ bin/sh=x etc/ etc/os-release=y lib->usr/lib p| usr/lib/a=1");
    assert_eq!(
        shown(dir.path(), "rootfs"),
        "bin/ bin/sh=x etc/ etc/os-release=y lib->usr/lib p| usr/ usr/lib/ usr/lib/a=1"
    );
    let image = inspect(dir.path(), "rootfs");
    assert_eq!((&image["format"], &image["id"]), (&"layers".into(), &serde_json::Value::Null));
    assert_eq!(image["layers"].as_array().unwrap().len(), 1);
}

#[test]
fn an_empty_tar_is_an_empty_layer() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "empty", "");
    fs::write(dir.path().join("padded"), [0; 10240]).unwrap();
    assert_eq!(shown(dir.path(), "empty"), "");
    assert_eq!(shown(dir.path(), "padded"), "");
}

#[test]
fn layers_stack_base_first() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "base", "d/ d/a=1 d/b=1");
    write(dir.path(), "middle", "d/.wh.a d/c=2");
    write(dir.path(), "top", "d/b=3");
    assert_eq!(shown(dir.path(), "--lower base --lower middle top"), "d/ d/b=3 d/c=2");
    assert_eq!(shown(dir.path(), "--lower top --lower middle base"), "d/ d/a=1 d/b=1 d/c=2");
    assert_eq!(shown(dir.path(), "--lower base middle"), "d/ d/b=1 d/c=2");
}

#[test]
fn the_mount_takes_them_in_the_same_order() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    write(dir.path(), "base", "d/ d/a=1 d/b=1");
    write(dir.path(), "middle", "d/.wh.a d/c=2");
    write(dir.path(), "top", "d/b=3");
    let path = |name: &str| dir.path().join(name).into_os_string();
    let lowerdir = format!("lowerdir={0}/top:{0}/middle:{0}/base", dir.path().display());
    for args in [
        vec![path("base"), path("middle"), path("top")],
        vec!["--lower".into(), path("base"), path("middle"), path("top")],
        vec!["--lower".into(), path("base"), "--lower".into(), path("middle"), path("top")],
        vec!["-o".into(), lowerdir.into()],
    ] {
        let mount = Mount::new(&args);
        let names: Vec<Vec<u8>> = Tree::read(mount.path()).0.into_keys().collect();
        assert_eq!(names, [&b"."[..], b"d", b"d/b", b"d/c"], "{args:?}");
        assert_eq!(fs::read(mount.join("d/b")).unwrap(), b"3", "{args:?}");
    }
}

#[test]
fn an_image_among_layers_brings_all_of_its_own() {
    let dir = TempDir::new().unwrap();
    let image = Written::new("app:1", [layer("a=1 b=1"), layer(".wh.a c=2")]);
    fs::write(dir.path().join("image"), docker(&[image])).unwrap();
    write(dir.path(), "patch", ".wh.b d=3");
    write(dir.path(), "base", "a=0 e=0");
    assert_eq!(shown(dir.path(), "--lower image patch"), "c=2 d=3");
    assert_eq!(shown(dir.path(), "--lower base --lower image patch"), "c=2 d=3 e=0");
    assert_eq!(inspect(dir.path(), "--lower image patch")["layers"].as_array().unwrap().len(), 3);
}

#[test]
fn a_directory_is_a_layer() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("layer");
    write_dir(&root, &[("d/a", "1"), ("d/b", "2"), ("e/", "")]);
    std::os::unix::fs::symlink("d/a", root.join("l")).unwrap();
    fs::hard_link(root.join("d/a"), root.join("h")).unwrap();
    assert_eq!(shown(dir.path(), "layer"), "d/ d/a=1 d/b=2 e/ h=1 l->d/a");
    let stat = super::stdout(dir.path(), "stat --json layer h");
    let stat: serde_json::Value = serde_json::from_slice(&stat).unwrap();
    assert_eq!(stat[0]["nlink"], 2);
}

#[test]
fn an_empty_directory_is_an_empty_layer() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert_eq!(shown(dir.path(), "empty"), "");
}

#[test]
fn a_directory_may_have_whiteouts_of_the_specification() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "base", "d/ d/a=1 d/b=1 e/ e/old=1 f=1");
    let markers = [("d/.wh.a", ""), ("e/.wh..wh..opq", ""), ("e/new", "2"), (".wh.f", "")];
    write_dir(&dir.path().join("top"), &markers);
    assert_eq!(shown(dir.path(), "--lower base top"), "d/ d/b=1 e/ e/new=2");
    assert_eq!(shown(dir.path(), "top"), "d/ e/ e/new=2");
}

#[test]
fn a_directory_may_have_whiteouts_of_overlayfs() {
    need!(is_root(), "needs root");
    let dir = TempDir::new().unwrap();
    write(dir.path(), "base", "d/ d/a=1 d/b=1 e/ e/old=1 f=1 g/ g/x=1");
    let top = dir.path().join("top");
    write_dir(&top, &[("d/c", "2"), ("e/new", "2"), ("g/y", "2")]);
    for whiteout in ["d/a", "f"] {
        let mode = Mode::empty();
        rustix::fs::mknodat(CWD, top.join(whiteout), FileType::CharacterDevice, mode, 0).unwrap();
    }
    for (name, attribute) in [("e", "trusted.overlay.opaque"), ("g", "user.overlay.opaque")] {
        rustix::fs::setxattr(top.join(name), attribute, b"y", XattrFlags::empty()).unwrap();
    }
    assert_eq!(shown(dir.path(), "--lower base top"), "d/ d/b=1 d/c=2 e/ e/new=2 g/ g/y=2");
    // Between tars.
    write(dir.path(), "last", ".wh.e h=3");
    assert_eq!(shown(dir.path(), "--lower base --lower top last"), "d/ d/b=1 d/c=2 g/ g/y=2 h=3");
}

#[test]
fn a_directory_that_is_an_image_is_one_and_with_lowerdir_it_is_a_layer() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mut layout = super::oci::Layout::default();
    let image = layout.image(&[&layer("a=1").finish()]);
    layout.finish(vec![image]).write_dir(&dir.path().join("layout"));
    assert_eq!(shown(dir.path(), "layout"), "a=1");
    let mount = Mount::new(["-o".into(), format!("lowerdir={}/layout", dir.path().display())]);
    assert!(mount.join("index.json").exists() && !mount.join("a").exists());
}

/// What a program says on stdout and stderr; the program under test is in its PATH.
fn run(dir: &Path, program: &str, args: &[&str]) -> (String, String) {
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(dir)
        .env("PATH", path_with(Path::new(PEELFS).parent().unwrap()))
        .env("XDG_CACHE_HOME", cache_home());
    let output = command.output().unwrap();
    [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into()
}

#[test]
fn a_layer_may_be_mounted_in_itself_and_shows_what_it_had_there() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    for propagation in ["private", "shared"] {
        let dir = TempDir::new().unwrap();
        write_dir(&dir.path().join("own"), &[("a", "1"), ("sub/sub/d/f", "deep"), ("sub/g", "2")]);
        // On one processor there is one loop that could wait for itself.
        let script = "trap 'umount -l own/sub' EXIT; taskset -c 0 peelfs mount own own/sub; \
             timeout 20 cat own/sub/a own/sub/sub/g own/sub/sub/sub/d/f; \
             (cd own/sub; timeout 20 find sub | sort)";
        let (said, complained) =
            run(dir.path(), "unshare", &["-m", "--propagation", propagation, "sh", "-ec", script]);
        let expected = "12deepsub\nsub/g\nsub/sub\nsub/sub/d\nsub/sub/d/f\n";
        assert_eq!((&*said, &*complained), (expected, ""), "{propagation}");
    }
}

#[test]
fn for_others_than_root_a_mount_in_its_own_layer_is_refused() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = crate::support::Nobody::new();
    let (own, sub) = (nobody.create_dir("own"), nobody.create_dir("own/sub"));
    let output = nobody.peelfs().args(["mount".as_ref(), own.as_os_str(), sub.as_os_str()]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let (own, sub) = (own.display(), sub.display());
    assert_eq!(
        said,
        format!("peelfs: {sub}: in the layer {own}, where the mount would hide what it is to show\n")
    );
    assert_eq!(output.status.code(), Some(2));
    assert_gone(&nobody.join("own/sub"));
}

#[test]
fn what_is_mounted_in_a_directory_is_not_of_its_layer() {
    need!(is_root(), "needs root");
    let dir = TempDir::new().unwrap();
    write_dir(&dir.path().join("layer"), &[("a", "1"), ("d/below", "2"), ("e", "3")]);
    let script = "mount -t tmpfs none layer/d; touch layer/d/above; mount --bind layer/a layer/e; \
         peelfs cat layer d/below e; ! peelfs stat layer d/above 2>/dev/null";
    let (said, complained) = run(dir.path(), "unshare", &["-m", "sh", "-ec", script]);
    assert_eq!((&*said, &*complained), ("23", ""));
}

#[test]
fn many_files_of_many_directories_are_read_with_few_descriptors() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    let layers: Vec<String> = (0..20).map(|layer| format!("layer{layer}")).collect();
    for layer in &layers {
        let names: Vec<String> = (0..80).map(|no| format!("{layer}-{no}")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "x")).collect();
        write_dir(&dir.path().join(layer), &files);
    }
    fs::create_dir(dir.path().join("mnt")).unwrap();
    for limit in [1024, 64] {
        let script = format!(
            "(ulimit -n {limit}; exec peelfs mount {} mnt); trap 'peelfs umount mnt' EXIT; cat mnt/* | wc -c",
            layers.join(" ")
        );
        let (said, complained) = run(dir.path(), "sh", &["-ec", &script]);
        assert_eq!((said.trim(), &*complained), ("1600", ""), "{limit}");
    }
}

#[test]
fn a_directory_that_cannot_be_read_is_an_error_that_names_the_place() {
    need!(is_root(), "needs root");
    let nobody = crate::support::Nobody::new();
    let layer = nobody.create_dir("layer");
    fs::create_dir(layer.join("secret")).unwrap();
    fs::set_permissions(layer.join("secret"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let output = nobody.peelfs().arg("ls").arg(&layer).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(said, format!("peelfs: {}/secret: Permission denied (os error 13)\n", layer.display()));
}

#[test]
fn what_other_tars_write_is_a_layer() {
    let dir = TempDir::new().unwrap();
    write_dir(&dir.path().join("tree"), &[("d/a", "1"), ("d/.wh.b", ""), ("e", "2")]);
    for (program, args) in [
        ("tar", &["--create", "--format=gnu", "--file"][..]),
        ("tar", &["--create", "--format=posix", "--file"]),
        ("tar", &["--create", "--format=v7", "--file"]),
        ("bsdtar", &["--create", "--file"]),
        ("bsdtar", &["--create", "--format=gnutar", "--file"]),
    ] {
        need!(has(program), "needs GNU tar and bsdtar");
        let mut command = Command::new(program);
        command.args(args).arg(dir.path().join("layer")).arg("-C").arg(dir.path().join("tree")).arg(".");
        assert!(command.status().unwrap().success());
        assert_eq!(shown(dir.path(), "layer"), "d/ d/a=1 e=2", "{program} {args:?}");
    }
}

#[test]
fn one_bad_layer_among_good_ones_is_named() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "good", "a=1");
    fs::write(dir.path().join("bad"), b"no tar\n").unwrap();
    let said = refused(dir.path(), "--lower good --lower bad good");
    assert!(said.starts_with("bad: text; expected"), "{said}");
    let said = refused(dir.path(), "--lower nothing good");
    assert!(said.starts_with("nothing: No such file"), "{said}");
}
