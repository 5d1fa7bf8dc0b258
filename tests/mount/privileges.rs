//! Who can mount: root is in every other test; here are root of a user namespace, and anyone through fusermount3.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{complaint, succeed, text};
use crate::support::mount::{PEELFS, cache_home};
use crate::support::need::{has, has_fuse, is_root, need};
use crate::support::proc::{assert_gone, daemon_of, daemons_of, eventually, mounts_at, server_of};
use crate::support::user::{NOBODY, path_with};
use crate::support::{Nobody, layer};

/// A mount, a look at it and its end, for a user namespace where 0 is who makes it.
const IN_NAMESPACE: &str = "trap 'umount -l mnt 2>/dev/null || :' EXIT; peelfs mount image.tar mnt; cat mnt/d/f mnt/secret; \
     stat -c '%n %a %u %g' mnt/d/f; grep -F \"$PWD/mnt\" /proc/self/mountinfo | grep -o 'ro,nosuid,nodev.* - fuse.peelfs'; \
     peelfs umount mnt; ls mnt; ! grep -F \"$PWD/mnt\" /proc/self/mountinfo";

const IN_NAMESPACE_SAID: &str = "textownmnt/d/f 644 0 0\nro,nosuid,nodev,relatime - fuse.peelfs\n";

fn image() -> Vec<u8> {
    layer("d/ d/f=text secret=own!600").finish()
}

fn has_user_namespaces(nobody: &Nobody) -> bool {
    nobody.script("unshare -rm true").status().unwrap().success()
}

#[test]
fn root_of_a_user_namespace_mounts_by_itself() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("image.tar"), image()).unwrap();
    fs::create_dir(dir.path().join("mnt")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-ec", IN_NAMESPACE]).current_dir(dir.path()).stdin(Stdio::null());
    command.env("PATH", path_with(Path::new(PEELFS).parent().unwrap())).env("XDG_CACHE_HOME", cache_home());
    assert_eq!(succeed(&mut command), IN_NAMESPACE_SAID);
    assert_gone(&dir.path().join("mnt"));
}

#[test]
fn a_user_mounts_as_root_of_a_namespace_of_his_own() {
    need!(has_fuse() && is_root(), "needs root and FUSE");
    let nobody = Nobody::new();
    need!(has_user_namespaces(&nobody), "needs user namespaces for users");
    nobody.write("image.tar", &image());
    nobody.create_dir("mnt");
    let mut command = nobody.script("exec unshare -rm sh -ec \"$0\"");
    assert_eq!(succeed(command.arg(IN_NAMESPACE)), IN_NAMESPACE_SAID);
    assert_gone(&nobody.join("mnt"));
}

/// Nobody's mount through fusermount3, until it is unmounted.
fn mount_as_nobody(nobody: &Nobody) -> std::path::PathBuf {
    nobody.write("image.tar", &image());
    let point = nobody.create_dir("mnt");
    succeed(nobody.peelfs().arg("mount").arg(nobody.join("image.tar")).arg(&point));
    point
}

#[test]
fn a_user_mounts_through_fusermount3() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    let point = mount_as_nobody(&nobody);
    let mounts = mounts_at(&point);
    assert_eq!((mounts.len(), &*mounts[0].kind), (1, "fuse.peelfs"));
    assert_eq!(mounts[0].flags, "ro,nosuid,nodev,relatime");
    assert_eq!(mounts[0].source, nobody.join("image.tar"));
    assert!(mounts[0].options.contains("user_id=65534,group_id=65534"), "{}", mounts[0].options);
    let daemon = daemon_of(&point);
    assert_eq!(fs::metadata(format!("/proc/{daemon}")).unwrap().uid(), NOBODY);

    // All of the image is his to read, and nobody else's, not even root's.
    let seen = "cat mnt/d/f mnt/secret; stat -c '%a %u' mnt/secret; ls mnt";
    assert_eq!(succeed(&mut nobody.script(seen)), "textown600 0\nd\nsecret\n");
    assert_eq!(fs::metadata(point.join("d")).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);

    succeed(nobody.peelfs().arg("umount").arg(&point));
    assert_gone(&point);
}

#[test]
fn a_users_mount_ends_as_roots_does() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let ends = [
        "fusermount3 -u mnt",
        "peelfs umount mnt",
        "peelfs umount --lazy mnt",
        "kill $(pgrep -f \"^[^ ]*peelfs mount $PWD\")",
        "kill -HUP $(pgrep -f \"^[^ ]*peelfs mount $PWD\")",
    ];
    for end in ends {
        let nobody = Nobody::new();
        let point = mount_as_nobody(&nobody);
        succeed(&mut nobody.script(end));
        eventually("the daemon ends", || daemons_of(&point).is_empty());
        assert_eq!(mounts_at(&point), [], "{end}");
    }
}

#[test]
fn a_users_mount_goes_when_its_daemon_dies_if_he_says_so() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    let (image, point) = (nobody.write("image.tar", &image()), nobody.create_dir("mnt"));
    succeed(nobody.peelfs().args(["mount", "-o", "auto_unmount"]).args([image, point.clone()]));
    rustix::process::kill_process(server_of(&point), rustix::process::Signal::KILL).unwrap();
    eventually("it is unmounted", || mounts_at(&point).is_empty());
    assert_gone(&point);
}

#[test]
fn a_user_hears_whose_mount_he_cannot_end() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    let image = nobody.write("image.tar", &image());
    let mount = crate::support::Mount::new([image]);
    let said = complaint(&nobody.peelfs().arg("umount").arg(mount.path()).output().unwrap());
    assert_eq!(said, format!("peelfs: {}: mounted by another user (uid 0)\n", mount.path().display()));
}

#[test]
fn root_may_end_a_users_mount() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    let point = mount_as_nobody(&nobody);
    let output = crate::support::peelfs(["umount".as_ref(), point.as_os_str()]);
    assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(0), ""));
    assert_gone(&point);
}

#[test]
fn a_users_busy_or_dead_mount_gets_the_same_advice() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    let point = mount_as_nobody(&nobody);
    let umount = format!("run: peelfs umount --lazy {}", point.display());
    let busy = nobody.script("(cd mnt/d; exec peelfs umount ../../mnt)").output().unwrap();
    let said = complaint(&busy);
    assert!(said.contains("busy") && said.contains(&umount), "{said}");

    rustix::process::kill_process(daemon_of(&point), rustix::process::Signal::KILL).unwrap();
    eventually("the daemon is dead", || daemons_of(&point).is_empty());
    let mount = nobody.peelfs().arg("mount").arg(nobody.join("image.tar")).arg(&point).output().unwrap();
    let said = complaint(&mount);
    assert!(said.contains(&format!("run: peelfs umount {}", point.display())), "{said}");
    succeed(nobody.peelfs().arg("umount").arg(&point));
    assert_gone(&point);
}

#[test]
fn what_fusermount3_refuses_is_said_and_leaves_nothing_behind() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    nobody.write("image.tar", &image());
    nobody.create_dir("mnt");
    let roots = TempDir::new_in(std::env::temp_dir()).unwrap();
    fs::set_permissions(roots.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let point = nobody.join("mnt");
    for (options, point, reason) in [
        (&[][..], roots.path(), "no write access to mountpoint"),
        (&["-o", "allow_other"], &point, "user_allow_other"),
    ] {
        let mut mount = nobody.peelfs();
        let output =
            mount.arg("mount").args(options).arg(nobody.join("image.tar")).arg(point).output().unwrap();
        let said = complaint(&output);
        assert!(said.contains(reason) && said.contains("cannot mount on"), "{said}");
        assert_gone(point);
    }
}

#[test]
fn names_with_commas_and_the_like_pass_through_fusermount3() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    for name in ["a b", "a,suid,dev", "a\\,b", "a\nb", "#a", "a=b"] {
        let image = nobody.write(&format!("{name}.tar"), &image());
        let point = nobody.create_dir(name);
        succeed(nobody.peelfs().arg("mount").arg(&image).arg(&point));
        let mounts = mounts_at(&point);
        assert_eq!(mounts.len(), 1, "{name:?}");
        assert_eq!(mounts[0].flags, "ro,nosuid,nodev,relatime", "{name:?}");
        assert_eq!(mounts[0].source, image.as_os_str(), "{name:?}");
        succeed(nobody.peelfs().arg("umount").arg(&point));
        assert_gone(&point);
    }
}

/// A script in a mount namespace where users may let others in.
fn where_users_may_let_others_in(nobody: &Nobody, script: &str) -> String {
    nobody.write("fuse.conf", b"user_allow_other\n");
    let mut command = Command::new("unshare");
    let bind = "trap 'umount -l mnt 2>/dev/null || :' EXIT; mount --bind fuse.conf /etc/fuse.conf; chmod 755 .; \
         as() { setpriv --reuid $1 --regid $1 --clear-groups -- sh -c \"$2\"; }; ";
    command.args(["-m", "sh", "-ec", &format!("{bind}{script}")]).current_dir(nobody.join("."));
    succeed(command.env("PATH", path_with(&nobody.join("."))).stdin(Stdio::null()))
}

#[test]
fn a_user_lets_others_in_where_he_may_and_modes_count_then() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    nobody.write("image.tar", &image());
    nobody.create_dir("mnt");
    let script = "as 65534 'peelfs mount -o allow_other image.tar mnt'; cat mnt/d/f mnt/secret; \
         as 1234 'cat mnt/d/f; cat mnt/secret 2>&1 || true'; as 65534 'peelfs umount mnt'";
    let said = where_users_may_let_others_in(&nobody, script);
    assert_eq!(said, "textowntextcat: mnt/secret: Permission denied\n");
    assert_gone(&nobody.join("mnt"));
}

#[test]
fn a_user_lets_only_root_in() {
    need!(has_fuse() && is_root() && has("fusermount3"), "needs root, FUSE and fusermount3");
    let nobody = Nobody::new();
    nobody.write("image.tar", &image());
    nobody.create_dir("mnt");
    let script = "as 65534 'peelfs mount -o allow_root image.tar mnt; cat mnt/d/f'; cat mnt/d/f; \
         as 1234 '! cat mnt/d/f 2>&1; ! ls mnt 2>&1; ! stat mnt/d 2>&1'; as 65534 'peelfs umount mnt'";
    let said = where_users_may_let_others_in(&nobody, script);
    let refused = "cat: mnt/d/f: Permission denied\nls: cannot access 'mnt': Permission denied\n\
                   stat: cannot statx 'mnt/d': Permission denied\n";
    assert_eq!(said, format!("texttext{refused}"));
    assert_gone(&nobody.join("mnt"));
}
