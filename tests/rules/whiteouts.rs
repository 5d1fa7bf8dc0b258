//! S10–S15: what hides, and what never does.

use tar::EntryType;

use super::{check, check_rejected};
use crate::support::{Image, Layer, layer};

#[test]
fn s10_a_whiteout_hides_the_name_in_lower_layers() {
    check(&[
        (&["a=1 b=2", ".wh.a"], "b=2"),
        (&["d/ d/a=1 d/b=2", "d/.wh.a"], "d/ d/b=2"),
        (&["a=1", "b=2", ".wh.a .wh.b"], ""),
        // Hidden once, a name comes back only from above.
        (&["a=1", ".wh.a", "a=3"], "a=3"),
        (&["a=1", ".wh.a", "b=3"], "b=3"),
        // `x` in the root is not `x` elsewhere, and `.wh.test` beside `test/.wh.test` are two (umoci#254).
        (&["x=1 d/ d/x=2", ".wh.x"], "d/ d/x=2"),
        (&["test/ test/test=1 test/b=2", "test/ test/.wh.test"], "test/ test/b=2"),
        (&["t=1 d/t=2", ".wh.t d/ d/.wh.t"], "d/"),
    ]);
}

#[test]
fn s10_a_whiteout_never_hides_an_entry_of_its_own_layer() {
    check(&[
        (&["a=1", ".wh.a a=2"], "a=2"),
        (&["a=1", "a=2 .wh.a"], "a=2"),
        (&["a=1", "l->x .wh.l"], "a=1 l->x"),
    ]);
}

#[test]
fn s10_beside_a_directory_of_its_own_layer_it_makes_that_opaque() {
    check(&[
        (&["d/ d/old", ".wh.d d/ d/new"], "d/ d/new"),
        (&["d/ d/old", "d/ d/new .wh.d"], "d/ d/new"),
        (&["d/ d/e/ d/e/old", ".wh.d d/e/new"], "d/ d/e/ d/e/new"),
        // A file that becomes a directory.
        (&["d=1", ".wh.d d/new"], "d/ d/new"),
    ]);
}

#[test]
fn s10_type_size_and_data_of_a_marker_do_not_matter() {
    check(&[
        (&["a=1 b=2 c=3 d=4", ".wh.a=data .wh.b->x .wh.c=>.wh.a .wh.d/"], ""),
        (&["a=1", "c.wh.a@1:3"], ""),
    ]);
}

#[test]
fn s10_no_marker_is_ever_shown_and_nothing_lies_below_one() {
    check(&[(&[".wh.a .wh.d/ .wh.d/x=1 d/.wh..wh..opq"], "d/")]);
    check_rejected(&[(".wh.d/x=1", &["0 .wh.d/x: below a whiteout marker"])]);
}

#[test]
fn s10_a_whiteout_beside_a_link_that_is_rejected_hides_the_name() {
    check(&[
        (&["x=1", ".wh.x x=>nowhere"], ""),
        (&["x=1", "x=>nowhere .wh.x"], ""),
        (&["d/x=1", "d/ d/x=>d d/.wh.x"], "d/"),
        // What it links to is what shows, if it is there.
        (&["a=1 x=2", ".wh.x x=>a"], "a=1 x=1"),
        // Another name of the same link has no whiteout of its own.
        (&["x=1 y=2", ".wh.x x=>nowhere y=>x"], "y=2"),
        (&["x=1", ".wh.x x=>nowhere", "y=>x"], ""),
    ]);
    let image = Image::of([layer("a=1 x=2"), layer(".wh.x x=>a y=>x")]);
    assert_eq!((image.ino("x"), image.stat("x").nlink), (image.ino("y"), 2));
}

#[test]
fn s11_opaque_hides_only_lower_layers() {
    check(&[
        (&["d/old d/both=1", "d/new d/.wh..wh..opq d/both=2"], "d/ d/both=2 d/new"),
        (&["d/old", "d/.wh..wh..opq d/new"], "d/ d/new"),
        (&["d/old", "d/ d/.wh..wh..opq"], "d/"),
        // It says nothing about what lies above.
        (&["d/1", "d/2 d/.wh..wh..opq", "d/3"], "d/ d/2 d/3"),
        // Only its own directory; those below it are new, since nothing of them is left to merge with.
        (&["d/e/old f/old", "d/.wh..wh..opq d/e/new"], "d/ d/e/ d/e/new f/ f/old"),
    ]);
}

#[test]
fn s11_a_marker_makes_its_directory_exist() {
    check(&[(&["d=1", "d/.wh..wh..opq"], "d/"), (&["d/old", "d/e/.wh..wh..opq"], "d/ d/e/ d/old")]);
}

#[test]
fn s11_opaque_counts_at_the_root() {
    check(&[(&["a=1 d/b=2", ".wh..wh..opq c=3"], "c=3"), (&["a=1", "b=2 .wh..wh..opq", "c=3"], "b=2 c=3")]);
}

#[test]
fn s12_bookkeeping_of_aufs_is_not_shown() {
    check(&[
        (&[".wh..wh.aufs .wh..wh.plnk/ .wh..wh.plnk/12.34=x .wh..wh.orph/ a=1"], "a=1"),
        (&["d/ d/.wh..wh.plnk/x=1 d/a=1"], "d/ d/a=1"),
        // It hides nothing, not even of its own name.
        (&["wh.aufs=1 .wh.plnk=2", ".wh..wh.aufs"], "wh.aufs=1"),
    ]);
}

#[test]
fn s12_bookkeeping_may_be_a_hard_links_target() {
    let image = Image::one(layer(".wh..wh.plnk/1.2=data a=>.wh..wh.plnk/1.2 b=>.wh..wh.plnk/1.2"));
    assert_eq!(image.tree(), "a=data b=data");
    assert_eq!((image.stat("a").nlink, image.ino("a")), (2, image.ino("b")));
}

#[test]
fn s13_whiteouts_that_name_nothing_are_rejected() {
    let nothing = "a whiteout that names nothing";
    check(&[(&["d/a=1", "d/.wh. d/.wh.. d/.wh... .wh. .wh.. .wh..."], "d/ d/a=1")]);
    for name in [".wh.", ".wh..", ".wh...", "d/.wh."] {
        assert_eq!(Image::one(layer(name)).rejected(), [format!("0 {name}: {nothing}")]);
    }
}

#[test]
fn s14_a_character_device_0_0_is_a_whiteout() {
    check(&[
        (&["a=1 d/b=2", "ca@0:0 cd@0:0"], ""),
        // Hard-linked whiteouts, as overlayfs makes them.
        (&["a=1 b=2", "ca@0:0 b=>a"], ""),
        (&["a=1", "ca@0:1"], "ca@"),
        (&["a=1", "ba@0:0"], "ba@"),
    ]);
}

fn overlay_file(name: &str, attribute: &str, contents: &[u8]) -> Layer {
    let key = format!("SCHILY.xattr.{attribute}");
    layer("d/").pax([(&*key, &b"y"[..])]).file(name, contents)
}

#[test]
fn s14_overlayfs_marks_a_directory_opaque() {
    for attribute in ["trusted.overlay.opaque", "user.overlay.opaque"] {
        for (value, tree) in [("y", "d/ d/new"), ("x", "d/ d/new d/old"), ("n", "d/ d/new d/old")] {
            let key = format!("SCHILY.xattr.{attribute}");
            let marked = Layer::new()
                .pax([(&*key, value.as_bytes())])
                .add(EntryType::Directory, b"d/", &[], |_| {})
                .file("d/new", b"");
            assert_eq!(Image::of([layer("d/old"), marked]).tree(), tree, "{attribute}={value}");
        }
    }
}

#[test]
fn s14_an_empty_file_is_a_whiteout_only_in_a_directory_that_says_so() {
    for namespace in ["trusted", "user"] {
        for (says, contents, tree) in [
            ("x", &b""[..], "d/ d/b=2"),
            ("x", b"!", "d/ d/a=! d/b=2"),
            ("y", b"", "d/ d/a"),
            ("", b"", "d/ d/a d/b=2"),
        ] {
            let opaque = format!("SCHILY.xattr.{namespace}.overlay.opaque");
            let whiteout = format!("SCHILY.xattr.{namespace}.overlay.whiteout");
            // The directory's own entry may come after what is in it.
            let marked = Layer::new()
                .pax([(&*whiteout, &b""[..])])
                .file("d/a", contents)
                .pax([(&*opaque, says.as_bytes())])
                .add(EntryType::Directory, b"d/", &[], |_| {});
            assert_eq!(Image::of([layer("d/a=1 d/b=2"), marked]).tree(), tree, "{namespace} {says:?}");
        }
    }
}

#[test]
fn s14_overlayfs_own_attributes_are_never_shown() {
    for attribute in ["trusted.overlay.origin", "user.overlay.metacopy", "trusted.overlay.opaque"] {
        let image = Image::one(overlay_file("d/a", attribute, b"1"));
        assert_eq!(image.xattrs("d/a"), Vec::<String>::new(), "{attribute}");
    }
    let kept = Image::one(overlay_file("d/a", "user.overlayed", b"1"));
    assert_eq!(kept.xattrs("d/a"), ["user.overlayed=y"]);
}

#[test]
fn s15_a_whiteout_of_a_directory_hides_its_whole_subtree() {
    check(&[
        (&["d/e/f/g=1 d/h=2", ".wh.d"], ""),
        (&["d/a=1", ".wh.d", "d/b=2"], "d/ d/b=2"),
        (&["d/a=1", "d/.wh.a", "d/.wh.a"], "d/"),
    ]);
}

#[test]
fn s15_a_whiteout_of_what_is_not_there_is_no_error() {
    check(&[(&["a=1", ".wh.b d/.wh.c"], "a=1 d/"), (&[".wh.a"], "")]);
    check_rejected(&[(".wh.a d/.wh.b", &[])]);
}
