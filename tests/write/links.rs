//! `st_nlink` of directories.

use std::os::unix::fs::MetadataExt;

use crate::support::need::need;
use crate::support::{By, Writable};

use super::{NEEDS, can_compare, perform};

#[test]
fn w3_links_of_a_directory_are_those_that_overlayfs_counts() {
    need!(can_compare(), NEEDS);
    let writable = Writable::of_lines(&["merged/ merged/sub/ gone/"]);
    for by in [By::Peelfs, By::Kernel] {
        let mount = writable.mount(by);
        let mut tree = perform::Tree::new(mount.path());
        if by == By::Peelfs {
            let lines =
                ["rmdir gone", "mkdir gone 755", "mkdir gone/a 755", "mkdir new 755", "mkdir new/a 755"];
            for line in lines.into_iter().chain(["mkdir merged/b 755", "rename new/a gone/b"]) {
                tree.perform(line).unwrap();
            }
        }
        let links = |name: &str| mount.join(name).metadata().unwrap().nlink();
        let found = [".", "merged", "merged/b", "gone", "new"].map(|name| (name, links(name)));
        assert_eq!(found, [(".", 1), ("merged", 1), ("merged/b", 2), ("gone", 4), ("new", 2)], "{by:?}");
        drop(tree);
        mount.unmount();
    }
}
