//! Layers for tests: written by the `tar` crate, or described in one line.

use std::io::Write;

use tar::{EntryType, Header};

/// A layer tar in the making.
pub struct Layer {
    tar: tar::Builder<Vec<u8>>,
}

/// A layer from a line of entries, in their order:
///
/// - `d/` a directory, `f` an empty file, `f=text` a file with contents;
/// - `l->target` a symlink, `h=>target` a hard link;
/// - `c@1:3` a character device, `b@8:0` a block device, `p|` a fifo;
/// - anything may carry a mode: `f=text!4755`.
pub fn layer(line: &str) -> Layer {
    line.split_whitespace().fold(Layer::new(), Layer::entry)
}

impl Layer {
    pub fn new() -> Layer {
        Layer { tar: tar::Builder::new(Vec::new()) }
    }

    /// One entry of a line.
    pub fn entry(self, word: &str) -> Layer {
        let (word, mode) = match word.rsplit_once('!') {
            Some((word, mode)) => (word, Some(u32::from_str_radix(mode, 8).unwrap())),
            None => (word, None),
        };
        let mode = |default| mode.unwrap_or(default);
        if let Some((name, target)) = word.split_once("=>") {
            return self.link(EntryType::Link, name, target, mode(0o644));
        }
        if let Some((name, target)) = word.split_once("->") {
            return self.link(EntryType::Symlink, name, target, mode(0o777));
        }
        if let Some((name, text)) = word.split_once('=') {
            return self.file_with_mode(name, text.as_bytes(), mode(0o644));
        }
        if let Some((name, number)) = word.split_once('@') {
            let (kind, name) = name.split_at(1);
            let (major, minor) = number.split_once(':').unwrap();
            let kind = if kind == "c" { EntryType::Char } else { EntryType::Block };
            return self.device(kind, name, (major.parse().unwrap(), minor.parse().unwrap()), mode(0o644));
        }
        if let Some(name) = word.strip_suffix('|') {
            return self.add(EntryType::Fifo, name.as_bytes(), &[], |header| header.set_mode(mode(0o600)));
        }
        match word.ends_with('/') {
            true => {
                self.add(EntryType::Directory, word.as_bytes(), &[], |header| header.set_mode(mode(0o755)))
            }
            false => self.file_with_mode(word, b"", mode(0o644)),
        }
    }

    /// A regular file.
    pub fn file(self, name: &str, contents: &[u8]) -> Layer {
        self.file_with_mode(name, contents, 0o644)
    }

    fn file_with_mode(self, name: &str, contents: &[u8], mode: u32) -> Layer {
        self.add(EntryType::Regular, name.as_bytes(), contents, |header| header.set_mode(mode))
    }

    /// A symlink with a target of any length.
    pub fn symlink(self, name: &str, target: &str) -> Layer {
        self.pax([("linkpath", target.as_bytes())]).add(EntryType::Symlink, name.as_bytes(), b"", |_| {})
    }

    fn link(mut self, kind: EntryType, name: &str, target: &str, mode: u32) -> Layer {
        let mut header = header(kind, 0);
        header.set_mode(mode);
        self.tar.append_link(&mut header, name, target).unwrap();
        self
    }

    fn device(self, kind: EntryType, name: &str, (major, minor): (u32, u32), mode: u32) -> Layer {
        self.add(kind, name.as_bytes(), &[], |header| {
            header.set_mode(mode);
            header.set_device_major(major).unwrap();
            header.set_device_minor(minor).unwrap();
        })
    }

    /// Any entry, its name as it is, up to 100 bytes.
    pub fn add(
        mut self,
        kind: EntryType,
        name: &[u8],
        contents: &[u8],
        set: impl FnOnce(&mut Header),
    ) -> Layer {
        let mut header = header(kind, contents.len() as u64);
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        set(&mut header);
        header.set_cksum();
        self.tar.append(&header, contents).unwrap();
        self
    }

    /// PAX records for the next entry.
    pub fn pax<'a>(self, records: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Layer {
        self.extended(EntryType::XHeader, records)
    }

    /// PAX records for all entries from here on.
    pub fn pax_global<'a>(self, records: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Layer {
        self.extended(EntryType::XGlobalHeader, records)
    }

    fn extended<'a>(self, kind: EntryType, records: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Layer {
        let body: Vec<u8> = records.into_iter().flat_map(|(key, value)| pax_record(key, value)).collect();
        self.add(kind, b"pax", &body, |_| {})
    }

    /// An entry of any name, in a PAX record if it is long.
    pub fn long(self, kind: EntryType, name: &[u8], contents: &[u8]) -> Layer {
        match name.len() <= 100 {
            true => self.add(kind, name, contents, |_| {}),
            false => self.pax([("path", name)]).add(kind, b"long", contents, |_| {}),
        }
    }

    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Layer {
        self.tar.get_mut().write_all(bytes).unwrap();
        self
    }

    /// The tar as it is so far, without an end mark.
    pub fn finish_open(self) -> Vec<u8> {
        let mut tar = self.finish();
        tar.truncate(tar.len() - 1024);
        tar
    }

    /// The tar, with its end mark.
    pub fn finish(self) -> Vec<u8> {
        self.tar.into_inner().unwrap()
    }
}

/// A header as Docker writes it: root's, with a time that is not now.
pub fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_size(size);
    header
}

/// `LENGTH KEY=VALUE\n`.
pub fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while len != rest + len.to_string().len() {
        len += 1;
    }
    [len.to_string().as_bytes(), b" ", key.as_bytes(), b"=", value, b"\n"].concat()
}
