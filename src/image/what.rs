//! What a file that is no image is, for an error that helps.

use std::fs::FileType;
use std::os::unix::fs::FileTypeExt;

/// Names a file by its first bytes.
pub fn describe(bytes: &[u8]) -> &'static str {
    let known: [(&[u8], &str); 15] = [
        (b"\x7fELF", "an ELF program"),
        (b"PK\x03\x04", "a zip archive"),
        (b"hsqs", "a squashfs image"),
        (b"#!", "a script"),
        (b"QFI\xfb", "a qcow2 disk image"),
        (b"\x89PNG", "a PNG picture"),
        (b"%PDF", "a PDF document"),
        (b"!<arch>\n", "an ar archive (a Debian package?)"),
        (b"070701", "a cpio archive"),
        (b"070707", "a cpio archive"),
        (b"\xed\xab\xee\xdb", "an RPM package"),
        (b"\x04\x22\x4d\x18", "an lz4 stream, which is not supported"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"DSFF", "a DwarFS image"),
        (b"DWARFS", "a DwarFS image"),
    ];
    if bytes.is_empty() {
        return "an empty file";
    }
    if let Some((_, name)) = known.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return name;
    }
    if bytes.get(32..).is_some_and(|rest| rest.starts_with(b"SIF_MAGIC")) {
        return "a Singularity image (SIF)";
    }
    if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return "JSON";
    }
    if bytes.iter().all(|&byte| byte == 0) {
        return "zeros";
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => "text",
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
