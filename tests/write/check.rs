//! The same operations on a writable mount and on a plain directory: each gives the same, both show the same,
//! and so does the upper directory when it is mounted again, by whoever did it first and by the other.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::names;
use super::perform::{self, show};
use crate::support::tree::Entry;
use crate::support::{By, Layer, Tree, Writable, WritableMount};

/// Differences that are worth reading at a time.
const SHOWN: usize = 10;

/// What went wrong, if anything did.
pub type Checked = Result<(), String>;

/// Does operations, batch by batch, over layers, base first; what stands in each line, `perform` says, and
/// `names` what a word with `@` is.
///
/// What is wrong comes with all that was done before.
pub fn check<S: AsRef<str>>(
    by: By,
    layers: impl IntoIterator<Item = Layer>,
    batches: impl IntoIterator<Item = impl AsRef<[S]>>,
) -> Checked {
    let mut done = Vec::new();
    check_noting(&mut done, by, layers, batches)
        .map_err(|reason| format!("{reason}\nby {by:?}, after: {done:#?}"))
}

fn check_noting<S: AsRef<str>>(
    done: &mut Vec<String>,
    by: By,
    layers: impl IntoIterator<Item = Layer>,
    batches: impl IntoIterator<Item = impl AsRef<[S]>>,
) -> Checked {
    check_with(by, layers, |mount, truth| {
        let mut sides = Sides::new(mount, truth);
        for batch in batches {
            for line in batch.as_ref() {
                let line = names::resolve(line.as_ref(), truth.plain.path());
                done.push(line.clone());
                sides.perform(&line)?;
            }
            truth.compare(mount, "now")?;
        }
        Ok(())
    })
}

/// Does the same in a mount and in a plain directory, which must give the same.
pub fn check_script(
    by: By,
    layers: impl IntoIterator<Item = Layer>,
    script: impl Fn(&Path) -> Result<String, String>,
) -> Checked {
    check_with(by, layers, |mount, truth| {
        let (expected, given) = (script(truth.plain.path())?, script(mount.path())?);
        match expected == given {
            true => truth.compare(mount, "now"),
            false => Err(format!("it says:\n{given}\nin a plain directory:\n{expected}")),
        }
    })
}

fn check_with(
    by: By,
    layers: impl IntoIterator<Item = Layer>,
    change: impl FnOnce(&WritableMount, &Truth) -> Checked,
) -> Checked {
    let writable = Writable::of(layers);
    let truth = Truth { plain: writable.copy(), start: SystemTime::now() };
    let mount = writable.mount(by);
    truth.compare(&mount, "at the beginning")?;
    change(&mount, &truth)?;
    mount.unmount();
    for again in [by, by.other()] {
        if again == By::Peelfs && by == By::Kernel && writable.is_upper_empty() {
            // Nothing tells it from one just made, whose root peelfs makes as the layers have it.
            continue;
        }
        let mount = writable.mount(again);
        truth.compare(&mount, &format!("mounted again, by {again:?}"))?;
        mount.unmount();
    }
    Ok(())
}

/// A mount and a plain directory in which the same is done.
struct Sides {
    mount: perform::Tree,
    plain: perform::Tree,
}

impl Sides {
    fn new(mount: &WritableMount, truth: &Truth) -> Sides {
        Sides { mount: perform::Tree::new(mount.path()), plain: perform::Tree::new(truth.plain.path()) }
    }

    /// Does an operation on both sides.
    fn perform(&mut self, line: &str) -> Checked {
        let (expected, given) = (self.plain.perform(line), self.mount.perform(line));
        if expected == given || self.is_older(line, given.as_deref().ok()) {
            return Ok(());
        }
        Err(format!("`{line}` gives {given:?}, in a plain directory {expected:?}"))
    }

    /// W3: a descriptor that was opened before the copy-up may go on with what it had.
    fn is_older(&self, line: &str, given: Option<&str>) -> bool {
        let held = line.strip_prefix("read-held ").and_then(|name| self.mount.held(name));
        held.is_some_and(|held| given == Some(&show(&held.opened_on)))
    }
}

/// A plain directory, in which all is done that is done in a mount.
struct Truth {
    plain: TempDir,
    /// When it was begun.
    start: SystemTime,
}

impl Truth {
    fn compare(&self, mount: &WritableMount, when: &str) -> Checked {
        let (plain, mount) = (Tree::read(self.plain.path()), mount.tree());
        let differences = self.comparable(mount).differences(&self.comparable(plain), SHOWN);
        match differences.is_empty() {
            true => Ok(()),
            false => Err(format!("{when}; the mount first, a plain directory second:\n{differences}")),
        }
    }

    fn comparable(&self, mut tree: Tree) -> Tree {
        tree.0.values_mut().for_each(|entry| self.make_comparable(entry));
        tree
    }

    fn make_comparable(&self, entry: &mut Entry) {
        // The number of a lower file's names is that of its layer, also of those that are hidden (S24). Which
        // of the names are one file is compared.
        entry.links = 0;
        // What was done made it, whenever that was; all else has times that are long past.
        let start = self.start - Duration::from_secs(1);
        let seconds = start.duration_since(UNIX_EPOCH).unwrap().as_secs();
        if entry.mtime.0 >= seconds as i64 {
            entry.mtime = (i64::MAX, 0);
        }
    }
}
