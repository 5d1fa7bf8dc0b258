//! What `mount` is told of an upper directory.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::fs::WriteOptions;
use crate::stack::Stack;
use crate::upper::{Upper, UpperOptions};

use super::Result;
use super::mount_words::UpperWords;

/// How long a mount of the same upper may take to end: of one that was named by hand, and of one that a program
/// mounts again as soon as it is unmounted.
const BY_HAND: Duration = Duration::from_secs(3);
const BY_PROGRAM: Duration = Duration::from_secs(10);

/// How temporary directories are named.
const PREFIX: &str = "peelfs-ephemeral-";

/// An upper directory, and what may be written into it.
pub struct UpperChoice {
    /// With `--ephemeral` the directories are still to be made.
    options: UpperOptions,
    is_ephemeral: bool,
    pub write: WriteOptions,
}

impl UpperChoice {
    /// Opens the upper directory.
    pub fn open(&self, stack: &Stack) -> Result<Upper> {
        let mut options = self.options.clone();
        if self.is_ephemeral {
            let dir = temporary_dir()?;
            (options.dir, options.work) = (dir.join("upper"), Some(dir.join("work")));
            options.ephemeral = Some(dir);
        }
        Ok(Upper::open(&options, stack)?)
    }
}

/// The options of `mount` that make it writable.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct UpperArgs {
    /// Make the mount writable; DIR holds the difference, in overlayfs's format, and is made if need be
    #[arg(long, help_heading = "Writing", value_name = "DIR", conflicts_with = "ephemeral")]
    upper: Option<PathBuf>,
    /// Make files in this directory first, on the same file system as the upper [default: DIR.work]
    #[arg(long, help_heading = "Writing", value_name = "DIR", requires = "upper")]
    work: Option<PathBuf>,
    /// Make the mount writable, and forget what was written when it ends
    #[arg(long, help_heading = "Writing")]
    ephemeral: bool,
    /// Mount an upper directory that was made over other layers
    #[arg(long, help_heading = "Writing")]
    force: bool,
    /// Have all that is written and read go through the daemon
    #[arg(long, help_heading = "Writing")]
    pub no_passthrough: bool,
}

impl UpperArgs {
    /// The upper directory, if there is to be one.
    pub fn choose(&self, words: &UpperWords) -> Result<Option<UpperChoice>> {
        let (named_by_hand, is_ephemeral) = (self.upper.as_ref(), self.ephemeral);
        let (dir, work) = match (named_by_hand, &words.dir, &words.work) {
            (Some(_), Some(_), _) => {
                return Err("--upper and upperdir= say the same; give one of them".into());
            }
            (None, Some(_), _) if is_ephemeral => return Err("--ephemeral needs no upperdir=".into()),
            (None, Some(_), None) => return Err("upperdir= needs workdir=, on the same file system".into()),
            (_, None, Some(_)) => return Err("workdir= needs upperdir=".into()),
            (None, Some(dir), Some(work)) => (dir.clone(), Some(work.clone())),
            (Some(dir), None, None) => (dir.clone(), self.work.clone()),
            (None, None, None) if is_ephemeral => (PathBuf::new(), None),
            (None, None, None) => return Ok(None),
        };
        let is_by_hand = words.dir.is_none();
        let options = UpperOptions {
            dir,
            work,
            makes: is_by_hand,
            ephemeral: None,
            force: self.force,
            patience: if is_by_hand { BY_HAND } else { BY_PROGRAM },
            is_volatile: words.is_volatile || is_ephemeral,
            keeping: words.keeping,
        };
        // Where a program names the upper, redirects are off as in overlayfs: who reads it next, as Podman does, may
        // not know of them.
        let redirects = words.redirects.unwrap_or(is_by_hand);
        let write = WriteOptions { redirects, metacopy: words.metacopy };
        Ok(Some(UpperChoice { options, is_ephemeral, write }))
    }
}

/// A new directory for what is not to stay; those of daemons that were killed go.
fn temporary_dir() -> io::Result<PathBuf> {
    let place = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    let place = place.canonicalize()?;
    sweep(&place);
    tempfile::Builder::new().prefix(PREFIX).tempdir_in(&place).map(tempfile::TempDir::keep)
}

/// Removes what nobody holds any more.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.filter_map(io::Result::ok) {
        let is_ours = entry.file_name().as_bytes().starts_with(PREFIX.as_bytes());
        if is_ours && is_abandoned(&entry.path()) {
            // Whoever may not remove it is not the one who made it.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether there is an upper in it that no mount has. One without is about to be used.
fn is_abandoned(dir: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let upper = rustix::fs::open(dir.join(OsStr::new("upper")), flags, Mode::empty());
    let is_old = dir
        .metadata()
        .and_then(|metadata| metadata.modified())
        .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > Duration::from_secs(60)));
    upper.is_ok_and(|upper| {
        is_old && rustix::fs::flock(upper, FlockOperation::NonBlockingLockExclusive).is_ok()
    })
}
