//! The words of `-o`: FUSE's, mount(8)'s and overlayfs's own, as users have them in scripts and fstab.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::num::IntErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::ValueEnum;

use crate::fuse::{Access, MountOptions, Ownership};
use crate::image::Platform;
use crate::upper::Keeping;

use super::mount_stats::StatsFormat;
use super::size::Size;

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
    pub cache_dir: Option<PathBuf>,
    pub no_cache: bool,
    pub cache_mem: Option<Size>,
    pub no_verify: bool,
    pub trust_toc: bool,
    pub max_layer_size: Option<Size>,
    pub spool_dir: Option<PathBuf>,
    pub strict: bool,
    pub stats: Option<StatsFormat>,
    pub views: bool,
    pub upper: UpperWords,
    /// `ro`.
    pub is_read_only: bool,
    /// Words that were taken and change nothing.
    without_effect: Vec<String>,
}

/// What the words say of an upper directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpperWords {
    /// `upperdir=`.
    pub dir: Option<PathBuf>,
    /// `workdir=`.
    pub work: Option<PathBuf>,
    /// `redirect_dir=`.
    pub redirects: Option<bool>,
    /// `xattr_permissions=`.
    pub keeping: Option<Keeping>,
    /// `metacopy=`.
    pub metacopy: bool,
    /// `volatile`, `fsync=0`.
    pub is_volatile: bool,
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
    "kernel_cache",
    "auto_cache",
    "noforget",
    "big_writes",
    "splice_read",
    "static_nlink",
    "threaded",
    "userxattr",
    "noacl",
];

/// Words with a value that ask for nothing a read-only mount would do differently.
const NO_MATTER_WHICH: &[&str] = &["subtype", "comment", "index", "xino", "uuid"];

/// Words with a value that tune what another program's daemon does; taken, but not in silence.
const NO_EFFECT: &[&str] = &[
    "attr_timeout",
    "ac_attr_timeout",
    "entry_timeout",
    "negative_timeout",
    "timeout",
    "max_read",
    "max_readahead",
    "max_write",
    "max_background",
    "congestion_threshold",
    "max_threads",
    "max_idle_threads",
    "threaded",
    "fast_ino",
    "fast_ino_check",
    "writeback",
    "context",
];

/// The same without a value: `private` is how Buildah wants its own mount to propagate, `ino32_t` makes numbers
/// ambiguous.
const NO_EFFECT_ALONE: &[&str] = &["private", "ino32_t"];

/// Reads all `-o` of a command line; the last word wins.
pub fn parse(options: &[OsString], unknown: Unknown) -> Result<MountWords, WordError> {
    let mut words = MountWords::default();
    for word in options.iter().flat_map(|option| split(option.as_bytes(), b',')) {
        if word.is_empty() {
            continue;
        }
        let (key, value) = key_and_value(&word);
        let result = match value {
            None => words.switch(&key),
            Some(value) => words.value(&key, value),
        };
        match result.map_err(|error| misused(error, value.is_some())) {
            Err(WordError::Unknown(word)) if unknown == Unknown::Ignore => {
                tracing::info!("unknown mount option `{word}` ignored");
            }
            result => result?,
        }
    }
    if !words.without_effect.is_empty() {
        tracing::warn!("mount options without effect here: {}", words.without_effect.join(", "));
    }
    Ok(words)
}

/// Tells a word that lacks its value, or has one where there is none, from one that is nobody's.
fn misused(error: WordError, has_value: bool) -> WordError {
    let WordError::Unknown(word) = error else { return error };
    let is_switch = MountWords::default().switch(&word).is_ok();
    let takes_value = !matches!(MountWords::default().value(&word, b""), Err(WordError::Unknown(_)));
    match has_value {
        true if is_switch => WordError::Value(word, "takes no value".to_owned()),
        false if takes_value => WordError::Value(word, "needs a value".to_owned()),
        _ => WordError::Unknown(word),
    }
}

fn key_and_value(word: &[u8]) -> (Cow<'_, str>, Option<&[u8]>) {
    let at = word.iter().position(|&byte| byte == b'=');
    let (key, rest) = at.and_then(|at| word.split_at_checked(at)).unwrap_or((word, b""));
    (String::from_utf8_lossy(key), rest.strip_prefix(b"="))
}

impl MountWords {
    fn switch(&mut self, word: &str) -> Result<(), WordError> {
        match word {
            "allow_other" => self.options.access = Access::Everyone,
            "allow_root" => self.options.access = Access::OwnerAndRoot,
            "auto_unmount" => self.options.auto_unmount = true,
            "default_permissions" => self.options.default_permissions = true,
            "suid" => self.options.suid = true,
            "nosuid" => self.options.suid = false,
            "dev" => self.options.dev = true,
            "nodev" => self.options.dev = false,
            "noexec" => self.options.noexec = true,
            "exec" => self.options.noexec = false,
            "strict" => self.strict = true,
            "stats" => self.stats = Some(StatsFormat::default()),
            "views" => self.views = true,
            "ro" => self.is_read_only = true,
            "rw" => self.is_read_only = false,
            "volatile" => self.upper.is_volatile = true,
            "no_cache" => self.no_cache = true,
            "no_verify" => self.no_verify = true,
            "trust_toc" => self.trust_toc = true,
            // Those who name another say more, as with fuse-overlayfs.
            "squash_to_root" => {
                self.ownership.uid.get_or_insert(0);
                self.ownership.gid.get_or_insert(0);
            }
            "remount" => {
                let why = "a mount cannot be changed; unmount, and mount again";
                return Err(WordError::Unsupported(word.to_owned(), why));
            }
            _ if NO_EFFECT_ALONE.contains(&word) => self.without_effect.push(word.to_owned()),
            _ if NOTHING_TO_DO.contains(&word) || is_kept_elsewhere(word) => {}
            _ => return Err(WordError::Unknown(word.to_owned())),
        }
        Ok(())
    }

    fn value(&mut self, key: &str, value: &[u8]) -> Result<(), WordError> {
        let text = || String::from_utf8_lossy(value).into_owned();
        let bad = |problem: String| WordError::Value(key.to_owned(), problem);
        match key {
            "uid" | "squash_to_uid" => self.ownership.uid = Some(owner(&text()).map_err(bad)?),
            "gid" | "squash_to_gid" => self.ownership.gid = Some(owner(&text()).map_err(bad)?),
            "uidmapping" => self.ownership.uids = text().parse().map_err(|e| bad(format!("{e}")))?,
            "gidmapping" => self.ownership.gids = text().parse().map_err(|e| bad(format!("{e}")))?,
            "umask" => self.ownership.umask = umask(&text()).map_err(bad)?,
            "fsname" => self.options.source = text(),
            "image" => self.image = Some(text()),
            "platform" => self.platform = Some(text().parse().map_err(|e| bad(format!("{e}")))?),
            "cache_dir" => self.cache_dir = Some(OsStr::from_bytes(value).into()),
            "cache_mem" => self.cache_mem = Some(text().parse().map_err(|e| bad(format!("{e}")))?),
            "max_layer_size" => self.max_layer_size = Some(text().parse().map_err(|e| bad(format!("{e}")))?),
            "spool_dir" => self.spool_dir = Some(OsStr::from_bytes(value).into()),
            "stats" => self.stats = Some(stats(&text()).map_err(bad)?),
            "lowerdir" => {
                self.lower_dirs = Some(lower_dirs(value).ok_or_else(|| bad("an empty path".to_owned()))?)
            }
            "fsync" => self.upper.is_volatile = value == b"0",
            "upperdir" => self.upper.dir = Some(path(value)),
            "workdir" => self.upper.work = Some(path(value)),
            "redirect_dir" => {
                let on = redirects(value).ok_or_else(|| bad("neither `on` nor `off`".to_owned()))?;
                self.upper.redirects = Some(on);
            }
            "xattr_permissions" => {
                self.upper.keeping =
                    keeping(value).map_err(|why| WordError::Unsupported(key.to_owned(), why))?
            }
            "metacopy" => {
                self.upper.metacopy =
                    switch(value).ok_or_else(|| bad("neither `on` nor `off`".to_owned()))?;
            }
            "nfs_export" | "verity" if value == b"off" => {}
            "nfs_export" | "verity" => {
                return Err(WordError::Unsupported(key.to_owned(), "only `off` is supported"));
            }
            "noxattrs" if value == b"0" => {}
            "noxattrs" => {
                return Err(WordError::Unsupported(key.to_owned(), "extended attributes are always shown"));
            }
            "plugins" => {
                let why = "fuse-overlayfs's plugins are not supported; a layer may be an archive as it is";
                return Err(WordError::Unsupported(key.to_owned(), why));
            }
            _ if NO_EFFECT.contains(&key) => self.without_effect.push(key.to_owned()),
            _ if NO_MATTER_WHICH.contains(&key) || is_kept_elsewhere(key) => {}
            _ => return Err(WordError::Unknown(key.to_owned())),
        }
        Ok(())
    }
}

fn path(value: &[u8]) -> PathBuf {
    OsString::from_vec(unescape(value)).into()
}

fn switch(value: &[u8]) -> Option<bool> {
    match value {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

/// Whether directories of lower layers are renamed by redirect.
fn redirects(value: &[u8]) -> Option<bool> {
    if matches!(value, b"follow" | b"nofollow") { Some(false) } else { switch(value) }
}

/// How fuse-overlayfs's numbers say that owners and modes are kept.
fn keeping(value: &[u8]) -> Result<Option<Keeping>, &'static str> {
    match value {
        b"0" => Ok(None),
        b"2" => Ok(Some(Keeping::Xattr)),
        _ => Err("only 0 and 2 (user.containers.override_stat) are supported"),
    }
}

/// A user's or a group's number.
fn owner(text: &str) -> Result<u32, String> {
    // 4294967295 is -1, by which chown(2) and its like mean nobody.
    let id = number(text, 10)?;
    if id == u32::MAX { Err(format!("`{text}` is out of range")) } else { Ok(id) }
}

/// Permission bits that are not shown.
fn umask(text: &str) -> Result<u16, String> {
    let bits = number(text, 8)?;
    u16::try_from(bits & 0o777).map_err(|error| error.to_string())
}

/// How statistics are written.
fn stats(text: &str) -> Result<StatsFormat, String> {
    StatsFormat::from_str(text, false).map_err(|_| format!("`{text}` is neither `table` nor `json`"))
}

fn number(text: &str, radix: u32) -> Result<u32, String> {
    u32::from_str_radix(text, radix).map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => format!("`{text}` is out of range"),
        _ if radix == 8 => format!("`{text}` is not an octal number"),
        _ => format!("`{text}` is not a number"),
    })
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

/// The parts of a list; a separator behind a backslash is none, nor is one in the quotes of a SELinux context
/// (`context="…:c1,c2"`). Other escapes are left as they are.
fn split(list: &[u8], separator: u8) -> impl Iterator<Item = Vec<u8>> {
    let mut parts = vec![Vec::new()];
    let mut in_quotes = false;
    let mut bytes = list.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let Some(part) = parts.last_mut() else { break };
        match byte {
            b'\\' if bytes.peek() == Some(&separator) => part.extend(bytes.next()),
            b'\\' => part.extend([byte].into_iter().chain(bytes.next())),
            b'"' if in_quotes || part.ends_with(b"context=") => {
                in_quotes = !in_quotes;
                part.push(byte);
            }
            byte if byte == separator && !in_quotes => parts.push(Vec::new()),
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
        assert_eq!(parsed.ownership, Ownership { uid: Some(1000), umask: 0o22, ..Ownership::default() });
    }

    #[test]
    fn podmans_lines_are_understood() {
        let parsed = words("lowerdir=/r/l/A:/r/l/B,,uidmapping=:0:100000:65536,gidmapping=:0:5:7").unwrap();
        assert_eq!(parsed.ownership.stored_uid(100_001), 1);
        assert_eq!(parsed.ownership.stored_gid(6), 1);
        let parsed = words("lowerdir=/r/l/A,squash_to_uid=7,squash_to_gid=8").unwrap();
        assert_eq!((parsed.ownership.uid, parsed.ownership.gid), (Some(7), Some(8)));
        for options in ["squash_to_uid=7,squash_to_root", "squash_to_root,squash_to_uid=7"] {
            let parsed = words(options).unwrap();
            assert_eq!((parsed.ownership.uid, parsed.ownership.gid), (Some(7), Some(0)), "{options}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (options, part) in [
            ("frobnicate", "`frobnicate`"),
            ("frobnicate=1", "`frobnicate`"),
            ("redirect_dir=maybe", "neither `on` nor `off`"),
            ("xattr_permissions=1", "only 0 and 2"),
            ("lowerdir=a::b", "empty path"),
            ("uid=root", "not a number"),
            ("uid=", "not a number"),
            ("uid=4294967296", "`4294967296` is out of range"),
            ("gid=4294967295", "`4294967295` is out of range"),
            ("uidmapping=0:1", "`uidmapping`: `0:1` is not STORED:SHOWN:LENGTH"),
            ("gidmapping", "`gidmapping`: needs a value"),
            ("umask=9", "`9` is not an octal number"),
            ("umask=77777777777", "out of range"),
            ("ro=1", "`ro`: takes no value"),
            ("allow_other=1", "`allow_other`: takes no value"),
            ("strict=", "`strict`: takes no value"),
            ("uid", "`uid`: needs a value"),
            ("attr_timeout", "`attr_timeout`: needs a value"),
            ("remount", "unmount, and mount again"),
            ("remount=1", "unknown mount option `remount`"),
            ("platform=linux", "os/arch"),
            ("metacopy=maybe", "neither `on` nor `off`"),
            ("verity=on", "only `off`"),
            ("noxattrs=1", "`noxattrs`: extended attributes"),
            ("plugins=/x.so", "`plugins`: "),
            ("private=1", "takes no value"),
            ("stats=xml", "neither `table` nor `json`"),
        ] {
            let error = words(options).unwrap_err().to_string();
            assert!(error.contains(part), "{options}: {error}");
        }
        assert!(parse(&["frobnicate".into()], Unknown::Ignore).is_ok());
        assert!(parse(&["remount".into()], Unknown::Ignore).is_err());
    }

    #[test]
    fn what_changes_nothing_is_taken_and_named() {
        let parsed = words("attr_timeout=1,ro,max_read=131072,x-mount.mkdir=755,index=off").unwrap();
        assert_eq!(parsed.without_effect, ["attr_timeout", "max_read"]);
        let parsed =
            words(r#"private,context="system_u:object_r:container_file_t:s0:c1,c2",fast_ino=1"#).unwrap();
        assert_eq!(parsed.without_effect, ["private", "context", "fast_ino"]);
    }

    #[test]
    fn quotes_are_part_of_a_name_elsewhere() {
        let parsed = words(r#"lowerdir="a:b",image="c"#).unwrap();
        assert_eq!(parsed.lower_dirs.unwrap(), [PathBuf::from("\"a"), PathBuf::from("b\"")]);
        assert_eq!(parsed.image.as_deref(), Some("\"c"));
    }

    #[test]
    fn statistics_may_be_asked_for_in_some_form() {
        for (options, format) in [
            ("ro", None),
            ("stats", Some(StatsFormat::Table)),
            ("stats=table", Some(StatsFormat::Table)),
            ("stats,stats=json", Some(StatsFormat::Json)),
        ] {
            assert_eq!(words(options).unwrap().stats, format, "{options}");
        }
    }

    #[test]
    fn the_last_word_wins() {
        let parsed = words("suid,dev,nosuid,noexec,exec").unwrap();
        assert!(!parsed.options.suid && parsed.options.dev && !parsed.options.noexec);
    }
}
