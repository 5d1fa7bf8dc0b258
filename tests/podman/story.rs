//! Everything that one telling of `story.sh` needs: a storage of its own, in namespaces of its own, so that no
//! mount and no process stays.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use tar::EntryType;
use tempfile::TempDir;

use crate::support::archive::{Written, docker};
use crate::support::mount::PEELFS;
use crate::support::user::NOBODY;
use crate::support::{Layer, layer};

const SCRIPT: &str = include_str!("story.sh");
const CONTAINERFILE: &str = include_str!("Containerfile");

/// The program under test where every user reaches it, in the story's directory.
pub const PEELFS_COPY: &str = "./peelfs";

/// Who calls Podman and Buildah.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum User {
    Root,
    /// The user nobody, with 65,536 subordinate IDs.
    Nobody,
}

/// What the storage is to be like.
pub struct Setting {
    pub user: User,
    /// Owners and modes are kept in xattrs (`force_mask`, `xattr_permissions=2`).
    pub force_mask: bool,
}

/// A directory in which it is told.
pub struct Story {
    dir: TempDir,
    user: User,
    pub started: SystemTime,
}

/// A busybox that needs no libraries.
pub fn busybox() -> Option<PathBuf> {
    let found =
        ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter().find(|path| path.exists())?;
    let file = Command::new("ldd").arg(&found).stdin(Stdio::null()).output().unwrap();
    (!file.status.success()).then_some(found)
}

impl Story {
    pub fn new(mount_program: &str, setting: &Setting) -> Story {
        let story = Story { dir: TempDir::new().unwrap(), user: setting.user, started: SystemTime::now() };
        story.write_images(setting);
        story.write_configuration(mount_program, setting);
        if story.user == User::Nobody {
            story.give_away();
        }
        story
    }

    fn write_images(&self, setting: &Setting) {
        let image = Written::new("localhost/base:1", [base(), above()]);
        fs::write(self.join("base.tar"), docker(&[image])).unwrap();
        // containers/storage 1.43 cannot give a fifo an xattr.
        let containerfile = match setting.force_mask {
            true => CONTAINERFILE.replace(" && mkfifo /lower/pipe", ""),
            false => CONTAINERFILE.to_owned(),
        };
        fs::write(self.join("Containerfile"), containerfile).unwrap();
        fs::write(self.join("story.sh"), SCRIPT).unwrap();
        fs::create_dir(self.join("tree")).unwrap();
        for name in ["copied", "tree/copied", "tree/other"] {
            fs::write(self.join(name), name).unwrap();
        }
        let old = ["-d", "@1500000000", "copied", "tree/copied", "tree/other", "tree"];
        assert!(Command::new("touch").args(old).current_dir(&self.dir).status().unwrap().success());
    }

    fn write_configuration(&self, mount_program: &str, setting: &Setting) {
        if mount_program == PEELFS_COPY {
            assert!(Command::new("cp").arg(PEELFS).arg(self.join("peelfs")).status().unwrap().success());
        }
        let dir = self.dir.path().display();
        let program = self.dir.path().join(mount_program);
        let force_mask = if setting.force_mask { "force_mask = \"shared\"\n" } else { "" };
        let storage = format!(
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"{dir}/root\"\nrootless_storage_path = \"{dir}/root\"\n\
             runroot = \"{dir}/run\"\n[storage.options.overlay]\nmount_program = \"{}\"\n{force_mask}",
            program.display()
        );
        fs::write(self.join("storage.conf"), storage).unwrap();
        let containers = format!(
            "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\nlock_type = \"file\"\n\
             tmp_dir = \"{dir}/tmp\"\n"
        );
        fs::write(self.join("containers.conf"), containers).unwrap();
        for name in ["home", "runtime"] {
            fs::create_dir(self.join(name)).unwrap();
            fs::set_permissions(self.join(name), Permissions::from_mode(0o700)).unwrap();
        }
    }

    /// Makes all of it nobody's, who gets /dev/fuse and subordinate IDs as any user of a desktop has them.
    fn give_away(&self) {
        fs::write(self.join("subordinate"), "nobody:100000:65536\n").unwrap();
        chown(self.dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        for entry in fs::read_dir(&self.dir).unwrap() {
            chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// Tells it with these runtimes to choose from.
    pub fn tell(self, runtimes: &str) -> Story {
        let output = self.run(". ./story.sh", runtimes);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {}\n{said}", self.text("storage.conf"), output.status);
        self
    }

    /// Runs a script there; whatever it mounts or starts ends with it.
    pub fn run(&self, script: &str, runtimes: &str) -> Output {
        fs::write(self.join("script.sh"), script).unwrap();
        let enter = match self.user {
            User::Root => "exec sh -e script.sh",
            User::Nobody => {
                "mount --bind subordinate /etc/subuid; mount --bind subordinate /etc/subgid
                 mknod fuse c 10 229; chmod 666 fuse; mount --bind fuse /dev/fuse
                 exec setpriv --reuid 65534 --regid 65534 --clear-groups podman unshare sh -e script.sh"
            }
        };
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", enter]);
        command.current_dir(&self.dir).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("RUNTIMES", runtimes);
        command.env("HOME", self.join("home")).env("XDG_RUNTIME_DIR", self.join("runtime"));
        command.env("CONTAINERS_STORAGE_CONF", self.join("storage.conf"));
        command.env("CONTAINERS_CONF", self.join("containers.conf"));
        command.output().unwrap()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        self.dir.path().join(name).exists()
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap()
    }
}

/// A system of one program, and names to work on.
fn base() -> Layer {
    let busybox = fs::read(busybox().unwrap()).unwrap();
    let programs = layer("bin/ etc/ etc/passwd=root:x:0:0:root:/:/bin/sh tmp/!1777").add(
        EntryType::Regular,
        b"bin/busybox",
        &busybox,
        |header| header.set_mode(0o755),
    );
    let names = "sh cat chmod chown cp echo id ln ls mkdir mkfifo mv rm rmdir stat touch true";
    let programs =
        names.split(' ').fold(programs, |layer, name| layer.symlink(&format!("bin/{name}"), "busybox"));
    let lower = "lower/ lower/gone=x lower/below=x lower/old/ lower/old/x lower/hidden/ lower/hidden/x \
                 lower/secret=no!600 lower/hard1=x lower/hard2=>lower/hard1 lower/empty/ lower/deep/ \
                 lower/deep/er/ lower/deep/er/x lower/owned=x";
    let lower = lower.split_whitespace().fold(programs, Layer::entry);
    let owned = |mode: u32, id: u64| {
        move |header: &mut tar::Header| {
            header.set_mode(mode);
            header.set_uid(id);
            header.set_gid(id + 1);
        }
    };
    lower
        .add(EntryType::Directory, b"lower/dir/", b"", owned(0o711, 3))
        .add(EntryType::Regular, b"lower/dir/f", b"in dir\n", owned(0o644, 0))
        .add(EntryType::Directory, b"lower/dir/deeper/", b"", owned(0o755, 0))
        .add(EntryType::Regular, b"lower/dir/deeper/g", b"x\n", owned(0o644, 0))
        .add(EntryType::Regular, b"lower/a", b"a\n", owned(0o600, 1000))
        .add(EntryType::Regular, b"lower/large", &[b'z'; 200_000], owned(0o644, 0))
}

/// Whiteouts in both forms.
fn above() -> Layer {
    layer("lower/ lower/.wh.below lower/hidden/ lower/hidden/.wh..wh..opq lower/hidden/y")
}
