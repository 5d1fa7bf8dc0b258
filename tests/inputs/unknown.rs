//! Everything else: an error that says what it is and what was expected.

use std::fs;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

use super::refused;
use crate::support::layer;

const EXPECTED: &str = "expected an image archive (docker save, OCI), a layer tar, a root filesystem tar, \
     any of them compressed, or a directory";

/// A file of zeros with a magic in it.
fn at(offset: usize, magic: &[u8]) -> Vec<u8> {
    [&vec![0; offset], magic, &[0; 2000]].concat()
}

#[test]
fn a_file_that_is_no_image_is_called_what_it_is() {
    let dir = TempDir::new().unwrap();
    let elf = fs::read(crate::support::mount::PEELFS).unwrap();
    for (bytes, what) in [
        (&b""[..], "an empty file"),
        (b"just some text\n", "text"),
        ("t\u{e9}xt".as_bytes(), "text"),
        (&"long text ".repeat(1000).into_bytes(), "text"),
        (b"#!/bin/sh\nexit 0\n", "a script"),
        (b"{\"schemaVersion\": 2}", "JSON"),
        (b"\n  [1, 2]", "JSON"),
        (&elf[..100_000], "an ELF program"),
        (&elf[..100], "an ELF program"),
        (b"PK\x03\x04............", "a zip archive"),
        (b"hsqs............", "a squashfs image"),
        (b"QFI\xfb............", "a qcow2 disk image"),
        (b"!<arch>\ndebian-binary", "an ar archive (a Debian package?)"),
        (b"070701............", "a cpio archive"),
        (b"\xed\xab\xee\xdb....", "an RPM package"),
        (b"\x04\x22\x4d\x18....", "an lz4 stream, which is not supported"),
        (b"7z\xbc\xaf\x27\x1c..", "a 7z archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (&[0xfe; 600], "no tar (its first block is no tar header)"),
        (&[0; 100], "zeros"),
        (&at(0, b"XFSB"), "an XFS file system"),
        (&at(1080, b"\x53\xef"), "an ext2, ext3 or ext4 file system"),
        (&at(32_769, b"CD001"), "an ISO 9660 image"),
        (&at(65_600, b"_BHRfS_M"), "a btrfs file system"),
        (&at(600, b"data"), "zeros, and no tar behind them"),
        (&at(100_000, b"data"), "zeros, and no tar behind them"),
    ] {
        fs::write(dir.path().join("file"), bytes).unwrap();
        assert_eq!(refused(dir.path(), "file"), format!("file: {what}; {EXPECTED}"));
    }
}

#[test]
fn what_is_no_file_is_called_what_it_is_and_not_waited_for() {
    let dir = TempDir::new().unwrap();
    rustix::fs::mknodat(CWD, dir.path().join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
    for (path, what) in [
        ("fifo", "a fifo"),
        ("socket", "a socket"),
        ("/dev/null", "a character device"),
        ("/dev/tty", "a character device"),
    ] {
        assert_eq!(refused(dir.path(), path), format!("{path}: {what}; {EXPECTED}"));
    }
}

#[test]
fn what_is_not_there_or_not_ours_to_read_is_said() {
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    std::os::unix::fs::symlink("loop", dir.path().join("loop")).unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    for (path, reason) in [
        ("nothing", "No such file or directory"),
        ("dangling", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("file/below", "Not a directory"),
    ] {
        let said = refused(dir.path(), path);
        assert!(said.starts_with(&format!("{path}: {reason}")), "{said}");
    }
}

#[test]
fn a_tar_that_is_cut_is_named_with_the_offset() {
    let dir = TempDir::new().unwrap();
    let tar = layer("a=1").file("b", &[b'x'; 5000]).finish();
    for (len, part) in [(1024 + 100, "offset 1024: "), (1536 + 100, "member b, offset 1024: "), (512 + 1, "")]
    {
        fs::write(dir.path().join("tar"), &tar[..len]).unwrap();
        let output = super::peelfs_in(dir.path(), "ls tar");
        let said = String::from_utf8(output.stderr).unwrap();
        if part.is_empty() {
            // Only the padding of the last member is cut.
            assert_eq!(output.status.code(), Some(0), "{said}");
            continue;
        }
        assert_eq!(output.status.code(), Some(2), "{len}: {said}");
        assert!(said.starts_with(&format!("peelfs: tar: {part}")), "{len}: {said}");
    }
}

#[test]
fn a_directory_of_skopeos_own_is_refused_with_what_to_do() {
    let dir = TempDir::new().unwrap();
    let mut files = super::Files::default();
    files.add("version", "Directory Transport Version: 1.1\n");
    files.add("manifest.json", "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}");
    files.write_dir(&dir.path().join("image"));
    assert_eq!(
        refused(dir.path(), "image"),
        "image: a directory of skopeo's `dir:`, which is not read; convert it: skopeo copy dir:DIR oci-archive:FILE"
    );
    // A file of that name alone means nothing.
    files.remove("manifest.json");
    files.write_dir(&dir.path().join("layer"));
    assert_eq!(super::shown(dir.path(), "layer"), "version=Directory Transport Version: 1.1\\n");
}
