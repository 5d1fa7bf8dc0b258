//! What an image only claims costs nothing: files of any size that are one hole.

use std::fs;

use tempfile::TempDir;

use crate::support::layer::Layer;
use crate::support::mount::command;

/// A layer with files of one hole each, 2^62 bytes long, of this time.
fn holes(names: &[&str], mtime: &str) -> Vec<u8> {
    let mut map = b"0\n".to_vec();
    map.resize(512, 0);
    let add = |tar: Layer, name: &&str| {
        let records = [
            ("mtime", mtime.as_bytes()),
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", name.as_bytes()),
            ("GNU.sparse.realsize", b"4611686018427387904"),
        ];
        tar.pax(records).file("GNUSparseFile.0/x", &map)
    };
    names.iter().fold(Layer::new(), add).finish()
}

#[test]
fn commands_that_read_or_add_up_files_end_whatever_sizes_are_claimed() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("old.tar"), holes(&["a", "b", "c", "d", "gone"], "1")).unwrap();
    fs::write(dir.path().join("new.tar"), holes(&["a", "b", "c", "d", "came"], "2")).unwrap();
    for (line, status) in [
        ("ls -l old.tar", 0),
        ("export old.tar -o out.tar", 0),
        ("cp old.tar:/a old.tar:/b old.tar:/c old.tar:/d .", 2),
        ("diff old.tar new.tar", 1),
        ("diff --content --stat old.tar new.tar", 1),
        ("waste old.tar --lower new.tar", 0),
        ("du old.tar", 0),
        ("du --bytes old.tar", 0),
        ("report old.tar -o report.html", 0),
        ("explain old.tar --lower new.tar /a", 0),
        ("find old.tar --all-layers --size +1G", 0),
        ("inspect old.tar", 0),
    ] {
        let output = command().args(line.split(' ')).current_dir(dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
    }
    assert!(fs::metadata(dir.path().join("out.tar")).unwrap().len() < 32 << 10);
}
