//! `explain --upper`: over random layers and random writes, its last line is what a lookup through the mount finds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use peelfs::account::{Account, Content, Copied, Digests, Error};
use peelfs::commit::Sides;
use peelfs::digest::Digest;
use peelfs::upper::Upper;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::model::{Case, NAMES, case};
use super::{names, perform, richest};
use crate::support::image::Image;
use crate::support::need::{has_fuse, is_root, need};
use crate::support::{By, Writable, WritableMount};

/// Each costs a mount.
const CASES: u32 = 25;

#[test]
fn w10_the_last_line_agrees_with_a_lookup_through_the_writable_mount() {
    need!(has_fuse() && is_root(), "needs FUSE and root");
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tried = TestRunner::new_with_rng(config, rng)
        .run(&(case(By::Peelfs), any::<bool>()), |(case, metacopy)| agree(&case, metacopy));
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => panic!("{case:?}\n{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn agree(case: &Case, metacopy: bool) -> Result<(), TestCaseError> {
    let layers = || std::iter::once(richest::layer(By::Peelfs)).chain(case.stack.layers());
    let (image, writable) = (Image::of(layers()), Writable::of(layers()));
    let mount = writable.mount_with(if metacopy { vec!["-o", "metacopy=on"] } else { vec![] });
    {
        let mut tree = perform::Tree::new(mount.path());
        for line in &case.lines {
            // What is refused is none of our business.
            let _ = tree.perform(&names::resolve(line, mount.path()));
        }
    }
    let upper = Upper::look(&writable.upper(), image.fs.stack(), true).unwrap().upper;
    let sides = Sides { stack: image.fs.stack(), upper: &upper };
    for path in paths(&mount) {
        compare(sides, &mount, &path)?;
    }
    drop(upper);
    mount.unmount();
    Ok(())
}

/// All that show, and all that could.
fn paths(mount: &WritableMount) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = names::names(mount.path()).into_iter().map(|(name, _)| name).collect();
    for one in NAMES {
        paths.insert(one.to_owned());
        for two in NAMES {
            paths.insert(format!("{one}/{two}"));
            paths.extend(NAMES.iter().map(|three| format!("{one}/{two}/{three}")));
        }
    }
    paths
}

fn compare(sides: Sides<'_>, mount: &WritableMount, path: &str) -> Result<(), TestCaseError> {
    let account = match Account::over(sides, path.as_bytes(), Digests::All) {
        Ok(account) => account,
        Err(Error::Path(_)) => return Ok(()),
        Err(error) => return Err(TestCaseError::fail(format!("{path}: {error}"))),
    };
    // The kernel would follow it out of the mount.
    if !account.followed.is_empty() {
        return Ok(());
    }
    let lines = account.lines().unwrap();
    let conclusion: String = lines.last().unwrap().iter().map(|span| span.text.as_str()).collect();
    let found = found(&mount.join(path));
    prop_assert_eq!(conclusion.starts_with("=> not there"), found.is_none(), "{}: {}", path, conclusion);
    prop_assert_eq!(account.node().is_none(), found.is_none(), "{}", path);
    let shown = account.versions.iter().find(|version| version.is_shown());
    let Some(found) = found else { return Ok(()) };
    let shown = shown.ok_or_else(|| TestCaseError::fail(format!("{path}: no version shows")))?;
    prop_assert_eq!(shown.kind.name(), found.kind, "{}", path);
    prop_assert_eq!(shown.attributes.map(|a| a.mode), Some(found.mode), "{}", path);
    let is_upper = account.is_upper(shown.layer);
    prop_assert_eq!(is_upper, conclusion.contains("from the upper"), "{}: {}", path, conclusion);
    if let Some(bytes) = &found.bytes {
        prop_assert_eq!(&shown.content, &Content::Digest(Digest::of(bytes)), "{}: {}", path, conclusion);
        let origin = account.own().and_then(|own| own.copied);
        prop_assert!(origin != Some(Copied::Lost), "{}", path);
        if let Some(Copied::Whole(layer) | Copied::Metadata(layer)) = origin {
            let expected = format!("=> shown from the upper, copied up from layer {layer}");
            prop_assert!(conclusion.starts_with(&expected), "{}: {}", path, conclusion);
        }
    }
    Ok(())
}

struct Seen {
    kind: &'static str,
    mode: u16,
    bytes: Option<Vec<u8>>,
}

/// What stands at a path, its last component not followed.
fn found(path: &Path) -> Option<Seen> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let metadata = path.symlink_metadata().ok()?;
    let file_type = metadata.file_type();
    let kind = match () {
        () if file_type.is_dir() => "directory",
        () if file_type.is_symlink() => "symlink",
        () if file_type.is_fifo() => "fifo",
        () if file_type.is_char_device() => "character device",
        () if file_type.is_block_device() => "block device",
        () if file_type.is_socket() => "socket",
        () => "file",
    };
    let bytes = metadata.is_file().then(|| fs::read(path).unwrap());
    Some(Seen { kind, mode: (metadata.mode() & 0o7777) as u16, bytes })
}
