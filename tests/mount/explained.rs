//! What `explain` says is what a lookup through the mount finds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use peelfs::account::{Account, Content, Digests};
use peelfs::digest::Digest;
use proptest::prelude::*;

use crate::support::image::Image;
use crate::support::mount::Mount;
use crate::support::need::{has_fuse, need};
use crate::support::stacks::{Stack, on_stacks};
use crate::support::write_tars;

/// A mount costs some hundred times what a stack costs in memory.
const SHARE: u32 = 30;

/// Paths that any layer names, what stands above them, and names that nobody has.
fn paths(stack: &Stack) -> BTreeSet<String> {
    let mut paths = BTreeSet::from(["".to_owned(), "nothing".to_owned(), "a/nothing/b".to_owned()]);
    for member in stack.0.iter().flatten() {
        let parts: Vec<&str> =
            member.name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
        for end in 1..=parts.len() {
            paths.insert(parts[..end].join("/").replace(".wh.", ""));
        }
    }
    paths
}

#[test]
fn the_last_line_agrees_with_a_lookup_through_the_mount() {
    need!(has_fuse(), "needs FUSE");
    on_stacks(SHARE, Stack::any(), |stack| {
        let dir = tempfile::tempdir().unwrap();
        let mount = Mount::of_tars(&write_tars(dir.path(), stack.layers()));
        let image = Image::of(stack.layers());
        for path in paths(&stack) {
            let Ok(account) = Account::of(image.fs.stack(), path.as_bytes(), Digests::All) else { continue };
            // The kernel would follow it out of the mount.
            if !account.followed.is_empty() {
                continue;
            }
            let conclusion: String =
                account.lines().unwrap().pop().unwrap().into_iter().map(|s| s.text).collect();
            let found = found(&mount.join(&path));
            prop_assert_eq!(
                conclusion.starts_with("=> not there"),
                found.is_none(),
                "{}: {}",
                path,
                conclusion
            );
            let shown = account.versions.iter().find(|version| version.is_shown());
            if let (Some(Some(bytes)), Some(version)) = (&found, shown) {
                prop_assert_eq!(&version.content, &Content::Digest(Digest::of(bytes)), "{}", path);
                let expected = format!("=> shown from layer {}", version.layer);
                prop_assert!(conclusion.starts_with(&expected), "{}: {}", path, conclusion);
            }
        }
        Ok(())
    });
}

/// What stands at a path, its last component not followed: a regular file's bytes.
fn found(path: &Path) -> Option<Option<Vec<u8>>> {
    let metadata = path.symlink_metadata().ok()?;
    Some(metadata.is_file().then(|| fs::read(path).unwrap()))
}
