//! Stacks named after the rule that they show; attributes and contents have `attributes` to themselves.

use tar::EntryType;

use super::{NEEDS, can_compare, check, check_as};
use crate::support::need::need;
use crate::support::{Layer, layer};

/// A stack in the words of `support::layer`, base first.
type Stack = &'static [&'static str];

fn layers(stack: Stack) -> impl Iterator<Item = Layer> {
    stack.iter().map(|line| layer(line))
}

/// Stacks that GNU tar and overlayfs take as they are.
fn rows(table: &[Stack]) {
    for stack in table {
        check(&format!("{stack:?}"), layers(stack));
    }
}

/// Stacks that they do not take, each with one that says the same.
fn rows_as(table: &[(Stack, Stack)]) {
    for (stack, plain) in table {
        check_as(&format!("{stack:?}"), layers(stack), layers(plain));
    }
}

#[test]
fn s1_names() {
    need!(can_compare(), NEEDS);
    rows(&[&["./ /a=1 ./b=2 c//d=3 e/./f=4 g/", "/./a=5 c/d=6"]]);
    let long = "n".repeat(255);
    let deep = "deep/".repeat(100) + "end";
    let names: [&[u8]; 7] =
        [b"\xff\xfe", b"a b", b" ", b"\x1b[31m", b"new\nline", long.as_bytes(), deep.as_bytes()];
    let lower = names.iter().fold(layer("./"), |layer, name| layer.long(EntryType::Regular, name, name));
    let cut = &deep.as_bytes()[..deep.len() - "/deep/end".len()];
    let upper = layer("./").file("\u{fe}", b"").file("new", b"").long(EntryType::Regular, cut, b"shorter");
    check("names", [lower, upper]);
}

#[test]
fn s2_rejected_members_leave_the_rest_as_it_is() {
    need!(can_compare(), NEEDS);
    rows_as(&[
        (&["./ ../x=1 a/../b=2 ok=3 ..=4", "h=>../../etc/passwd"], &["./ ok=3", ""]),
        (&["./ ca@4096:0 bb@0:1048576 ok=3"], &["./ ok=3"]),
    ]);
    let long = layer("./ ok=3").long(EntryType::Regular, "x".repeat(256).as_bytes(), b"");
    let nameless = long.add(EntryType::Regular, b"", b"contents", |_| {});
    check_as("long and empty names", [nameless], [layer("./ ok=3")]);
}

#[test]
fn s3_the_later_of_two_entries_stays() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ a=1 a=2"],
        &["./ a=1!600 a->x"],
        &["./ a->x a=1"],
        &["./ a=1 a/!700 a/b=2"],
        &["./ a=1 ca@1:3 a|"],
        &["./ d/!700 d/a=1 d/!711"],
        &["./ d/a=1 d/!711"],
        &["./!700 a=1 ./!711"],
        &["./ a=1 b=>a a=2"],
        &["./ d/ d/x=1", "./ d=1 d/ d/y=2"],
    ]);
    rows_as(&[
        (&["./ d/ d/a=1 d=2"], &["./ d=2"]),
        (&["./ d/e/a=1 d->x"], &["./ d->x"]),
        (&["./ d/e/a=1 d=2 d/!700 d/b=3"], &["./ d/!700 d/b=3"]),
        (&["./ d/ d/a=1 b=>d/a d=2"], &["./ d=2 b=1"]),
    ]);
}

/// The root and `d/`, with attributes that nothing else has.
fn described(layer: Layer) -> Layer {
    let directory = |layer: Layer, name: &[u8]| {
        layer.pax([("SCHILY.xattr.user.d", name)]).add(EntryType::Directory, name, b"", |header| {
            header.set_mode(0o2750);
            header.set_uid(7);
            header.set_mtime(1_500_000_000);
        })
    };
    directory(directory(layer, b"./"), b"d/")
}

#[test]
fn s4_implied_directories_show_the_attributes_of_the_layer_below() {
    need!(can_compare(), NEEDS);
    let implied = [described(Layer::new()), layer("d/a=1"), layer("d/.wh.a d/e/b=2 c=3")];
    let explicit = ["", "d/a=1", "d/.wh.a d/e/ d/e/b=2 c=3"].map(|line| described(layer(line)));
    check_as("all of them", implied, explicit);
    // Nothing of what is hidden shows in what takes its place.
    rows_as(&[
        (&["./ d/!700 d/old=1", "./ d/.wh..wh..opq d/a=2"], &["./ d/ d/a=2"]),
        (&["./ d/!700", "./ .wh.d", "./ d/a=2"], &["./ d/ d/a=2"]),
    ]);
}

#[test]
fn s5_hard_links() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ a=1 b=>a d/ d/c=>b l->x h=>l p| q=>p cnull@1:3 n=>null"],
        // What is replaced or deleted above stays what it was under its other names (crane#977).
        &["./ a=1 b=>a c=>a", "./ a=2", "./ .wh.c"],
        &["./ d/ d/a=1 b=>d/a", "./ .wh.d"],
    ]);
    rows_as(&[
        (&["./ c=>b b=>a a=1"], &["./ a=1 b=>a c=>a"]),
        (&["./ a=1!640 l->x", "./ b=>a c=>b m=>l"], &["./ a=1!640 l->x", "./ b=1!640 c=>b m->x"]),
        (&["./ a=1", "./ .wh.a b=>a"], &["./ a=1", "./ .wh.a b=1"]),
        (&["./ b=1 d/", "./ b=>x d/ h=>d c=>c"], &["./ b=1 d/", "./ d/"]),
    ]);
}

#[test]
fn s6_symlinks_on_the_way() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ usr/ usr/lib/ usr/lib/a=1 lib->usr/lib", "./ lib/ lib/b=2"],
        &["./ usr/ usr/lib/ usr/lib/a=1 lib->usr/lib", "lib/b=2"],
        &["./ usr/ usr/lib/ lib->usr/lib lib/x=1 lib/.wh.y", "./ lib->usr/lib usr/ usr/lib/ lib/z=2"],
        &["./ l->m m->d d/ l/x=1"],
        // Nothing of the layer above reaches through a symlink of the one below (stereoscope PR#694).
        &["./ l->d d/ d/a=1", "./ l/ l/.wh..wh..opq"],
        &["./ l->d d/ d/a=1", "./ l/ l/.wh.a"],
        &["./ d/ d/a=1", "./ d->e e/ e/b=2", "./ d/ d/c=3"],
    ]);
    rows_as(&[
        (&["./ lib->/usr/lib usr/ usr/lib/ lib/x=1"], &["./ lib->/usr/lib usr/ usr/lib/ usr/lib/x=1"]),
        (&["./ a/ a/b/ b/ b/c/ a/l->../b/c a/l/x=1"], &["./ a/ a/b/ b/ b/c/ a/l->../b/c b/c/x=1"]),
        (&["./ l->../../../../d d/ l/x=1"], &["./ l->../../../../d d/ d/x=1"]),
        (&["./ a->b b->a a/x=1 f=1 f/x=2 g->f g/y=3 ok=4"], &["./ a->b b->a f=1 g->f ok=4"]),
    ]);
}

#[test]
fn s10_whiteouts() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ d/ d/a=1 d/b=2 a=3", "./ d/ d/.wh.a", "./ .wh.a d/ d/c=4"],
        &["./ a=1 b=2", "./ .wh.a a=3 b=4 .wh.b", "./ .wh.a"],
        &["./ a=1", "./ .wh.a", "./ a=3"],
        &["./ a=1 b=2 c=3 d=4 e=5", "./ .wh.a=data .wh.b->x .wh.c .wh.d=>.wh.c .wh.e/"],
        &["./ x=1 d/ d/x=2 test/ test/test=3", "./ .wh.x test/ test/.wh.test"],
    ]);
}

#[test]
fn s10_beside_a_directory_of_its_own_layer_a_whiteout_makes_that_opaque() {
    need!(can_compare(), NEEDS);
    // The oracle's own conversion follows the rule here, where Docker's would let the old content through.
    rows(&[
        &["./ d/ d/old=1", "./ .wh.d d/ d/new=2", "./ d/ d/newer=3"],
        &["./ d/ d/old=1", "./ d/ d/new=2 .wh.d"],
        &["./ d=1", "./ .wh.d d/ d/new=2"],
    ]);
}

#[test]
fn s11_opaque_directories() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ d/!700 d/old=1 d/both=1", "./ d/!711 d/new=2 d/.wh..wh..opq d/both=2", "./ d/ d/newer=3"],
        &["./ d/ d/e/ d/e/old=1 f/ f/old=2", "./ d/ d/.wh..wh..opq d/e/ d/e/new=3"],
        &["./ d=1", "./ d/.wh..wh..opq"],
        &["./ d/ d/old=1", "./ d/.wh..wh..opq=data", "./ d/ d/new=2 d/.wh..wh..opq/"],
    ]);
}

#[test]
fn s11_an_opaque_root_where_overlayfs_ignores_it() {
    need!(can_compare(), NEEDS);
    // The oracle leaves the layers below out.
    rows(&[
        &["./!700 a=1 d/ d/b=2", "./!711 .wh..wh..opq c=3 d/ d/e=4"],
        &["./ a=1", "./ b=2 .wh..wh..opq", "./ c=3"],
    ]);
}

#[test]
fn s12_bookkeeping_of_aufs() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ .wh..wh.aufs .wh..wh.orph/ .wh..wh.plnk/ .wh..wh.plnk/1.2=x a=>.wh..wh.plnk/1.2 b=>a"],
        &["./ d/ d/a=1 wh.aufs=2", "./ d/ d/.wh..wh.plnk/x=1 .wh..wh.aufs"],
    ]);
}

#[test]
fn s13_whiteouts_that_name_nothing() {
    need!(can_compare(), NEEDS);
    rows_as(&[(
        &["./ d/ d/a=1 b=2", "./ d/ d/.wh. d/.wh.. d/.wh... .wh. .wh.. .wh... c=3"],
        &["./ d/ d/a=1 b=2", "./ d/ c=3"],
    )]);
}

#[test]
fn s14_layers_made_of_an_overlay_upper() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ a=1 b=2 d/ d/c=3", "./ ca@0:0 b=>a d/ cd/c@0:0", "./ b=4"],
        &["./ d/ d/a=1", "./ cd@0:0", "./ d/ d/b=2"],
    ]);
    let marked = |value: &[u8], attribute: &str, layer: Layer, name: &[u8]| {
        let kind = if name.ends_with(b"/") { EntryType::Directory } else { EntryType::Regular };
        layer.pax([(&*format!("SCHILY.xattr.trusted.overlay.{attribute}"), value)]).add(
            kind,
            name,
            b"",
            |_| {},
        )
    };
    let lower = || layer("./ d/!700 d/a=1 d/b=2");
    check("opaque", [lower(), marked(b"y", "opaque", layer("./"), b"d/").file("d/c", b"3")]);
    let says_x = |layer| marked(b"x", "opaque", layer, b"d/");
    check("whiteouts in files", [lower(), marked(b"", "whiteout", says_x(layer("./")), b"d/a")]);
    check("an origin", [lower(), marked(b"\0\xfb", "origin", layer("./ d/"), b"d/a")]);
}

#[test]
fn s15_whole_directories() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ d/ d/e/ d/e/f=1 d/g=2 a=3", "./ .wh.d", "./ d/ d/new=4"],
        &["./ a=1", "./ .wh.b d/ d/.wh.c d/.wh.d/"],
        &["./ .wh.a d/ d/.wh.b"],
    ]);
}

#[test]
fn s20_s21_s22_directories_merge_until_something_ends_them() {
    need!(can_compare(), NEEDS);
    rows(&[
        &["./ d/!700 d/a=1 d/x=1", "./ d/!711 d/b=2 d/x=2", "./ d/!755 d/c=3"],
        &["./ d/ d/a=1", "./ d=2", "./ d/ d/b=3"],
        &["./ d/ d/a=1", "./ d->x x/", "./ d/ d/b=3", "./ d/ d/c=4"],
        &["./ d/ d/e/ d/e/a=1", "./ d/ d/e=2", "./ d/ d/e/ d/e/b=3"],
        &["./ d=1", "./ d/ d/a=2", "./ d|", "./ cd@1:3"],
    ]);
}

#[test]
fn s23_large_directories_of_several_layers() {
    need!(can_compare(), NEEDS);
    let every = |step: usize, prefix: &str| -> String {
        (0..3000).step_by(step).map(|i| format!("d/{prefix}name-{i} ")).collect()
    };
    let lines = [every(1, ""), every(3, ".wh."), every(5, "") + "d/.wh.name-1", every(7, "new-")];
    check("3,000 names", lines.map(|line| layer(&format!("./ d/ {line}"))));
}

#[test]
fn s25_the_root() {
    need!(can_compare(), NEEDS);
    rows(&[&["./!1700 a=1"], &["./!700 a=1", "./!711", "b=2"], &["./!1711 a", "./!755 /!700 b"]]);
    let odd =
        layer("a=1").add(EntryType::Fifo, b"./", b"", |_| {}).add(EntryType::Symlink, b".", b"", |_| {});
    check_as("a root that is none", [layer("./!700"), odd], [layer("./!700"), layer("./!700 a=1")]);
}
