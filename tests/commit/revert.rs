//! Forgetting changes: what is left of the upper, and what shows then.

use std::fs;

use super::case::{Case, seen};
use super::{NEEDS, can_compare};
use crate::support::need::need;

const BASE: [&str; 1] = ["./ a/ a/x=1 a/y=2 a/sub/ a/sub/z=3 b=4 old/ old/f=5 old/g/ old/g/h=6"];

/// What is done, what is reverted, and what there still is to tell; commas between lines.
const CASES: [(&str, &[&str], &str); 13] = [
    ("rm b", &["/b"], ""),
    ("echo 1 >b", &["b"], ""),
    ("echo 1 >a/sub/new", &["/a/sub/new"], ""),
    ("echo 1 >a/sub/new; echo 1 >a/x", &["/a/sub/new"], "C /a,C /a/x"),
    ("echo 1 >a/sub/new; chmod 700 a", &["/a/sub/new"], "C /a"),
    ("echo 1 >a/x; rm a/y; echo 1 >a/sub/z; echo 1 >b", &["/a"], "C /b"),
    ("rm -r a/sub; mkdir a/sub; echo 1 >a/sub/new", &["a/sub"], ""),
    ("rm -r a; echo 1 >a", &["/a"], ""),
    ("mkdir -p n/m; echo 1 >n/m/o; echo 1 >n/p", &["/n/m/"], "A /n,A /n/p"),
    ("mkdir -p n/m; echo 1 >n/m/o", &["/n/m/o", "/n"], ""),
    ("rm a/x; rm b; echo 1 >c", &["/a/x", "/b", "/c"], ""),
    ("rm a/x; rm b; echo 1 >c; mkdir -p d/e/f", &["--all"], ""),
    ("rm a/x; rm b; mv old new", &["/"], ""),
];

#[test]
fn the_images_own_shows_again() {
    need!(can_compare(), NEEDS);
    for (script, paths, left) in CASES {
        let case = Case::of(&BASE);
        let before = case.tree();
        case.write(script);
        assert_eq!(case.succeed("revert", paths), "", "{script}");
        assert_eq!(case.status().trim_end().replace('\n', ","), left, "{script}");
        if left.is_empty() {
            let differences = seen(case.tree()).differences(&seen(before), 20);
            assert!(differences.is_empty(), "{script}; after and before:\n{differences}");
            assert_eq!(fs::read_dir(case.path("upper")).unwrap().count(), 0, "{script}");
        }
    }
}

/// What is done, what is reverted, and what is said of it.
const REFUSED: [(&str, &str, &str); 8] = [
    ("rm -r a/sub", "/a/sub/z", "/a/sub/z: /a/sub is deleted; to have the image's own again, revert /a/sub"),
    (
        "rm -r a; echo 1 >a",
        "/a/x",
        "/a/x: /a is no directory any more; to have the image's own again, revert /a",
    ),
    (
        "rm -r a/sub; mkdir a/sub; echo 1 >a/sub/z",
        "/a/sub/z",
        "/a/sub/z: /a/sub was made anew; to have the image's own again, revert /a/sub",
    ),
    (
        "mv old new; echo 1 >new/f",
        "/new/f",
        "/new/f: /new was another directory, and was renamed; to have the image's own again, revert /new",
    ),
    (
        "mv old new",
        "/new/g/h",
        "/new/g/h: /new was another directory, and was renamed; to have the image's own again, revert /new",
    ),
    ("true", "/nothing", "/nothing: no such file or directory, in the image or over it"),
    ("true", "/b/x", "/b/x: no such file or directory, in the image or over it"),
    ("true", "/../b", "/../b: `..` in name"),
];

#[test]
fn where_it_cannot_the_error_says_what_can() {
    need!(can_compare(), NEEDS);
    for (script, path, message) in REFUSED {
        let case = Case::of(&BASE);
        case.write(script);
        let before = case.status();
        let output = case.peelfs("revert", &[path]);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("peelfs: {message}\n"), "{script}");
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(case.status(), before);
    }
}

#[test]
fn a_renamed_directory_leaves_its_old_name_deleted_and_that_is_said() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write("mv old new; mv new/g up; mkdir in; mv up in/up");
    let output = case.peelfs("revert", &["/new"]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "peelfs: warning: /new: /old, from where a directory was renamed, is deleted still; revert it too\n"
    );
    assert_eq!(case.status(), "A /in\nA /in/up\nA /in/up/h\nD /old\n");
    // Where it came from is deleted with all that was around it.
    let output = case.peelfs("revert", &["/in", "/old"]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "peelfs: warning: /in: /old/g, from where a directory was renamed, is deleted still; revert it too\n"
    );
    assert_eq!(case.status(), "");
}

#[test]
fn the_rest_is_done_and_what_is_unchanged_is_said() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write("rm b; rm a/x");
    let output = case.peelfs("revert", &["/nothing", "/a/y", "/b"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "peelfs: /nothing: no such file or directory, in the image or over it\n\
         peelfs: warning: /a/y: not changed\n"
    );
    assert_eq!(case.status(), "C /a\nD /a/x\n");
}

#[test]
fn an_upper_that_is_in_use_is_left_alone() {
    need!(can_compare(), NEEDS);
    let case = Case::of(&BASE);
    case.write("rm b");
    let upper = fs::File::open(case.path("upper")).unwrap();
    rustix::fs::flock(&upper, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let output = case.peelfs("revert", &["/b"]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "peelfs: upper: in use by a mount; umount that first\n"
    );
    // To look is no harm.
    assert_eq!(case.status(), "D /b\n");
}
