//! Images as Docker's daemon keeps them, writes them and runs them.
//!
//! The truth is kernel overlayfs over the directories that the daemon unpacked the layers into. A mount of
//! what was loaded, of what is saved, of those directories, and of an exported container must show it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tar::EntryType;
use tempfile::TempDir;

use super::{SHOWN, assert_same, can_compare, lower_dirs, without_links};
use crate::support::archive::{self, Written};
use crate::support::docker::{self, Docker};
use crate::support::need::{has, need};
use crate::support::{Layer, Mount, Overlay, Tree, layer};

const NEEDS_DOCKER: &str = "needs root, FUSE, overlayfs, docker and dockerd";

fn has_docker() -> bool {
    can_compare() && docker::is_available()
}

/// What Docker puts into every container.
const ADDED: [&str; 8] =
    [".dockerenv", "dev", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf", "proc", "sys"];

/// The directories that change with it.
const CHANGED: [&[u8]; 2] = [b".", b"etc"];

/// An image that the daemon has.
struct Known<'a> {
    docker: &'a Docker,
    dir: TempDir,
    tag: &'static str,
    /// What it was loaded from, if it was.
    archive: Option<PathBuf>,
    /// Names where a rule of ours differs on purpose from what Docker makes of a tar.
    excused: &'static [&'static str],
}

impl<'a> Known<'a> {
    fn new(docker: &'a Docker, tag: &'static str) -> Known<'a> {
        Known { docker, dir: TempDir::new().unwrap(), tag, archive: None, excused: &[] }
    }

    /// Has the daemon load an image of these layers.
    fn load(docker: &'a Docker, tag: &'static str, layers: impl IntoIterator<Item = Layer>) -> Known<'a> {
        let mut image = Known::new(docker, tag);
        let archive = image.dir.path().join("loaded.tar");
        fs::write(&archive, archive::docker(&[Written::new(tag, layers)])).unwrap();
        docker.run(&["load", "--input", archive.to_str().unwrap()]);
        image.archive = Some(archive);
        image
    }

    /// What the kernel shows of the daemon's own directories.
    fn truth(&self) -> Tree {
        let dir = TempDir::new().unwrap();
        let mut names = Vec::new();
        for (no, layer) in self.docker.layer_dirs(self.tag).iter().enumerate() {
            symlink(layer, dir.path().join(no.to_string())).unwrap();
            names.push(no.to_string());
        }
        Tree::read_overlay(&Overlay::stack(dir, &names).path())
    }

    /// Compares the truth with a mount of all that the image can be had as.
    fn check(&self, name: &str) {
        let truth = self.truth();
        let assert_shows = |what: &str, mount: &Mount, seen_as: &dyn Fn(Tree) -> Tree| {
            let tree = seen_as(Tree::read(mount.path()));
            let differences = tree.differences(&seen_as(truth.clone()), SHOWN);
            assert_same(&format!("{name}, {what}"), &differences);
        };
        assert_shows("the layers' directories", &lower_dirs(&self.docker.layer_dirs(self.tag)), &|tree| tree);
        assert_shows("an exported container", &self.exported(), &as_exported);
        let excused = |mut tree: Tree| {
            // S22: Docker passes over what a layer says of its root, and makes that its own way.
            ["."].iter().chain(self.excused).for_each(|name| _ = tree.0.remove(name.as_bytes()));
            tree
        };
        assert_shows("what is saved", &self.saved(), &excused);
        if let Some(archive) = &self.archive {
            assert_shows("what was loaded", &Mount::new([archive]), &excused);
        }
    }

    fn saved(&self) -> Mount {
        let path = self.dir.path().join("saved.tar");
        self.docker.run(&["save", "--output", path.to_str().unwrap(), self.tag]);
        Mount::new([path])
    }

    fn exported(&self) -> Mount {
        let path = self.dir.path().join("exported.tar");
        let container = self.docker.run(&["create", "--network", "none", self.tag, "sh"]);
        self.docker.run(&["export", "--output", path.to_str().unwrap(), &container]);
        self.docker.run(&["rm", &container]);
        Mount::new([path])
    }
}

/// A tree with only what `docker export` keeps, and without what Docker adds to a container.
pub fn as_exported(tree: Tree) -> Tree {
    let mut tree = without_links(tree);
    let is_added = |name: &[u8], added: &str| {
        name.strip_prefix(added.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    };
    tree.0.retain(|name, _| !ADDED.iter().any(|added| is_added(name, added)));
    for (name, entry) in &mut tree.0 {
        entry.mtime.1 = 0;
        entry.xattrs.retain(|name, _| name == b"security.capability");
        if CHANGED.contains(&name.as_slice()) {
            entry.mtime = (0, 0);
        }
    }
    tree
}

#[test]
fn an_image_shows_alike_in_all_its_forms() {
    need!(has_docker(), NEEDS_DOCKER);
    let docker = Docker::get();
    for stack in [
        &["./ etc/ d/!2750 d/a=1 d/b=2!4755 l->a h=>d/a cnull@1:3 bsda@8:1 p|!622"][..],
        &["./ etc/ d/ d/a=1 d/b=2 e=3", "./ d/ d/.wh.a d/c=3", "./ d/ d/.wh..wh..opq d/e=4", "./ .wh.e"],
        &["./ etc/ a=1 b=>a c=>a d/ d/e=>a", "./ a=2", "./ .wh.c d/ d/.wh.e"],
        &["./ etc/ d/ d/e/ d/e/f=1 x=2", "./ d=3", "./ d/ d/g=4 x/ x/y=5"],
        &["./ etc/ d/!700 d/old=1", "./ d/!711 d/.wh..wh..opq", "./ d/!755 d/new=2"],
        &["./ etc/ usr/ usr/lib/ usr/lib/a=1 lib->usr/lib", "./ lib/ lib/b=2"],
        &["./ etc/ usr/ usr/lib/ lib->usr/lib lib/x=1 l->/usr"],
        &["./ etc/ a=1", "./ .wh.a a=2 .wh.nothing"],
    ] {
        let image = Known::load(&docker, "stacks:latest", stack.iter().map(|line| layer(line)));
        image.check(&format!("{stack:?}"));
    }
}

#[test]
fn attributes_and_names_show_alike() {
    need!(has_docker(), NEEDS_DOCKER);
    let docker = Docker::get();
    let records: [(&str, &[u8]); 5] = [
        ("SCHILY.xattr.user.a", b"1\n2"),
        ("SCHILY.xattr.security.capability", &super::attributes::CAPABILITY),
        ("mtime", b"1234567890.123456789"),
        ("uid", b"3000000000"),
        ("gid", b"70000"),
    ];
    let lower = layer("./ etc/").pax(records).file("f", b"contents").pax(records).add(
        EntryType::Directory,
        b"d/",
        b"",
        |header| header.set_mode(0o3775),
    );
    let names: [&[u8]; 5] = [b"\xff\xfe", b"new\nline", b"\x1b[31m", &[b'n'; 255], b"a b"];
    let upper = names.iter().fold(layer("./ d/"), |layer, name| layer.long(EntryType::Regular, name, name));
    Known::load(&docker, "attributes:latest", [lower, upper]).check("attributes and names");
}

#[test]
fn s4_implied_directories_where_docker_makes_its_own() {
    need!(has_docker(), NEEDS_DOCKER);
    let docker = Docker::get();
    let layers = ["./ etc/ d/!700 d/a=1 e/", "./ d/b=2 f/g=3 e/.wh.x"].map(layer);
    let mut image = Known::load(&docker, "implied:latest", layers);
    image.excused = &["d", "e", "f"];
    image.check("implied directories");
}

#[test]
fn s10_a_whiteout_beside_a_directory_where_docker_lets_the_old_content_through() {
    need!(has_docker(), NEEDS_DOCKER);
    let docker = Docker::get();
    let layers = ["./ etc/ d/ d/old=1", "./ .wh.d d/ d/new=2"].map(layer);
    let mut image = Known::load(&docker, "beside:latest", layers);
    assert!(image.truth().0.contains_key(&b"d/old"[..]), "the rule's note on Docker is out of date");
    image.excused = &["d/old"];
    image.check("a whiteout beside a directory");
}

#[test]
fn s12_bookkeeping_of_aufs_where_docker_shows_it() {
    need!(has_docker(), NEEDS_DOCKER);
    let docker = Docker::get();
    let line = "./ etc/ .wh..wh.aufs .wh..wh.plnk/ .wh..wh.plnk/1.2=x a=>.wh..wh.plnk/1.2 b=>a";
    let image = Known::load(&docker, "aufs:latest", [layer(line)]);
    let names = |tree: Tree| tree.0.into_keys().collect::<Vec<_>>();
    let mut truth = names(image.truth());
    assert!(truth.contains(&b".wh..wh.plnk/1.2".to_vec()), "the rule's note on Docker is out of date");
    truth.retain(|name| !name.starts_with(b".wh."));
    for mount in [image.saved(), Mount::new(&image.archive)] {
        let tree = Tree::read(mount.path());
        assert_eq!(tree.0[&b"b"[..]].linked.as_deref(), Some(&b"a"[..]));
        assert_eq!(names(tree), truth);
    }
}

/// What a container does to the file system of its image.
const SCRIPT: &str = "cd /work && rm gone && rm -r tree/sub && mkdir tree/sub && echo 2 >tree/sub/new && \
    mv moved elsewhere && rm file && mkdir file && echo 3 >file/now && chmod 4711 changed && \
    ln hard harder && ln -s nowhere link && mknod node c 1 3 && touch -d '2001-02-03 04:05:06' hard";

#[test]
fn a_layer_that_a_container_left_shows_alike() {
    need!(has_docker() && has("busybox"), "needs docker, dockerd and a static busybox");
    let docker = Docker::get();
    let program = fs::read("/bin/busybox").unwrap();
    let applets = ["sh", "rm", "mkdir", "mv", "chmod", "ln", "mknod", "touch"];
    let links: String = applets.iter().map(|applet| format!(" bin/{applet}->busybox")).collect();
    let base = layer(&format!("./ etc/ bin/{links}"));
    let base = base.add(EntryType::Regular, b"bin/busybox", &program, |header| header.set_mode(0o755));
    let work = layer(
        "./ work/ work/gone=1 work/tree/ work/tree/keep=1 work/tree/sub/ work/tree/sub/old=1 work/moved=1 \
         work/file=1 work/changed=1 work/hard=1",
    );
    Known::load(&docker, "before:latest", [base, work]);
    docker.run(&["run", "--name", "left", "--network", "none", "before:latest", "sh", "-c", SCRIPT]);
    docker.run(&["commit", "left", "after:latest"]);
    let image = Known::new(&docker, "after:latest");
    assert_eq!(docker.layer_dirs(image.tag).len(), 3);
    let truth = image.truth();
    assert!(truth.0.contains_key(&b"work/elsewhere"[..]) && !truth.0.contains_key(&b"work/tree/sub/old"[..]));
    image.check("a committed container");
}
