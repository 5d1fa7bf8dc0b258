//! What was found out about layers, kept between mounts in a directory of files that never change.
//!
//! ```text
//! $DIR/v1/layers/GROUP.PART   an index, a seek table, …; all parts of a group are evicted together
//! $DIR/v1/known/SHA-256       a line of text, by the hash of its key
//! ```
//!
//! A file is written out of sight and appears whole or not at all; whoever has it open keeps it, though it
//! be replaced or removed. So there are no locks: mounts, prunes and `rm -r` may run at once, and end at
//! any moment. Reading never fails: whatever is wrong is a miss. No symlink in the directory is followed.
//!
//! What a file holds is its writer's business, and to check it its reader's: nothing here knows tar,
//! images or blobs.

mod allowance;
mod dir;
mod draft;
mod known;
mod location;
mod name;
mod new_file;
mod prune;
mod rooms;
mod sweep;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use allowance::Allowance;
use dir::Dir;
use draft::Draft;
use rooms::Rooms;

pub use location::default_dir;
pub use name::{Group, Part};
pub use new_file::NewFile;
pub use prune::{Listed, Report};

/// What the files of a cache may take together if nobody says, in bytes.
pub const DEFAULT_LIMIT: u64 = 2 << 30;

/// Free space that is left to others on the file system, in bytes; at least a hundredth of it is, too.
const RESERVE: u64 = 64 << 20;

/// A file opened again within this time is not marked as used again.
const USE_STEP: Duration = Duration::from_secs(60);

/// A cache directory; it is opened when it is first read, and made when it is first written.
#[derive(Debug, Clone)]
pub struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    limit: u64,
    rooms: Mutex<Option<Arc<Rooms>>>,
    bytes: Allowance,
    lines: Allowance,
    said_unusable: AtomicBool,
    said_full: AtomicBool,
}

impl Cache {
    /// The cache in a directory, which need not be there; its files may take `limit` bytes together.
    pub fn at(dir: impl Into<PathBuf>, limit: u64) -> Cache {
        let dir = dir.into();
        Cache(Arc::new(Inner {
            // A daemon leaves the directory that it was started in.
            path: std::path::absolute(&dir).unwrap_or(dir),
            limit,
            rooms: Mutex::new(None),
            bytes: Allowance::default(),
            lines: Allowance::default(),
            said_unusable: AtomicBool::new(false),
            said_full: AtomicBool::new(false),
        }))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What its files may take together, in bytes.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// Whether files can be written to it, which makes the directory if it is not there.
    pub fn is_writable(&self) -> io::Result<()> {
        self.draft(|rooms| &rooms.layers).map(drop)
    }

    /// Opens a file for reading, and marks its group as used; `None` for anything that is not a whole file
    /// of ours.
    pub fn open(&self, group: &Group, part: &Part) -> Option<File> {
        let name = name::file_name(group, part);
        self.read(|rooms| Ok(mark_used(rooms.layers.file(&name)?)))
    }

    /// Opens a file for reading, to look at it rather than to use it.
    pub fn peek(&self, group: &Group, part: &Part) -> Option<File> {
        self.read(|rooms| rooms.layers.file(&name::file_name(group, part)))
    }

    /// Begins a file; `None` if the directory cannot be written.
    pub fn new_file(&self) -> Option<NewFile> {
        let draft = self.draft(|rooms| &rooms.layers).inspect_err(|error| self.complain(error));
        Some(NewFile::new(self.clone(), draft.ok()?))
    }

    /// Whether a file of so many bytes would leave others enough free space; asked before it is written.
    pub fn has_room(&self, bytes: u64) -> bool {
        let space = self.made().and_then(|rooms| rooms.layers.space());
        let Ok((free, all)) = space.inspect_err(|error| self.complain(error)) else { return false };
        bytes <= self.0.limit && bytes <= free.saturating_sub(RESERVE.max(all / 100))
    }

    /// The line that was remembered for a key.
    pub fn known(&self, key: &str) -> Option<String> {
        let name = known::file_name(key);
        self.read(|rooms| known::read(mark_used(rooms.known.file(&name)?)))
    }

    /// Remembers a line of at most 1023 printable ASCII characters for a key, if that is possible.
    pub fn remember(&self, key: &str, line: &str) {
        if !known::is_line(line) {
            tracing::debug!(line, "not a line that can be remembered");
            return;
        }
        let result = self.draft(|rooms| &rooms.known).and_then(|mut draft| {
            known::write(&draft, line)?;
            self.publish(&mut draft, |rooms| &rooms.known, &known::file_name(key))
        });
        match result {
            Ok(()) => self.added_line(),
            Err(error) => self.complain(&error),
        }
    }

    /// Removes a file that turned out to be damaged; whether it is gone.
    pub fn remove(&self, group: &Group, part: &Part) -> bool {
        self.read(|rooms| rooms.layers.remove(&name::file_name(group, part))).is_some()
    }

    /// All groups, least recently used first; none if there is no directory.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        self.if_there(|rooms| prune::list(&rooms.layers))
    }

    /// Removes groups, least recently used first, until the others take at most `max` bytes, and what
    /// nobody will ask for: unfinished files without a writer, the directories of other format versions. With
    /// a `max` of 0 nothing is left.
    pub fn prune(&self, max: u64) -> io::Result<Report> {
        self.if_there(|rooms| {
            sweep::sweep(rooms);
            sweep::sweep_versions(rooms);
            known::trim(&rooms.known, if max == 0 { 0 } else { known::MAX_LINES })?;
            prune::evict(&rooms.layers, &prune::list(&rooms.layers)?, max, None)
        })
    }

    /// Makes room after a file has been added, now and then: to look at all files takes time.
    fn added(&self, group: &Group, len: u64) {
        if self.0.bytes.spend(prune::blocks(len)) {
            return;
        }
        self.read(|rooms| {
            sweep::sweep(rooms);
            let groups = prune::list(&rooms.layers)?;
            let mut total = prune::total(&groups);
            if total > self.0.limit {
                // Not to the limit, or the next file would cost another round.
                let most = self.0.limit - self.0.limit / 10;
                total = prune::evict(&rooms.layers, &groups, most, Some(group))?.left;
            }
            self.0.bytes.refill(self.0.limit.saturating_sub(total));
            Ok(())
        });
    }

    fn added_line(&self) {
        if self.0.lines.spend(1) {
            return;
        }
        self.read(|rooms| {
            let mut count = known::count(&rooms.known)?;
            if count > known::MAX_LINES {
                count = known::MAX_LINES - known::MAX_LINES / 10;
                known::trim(&rooms.known, count)?;
            }
            self.0.lines.refill((known::MAX_LINES - count) as u64);
            Ok(())
        });
    }

    /// What reading gives; whatever is wrong is a miss.
    fn read<T>(&self, read: impl FnOnce(&Rooms) -> io::Result<T>) -> Option<T> {
        match self.opened().and_then(|rooms| read(&rooms)) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!(%error, dir = %self.path().display(), "a miss in the cache directory");
                None
            }
        }
    }

    /// What is done with a directory that must be usable, if it is there.
    fn if_there<T: Default>(&self, f: impl FnOnce(&Rooms) -> io::Result<T>) -> io::Result<T> {
        match self.opened() {
            Ok(rooms) => f(&rooms),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
            Err(error) => Err(error),
        }
    }

    fn draft(&self, room: fn(&Rooms) -> &Arc<Dir>) -> io::Result<Draft> {
        match Draft::new(room(&*self.made()?).clone()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Draft::new(room(&*self.made_again()?).clone())
            }
            result => result,
        }
    }

    fn publish(&self, draft: &mut Draft, room: fn(&Rooms) -> &Arc<Dir>, name: &str) -> io::Result<()> {
        match draft.publish(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                draft.move_to(room(&*self.made_again()?).clone());
                draft.publish(name)
            }
            result => result,
        }
    }

    fn opened(&self) -> io::Result<Arc<Rooms>> {
        self.rooms(Rooms::open)
    }

    fn made(&self) -> io::Result<Arc<Rooms>> {
        self.rooms(Rooms::make)
    }

    /// Someone removed the directory that we hold open.
    fn made_again(&self) -> io::Result<Arc<Rooms>> {
        *self.0.rooms.lock() = None;
        self.made()
    }

    fn rooms(&self, open: fn(&Path) -> io::Result<Rooms>) -> io::Result<Arc<Rooms>> {
        let mut rooms = self.0.rooms.lock();
        if let Some(rooms) = &*rooms {
            return Ok(rooms.clone());
        }
        let opened = Arc::new(open(&self.0.path)?);
        Ok(rooms.insert(opened).clone())
    }

    /// Says once why the cache cannot be written, and once that it is full.
    pub fn complain(&self, error: &io::Error) {
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let said = if is_full { &self.0.said_full } else { &self.0.said_unusable };
        let dir = self.path().display();
        match (said.swap(true, Ordering::Relaxed), is_full) {
            (true, _) => tracing::debug!("cache directory {dir}: {error}"),
            (false, true) => tracing::warn!("cache directory {dir}: {error}; what does not fit is not kept"),
            (false, false) => tracing::warn!("cache directory {dir}: {error}; going on without it"),
        }
    }
}

/// Sets a file's time of access. Its time of modification stays: readers know by it that the file has not
/// changed.
fn mark_used(file: File) -> File {
    if is_due(&file).unwrap_or(false) {
        let at = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let times = Timestamps { last_access: at(UTIME_NOW), last_modification: at(UTIME_OMIT) };
        if let Err(error) = rustix::fs::futimens(&file, &times) {
            tracing::debug!(%error, "a file of the cache is not marked as used");
        }
    }
    file
}

fn is_due(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let used = metadata.accessed()?.max(metadata.modified()?);
    // A time to come is a clock that went wrong: due, too.
    Ok(SystemTime::now().duration_since(used).map_or(true, |age| age > USE_STEP))
}
