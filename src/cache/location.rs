//! Where the cache directory is when nobody says.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// `$XDG_CACHE_HOME/peelfs`, `$HOME/.cache/peelfs` of the user who runs this, for root `/var/cache/peelfs`, or
/// nowhere.
pub fn default_dir() -> Option<PathBuf> {
    find(|name| std::env::var_os(name), is_ours, geteuid().is_root())
}

/// Who changes to another user may still have the first one's `$HOME`, and would leave files there that
/// only the other can remove.
fn is_ours(home: &Path) -> bool {
    home.metadata().is_ok_and(|home| home.uid() == geteuid().as_raw())
}

fn find(
    variable: impl Fn(&str) -> Option<OsString>,
    is_ours: impl Fn(&Path) -> bool,
    is_root: bool,
) -> Option<PathBuf> {
    // "If an implementation encounters a relative path … it should consider the path invalid and ignore
    // it" (XDG Base Directory Specification).
    let absolute = |name| variable(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").filter(|home| is_ours(home)).map(|home| home.join(".cache")))
        .or_else(|| is_root.then(|| "/var/cache".into()))
        .map(|dir| dir.join("peelfs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_absolute_place_is_taken() {
        for (xdg, home, is_root, dir) in [
            (Some("/x"), Some("/h"), false, Some("/x/peelfs")),
            (Some("x"), Some("/h"), false, Some("/h/.cache/peelfs")),
            (Some(""), Some("/h"), true, Some("/h/.cache/peelfs")),
            (None, Some("/h"), false, Some("/h/.cache/peelfs")),
            (None, Some("h"), true, Some("/var/cache/peelfs")),
            (None, Some(""), false, None),
            (None, Some("/theirs"), false, None),
            (None, Some("/theirs"), true, Some("/var/cache/peelfs")),
            (Some("/x"), Some("/theirs"), true, Some("/x/peelfs")),
            (None, None, true, Some("/var/cache/peelfs")),
            (None, None, false, None),
        ] {
            let variable = |name: &str| match name {
                "XDG_CACHE_HOME" => xdg.map(OsString::from),
                "HOME" => home.map(OsString::from),
                _ => None,
            };
            let is_ours = |home: &Path| home != Path::new("/theirs");
            assert_eq!(
                find(variable, is_ours, is_root),
                dir.map(PathBuf::from),
                "{xdg:?} {home:?} {is_root}"
            );
        }
    }
}
