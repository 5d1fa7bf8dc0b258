//! Uppers that nobody should have made, and uppers changed behind the mount's back: whatever shows, the daemon lives,
//! answers, and touches nothing outside.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use tempfile::TempDir;

use super::perform;
use super::{NEEDS, can_compare};
use crate::support::need::need;
use crate::support::{Foreground, Tree, Writable, layer};

/// How long an answer may take; a hang is for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// More names than any of these trees has.
const MANY: usize = 5000;

/// What is done to every name that shows.
const PROBES: [&str; 15] = [
    "hold @ x",
    "read @",
    "append @ 5 A",
    "chmod @ 700",
    "setxattr @ user.x 1",
    "create @/new 600",
    "mkdir @/dir 700",
    "rename @ moved",
    "exchange moved f",
    "rename moved @",
    "link @ linked",
    "unlink linked",
    "rewrite @ 3 B",
    "unlink @",
    "clear @",
];

/// Layers with an upper directory, and a directory of the host that is nobody's business.
struct Scene {
    writable: Writable,
    outside: TempDir,
}

impl Scene {
    fn new() -> Scene {
        let writable = Writable::of([layer("./ f=1 d/ d/f=2 d/e/ d/e/g=3 a/ a/x=4 b/ b/y=5 h=>f")]);
        let outside = TempDir::new().unwrap();
        fs::write(outside.path().join("f"), "nobody's").unwrap();
        fs::create_dir(outside.path().join("e")).unwrap();
        fs::write(outside.path().join("e/g"), "nobody's").unwrap();
        fs::create_dir(writable.upper()).unwrap();
        Scene { writable, outside }
    }

    fn upper(&self, path: &str) -> PathBuf {
        self.writable.upper().join(path)
    }

    fn dir(&self, path: &str, attributes: &[(&str, &[u8])]) {
        fs::create_dir(self.upper(path)).unwrap();
        self.describe(path, attributes);
    }

    fn file(&self, path: &str, attributes: &[(&str, &[u8])]) {
        fs::write(self.upper(path), "upper").unwrap();
        self.describe(path, attributes);
    }

    fn describe(&self, path: &str, attributes: &[(&str, &[u8])]) {
        for (name, value) in attributes {
            let name =
                name.strip_prefix('.').map_or((*name).to_owned(), |name| format!("trusted.overlay.{name}"));
            rustix::fs::lsetxattr(self.upper(path), name, value, XattrFlags::empty()).unwrap();
        }
    }

    fn node(&self, path: &str, kind: FileType) {
        rustix::fs::mknodat(CWD, self.upper(path), kind, Mode::RWXU, 0).unwrap();
    }

    /// Puts something else where something is.
    fn replace_by_link(&self, path: &str, target: &str) {
        let path = self.upper(path);
        match path.symlink_metadata().unwrap().is_dir() {
            true => fs::remove_dir_all(&path).unwrap(),
            false => fs::remove_file(&path).unwrap(),
        }
        symlink(self.outside.path().join(target), path).unwrap();
    }

    fn mount(&self) -> Foreground {
        Foreground::new(self.writable.arguments())
    }

    /// Does everything to everything; the daemon must live through it and leave the outside alone.
    #[track_caller]
    fn survive(&self, name: &str, mount: &mut Foreground) {
        let before = Tree::read(self.outside.path());
        let root = mount.path().to_owned();
        within(name, mount, move || poke(&root));
        assert!(mount.is_running(), "{name}: the daemon ended: {}", mount.stderr());
        let after = Tree::read(self.outside.path());
        assert_eq!(before.differences(&after, 20), "", "{name}: outside of the mount");
    }
}

/// Runs what asks the mount, which must answer.
#[track_caller]
fn within<T: Send + 'static>(name: &str, mount: &Foreground, ask: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(ask()));
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|error| {
        mount.signal(rustix::process::Signal::KILL);
        panic!("{name}: {error}")
    })
}

/// Names that show, however little can be done with them.
fn names(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            // Others are not what `perform` can be told.
            if let Some(name) = path.strip_prefix(root).unwrap().to_str() {
                names.push(name.to_owned());
            }
            todo.extend(path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()).then_some(path));
            assert!(names.len() < MANY, "no end of names: {:?}", names.last());
        }
    }
    names
}

fn poke(root: &Path) {
    let mut tree = perform::Tree::new(root);
    for name in names(root) {
        for probe in PROBES {
            // Any answer will do.
            let _ = tree.perform(&probe.replace('@', &name));
        }
    }
    let _ = tree.perform("create still-there 600");
    names(root);
}

type Odd = (&'static str, fn(&Scene));

const ODD: &[Odd] = &[
    ("a symlink where a directory was", |scene| symlink(scene.outside.path(), scene.upper("d")).unwrap()),
    ("a symlink to itself", |scene| symlink("d", scene.upper("d")).unwrap()),
    ("a symlink where a file was", |scene| {
        symlink(scene.outside.path().join("f"), scene.upper("f")).unwrap()
    }),
    ("a symlink in a directory", |scene| {
        scene.dir("d", &[]);
        symlink(scene.outside.path().join("e"), scene.upper("d/e")).unwrap();
    }),
    ("a fifo where a directory was", |scene| scene.node("d", FileType::Fifo)),
    ("a socket where a file was", |scene| scene.node("f", FileType::Socket)),
    ("a whiteout of nothing", |scene| scene.node("none", FileType::CharacterDevice)),
    ("a directory where a file was", |scene| scene.dir("f", &[])),
    ("a file where a directory was", |scene| scene.file("d", &[])),
    ("a redirect to nowhere", |scene| scene.dir("n", &[(".redirect", b"/none")])),
    ("a redirect to nowhere by name", |scene| scene.dir("n", &[(".redirect", b"none")])),
    ("a redirect to the root", |scene| scene.dir("n", &[(".redirect", b"/")])),
    ("a redirect of nothing", |scene| scene.dir("n", &[(".redirect", b"")])),
    ("a redirect upwards", |scene| scene.dir("n", &[(".redirect", b"/../../../../etc")])),
    ("a redirect upwards by name", |scene| scene.dir("n", &[(".redirect", b"..")])),
    ("a redirect up and down", |scene| scene.dir("n", &[(".redirect", b"/d/../a")])),
    ("a redirect to here", |scene| scene.dir("n", &[(".redirect", b".")])),
    ("a relative redirect", |scene| scene.dir("n", &[(".redirect", b"d/e")])),
    ("a redirect with slashes", |scene| scene.dir("n", &[(".redirect", b"//d///e//")])),
    ("a redirect to a file", |scene| scene.dir("n", &[(".redirect", b"/f")])),
    ("a redirect through a file", |scene| scene.dir("n", &[(".redirect", b"/f/x")])),
    ("a redirect with a zero", |scene| scene.dir("n", &[(".redirect", b"/d\0/e")])),
    ("a redirect that is no text", |scene| scene.dir("n", &[(".redirect", b"/\xff\xfe")])),
    ("a redirect of one long name", |scene| scene.dir("n", &[(".redirect", &[b'x'; 3000])])),
    ("a long redirect", |scene| scene.dir("n", &[(".redirect", &b"/d".repeat(1500))])),
    ("redirects in a circle", |scene| {
        scene.dir("a", &[(".redirect", b"/b")]);
        scene.dir("b", &[(".redirect", b"/a")]);
    }),
    ("a redirect to what is above", |scene| {
        scene.dir("d", &[]);
        scene.dir("d/e", &[(".redirect", b"/d")]);
        scene.dir("d/e/e", &[(".redirect", b"/d")]);
    }),
    ("a redirect of what is opaque", |scene| scene.dir("d", &[(".redirect", b"/a"), (".opaque", b"y")])),
    ("a redirect of the root", |scene| scene.describe(".", &[(".redirect", b"/d")])),
    ("an opaque root", |scene| scene.describe(".", &[(".opaque", b"y")])),
    ("an opaque file", |scene| scene.file("f", &[(".opaque", b"y"), (".redirect", b"/d")])),
    ("an opaque symlink", |scene| {
        symlink("d", scene.upper("a")).unwrap();
        scene.describe("a", &[(".opaque", b"y")]);
    }),
    ("opaque in other words", |scene| {
        scene.dir("d", &[(".opaque", b"yes")]);
        scene.dir("a", &[(".opaque", b"x")]);
        scene.file("a/x", &[(".whiteout", b"")]);
        scene.dir("b", &[(".opaque", b"")]);
    }),
    ("marks of both kinds", |scene| scene.dir("d", &[("user.overlay.opaque", b"y"), (".redirect", b"/a")])),
    ("metacopy of nothing", |scene| scene.file("n", &[(".metacopy", b"")])),
    ("metacopy over a directory", |scene| scene.file("d", &[(".metacopy", b"")])),
    ("metacopy of a directory", |scene| scene.file("n", &[(".metacopy", b""), (".redirect", b"/d")])),
    ("metacopy of the outside", |scene| {
        scene.file("f", &[(".metacopy", b""), (".redirect", b"/../../etc/passwd")])
    }),
    ("metacopy that is none", |scene| scene.file("f", &[(".metacopy", &[0xff; 100])])),
    ("an origin that is none", |scene| {
        scene.file("f", &[(".origin", b"x")]);
        scene.dir("d", &[(".origin", &[0xfb; 200]), (".impure", b"y"), (".nlink", b"L+99999999999")]);
    }),
    ("owners that are none", |scene| {
        let kept = "user.containers.override_stat";
        scene.describe(".", &[(kept, b"0:0:0755:dir")]);
        scene.file("f", &[(kept, b"x:y:z")]);
        scene.file("n", &[(kept, b"99999999999:0:0644:file")]);
        scene.file("d", &[(kept, b"0:0:0755:dir")]);
        scene.dir("a", &[(kept, b"0:0:0644:file")]);
        scene.dir("b", &[(kept, b"1:2:0644:char-1-3")]);
        scene.file("m", &[(kept, b"1:2:0644:symlink")]);
        scene.file("o", &[(kept, b"0:0:0644:char-0-0")]);
        scene.file("p", &[(kept, b"")]);
    }),
    ("modes of nothing", |scene| {
        scene.dir("d", &[]);
        scene.file("f", &[]);
        for name in ["d", "f"] {
            fs::set_permissions(scene.upper(name), std::os::unix::fs::PermissionsExt::from_mode(0o000))
                .unwrap();
        }
    }),
    ("names as in layers", |scene| {
        scene.file(".wh.f", &[]);
        scene.dir("d", &[]);
        scene.file("d/.wh..wh..opq", &[]);
        scene.dir(".wh..wh.plnk", &[]);
    }),
    ("names that are no text", |scene| {
        let mut name = vec![0xff; 255];
        for byte in [0xff, b'\n', 0x1b] {
            name[0] = byte;
            fs::write(scene.upper(".").join(OsStr::from_bytes(&name)), "odd").unwrap();
        }
    }),
    ("two hundred levels", |scene| {
        let mut dir = File::open(scene.upper(".")).unwrap();
        for _ in 0..200 {
            rustix::fs::mkdirat(&dir, "deep", Mode::RWXU).unwrap();
            let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
            dir = rustix::fs::openat(&dir, "deep", flags, Mode::empty()).unwrap().into();
        }
    }),
];

#[test]
fn uppers_that_nobody_should_have_made() {
    need!(can_compare(), NEEDS);
    for (name, make) in ODD {
        let scene = Scene::new();
        make(&scene);
        let mut mount = scene.mount();
        scene.survive(name, &mut mount);
        drop(mount);
        scene.survive(name, &mut scene.mount());
    }
}

#[test]
fn a_base_that_is_none_is_refused() {
    need!(can_compare(), NEEDS);
    for value in [&b"rubbish"[..], b"", b"\xff\xff", b"sha256:0000", &[b'x'; 3000]] {
        let scene = Scene::new();
        scene.describe(".", &[(".peelfs.base", value)]);
        let point = TempDir::new().unwrap();
        let output = crate::support::mount::command()
            .arg("mount")
            .args(scene.writable.arguments())
            .arg(point.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{}: {said}", value.escape_ascii());
        assert!(said.contains("upper"), "{said}");
    }
}

/// A change of the upper while a mount has it, in which `d/f`, `d/e/g`, `f` and `new` have been written.
const CHANGES: &[Odd] = &[
    ("a directory becomes a symlink", |scene| scene.replace_by_link("d", "")),
    ("a directory in one becomes a symlink", |scene| scene.replace_by_link("d/e", "e")),
    ("a file becomes a symlink", |scene| scene.replace_by_link("d/f", "f")),
    ("files become symlinks", |scene| {
        scene.replace_by_link("f", "f");
        scene.replace_by_link("new", "e/g");
    }),
    ("a file becomes a directory", |scene| {
        fs::remove_file(scene.upper("d/f")).unwrap();
        scene.dir("d/f", &[]);
    }),
    ("a file becomes a fifo", |scene| {
        fs::remove_file(scene.upper("f")).unwrap();
        scene.node("f", FileType::Fifo);
    }),
    ("a directory becomes a file", |scene| {
        fs::remove_dir_all(scene.upper("d")).unwrap();
        scene.file("d", &[]);
    }),
    ("a directory becomes a whiteout", |scene| {
        fs::remove_dir_all(scene.upper("d")).unwrap();
        scene.node("d", FileType::CharacterDevice);
    }),
    ("a directory becomes opaque", |scene| scene.describe("d", &[(".opaque", b"y")])),
    ("a directory is redirected", |scene| scene.describe("d", &[(".redirect", b"/a")])),
    ("two directories change places", |scene| {
        fs::rename(scene.upper("d/e"), scene.upper("e")).unwrap();
        fs::rename(scene.upper("d"), scene.upper("e/d")).unwrap();
    }),
    ("a directory moves out of it", |scene| {
        fs::rename(scene.upper("d"), scene.writable.upper().with_extension("moved")).unwrap();
    }),
    ("files are cut", |scene| {
        File::options().write(true).truncate(true).open(scene.upper("d/f")).unwrap();
        File::options().write(true).truncate(true).open(scene.upper("new")).unwrap();
    }),
    ("a file becomes another", |scene| {
        fs::write(scene.upper("other"), "other").unwrap();
        fs::rename(scene.upper("other"), scene.upper("f")).unwrap();
    }),
    ("all of it goes", |scene| {
        for name in ["d", "f", "h", "new"] {
            let path = scene.upper(name);
            let _ = fs::remove_dir_all(&path).and_then(|()| fs::remove_file(&path));
        }
    }),
    ("it is moved away", |scene| {
        fs::rename(scene.writable.upper(), scene.writable.upper().with_extension("away")).unwrap();
        symlink(scene.outside.path(), scene.writable.upper()).unwrap();
    }),
    ("it is removed", |scene| fs::remove_dir_all(scene.writable.upper()).unwrap()),
    ("its work directory is removed", |scene| fs::remove_dir_all(scene.writable.work()).unwrap()),
    ("its work directory becomes a symlink", |scene| {
        fs::remove_dir_all(scene.writable.work()).unwrap();
        symlink(scene.outside.path(), scene.writable.work()).unwrap();
    }),
];

#[test]
fn uppers_that_are_changed_while_they_are_mounted() {
    need!(can_compare(), NEEDS);
    for (name, change) in CHANGES {
        let scene = Scene::new();
        let mut mount = scene.mount();
        // The daemon, and the kernel, have seen and opened what is then replaced.
        let mut tree = perform::Tree::new(mount.path());
        for line in
            ["append d/f 9000 A", "append d/e/g 3 A", "append f 3 A", "create new 600", "hold-writing d/f x"]
        {
            tree.perform(line).unwrap();
        }
        names(mount.path());
        change(&scene);
        within(name, &mount, move || {
            for line in
                ["write-held x 20000 5 B", "read-held x", "truncate-held x 3", "stat-held x", "sync-held x"]
            {
                // Any answer will do.
                let _ = tree.perform(line);
            }
        });
        scene.survive(name, &mut mount);
    }
}
