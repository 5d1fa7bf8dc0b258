//! `peelfs find`: find(1)'s tests, and what layers hide.

use std::path::Path;
use std::process::{Command, Output};

use super::{app, hostile_names, write};
use crate::support::archive::{Written, docker};
use crate::support::mount::command;
use crate::support::need::{has, need};
use crate::support::{layer, peelfs, session};

#[test]
fn names_are_found_by_all_tests_in_either_way_of_writing_them() {
    let dir = app();
    session(
        dir.path(),
        r#"
$ peelfs find app.tar
/
/bin
/bin/ash
/bin/sh
/dev
/dev/null
/dev/sda
/etc
/etc/hostname
/lib
/run
/run/p
/srv
/srv/data
/srv/link
/tmp
/usr
/usr/lib
/usr/lib/libc.so
$ peelfs find app.tar /srv /etc --type f
/srv/data
/srv/link
/etc/hostname
$ peelfs find app.tar -name '*s*' -type f,l
/bin/ash
/bin/sh
/etc/hostname
/usr/lib/libc.so
$ peelfs find app.tar --iname 'LIBC*' -ls
-rw-r--r--   1     0     0        3000 1969-12-31 23:59 L0  /usr/lib/libc.so
$ peelfs find app.tar -path '/dev/*' -type c -o -type b
! peelfs: find: `-o` of find(1) is not known here; `peelfs find --help`
? 2
$ peelfs find app.tar -type c,b,p
/dev/null
/dev/sda
/run/p
$ peelfs find app.tar -size +2k
/usr/lib/libc.so
$ peelfs find app.tar -size -2c -type f
$ peelfs find app.tar -perm -1000
/tmp
$ peelfs find app.tar -perm 600
/run/p
/srv/data
/srv/link
$ peelfs find app.tar -maxdepth 0
/
$ peelfs find app.tar /usr -maxdepth 1
/usr
/usr/lib
$ peelfs find app.tar --layer 1-2 --type f
/bin/ash
/etc/hostname
/srv/data
/srv/link
$ peelfs find app.tar --xattr 'user.*'
/usr/lib/libc.so
$ peelfs find app.tar -empty
/tmp
$ peelfs find app.tar -name nothing
$ peelfs find app.tar -uid 7
$ peelfs find app.tar -user nobody
! peelfs: /etc/passwd: no such file or directory
? 2
$ peelfs find app.tar -mtime -3
$ peelfs find app.tar -newer /etc/hostname
$ peelfs find app.tar -newermt 1970-01-02 -name libc.so
$ peelfs find app.tar /no/such /srv
/srv
/srv/data
/srv/link
! peelfs: /no: no such file or directory
? 2
$ peelfs find app.tar -size 3x
! error: invalid value '3x' for '--size <[+-]N[ckMG]>': `3x` is no size: +100k, -2M, 0c
! 
! For more information, try '--help'.
? 2
$ peelfs find app.tar /lib -name 'l*' -print0 | tr '\0' '|'
/lib|(no newline)
$ peelfs find app.tar /srv/data --json
[
  {
    "path": "srv/data",
    "type": "file",
    "mode": "0600",
    "uid": 0,
    "gid": 0,
    "size": 5,
    "mtime": "2023-11-14T22:13:20Z",
    "nlink": 2,
    "inode": 12884901892,
    "layers": [
      2
    ]
  }
]
$ peelfs find app.tar -name nothing --json
[]
"#,
    );
}

#[test]
fn what_layers_hide_is_found_and_told_how_to_read() {
    let dir = app();
    session(
        dir.path(),
        r#"
$ peelfs find app.tar --all-layers -type f
/bin/ash  layer 1  shown
/bin/sh  layer 0  shown
/etc/hostname  layer 2  shown
/etc/motd  layer 0  deleted by layer 1  (peelfs cat app.tar@0 /etc/motd)
/etc/passwd  layer 1  deleted by layer 2  (peelfs cat app.tar@1 /etc/passwd)
/etc/passwd  layer 0  replaced by layer 1  (peelfs cat app.tar@0 /etc/passwd)
/srv/data  layer 2  shown
/srv/link  layer 2  shown
/usr/lib/libc.so  layer 0  shown
$ peelfs find app.tar --all-layers /etc/motd
/etc/motd  layer 0  deleted by layer 1  (peelfs cat app.tar@0 /etc/motd)
$ peelfs cat app.tar@0 /etc/motd
hello(no newline)
$ peelfs find app.tar --all-layers -name passwd --layer 1 -l
-rw-r--r--   1     0     0           8 2023-11-14 22:13 L1  /etc/passwd  layer 1  deleted by layer 2  (peelfs cat app.tar@1 /etc/passwd)
$ peelfs find app.tar@1 --all-layers -name motd --json
[
  {
    "path": "etc/motd",
    "type": "file",
    "mode": "0644",
    "uid": 0,
    "gid": 0,
    "size": 5,
    "mtime": "2023-11-14T22:13:20Z",
    "layer": 0,
    "verdict": "hidden",
    "hidden_by": 1,
    "reason": "deleted",
    "image": "app.tar@0"
  }
]
$ peelfs find app.tar --all-layers -maxdepth 1 -type d
/bin  layer 1  shown
/bin  layer 0  merged
/dev  layer 1  shown
/etc  layer 2  shown
/etc  layer 1  replaced by layer 2  (peelfs ls app.tar@1 /etc)
/etc  layer 0  replaced by layer 2  (peelfs ls app.tar@0 /etc)
/run  layer 1  shown
/srv  layer 2  shown
/tmp  layer 0  shown
/usr  layer 0  shown
$ peelfs find app.tar --all-layers /nowhere
! peelfs: /nowhere: no layer has it
? 2
"#,
    );
}

#[test]
fn a_command_that_is_told_survives_the_shell() {
    let dir = tempfile::TempDir::new().unwrap();
    let base = layer("a/").file("a/it's a secret", b"found");
    write(dir.path(), "my app.tar", &docker(&[Written::new("app:1", [base, layer(".wh.a")])]));
    session(
        dir.path(),
        r#"
$ peelfs find 'my app.tar' --all-layers -type f
/a/it's a secret  layer 0  deleted by layer 1  (peelfs cat 'my app.tar@0' '/a/it'\''s a secret')
$ eval "$(peelfs find 'my app.tar' --all-layers -type f | sed 's/.*(\(.*\))/\1/')"
found(no newline)
"#,
    );
}

#[test]
fn names_are_bytes_in_a_pipe() {
    let dir = hostile_names();
    let image = dir.path().join("names.tar");
    let found = peelfs(["find".as_ref(), image.as_os_str(), "-name".as_ref(), "*utf*".as_ref()]).stdout;
    assert_eq!(found, b"/not utf-8 \xff\n");
}

/// Modes as `-perm` takes them, and some that are none.
const PERMS: [&str; 51] = [
    "644",
    "0644",
    "00000644",
    "4755",
    "0",
    "-0",
    "/0",
    "000",
    "/000",
    "-4000",
    "/4000",
    "/222",
    "-222",
    "/6000",
    "-6000",
    "u+s",
    "-u+s",
    "/u+s",
    "u=rwx",
    "-u=rwx",
    "/u=rwx",
    "-u+rw,g+r",
    "/u+w,g+w",
    "u=rw,g=r,o=r",
    "a=rw",
    "-a+x",
    "/a+x",
    "+x",
    "-+x",
    "=644",
    "+222",
    "-g=u",
    "u=rw,g=u,o=g-w",
    "-u=rw,go=u-w",
    "a+X",
    "-a+X",
    "/X",
    "-o+t",
    "/ug+s",
    "-",
    "u",
    "888",
    "17777",
    "u+q",
    "u+r,",
    "/u+4",
    "-+222",
    "/+222",
    "u=r,+222",
    "+222,u=r",
    "+4000",
];

#[test]
fn perm_is_what_gnu_find_takes_it_for() {
    need!(has("find") && has("tar"), "needs GNU find and tar");
    let dir = tempfile::TempDir::new().unwrap();
    let modes = [0, 0o1, 0o200, 0o222, 0o400, 0o444, 0o600, 0o644, 0o664, 0o666, 0o700, 0o755, 0o777];
    let modes =
        modes.iter().flat_map(|mode| [0, 0o1000, 0o2000, 0o4000, 0o6000, 0o7000].map(|high| high | mode));
    let words = modes.flat_map(|mode| [format!("f{mode:o}=1!{mode:o}"), format!("d{mode:o}/!{mode:o}")]);
    let tar = words.fold(layer("./"), |tar, word| tar.entry(&word));
    write(dir.path(), "modes.tar", &tar.finish());
    let unpacked = "mkdir tree && tar xpf modes.tar -C tree --delay-directory-restore";
    assert!(in_shell(dir.path(), unpacked).status.success());
    for perm in PERMS {
        let theirs = format!("cd tree && find . -mindepth 1 -perm {perm} -printf '/%P\\n' 2>&- | sort; true");
        let known = in_shell(dir.path(), &format!("find tree -maxdepth 0 -perm {perm}")).status.success();
        let theirs = in_shell(dir.path(), &theirs).stdout;
        for option in ["-perm ", "--perm ", "--perm="] {
            let ours = peelfs_in(dir.path(), &format!("find modes.tar {option}{perm}"));
            assert_eq!(ours.status.success(), known, "{option}{perm}: {ours:?}");
            let mut lines: Vec<&str> =
                str::from_utf8(&ours.stdout).unwrap().lines().filter(|line| *line != "/").collect();
            lines.sort_unstable();
            assert_eq!(lines, str::from_utf8(&theirs).unwrap().lines().collect::<Vec<_>>(), "{option}{perm}");
        }
    }
}

fn in_shell(dir: &Path, line: &str) -> Output {
    Command::new("sh").args(["-c", line]).current_dir(dir).env("LC_ALL", "C").output().unwrap()
}

fn peelfs_in(dir: &Path, line: &str) -> Output {
    command().args(line.split(' ')).current_dir(dir).output().unwrap()
}

#[test]
fn in_all_layers_a_path_is_as_it_stands_and_where_its_symlinks_lead() {
    let dir = tempfile::TempDir::new().unwrap();
    let base = layer("lib/ lib/old=1 usr/ usr/lib/ usr/lib/new=2");
    let image = Written::new("app:1", [base, layer("lib->usr/lib"), layer("usr/lib/.wh.new")]);
    write(dir.path(), "app.tar", &docker(&[image]));
    session(
        dir.path(),
        r#"
$ peelfs find app.tar --all-layers /lib
/lib  layer 1  shown
/lib  layer 0  replaced by layer 1  (peelfs ls app.tar@0 /lib)
/lib/old  layer 0  replaced by layer 1  (peelfs cat app.tar@0 /lib/old)
$ peelfs find app.tar --all-layers /lib/new
/usr/lib/new  layer 0  deleted by layer 2  (peelfs cat app.tar@0 /usr/lib/new)
$ peelfs find app.tar --all-layers /lib/old
/lib/old  layer 0  replaced by layer 1  (peelfs cat app.tar@0 /lib/old)
$ peelfs find app.tar --all-layers /lib/
/lib  layer 1  shown
/lib  layer 0  replaced by layer 1  (peelfs ls app.tar@0 /lib)
/lib/old  layer 0  replaced by layer 1  (peelfs cat app.tar@0 /lib/old)
$ peelfs find app.tar --all-layers /lib/../usr/lib
! peelfs: /usr/usr/lib: no layer has it
? 2
$ peelfs find app.tar --all-layers /lib/none
! peelfs: /usr/lib/none: no layer has it
? 2
"#,
    );
}

#[test]
fn a_misspelt_test_is_named_with_the_one_that_was_meant() {
    session(
        app().path(),
        r#"
$ peelfs find app.tar -nmae x
! peelfs: find: `-nmae`: no such test; similar: -name
? 2
$ peelfs find app.tar --deleted -type f
/etc/motd  layer 0  deleted by layer 1  (peelfs cat app.tar@0 /etc/motd)
/etc/passwd  layer 1  deleted by layer 2  (peelfs cat app.tar@1 /etc/passwd)
$ peelfs find app.tar -hidden -name passwd
/etc/passwd  layer 1  deleted by layer 2  (peelfs cat app.tar@1 /etc/passwd)
/etc/passwd  layer 0  replaced by layer 1  (peelfs cat app.tar@0 /etc/passwd)
"#,
    );
}
