//! Through the program's own writable mount: written there, committed, mounted again.

use std::ffi::OsStr;

use super::case::{Case, run, seen};
use super::{NEEDS, can_compare};
use crate::support::need::{has, need};
use crate::support::{Mount, Nobody, Tree};

const BASE: [&str; 2] = [
    "./ bin/ bin/sh=#!binary!755 d/ d/a=1 d/b=2 d/sub/ d/sub/c=3 etc/ etc/motd=hello h/ h/one=5 h/two=>h/one \
     old/ old/f=6 old/g=>old/f l->bin/sh q|",
    "./ etc/ etc/passwd=root d/ d/.wh.b",
];

const SCRIPT: &str = "rm etc/motd; rm -r d/sub; mkdir d/sub; echo n >d/sub/n; mv old new; ln h/one h/three; \
    chmod 2750 h; chmod 4755 bin/sh; mkdir -p a/b; echo deep >a/b/c; touch -d '2001-02-03 04:05:06' a/b/c; \
    mkfifo a/p; chown 5:6 a/b/c; rm l; mkdir l; echo 1 >l/x; rm q; echo 1 >q; setfattr -n user.colour -v blue a/b; \
    chmod 600 etc/passwd; chmod 644 etc/passwd; mv d/a d/z; echo more >>d/z";

fn writable(case: &Case) -> Mount {
    let upper = case.path("upper");
    let base = case.path("base.tar");
    Mount::new(
        ["-o", "dev,suid", "--upper"].map(OsStr::new).into_iter().chain([upper.as_ref(), base.as_ref()]),
    )
}

#[test]
fn what_was_written_in_a_mount_shows_in_a_mount_of_what_was_committed() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    let mount = writable(&case);
    run(mount.path(), SCRIPT);
    let written = seen(Tree::read(mount.path()));
    // While it stands, and when it is gone.
    let told = case.status();
    case.commit(&[]);
    drop(mount);
    super::gone(&case.path("upper"));
    assert_eq!(case.status(), told);
    for args in [&[][..], &["--compression", "zstd"]] {
        let new = case.commit(args);
        let again = Mount::new([OsStr::new("-o"), OsStr::new("dev,suid"), new.as_os_str()]);
        let differences = seen(Tree::read(again.path())).differences(&written, 20);
        assert!(differences.is_empty(), "committed first, written second:\n{differences}");
    }
}

#[test]
fn what_is_reverted_is_as_it_was_when_it_is_mounted_again() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    let mount = writable(&case);
    let before = seen(Tree::read(mount.path()));
    run(mount.path(), SCRIPT);
    let refused = case.peelfs("revert", &["--all"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("in use"), "{refused:?}");
    drop(mount);
    super::gone(&case.path("upper"));
    let names = ["/etc", "/d", "/new", "/h", "/bin", "/a", "/l", "/q", "/old"];
    assert_eq!(case.peelfs("revert", &names).status.code(), Some(0));
    assert_eq!(case.status(), "");
    let mount = writable(&case);
    let differences = seen(Tree::read(mount.path())).differences(&before, 20);
    assert!(differences.is_empty(), "reverted first, as it was second:\n{differences}");
}

/// What nobody does in a mount of his, and what it shows then.
const BY_NOBODY: &str = "
    look() { (cd $1; find . -type d -printf '%p d %m %U:%G %T@\\n' -o -printf '%p %y %m %U:%G %s %n %T@ %l\\n' | sort); }
    mkdir m n
    peelfs mount base.tar m --upper up
    (cd m; rm etc/motd; rm -r d/sub; mkdir d/sub; echo n >d/sub/n; mv old new; chmod 600 etc/passwd; chmod 4711 bin/sh
     mkdir -p a/b; chmod 1777 a; echo deep >a/b/c; ln a/b/c a/d; mkfifo a/p; ln -s x a/l)
    look m >before
    peelfs umount m
    peelfs status base.tar --upper up >told
    peelfs commit base.tar --upper up -o new.tar -t mine
    peelfs mount new.tar n
    look n >after
    peelfs umount n
    diff before after
    grep -qx 'C /bin/sh' told
    grep -qx 'D /old' told";

#[test]
fn w8_who_is_not_root_keeps_what_he_wrote() {
    need!(can_compare() && has("fusermount3") && has("setpriv"), "needs root, fusermount3 and setpriv");
    let nobody = Nobody::new();
    let case = Case::of(&[
        "./ bin/ bin/sh=#!binary!755 d/ d/sub/ d/sub/c=3 etc/ etc/motd=hello etc/passwd=root old/ old/f=6",
    ]);
    nobody.write("base.tar", &std::fs::read(case.path("base.tar")).unwrap());
    let output = nobody.script(BY_NOBODY).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}\n{}", said[0], said[1]);
    let verified = crate::support::peelfs(["verify".as_ref(), nobody.join("new.tar").as_os_str()]);
    assert!(verified.status.success());
}

#[test]
fn a_file_system_without_unnamed_files_keeps_nothing_half_done_either() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write("head -c 200000000 /dev/zero >big");
    // FUSE has no O_TMPFILE.
    let mount = Mount::new([OsStr::new("--ephemeral"), case.path("base.tar").as_os_str()]);
    let commit = |stored: &str| {
        let mut command = crate::support::mount::command();
        command.args(["commit", "base.tar", "--upper", "upper", "--compression", stored, "-o"]);
        command.arg(mount.join("new.tar")).current_dir(case.dir.path());
        command
    };
    let names = || std::fs::read_dir(mount.path()).unwrap().count();
    let before = names();
    let mut child = commit("gzip").spawn().unwrap();
    while names() == before {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early to be ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(15));
    assert_eq!(names(), before);
    assert!(commit("zstd").output().unwrap().status.success());
    assert_eq!(names(), before + 1);
    case.check("written through FUSE", &mount.join("new.tar"));
}

#[test]
fn depth_is_no_matter() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write("i=0; while [ $i -lt 1500 ]; do mkdir x; cd -P x; i=$((i+1)); done; echo 1 >f");
    assert_eq!(case.status().lines().count(), 1501);
    let new = case.commit(&[]);
    let verified = crate::support::peelfs(["verify".as_ref(), new.as_os_str()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    case.succeed("revert", &["/x"]);
}
