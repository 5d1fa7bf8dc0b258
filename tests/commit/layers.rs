//! What is in a layer and what is not, and what the image with it shows.

use std::fs;

use super::case::Case;
use super::{NEEDS, can_compare};
use crate::support::need::need;
use crate::support::peelfs;

const BASE: [&str; 2] = [
    "./ bin/ bin/sh=#!binary!755 d/ d/a=1 d/b=2 d/sub/ d/sub/c=3 d/sub/deep/ d/sub/deep/x=4 etc/ etc/motd=hello \
     h/ h/one=5 h/two=>h/one old/ old/f=6 old/g=>old/f l->bin/sh cnull@1:3 q|",
    "./ etc/ etc/passwd=root top/ top/t=7 d/ d/.wh.b",
];

/// What is done, and what is in the layer.
const CASES: [(&str, &str); 26] = [
    ("true", ""),
    // Copied up, and as it was.
    ("chmod 700 etc/motd; chmod 644 etc/motd", ""),
    ("chmod 700 d/sub; chmod 755 d/sub", ""),
    ("chmod 600 etc/motd", "./ etc/ etc/motd"),
    ("echo more >>etc/passwd", "./ etc/ etc/passwd"),
    ("touch -d @1000000000.5 etc/motd", "./ etc/ etc/motd"),
    ("chown -h 5:6 l", "./ l"),
    ("setfattr -n user.colour -v blue d", "./ d/"),
    ("setfattr -n trusted.x -v 1 null", "./ null"),
    // Something as long and as old as before.
    ("touch -r etc/motd ref; printf jello >etc/motd; touch -r ref etc/motd; rm ref", "./ etc/ etc/motd"),
    // Gone.
    ("rm etc/motd", "./ etc/ etc/.wh.motd"),
    ("rm -r d/sub", "./ d/ d/.wh.sub"),
    ("echo 1 >new; rm new", "./"),
    ("rm -r d/sub; mkdir d/sub", "./ d/ d/sub/ d/sub/.wh..wh..opq"),
    ("rm -r d/sub; mkdir d/sub; echo 3 >d/sub/c", "./ d/ d/sub/ d/sub/.wh..wh..opq d/sub/c"),
    // One thing in the place of another.
    ("rm etc/motd; mkdir etc/motd; echo 1 >etc/motd/x", "./ etc/ etc/motd/ etc/motd/x"),
    ("rm -r d; echo 1 >d", "./ d"),
    ("rm l; ln -s elsewhere l", "./ l"),
    // What was deleted below, made anew: nothing of it has to be hidden.
    ("mkdir d/b; echo 1 >d/b/x", "./ d/ d/b/ d/b/x"),
    // Renamed.
    ("mv etc/motd etc/greeting", "./ etc/ etc/greeting etc/.wh.motd"),
    ("mv old new", "./ new/ new/f new/g=>new/f .wh.old"),
    ("mv d/sub/deep d/up", "./ d/ d/sub/ d/sub/.wh.deep d/up/ d/up/x"),
    ("rm -r top; mv old top", "./ .wh.old top/ top/.wh..wh..opq top/f top/g=>top/f"),
    ("mv old new; rm new/f; echo 1 >new/g", "./ new/ new/g .wh.old"),
    // Hard links.
    ("ln d/a d/z; ln d/a zz", "./ d/ d/a d/z=>d/a zz=>d/a"),
    ("echo 1 >x; ln x etc/x; mknod b b 8 1; ln b bb; mkfifo p", "./ b bb=>b etc/ etc/x p x=>etc/x"),
];

#[test]
fn a_layer_holds_what_differs_and_the_image_shows_it() {
    need!(can_compare(), NEEDS);
    let mut others = Vec::new();
    for (script, expected) in CASES {
        let case = Case::of(&BASE);
        case.write(script);
        let names = case.layer_names();
        if names != expected {
            others.push((script, expected, names));
        }
        let new = case.commit(&[]);
        case.check(script, &new);
        let verified = peelfs(["verify".as_ref(), new.as_os_str()]);
        let report = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success() && report.starts_with("ok: 3 layers"), "{script}: {report}");
    }
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn all_at_once_and_one_on_the_other() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    let script = "rm etc/motd; rm -r d/sub; mkdir d/sub; echo n >d/sub/n; mv old new; mv new/f new/h; ln h/one h/three;
        chmod 2750 h; setfattr -n user.a -v b bin/sh; mkdir -p a/b/c; head -c 3000000 /dev/urandom >a/b/c/big;
        truncate -s 5M a/sparse; touch -d @-5.25 a/aged; chown 70000:4000000000 a/aged; mv top d/sub/top; rm q;
        echo 'odd' >\"$(printf 'new\\nline\\377')\"; mkdir $(printf %0200d 1); echo 1 >$(printf %0200d 1)/$(printf %0200d 2)";
    case.write(script);
    for args in [&[][..], &["--compression", "gzip"], &["--compression", "zstd"], &["--format", "oci"]] {
        let new = case.commit(args);
        case.check(&format!("{args:?}"), &new);
    }
    // Over the new image, nothing is left to say.
    fs::rename(case.path("new.tar"), case.path("base.tar")).unwrap();
    fs::remove_dir_all(case.path("upper")).unwrap();
    fs::create_dir(case.path("upper")).unwrap();
    assert_eq!(case.status(), "");
}

#[test]
fn an_upper_that_was_made_by_hand() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write_by_hand(
        "mknod nothing c 0 0; mkdir d; mknod d/a c 0 0; mknod d/neither c 0 0; mkdir fresh;
         setfattr -n trusted.overlay.opaque -v y fresh; mknod fresh/x c 0 0; echo 1 >fresh/y;
         mkdir etc; setfattr -n user.overlay.opaque -v y etc; echo 1 >etc/only;
         mkdir moved; setfattr -n trusted.overlay.redirect -v /old moved; mknod moved/f c 0 0",
    );
    let names = "./ d/ d/.wh.a etc/ etc/.wh..wh..opq etc/only fresh/ fresh/y moved/ moved/g";
    assert_eq!(case.layer_names(), names);
    assert_eq!(
        case.status(),
        "C /d\nD /d/a\nC /etc\nD /etc/motd\nA /etc/only\nD /etc/passwd\nA /fresh\nA /fresh/y\nA /moved\nA /moved/g\n"
    );
}

#[test]
fn w8_what_the_host_did_not_grant_is_in_the_layer() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write_by_hand(
        "echo 1 >f; setfattr -n user.containers.override_stat -v 5:6:04711:file f; : >null;
         setfattr -n user.containers.override_stat -v 0:0:0666:char-1-3 null; mkdir s; chmod 700 s;
         setfattr -n user.containers.override_stat -v 7:8:01777:dir s",
    );
    case.succeed("commit", &["--layer-only", "-o", "layer.tar"]);
    let index = crate::support::Image::of_tars([fs::read(case.path("layer.tar")).unwrap()]);
    let look = |path: &str| {
        let stat = index.stat(path);
        (stat.kind.letter(), stat.mode, stat.uid, stat.gid, index.xattrs(path).len())
    };
    assert_eq!(look("f"), ('-', 0o4711, 5, 6, 0));
    assert_eq!(look("null"), ('c', 0o666, 0, 0, 0));
    assert_eq!(index.stat("null").device.minor, 3);
    assert_eq!(look("s"), ('d', 0o1777, 7, 8, 0));
}

#[test]
fn what_no_layer_can_hold_is_left_out_and_said() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write_by_hand(
        "echo 1 >.wh.x; echo 1 >x; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'",
    );
    let output = case.peelfs("commit", &["--layer-only", "-o", "layer.tar"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stderr,
        "peelfs: warning: /.wh.x: left out, as no layer can hold a name that begins with .wh.\n\
         peelfs: warning: /s: left out, as no layer can hold a socket\n"
    );
    let index = crate::support::Image::of_tars([fs::read(case.path("layer.tar")).unwrap()]);
    assert_eq!(index.tree(), "x=1\\n");
}

#[test]
fn names_of_one_file_stay_names_of_one_file() {
    need!(can_compare(), NEEDS);
    // Each alone is as it was; together they are one file, which they were not.
    let case = Case::of(&["./ a=1 b=1 c=1 d=1"]);
    case.mounted(|merged| {
        super::case::run(merged, "chmod 600 a; chmod 644 a; ln -f a b; chmod 600 d; chmod 644 d")
    });
    assert_eq!(case.layer_names(), "./ a b=>a");
    let new = case.commit(&[]);
    case.check("linked", &new);
}

#[test]
fn data_that_was_not_copied_up_is_in_the_layer() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    let script = "chmod 700 d/a; chmod 600 d/sub/c; chmod 644 d/sub/c; mv etc/motd m; chown 5 top/t";
    case.mounted_with("metacopy=on", |merged| super::case::run(merged, script));
    assert_eq!(case.layer_names(), "./ d/ d/a etc/ etc/.wh.motd m top/ top/t");
    let new = case.commit(&[]);
    let mount = crate::support::Mount::new([&new]);
    let read = |name: &str| fs::read_to_string(mount.join(name)).unwrap();
    assert_eq!((read("d/a"), read("m"), read("top/t")), ("1".into(), "hello".into(), "7".into()));
}
