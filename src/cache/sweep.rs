//! Removes what nobody will ask for: unfinished files of processes that were killed, and the directories of
//! other format versions.

use std::io::{self, Read as _};
use std::time::{Duration, SystemTime};

use super::dir::Dir;
use super::draft::UNFINISHED;
use super::rooms::{Rooms, TAG, TAG_TEXT, VERSION};

/// An unfinished file that nobody has written to for so long has lost its writer.
const STALE: Duration = Duration::from_secs(60 * 60);

/// Directories in directories that another version may have; ours has one level.
const MAX_DEPTH: usize = 8;

/// Removes unfinished files; what cannot be removed stays.
pub fn sweep(rooms: &Rooms) {
    report([stale(&rooms.version), stale(&rooms.layers), stale(&rooms.known)]);
}

/// Removes other versions' directories. Only who asks for it knows that no other version is in use.
pub fn sweep_versions(rooms: &Rooms) {
    report([other_versions(&rooms.top)]);
}

fn report(results: impl IntoIterator<Item = io::Result<()>>) {
    for error in results.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "the cache directory is not swept");
    }
}

fn stale(room: &Dir) -> io::Result<()> {
    let is_stale = |used| SystemTime::now().duration_since(used).is_ok_and(|age| age > STALE);
    for name in room.names()?.iter().filter(|name| name.starts_with(UNFINISHED)) {
        if room.look(name).is_some_and(|seen| is_stale(seen.used)) {
            room.remove(name)?;
        }
    }
    Ok(())
}

fn other_versions(top: &Dir) -> io::Result<()> {
    for name in top.names()?.iter().filter(|name| is_other_version(name)) {
        let dir = top.dir_within(name);
        if let Some(dir) = dir.ok().filter(|dir| is_tagged(dir).unwrap_or(false)) {
            for name in dir.names()?.iter().filter(|name| *name != TAG) {
                remove(&dir, name, MAX_DEPTH)?;
            }
            // Last, so that what is left if this process is killed is still known to be ours.
            dir.remove(TAG)?;
            top.remove_dir(name)?;
        }
    }
    Ok(())
}

fn is_other_version(name: &str) -> bool {
    let digits = name.strip_prefix('v').unwrap_or_default();
    matches!(digits.len(), 1..=9) && digits.bytes().all(|byte| byte.is_ascii_digit()) && name != VERSION
}

/// Whether a directory says that it is ours: the user may have a `v2` beside `v1`.
fn is_tagged(dir: &Dir) -> io::Result<bool> {
    let mut text = Vec::new();
    dir.file(TAG)?.take(TAG_TEXT.len() as u64).read_to_end(&mut text)?;
    Ok(text == TAG_TEXT)
}

/// Removes whatever has a name, and all that is in it.
fn remove(dir: &Dir, name: &str, depth: usize) -> io::Result<()> {
    match dir.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory && depth > 0 => {
            let inner = dir.dir_within(name)?;
            for name in inner.names()? {
                remove(&inner, &name, depth - 1)?;
            }
            dir.remove_dir(name).map(drop)
        }
        result => result.map(drop),
    }
}
