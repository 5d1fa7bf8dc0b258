//! What a file that is no image is, for an error that helps.

use std::fs::FileType;
use std::os::unix::fs::FileTypeExt;

/// Text is looked for in what would be a tar's first block, in bytes.
const BLOCK: usize = 512;

/// Names a file by its first [`START`](crate::tarball::START) bytes.
pub fn describe(bytes: &[u8]) -> &'static str {
    let magics: [(usize, &[u8], &str); 20] = [
        (0, b"\x7fELF", "an ELF program"),
        (0, b"PK\x03\x04", "a zip archive"),
        (0, b"hsqs", "a squashfs image"),
        (0, b"#!", "a script"),
        (0, b"QFI\xfb", "a qcow2 disk image"),
        (0, b"\x89PNG", "a PNG picture"),
        (0, b"%PDF", "a PDF document"),
        (0, b"!<arch>\n", "an ar archive (a Debian package?)"),
        (0, b"070701", "a cpio archive"),
        (0, b"070707", "a cpio archive"),
        (0, b"\xed\xab\xee\xdb", "an RPM package"),
        (0, b"\x04\x22\x4d\x18", "an lz4 stream, which is not supported"),
        (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (0, b"DSFF", "a DwarFS image"),
        (0, b"DWARFS", "a DwarFS image"),
        (0, b"XFSB", "an XFS file system"),
        (32, b"SIF_MAGIC", "a Singularity image (SIF)"),
        (1080, b"\x53\xef", "an ext2, ext3 or ext4 file system"),
        (32_769, b"CD001", "an ISO 9660 image"),
        (65_600, b"_BHRfS_M", "a btrfs file system"),
    ];
    if bytes.is_empty() {
        return "an empty file";
    }
    let has = |at: usize, magic| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((_, _, name)) = magics.iter().find(|&&(at, magic, _)| has(at, magic)) {
        return name;
    }
    let first = bytes.get(..BLOCK).unwrap_or(bytes);
    if matches!(first.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return "JSON";
    }
    if first.iter().all(|&byte| byte == 0) {
        return if bytes.len() > BLOCK { "zeros, and no tar behind them" } else { "zeros" };
    }
    match std::str::from_utf8(first) {
        Ok(_) => "text",
        // A character that the end of the block cuts.
        Err(error) if error.error_len().is_none() => "text",
        Err(_) => "no tar (its first block is no tar header)",
    }
}

/// Names what is neither a regular file nor a directory; `None` for those.
pub fn describe_type(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_fifo() => Some("a fifo"),
        kind if kind.is_socket() => Some("a socket"),
        kind if kind.is_char_device() => Some("a character device"),
        kind if kind.is_block_device() => Some("a block device"),
        _ => None,
    }
}
