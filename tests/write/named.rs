//! The rules of writing as rows: a stack, and what is done to it, in the words of `perform`. All of it is done by
//! the kernel and by peelfs, and in a plain directory, and compared after each step.

use super::check::check;
use super::{NEEDS, can_compare};
use crate::support::need::need;
use crate::support::{By, layer};

/// Layers, base first, and operations.
type Row = (&'static [&'static str], &'static [&'static str]);

#[track_caller]
fn rows(by: &[By], table: &[Row]) {
    let mut wrong = String::new();
    for (stack, lines) in table {
        for by in by {
            let layers = stack.iter().map(|line| layer(line));
            if let Err(reason) = check(*by, layers, lines.chunks(1)) {
                wrong += &format!("{stack:?}: {reason}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Whoever writes it.
const BOTH: &[By] = &[By::Kernel, By::Peelfs];

/// A directory with some depth.
const DEEP: &str = "./ d/!750 d/f=1 d/e/!711 d/e/g=2 d/e/h=3";

#[test]
fn w1_an_upper_of_one_is_the_others() {
    need!(can_compare(), NEEDS);
    rows(
        BOTH,
        &[
            (&["./"], &["create a 600", "mkdir d 700", "symlink a d/l", "fifo d/p", "device d/null"]),
            (&[DEEP], &["unlink d/f", "clear d", "rmdir d", "mkdir d 755", "create d/new 644"]),
            (&[DEEP], &["rename d n", "append n/e/g 5 A", "unlink n/f", "mkdir d 700", "rewrite d/f 3 B"]),
            (
                &[DEEP, "./ d/ d/.wh.f d/e/ d/e/.wh..wh..opq d/e/i=4"],
                &["rename d/e e", "rename d e/d", "create d 600"],
            ),
            (&["./ a=1 b=2"], &["exchange a b", "rename a c", "link b a", "chmod c 400", "unlink b"]),
            (&["./!1777 a=1"], &["chmod . 711", "chown . 7 8", "setxattr . user.of-root 1", "utimes . 3 4"]),
        ],
    );
}

#[test]
fn w2_the_first_change_of_any_kind_copies_up() {
    need!(can_compare(), NEEDS);
    let stack: &[&str] = &[DEEP, "./ l->d/e p| cnull@1:3"];
    rows(
        BOTH,
        &[
            (stack, &["write d/e/g 0 1 A"]),
            (stack, &["append d/e/g 9000 A", "read d/e/g"]),
            (stack, &["rewrite d/e/g 4 A"]),
            (stack, &["rewrite d/e/g 0 A"]),
            (stack, &["map d/e/g 0 1 A"]),
            (stack, &["truncate d/e/g 0", "truncate d/e/h 9000"]),
            (stack, &["allocate d/e/g 0 5000", "punch d/e/h 0 1"]),
            (stack, &["copy d/f d/e/g 1 1", "copy d/e/g d/e/h 0 2"]),
            (stack, &["chmod d/e/g 4711", "chmod d/e 2700"]),
            (stack, &["chown d/e/g 7 -", "chown d/e - 8", "chown l 1 2"]),
            (stack, &["utimes d/e/g 1 2", "utimes d 3 4", "utimes l 5 6"]),
            (stack, &["setxattr d/e/g user.x 1", "setxattr d trusted.y 2", "removexattr d/e/g user.x"]),
            (stack, &["removexattr d/e/g user.x", "setxattr l user.x 1", "setxattr p user.x 1"]),
            (stack, &["link d/e/g new", "link l m", "link p q", "link null n"]),
            (stack, &["rename d/e/g d/moved", "rename l m", "rename p q", "rename null n"]),
            (stack, &["chmod p 644", "chown null 3 4", "utimes p 1 1"]),
            (stack, &["hold-writing d/e/g x", "write-held x 1 1 A", "stat-held x", "sync-held x"]),
        ],
    );
}

#[test]
fn w2_what_fails_changes_nothing() {
    need!(can_compare(), NEEDS);
    rows(
        BOTH,
        &[
            (&[DEEP], &["mkdir d 700", "create d/f 600", "symlink x d/e", "fifo d/f", "link d/f d/e/g"]),
            (&[DEEP], &["rmdir d", "rmdir d/f", "unlink d/e", "unlink d/none", "rmdir none", "link d n"]),
            (&[DEEP], &["rename d d/e/x", "rename d/e d", "rename d d/f", "rename d/f d/e", "rename none n"]),
            (&[DEEP], &["rename-new d/f d/e/g", "exchange d/f none", "exchange d d/e", "exchange d/e d"]),
            (&[DEEP], &["create d/f/x 600", "mkdir d/none/x 700", "rename d/f d/f/x", "truncate d 0"]),
            (&[DEEP], &["removexattr d/f user.none", "punch d/e 0 1", "map d/f 9 9 A", "rename d/f d/f"]),
        ],
    );
}

#[test]
fn w3_descriptors_opened_before_read_on() {
    need!(can_compare(), NEEDS);
    let stack: &[&str] = &["./ a=old b=other d/ d/c=deep"];
    rows(
        BOTH,
        &[
            (
                stack,
                &["hold a x", "write a 1 9000 A", "read-held x", "read a", "truncate a 2", "read-held x"],
            ),
            (stack, &["hold a x", "unlink a", "read-held x", "create a 600", "read-held x", "read a"]),
            (stack, &["hold a x", "rename b a", "read-held x", "append a 1 A", "read-held x", "stat-held x"]),
            (stack, &["hold d/c x", "rename d e", "read-held x", "append e/c 10 A", "read-held x"]),
            (stack, &["hold-writing a x", "unlink a", "write-held x 0 5 A", "read-held x", "stat-held x"]),
            (
                stack,
                &["hold-writing a x", "rename a d/c", "write-held x 9 5 A", "truncate-held x 20", "read d/c"],
            ),
            (stack, &["hold a x", "rewrite a 1 A", "read-held x", "rewrite a 0 A", "read a", "read-held x"]),
        ],
    );
}

#[test]
fn w4_what_is_deleted_stays_deleted() {
    need!(can_compare(), NEEDS);
    let both: &[&str] = &[DEEP, "./ d/ d/f=above d/i=4"];
    rows(
        BOTH,
        &[
            (both, &["unlink d/f", "create d/f 600", "unlink d/f", "unlink d/i", "rewrite d/i 3 A"]),
            (
                both,
                &[
                    "unlink d/e/g",
                    "unlink d/e/h",
                    "rmdir d/e",
                    "mkdir d/e 700",
                    "create d/e/new 600",
                    "rmdir d/e",
                ],
            ),
            (
                both,
                &["clear d/e", "rmdir d/e", "create d/e 644", "unlink d/e", "mkdir d/e 755", "read d/e/g"],
            ),
            (both, &["clear d", "rmdir d", "symlink e d", "unlink d", "fifo d", "unlink d", "mkdir d 711"]),
            (
                both,
                &[
                    "clear d",
                    "rmdir d",
                    "mkdir d 700",
                    "mkdir d/e 700",
                    "rmdir d/e",
                    "rmdir d",
                    "mkdir d 711",
                ],
            ),
            (both, &["mkdir d/e/new 700", "clear d/e", "rmdir d/e", "mkdir d/e 700", "mkdir d/e/new 711"]),
            // Nothing shows in it, whatever its layers say.
            (&["./ d/ d/a=1", "./ d/ d/.wh.a"], &["rmdir d", "mkdir d 700", "create d/a 600"]),
            (&["./ d/ d/a=1", "./ .wh.d", "./ d/ d/b=2"], &["unlink d/b", "rmdir d", "mkdir d 700"]),
            (&["./ d/ d/a=1", "./ d/ d/.wh..wh..opq d/b=2"], &["unlink d/b", "rmdir d", "mkdir d 700"]),
            (&["./ a=1", "./ .wh.a"], &["create a 600", "unlink a", "mkdir a 700", "rmdir a"]),
        ],
    );
}

#[test]
fn w5_renames_of_files() {
    need!(can_compare(), NEEDS);
    let stack: &[&str] = &["./ a=1 b=2 d/ d/c=3 l->a", "./ d/ d/e=4 b=5"];
    rows(
        BOTH,
        &[
            (stack, &["rename a n", "rename n a", "rename a b", "create a 600"]),
            (stack, &["rename d/c d/e", "rename d/e b", "mkdir d/e 700", "rename b d/c"]),
            (stack, &["unlink a", "rename b a", "rename a b", "rename-new b a", "rename-new a d/c"]),
            (stack, &["exchange a b", "exchange a d/e", "exchange a l", "exchange b d", "exchange d b"]),
            (stack, &["link a n", "rename a n", "rename n b", "unlink b", "rename l b"]),
            (stack, &["unlink d/c", "rename a d/c", "rename-new d/e a", "exchange d/c a"]),
        ],
    );
}

#[test]
fn w5_renames_of_directories_from_below() {
    need!(can_compare(), NEEDS);
    let stack: &[&str] = &[DEEP, "./ d/ d/i=4 o/ o/x=5 o/e/ o/e/y=6", "./ empty/"];
    rows(
        BOTH,
        &[
            (stack, &["rename d n", "read n/e/g", "append n/e/g 3 A", "rename n d", "read d/i"]),
            (stack, &["rename d n", "rename n/e n/k", "rename n/k e", "rename n e/n", "unlink e/n/f"]),
            (stack, &["rename d n", "mkdir d 700", "create d/f 600", "rename d n/d", "rename n d"]),
            (stack, &["rename d empty", "rename o d", "rename d/e o", "rename empty d/e"]),
            (stack, &["rename d/e o/new", "rename o d/e", "rename d o", "rename o/e/new d"]),
            (
                stack,
                &["exchange d o", "exchange d/e o/e", "exchange d/e/g o", "exchange o d", "unlink o/e/h"],
            ),
            (stack, &["exchange d/e d/f", "exchange d/e d", "rename d/f empty", "exchange empty o/x"]),
            (stack, &["unlink d/f", "rename d n", "create n/f 600", "rename n/e d", "rename d n/e"]),
            (stack, &["rename d o", "clear o", "rename d o", "clear o", "rmdir o", "rename empty o"]),
            (stack, &["rename-new d empty", "rename-new d n", "clear n", "rmdir n", "mkdir n 700"]),
            (
                stack,
                &["rename d/e n", "clear n", "rmdir n", "mkdir d/e 700", "rename d/e n", "mkdir n/e 700"],
            ),
            (&["./ d/ d/a=1", "./ d=file", "./ d/ d/b=2"], &["rename d n", "mkdir d 700", "create n/a 600"]),
            (&["./ d/ d/a=1", "./ d/ d/.wh..wh..opq d/b=2"], &["rename d n", "rename n d", "append d/b 1 A"]),
        ],
    );
}

#[test]
fn w6_links_made_in_the_mount() {
    need!(can_compare(), NEEDS);
    rows(
        BOTH,
        &[
            (
                &["./ a=1 d/"],
                &["link a d/b", "append a 5 A", "link d/b c", "unlink a", "append c 5 B", "chmod c 600"],
            ),
            (
                &["./ d/"],
                &["create a 600", "link a d/b", "rename d n", "append n/b 5 A", "rename a n/b", "unlink n/b"],
            ),
            (
                &["./ a=1"],
                &["link a b", "link a b", "rename b c", "link c a", "exchange a c", "rewrite c 3 A"],
            ),
        ],
    );
}

#[test]
fn w6_names_of_a_lower_file_stay_together() {
    need!(can_compare(), NEEDS);
    let stack: &[&str] = &["./ a=1 d/ d/b=>a d/e/ d/e/c=>a"];
    rows(
        &[By::Peelfs],
        &[
            (stack, &["append a 5 A", "read d/b", "append d/e/c 5 B", "read a"]),
            (stack, &["chmod d/b 600", "chown a 7 8", "utimes d/e/c 1 2", "setxattr a user.x 1"]),
            (stack, &["unlink a", "append d/b 5 A", "create a 600", "link d/b n", "append n 5 B"]),
            (stack, &["rename a n", "append d/b 5 A", "rename d/e/c n", "rename n d/b", "unlink d/b"]),
            (stack, &["rename d x", "append a 5 A", "read x/b", "append x/e/c 5 B", "rename x/e d"]),
            (stack, &["clear d", "rmdir d", "append a 5 A", "mkdir d 700", "link a d/b"]),
            (stack, &["hold d/b x", "append a 5 A", "read-held x", "rewrite d/e/c 3 B", "read-held x"]),
            (stack, &["exchange a d/b", "append a 1 A", "exchange d/e d/b", "append d/b/c 1 B"]),
            (
                &["./ a=1 b=>a d/ d/c=>a", "./ b=2 d/ d/.wh.c"],
                &["append a 1 A", "append b 1 B", "create d/c 600"],
            ),
            (&["./ a=1 b=>a d/ d/c=>a", "./ .wh.d", "./ d/"], &["chmod a 600", "unlink b", "append a 1 A"]),
            (&["./ l->x m=>l p| q=>p cnull@1:3 n=>null"], &["chown l 1 2", "chmod p 600", "utimes null 1 2"]),
        ],
    );
}
