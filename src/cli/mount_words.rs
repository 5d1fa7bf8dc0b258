//! The words of `-o`: FUSE's, mount(8)'s and overlayfs's own, as users have them in scripts and fstab.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::fuse::{Access, MountOptions, Ownership};
use crate::image::Platform;

/// What becomes of words that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    Refuse,
    Ignore,
}

/// What the words say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountWords {
    pub options: MountOptions,
    pub ownership: Ownership,
    /// `lowerdir=`, top first.
    pub lower_dirs: Option<Vec<PathBuf>>,
    pub image: Option<String>,
    pub platform: Option<Platform>,
    pub spool_dir: Option<PathBuf>,
    pub strict: bool,
}

/// Why words make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Nobody's word.
    #[error("unknown mount option `{0}`")]
    Unknown(String),
    /// A word that needs what this version does not have.
    #[error("mount option `{0}`: {1}")]
    Unsupported(String, &'static str),
    /// A value that is none.
    #[error("mount option `{0}`: {1}")]
    Value(String, String),
}

/// Words that ask for what is so anyway, or that mount(8) and systemd keep for themselves.
const NOTHING_TO_DO: &[&str] = &[
    "defaults",
    "ro",
    "rw",
    "auto",
    "noauto",
    "user",
    "nouser",
    "users",
    "owner",
    "group",
    "nofail",
    "_netdev",
    "async",
    "sync",
    "dirsync",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "lazytime",
    "nolazytime",
    "silent",
    "loud",
    "iversion",
    "noiversion",
    "nonempty",
    "auto_unmount",
    "kernel_cache",
    "auto_cache",
    "noforget",
    "big_writes",
    "splice_read",
    "static_nlink",
    "threaded",
    "userxattr",
    "volatile",
    "noacl",
];

/// Words with a value that ask for nothing a read-only mount would do differently.
const NO_MATTER_WHICH: &[&str] = &[
    "subtype",
    "max_read",
    "attr_timeout",
    "entry_timeout",
    "negative_timeout",
    "comment",
    "index",
    "xino",
    "uuid",
    "fsync",
    "timeout",
    "max_threads",
    "max_idle_threads",
];

/// Reads all `-o` of a command line; the last word wins.
pub fn parse(options: &[OsString], unknown: Unknown) -> Result<MountWords, WordError> {
    let mut words = MountWords::default();
    for word in options.iter().flat_map(|option| split(option.as_bytes(), b',')) {
        if word.is_empty() {
            continue;
        }
        let result = match word.iter().position(|&byte| byte == b'=') {
            None => words.switch(&String::from_utf8_lossy(&word)),
            Some(at) => {
                let (key, value) = word.split_at(at);
                words.value(&String::from_utf8_lossy(key), value.get(1..).unwrap_or_default())
            }
        };
        match result {
            Err(WordError::Unknown(word)) if unknown == Unknown::Ignore => {
                tracing::info!("unknown mount option `{word}` ignored");
            }
            result => result?,
        }
    }
    Ok(words)
}

impl MountWords {
    fn switch(&mut self, word: &str) -> Result<(), WordError> {
        match word {
            "allow_other" => self.options.access = Access::Everyone,
            "allow_root" => self.options.access = Access::OwnerAndRoot,
            "default_permissions" => self.options.default_permissions = true,
            "suid" => self.options.suid = true,
            "nosuid" => self.options.suid = false,
            "dev" => self.options.dev = true,
            "nodev" => self.options.dev = false,
            "noexec" => self.options.noexec = true,
            "exec" => self.options.noexec = false,
            "strict" => self.strict = true,
            "squash_to_root" => self.ownership = Ownership { uid: Some(0), gid: Some(0), ..self.ownership },
            _ if NOTHING_TO_DO.contains(&word) || is_kept_elsewhere(word) => {}
            _ => return Err(WordError::Unknown(word.to_owned())),
        }
        Ok(())
    }

    fn value(&mut self, key: &str, value: &[u8]) -> Result<(), WordError> {
        let text = || String::from_utf8_lossy(value).into_owned();
        let bad = |problem: String| WordError::Value(key.to_owned(), problem);
        let number = |radix| {
            u32::from_str_radix(&text(), radix).map_err(|_| bad(format!("`{}` is not a number", text())))
        };
        match key {
            "uid" | "squash_to_uid" => self.ownership.uid = Some(number(10)?),
            "gid" | "squash_to_gid" => self.ownership.gid = Some(number(10)?),
            "umask" => self.ownership.umask = u16::try_from(number(8)? & 0o777).unwrap_or(0),
            "fsname" => self.options.source = text(),
            "image" => self.image = Some(text()),
            "platform" => self.platform = Some(text().parse().map_err(|e| bad(format!("{e}")))?),
            "spool_dir" => self.spool_dir = Some(OsStr::from_bytes(value).into()),
            "lowerdir" => {
                self.lower_dirs = Some(lower_dirs(value).ok_or_else(|| bad("an empty path".to_owned()))?)
            }
            "upperdir" | "workdir" => {
                let why = "this version mounts read-only; leave upperdir and workdir away";
                return Err(WordError::Unsupported(key.to_owned(), why));
            }
            "redirect_dir" if matches!(value, b"off" | b"nofollow") => {}
            "metacopy" | "nfs_export" | "verity" if value == b"off" => {}
            "redirect_dir" | "metacopy" | "nfs_export" | "verity" => {
                return Err(WordError::Unsupported(key.to_owned(), "only `off` is supported"));
            }
            _ if NO_MATTER_WHICH.contains(&key) || is_kept_elsewhere(key) => {}
            _ => return Err(WordError::Unknown(key.to_owned())),
        }
        Ok(())
    }
}

/// Words for mount(8) and systemd, which read them from fstab and pass them on.
fn is_kept_elsewhere(word: &str) -> bool {
    word.starts_with("x-") || word.starts_with("X-")
}

/// overlayfs's list of layers, top first: `:` between them, `\:` within one.
fn lower_dirs(value: &[u8]) -> Option<Vec<PathBuf>> {
    let paths = split(value, b':').map(|path| PathBuf::from(OsString::from_vec(unescape(&path))));
    let paths: Vec<PathBuf> = paths.collect();
    (!paths.iter().any(|path| path.as_os_str().is_empty())).then_some(paths)
}

/// The parts of a list; a separator behind a backslash is none. Other escapes are left as they are.
fn split(list: &[u8], separator: u8) -> impl Iterator<Item = Vec<u8>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = list.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let Some(part) = parts.last_mut() else { break };
        match byte {
            b'\\' if bytes.peek() == Some(&separator) => part.extend(bytes.next()),
            b'\\' => part.extend([byte].into_iter().chain(bytes.next())),
            byte if byte == separator => parts.push(Vec::new()),
            byte => part.push(byte),
        }
    }
    parts.into_iter()
}

/// Takes the backslashes of escapes away.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter().copied();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(options: &str) -> Result<MountWords, WordError> {
        parse(&[options.into()], Unknown::Refuse)
    }

    #[test]
    fn an_overlayfs_line_is_understood() {
        let parsed = words(r"lowerdir=/a\:b:/c\,d:/e,ro,xino=off").unwrap();
        let paths: Vec<_> = parsed.lower_dirs.unwrap();
        assert_eq!(paths, [PathBuf::from("/a:b"), PathBuf::from("/c,d"), PathBuf::from("/e")]);
    }

    #[test]
    fn an_fstab_line_is_understood() {
        let parsed =
            words("defaults,_netdev,nofail,x-systemd.automount,allow_other,uid=1000,umask=022").unwrap();
        assert_eq!(parsed.options.access, Access::Everyone);
        assert_eq!(parsed.ownership, Ownership { uid: Some(1000), gid: None, umask: 0o22 });
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (options, part) in [
            ("frobnicate", "`frobnicate`"),
            ("frobnicate=1", "`frobnicate`"),
            ("lowerdir=a,upperdir=u,workdir=w", "read-only"),
            ("lowerdir=a::b", "empty path"),
            ("uid=root", "not a number"),
            ("platform=linux", "os/arch"),
            ("metacopy=on", "only `off`"),
        ] {
            let error = words(options).unwrap_err().to_string();
            assert!(error.contains(part), "{options}: {error}");
        }
        assert!(parse(&["frobnicate".into()], Unknown::Ignore).is_ok());
    }

    #[test]
    fn the_last_word_wins() {
        let parsed = words("suid,dev,nosuid,noexec,exec").unwrap();
        assert!(!parsed.options.suid && parsed.options.dev && !parsed.options.noexec);
    }
}
