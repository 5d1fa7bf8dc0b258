//! mount(8), fstab and the lines that were written for overlayfs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::UnmountFlags;
use tempfile::TempDir;

use super::{succeed, write_tar};
use crate::support::mount::{PEELFS, cache_home};
use crate::support::need::{has, has_fuse, is_root, need};
use crate::support::proc::{assert_gone, daemons_of, eventually, mounts_at};
use crate::support::user::path_with;
use crate::support::{Tree, overlay, peelfs};

/// An image, a directory to mount it on, and an fstab that names both.
fn prepare() -> TempDir {
    let dir = TempDir::new().unwrap();
    write_tar(dir.path(), "d/ d/f=text");
    fs::rename(dir.path().join("layer0.tar"), dir.path().join("app image.tar")).unwrap();
    fs::create_dir(dir.path().join("mnt")).unwrap();
    let path = dir.path().display();
    let options = "ro,allow_other,nofail,_netdev,x-systemd.automount,uid=7";
    let line = format!("{path}/app\\040image.tar {path}/mnt fuse.peelfs {options} 0 0\n");
    fs::write(dir.path().join("fstab"), line).unwrap();
    dir
}

/// Mounts by mount(8) in each way, looks, and unmounts by umount(8).
const WAYS: &str = "look() { cat mnt/d/f; stat -c ' %u' mnt/d/f; grep -cF \"$PWD/mnt\" /proc/self/mountinfo; }; \
     mount -t fuse.peelfs \"$PWD/app image.tar\" \"$PWD/mnt\" -o ro,uid=5; look; umount mnt; \
     mount -t fuse.peelfs 'app image.tar' mnt; look; umount mnt; \
     mount -T fstab \"$PWD/mnt\"; look; umount mnt; \
     mount -T fstab -a; look; umount mnt; \
     ! mount -t fuse.peelfs nothing.tar mnt 2>said; cat said; \
     ! mount -t fuse.peelfs -o frobnicate 'app image.tar' mnt 2>said; cat said";

const SAID: &str = "text 5\n1\ntext 0\n1\ntext 7\n1\ntext 7\n1\n\
     peelfs: nothing.tar: No such file or directory (os error 2)\n\
     peelfs: unknown mount option `frobnicate`\n";

/// A script in a mount namespace of its own; what it leaves mounted on `mnt` goes away with it.
fn in_namespace(dir: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("trap 'umount -l mnt 2>/dev/null || :' EXIT; {script}");
    command.args(["-m", "sh", "-ec", &script]).current_dir(dir).stdin(Stdio::null());
    command
        .env("PATH", path_with(Path::new(PEELFS).parent().unwrap()))
        .env("XDG_CACHE_HOME", cache_home())
        .env("LC_ALL", "C");
    command.env_remove("RUST_LOG");
    command
}

/// The same with the program installed under a name, for nobody else to see.
fn installed(dir: &Path, name: &str, script: &str) -> Command {
    let (place, name) = name.rsplit_once('/').unwrap();
    fs::create_dir(dir.join("installed")).unwrap();
    symlink(PEELFS, dir.join("installed").join(name)).unwrap();
    in_namespace(dir, &format!("mount -t overlay none -o lowerdir=installed:{place} {place}; {script}"))
}

#[test]
fn mount_finds_us_as_its_helper() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let dir = prepare();
    let said = succeed(&mut installed(dir.path(), "/usr/sbin/mount.fuse.peelfs", WAYS));
    assert_eq!(said, SAID);
    eventually("the daemons end", || daemons_of(&dir.path().join("mnt")).is_empty());
}

#[test]
fn mount_finds_us_through_the_helper_of_fuse3() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    need!(has("mount.fuse3") && !has("mount.fuse.peelfs"), "needs mount.fuse3, and us not to be installed");
    let dir = prepare();
    // mount(8) lets its helpers look for programs in the system's directories only.
    let said = succeed(&mut installed(dir.path(), "/usr/local/bin/peelfs", WAYS));
    assert_eq!(said, SAID);
    eventually("the daemons end", || daemons_of(&dir.path().join("mnt")).is_empty());
}

/// The flags of mounts made by mount(8), which tells its helpers nothing of `suid` and `dev`: it takes them for
/// what is so anyway.
const FLAGS: &str = "flags() { grep -F \"$PWD/mnt\" /proc/self/mountinfo | cut -d' ' -f6; umount mnt; }; \
     mount -t fuse.peelfs 'app image.tar' mnt -o ro,allow_other; flags; \
     mount -t fuse.peelfs 'app image.tar' mnt -o nosuid; flags; \
     mount -t fuse.peelfs 'app image.tar' mnt -o suid,dev; flags; ";

#[test]
fn through_the_helper_of_fuse3_set_user_id_and_devices_do_not_count() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    need!(has("mount.fuse3") && !has("mount.fuse.peelfs"), "needs mount.fuse3, and us not to be installed");
    let dir = prepare();
    let said = succeed(&mut installed(dir.path(), "/usr/local/bin/peelfs", FLAGS));
    assert_eq!(said, "ro,nosuid,nodev,relatime\n".repeat(3));
}

#[test]
fn as_its_helper_we_make_them_count_only_when_we_are_asked() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let dir = prepare();
    let direct = "mount.fuse.peelfs 'app image.tar' mnt -o ro,dev,suid; flags";
    let script = format!("{FLAGS}{direct}");
    let said = succeed(&mut installed(dir.path(), "/usr/sbin/mount.fuse.peelfs", &script));
    assert_eq!(said, "ro,nosuid,nodev,relatime\n".repeat(3) + "ro,relatime\n");
}

#[test]
fn a_remount_is_refused_and_makes_no_second_mount() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let dir = prepare();
    let script = "mount -t fuse.peelfs 'app image.tar' mnt; ! mount -o remount,rw mnt 2>said; cat said; \
         grep -cF \"$PWD/mnt\" /proc/self/mountinfo; cat mnt/d/f; umount mnt";
    let said = succeed(&mut installed(dir.path(), "/usr/sbin/mount.fuse.peelfs", script));
    let reason = "a mount cannot be changed; unmount, and mount again";
    assert_eq!(said, format!("peelfs: mount option `remount`: {reason}\n1\ntext"));
}

/// Layers as kernel overlayfs writes them, top first; all of it goes away with the directory.
fn layers_of_overlayfs(dir: &Path) -> Vec<PathBuf> {
    let script = "mkdir base mid top work merged; cd base; mkdir -p d/e f; echo 1 >d/a; echo 1 >d/b; echo 1 >f/c; \
         ln d/a d/link; ln -s d/a sym; mkfifo p; cd ..; \
         mount -t overlay none -o lowerdir=base,upperdir=mid,workdir=work merged; \
         cd merged; rm d/a; rm -r f; mkdir f; echo 2 >f/new; echo 2 >>d/b; chmod 700 d/e; cd ..; umount merged; \
         rm -rf work; mkdir work; mount -t overlay none -o lowerdir=mid:base,upperdir=top,workdir=work merged; \
         cd merged; rm f/new; mkdir d/a; echo 3 >d/a/x; rm p; echo 3 >p; chown 5:6 d/b; cd ..; umount merged";
    let mut command = in_namespace(dir, script);
    succeed(&mut command);
    ["top", "mid", "base"].map(|name| dir.join(name)).into()
}

#[test]
fn a_line_for_overlayfs_gives_what_overlayfs_gives() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    let dir = TempDir::new().unwrap();
    let layers = layers_of_overlayfs(dir.path());
    let layers: Vec<&str> = layers.iter().map(|path| path.to_str().unwrap()).collect();
    let options = format!("lowerdir={}", layers.join(":"));
    let merged = dir.path().join("merged");
    let point = merged.to_str().unwrap();
    succeed(Command::new("mount").args(["-t", "overlay", "overlay", point, "-o", &options]));
    let expected = Tree::read(&merged);
    rustix::mount::unmount(&merged, UnmountFlags::NOFOLLOW).unwrap();
    assert!(expected.0.contains_key(&b"d/a/x"[..]), "{expected:?}");
    let with_more = format!("ro,{options},redirect_dir=off,index=off,xino=off,metacopy=off");
    for line in [
        // mount -t overlay overlay DIR -o …
        &["overlay", point, "-o", &options][..],
        &["mount", "overlay", point, "-o", &with_more],
        // fuse-overlayfs -o … DIR
        &["-o", &options, point],
        &["mount", "-o", &options, point],
    ] {
        let output = peelfs(line);
        assert!(output.status.success(), "{line:?}: {output:?}");
        let differences = Tree::read(&merged).differences(&expected, 20);
        assert_eq!(peelfs(["umount", point]).status.code(), Some(0));
        assert_eq!(differences, "", "peelfs first, overlayfs second; {line:?}");
        assert_gone(&merged);
    }
}

#[test]
fn a_line_that_fuse_overlayfs_takes_is_taken_and_gives_the_same() {
    need!(has_fuse() && is_root() && has("fuse-overlayfs"), "needs root, FUSE and fuse-overlayfs");
    let dir = TempDir::new().unwrap();
    let layers = layers_of_overlayfs(dir.path());
    let layers: Vec<&str> = layers.iter().map(|path| path.to_str().unwrap()).collect();
    let merged = dir.path().join("merged");
    for words in [
        "squash_to_uid=5,squash_to_gid=6",
        ",uidmapping=:0:100000:1000,gidmapping=:0:200000:1:1:7:1",
        "uidmapping=5:0:1,squash_to_gid=3,private",
    ] {
        let options = format!("lowerdir={},{words}", layers.join(":"));
        let [theirs, ours] = ["fuse-overlayfs", PEELFS].map(|program| {
            succeed(Command::new(program).args(["-o", &options]).arg(&merged).stdin(Stdio::null()));
            let [mounted] = &mounts_at(&merged)[..] else { panic!("{program}: {words}") };
            let grants = ["default_permissions", "allow_other"].map(|word| mounted.options.contains(word));
            let flags = ["nosuid", "nodev", "noexec"].map(|word| mounted.flags.contains(word));
            let find = ["-mindepth", "1", "-printf", "%P %y %m %U:%G %l\\n"];
            let found = succeed(Command::new("find").arg(&merged).args(find));
            let mut found: Vec<String> = found.lines().map(str::to_owned).collect();
            found.sort_unstable();
            succeed(Command::new("umount").arg(&merged));
            (grants, flags, found)
        });
        assert_eq!(theirs, ours, "fuse-overlayfs first, peelfs second; {words}");
    }
}

#[test]
fn a_line_for_overlayfs_with_an_upper_can_be_written() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let base = write_tar(dir.path(), "d/f=below");
    for name in ["u", "w", "mnt"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    let point = dir.path().join("mnt");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let options = format!("lowerdir={},upperdir={},workdir={}", base.display(), at("u"), at("w"));
    let output = peelfs(["overlay", point.to_str().unwrap(), "-o", &options]);
    assert!(output.status.success(), "{output:?}");
    fs::write(point.join("d/f"), b"above").unwrap();
    assert!(peelfs(["umount", point.to_str().unwrap()]).status.success());
    assert_eq!(fs::read(dir.path().join("u/d/f")).unwrap(), b"above");
    assert!(dir.path().join("w").exists());
}

#[test]
fn half_an_upper_is_none() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let base = write_tar(dir.path(), "d/f=below");
    let point = dir.path().to_str().unwrap();
    for (options, why) in [
        ("upperdir=/u", "upperdir= needs workdir=, on the same file system"),
        ("workdir=/w", "workdir= needs upperdir="),
    ] {
        let options = format!("lowerdir={},{options}", base.display());
        let said = super::complaint(&peelfs(["overlay", point, "-o", &options]));
        assert_eq!(said, format!("peelfs: {why}\n"));
    }
}

#[test]
fn lowerdir_takes_tars_and_directories_and_escaped_colons() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let below = dir.path().join("a:b");
    fs::create_dir_all(below.join("d")).unwrap();
    fs::write(below.join("d/f"), b"below").unwrap();
    fs::write(below.join("d/g"), b"below").unwrap();
    let top = write_tar(dir.path(), "d/f=top h=top");
    let point = dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    let escaped = below.to_str().unwrap().replace(':', "\\:");
    let options = format!("lowerdir={}:{escaped}", top.display());
    let output = peelfs(["-o", &options, point.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    for (name, contents) in [("d/f", "top"), ("d/g", "below"), ("h", "top")] {
        assert_eq!(fs::read_to_string(point.join(name)).unwrap(), contents, "{name}");
    }
    assert!(peelfs(["umount", point.to_str().unwrap()]).status.success());
    assert_gone(&point);
}
