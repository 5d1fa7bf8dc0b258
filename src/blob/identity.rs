//! Which bytes a blob has, told without reading them.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::host;

/// A file may change once more without its times telling, for as long as the kernel's clock for them stands
/// still: a tick, ten milliseconds at most; twice that, to be sure.
const TICK: Duration = Duration::from_millis(20);

/// Two blobs with one identity have the same bytes: they are the same stretch of the same file, and that is as
/// long and as old as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    text: String,
    /// When the file last changed.
    changed: Option<SystemTime>,
}

impl Identity {
    /// A whole file's, where the file system's times are to be believed.
    pub fn of_file(file: &File, metadata: &Metadata) -> Option<Identity> {
        let is_honest = host::has_honest_times(file).unwrap_or(false);
        is_honest.then(|| Identity::of_metadata(metadata))
    }

    fn of_metadata(metadata: &Metadata) -> Identity {
        let (dev, ino, len) = (metadata.dev(), metadata.ino(), metadata.len());
        let (mtime, mtime_nsec) = (metadata.mtime(), metadata.mtime_nsec());
        let (ctime, ctime_nsec) = (metadata.ctime(), metadata.ctime_nsec());
        let text = format!("file {dev} {ino} {len} {mtime}.{mtime_nsec:09} {ctime}.{ctime_nsec:09}");
        let since_1970 = u64::try_from(ctime).ok().zip(u32::try_from(ctime_nsec).ok());
        let changed = since_1970
            .and_then(|(secs, nanos)| SystemTime::UNIX_EPOCH.checked_add(Duration::new(secs, nanos)));
        Identity { text, changed }
    }

    /// A stretch's of a blob.
    pub fn window(self, offset: u64, len: u64) -> Identity {
        Identity { text: format!("{} at {offset} {len}", self.text), ..self }
    }

    /// A stream's that a blob decodes to.
    pub fn decoded(self) -> Identity {
        Identity { text: format!("{} decoded", self.text), ..self }
    }

    /// All of it, in one line.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Waits until a change of the file from now on would change its times too.
    pub fn settle(&self) {
        let age = self.changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        // A file of the future will be told by its times when it comes to be changed in the present.
        if let Some(young) = age.and_then(|age| TICK.checked_sub(age)) {
            thread::sleep(young);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    #[test]
    fn only_file_systems_with_a_clock_of_their_own_are_believed() {
        let of = |path: &str| {
            let file = File::open(path).unwrap();
            Identity::of_file(&file, &file.metadata().unwrap())
        };
        assert!(of("/proc/self/status").is_none());
        assert!(of(env!("CARGO_MANIFEST_DIR")).is_some());
    }

    #[test]
    fn a_file_that_settled_cannot_change_unseen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for _ in 0..20 {
            File::create(&path).unwrap().write_all(b"one").unwrap();
            let before = Identity::of_metadata(&path.metadata().unwrap());
            before.settle();
            assert_eq!(before, Identity::of_metadata(&path.metadata().unwrap()));
            File::options().write(true).open(&path).unwrap().write_all(b"two").unwrap();
            assert_ne!(before, Identity::of_metadata(&path.metadata().unwrap()));
        }
        assert_ne!(Identity::of_metadata(&path.metadata().unwrap()).window(1, 2).as_str(), "");
    }
}
