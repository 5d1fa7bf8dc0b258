//! What a mount shows is what kernel overlayfs shows over the same layers, unpacked by GNU tar.

use crate::support::need::{has_fuse, need};
use crate::support::{Layer, Mount, Overlay, Tree, layer, overlay, write_tars};

fn check(layers: impl IntoIterator<Item = Layer>) {
    let dir = tempfile::tempdir().unwrap();
    let tars = write_tars(dir.path(), layers);
    let mount = Mount::of_tars(&tars);
    let overlay = Overlay::of_tars(&tars);
    let differences = Tree::read(mount.path()).differences(&Tree::read(&overlay.path()), 20);
    assert_eq!(differences, "", "peelfs first, overlayfs second");
}

#[test]
fn named_stacks() {
    need!(has_fuse() && overlay::is_available(), "needs root, FUSE and overlayfs");
    for lines in [
        &["./ a=1 d/ d/b=2!4755 l->a h=>a cnull@1:3 bsda@8:1 p|"][..],
        &["./ d/ d/a=1 d/b=2", "./ d/ d/.wh.a d/c=3", "./ d/ d/.wh..wh..opq d/e=4", "./ .wh.d"],
    ] {
        check(lines.iter().map(|line| layer(line)));
    }
}
