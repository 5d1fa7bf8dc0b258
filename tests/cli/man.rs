//! `peelfs man`.

use std::fs;

use crate::support::peelfs;

#[test]
fn every_command_has_a_page_of_roff() {
    let dir = tempfile::TempDir::new().unwrap();
    let output = peelfs(["man", dir.path().join("man1").to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    for name in [
        "peelfs",
        "peelfs-find",
        "peelfs-du",
        "peelfs-mount",
        "peelfs-cache",
        "peelfs-cache-ls",
        "peelfs-man",
    ] {
        let page = fs::read_to_string(dir.path().join("man1").join(format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {}", name.to_uppercase())), "{name}: {page}");
        assert!(page.contains(".SH SYNOPSIS") && page.len() > 500, "{name}: {page}");
    }
    assert!(!dir.path().join("man1/peelfs-__complete-path.1").exists());
}
