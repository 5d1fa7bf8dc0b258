//! An image with an upper directory over it, written by the kernel's overlayfs or by hand.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::mount::UnmountFlags;
use tempfile::TempDir;

use crate::support::archive::{self, Written};
use crate::support::mount::command;
use crate::support::{Layer, Mount, Overlay, Tree, layer, write_tars};

/// Layers as an image, and as directories for the kernel.
pub struct Case {
    pub dir: TempDir,
    unpacked: Overlay,
}

impl Case {
    /// An image of layers, base first, each in the words of [`layer`].
    pub fn of(lines: &[&str]) -> Case {
        Case::of_layers(lines.iter().map(|line| layer(line)))
    }

    /// An image `base.tar` as Docker saves it, and an empty upper directory.
    pub fn of_layers(layers: impl IntoIterator<Item = Layer>) -> Case {
        let dir = TempDir::new().unwrap();
        let tars = write_tars(dir.path(), layers);
        let layers = tars.iter().map(|tar| fs::read(tar).unwrap()).collect();
        let image = Written { layers, ..Written::new("app:1", []) };
        fs::write(dir.path().join("base.tar"), archive::docker(&[image])).unwrap();
        let unpacked = Overlay::of_tars(&tars);
        for name in ["upper", "work", "merged"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        copy_look(unpacked.layers().last().unwrap(), &dir.path().join("upper"));
        Case { dir, unpacked }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Does something with the upper mounted by the kernel.
    pub fn mounted<T>(&self, act: impl FnOnce(&Path) -> T) -> T {
        self.mounted_with("metacopy=off", act)
    }

    /// The same, with an option more.
    pub fn mounted_with<T>(&self, option: &str, act: impl FnOnce(&Path) -> T) -> T {
        let lower: Vec<&str> = self.unpacked.layers().iter().rev().map(|dir| dir.to_str().unwrap()).collect();
        let options = format!("redirect_dir=on,index=off,xino=off,{option}");
        let data = format!("lowerdir={},upperdir=upper,workdir=work,{options}", lower.join(":"));
        let mut mount = Command::new("mount");
        mount.args(["-t", "overlay", "overlay", "merged", "-o", &data]).current_dir(self.dir.path());
        assert!(mount.status().unwrap().success(), "{data}");
        let unmounted = Unmounted(self.path("merged"));
        let result = act(&unmounted.0);
        drop(unmounted);
        result
    }

    /// Runs a script in the tree, mounted by the kernel.
    pub fn write(&self, script: &str) {
        self.mounted(|merged| run(merged, script));
    }

    /// Runs a script in the upper directory itself.
    pub fn write_by_hand(&self, script: &str) {
        run(&self.path("upper"), script);
    }

    /// What the kernel shows.
    pub fn tree(&self) -> Tree {
        self.mounted(Tree::read_overlay)
    }

    /// Runs a command of the program on the image and the upper, in their directory.
    pub fn peelfs(&self, verb: &str, args: &[&str]) -> Output {
        let mut command = command();
        command.arg(verb).args(["base.tar", "--upper", "upper"]).args(args).current_dir(self.dir.path());
        command.env_remove("SOURCE_DATE_EPOCH");
        command.output().unwrap()
    }

    /// The same, where it must succeed; gives what it writes.
    #[track_caller]
    pub fn succeed(&self, verb: &str, args: &[&str]) -> String {
        let output = self.peelfs(verb, args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{verb} {args:?}: {stderr}");
        assert!(stderr.is_empty(), "{verb} {args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Commits to a file `new.tar`.
    #[track_caller]
    pub fn commit(&self, args: &[&str]) -> PathBuf {
        self.succeed("commit", &[&["-o", "new.tar"], args].concat());
        self.path("new.tar")
    }

    /// The lines of `status`.
    #[track_caller]
    pub fn status(&self) -> String {
        self.succeed("status", &[])
    }

    /// The names in the new layer, in their order.
    #[track_caller]
    pub fn layer_names(&self) -> String {
        self.succeed("commit", &["--layer-only", "-o", "layer.tar"]);
        let mut tar = tar::Archive::new(fs::File::open(self.path("layer.tar")).unwrap());
        let names = tar.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let link = entry.header().entry_type().is_hard_link();
            if link { format!("{name}=>{}", entry.link_name().unwrap().unwrap().display()) } else { name }
        });
        names.collect::<Vec<_>>().join(" ")
    }

    /// Compares a mount of the new image with what the kernel shows.
    #[track_caller]
    pub fn check(&self, what: &str, image: &Path) {
        let mount = Mount::new([OsStr::new("-o"), OsStr::new("dev,suid"), image.as_os_str()]);
        let differences = seen(Tree::read(mount.path())).differences(&seen(self.tree()), 20);
        assert!(differences.is_empty(), "{what}; peelfs first, the kernel second:\n{differences}");
    }
}

/// A tree without the number of names that files have: the image's own names of a file count there too.
pub fn seen(mut tree: Tree) -> Tree {
    tree.0.values_mut().for_each(|entry| entry.links = 0);
    tree
}

struct Unmounted(PathBuf);

impl Drop for Unmounted {
    fn drop(&mut self) {
        rustix::mount::unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

/// Runs a shell script that must succeed.
#[track_caller]
pub fn run(dir: &Path, script: &str) {
    let output = Command::new("sh").args(["-ec", script]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

fn copy_look(from: &Path, to: &Path) {
    let look = fs::metadata(from).unwrap();
    fs::set_permissions(to, look.permissions()).unwrap();
    std::os::unix::fs::chown(to, Some(look.uid()), Some(look.gid())).unwrap();
    fs::File::open(to).unwrap().set_modified(look.modified().unwrap()).unwrap();
}
