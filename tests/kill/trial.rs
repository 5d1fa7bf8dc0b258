//! One scenario, tried with a fault at each call in turn.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use rustix::process::Signal;

use super::scenarios::{Scenario, layers};
use crate::support::proc::eventually;
use crate::support::tree::Entry;
use crate::support::upper::{By, Writable};
use crate::support::{Foreground, Tree};
use crate::write::perform;

/// What the host says where it refuses a call, and how `PEELFS_FAULT` says that.
const REFUSALS: [(&str, Errno); 3] = [("enospc", Errno::NOSPC), ("eio", Errno::IO), ("edquot", Errno::DQUOT)];

/// A scenario, what it is to come to, and all calls on the way.
pub struct Trial {
    scenario: &'static Scenario,
    options: &'static [&'static str],
    writable: Writable,
    before: Tree,
    after: Tree,
    /// The names of the calls: those of mounting, then those of the operation and of unmounting.
    calls: Vec<String>,
    /// How many of them mounting takes.
    mounting: usize,
}

impl Trial {
    /// Does it once without a fault, and counts.
    pub fn new(scenario: &'static Scenario, options: &'static [&'static str]) -> Trial {
        let writable = Writable::of(layers());
        let [before, after] = [Tree::default(), Tree::default()];
        let mut trial = Trial { scenario, options, writable, before, after, calls: Vec::new(), mounting: 0 };
        trial.prepare();
        trial.before = trial.shown_well();
        let (count, mount) = trial.counting();
        trial.mounting = lines(&count).len();
        trial.operate(&mount).unwrap_or_else(|errno| panic!("{}: {errno}", scenario.name));
        end(mount);
        trial.calls = lines(&count);
        trial.after = trial.shown_well();
        assert_ne!(trial.before, trial.after, "{}: nothing to see", scenario.name);
        trial
    }

    /// Kills the daemon before each call of the operation; gives what was wrong afterwards.
    pub fn killed_at_any_call(&self) -> Vec<String> {
        self.tried().filter_map(|call| self.killed(call)).collect()
    }

    /// The calls of the operation; without `PEELFS_EVERY_CALL` every other one, of some scenarios the first and of others the
    /// second.
    fn tried(&self) -> impl Iterator<Item = usize> {
        let is_every = std::env::var_os("PEELFS_EVERY_CALL").is_some();
        let step = if is_every { 1 } else { 2 };
        let skipped = (self.scenario.name.len() % step).min(self.calls.len() - self.mounting - 1);
        (self.mounting + skipped..self.calls.len()).step_by(step)
    }

    /// The same for the calls that it takes to mount a new upper: nothing is in it afterwards.
    pub fn killed_while_it_mounts(&self) -> Vec<String> {
        self.clear();
        let (count, mount) = self.counting();
        let calls = lines(&count);
        end(mount);
        let killed = |call: usize| {
            self.clear();
            let status = self.mount(&format!("kill:{}", call + 1)).err();
            let wrong = self.remounted(&[&self.before]);
            let is_killed = status.is_some_and(|status| status.signal() == Some(Signal::KILL.as_raw()));
            (!wrong.is_empty() || !is_killed).then(|| format!("{}: {status:?}\n{wrong}", calls[call]))
        };
        assert!(calls.len() > 3, "{calls:?}");
        (0..calls.len()).filter_map(killed).collect()
    }

    fn killed(&self, call: usize) -> Option<String> {
        self.prepare();
        let mut mount = self.mount(&format!("kill:{}", call + 1)).unwrap();
        // It may be done before the call comes, at the unmount.
        let _ = self.operate(&mount);
        let _ = rustix::mount::unmount(mount.path(), UnmountFlags::DETACH);
        let status = mount.status();
        let mut wrong = String::new();
        if status.signal() != Some(Signal::KILL.as_raw()) {
            wrong += &format!("    not killed: {status}\n");
        }
        wrong += &self.remounted(&[&self.before, &self.after]);
        self.report(call, "killed", wrong)
    }

    /// Makes each call of the operation fail, in one way after the other; gives what was wrong then or afterwards.
    pub fn refused_at_any_call(&self) -> Vec<String> {
        self.tried().filter_map(|call| self.refused(call)).collect()
    }

    fn refused(&self, call: usize) -> Option<String> {
        self.prepare();
        let mut wrong = String::new();
        let (word, refusal) = REFUSALS[call % REFUSALS.len()];
        let mount = self.mount(&format!("{word}:{}", call + 1)).unwrap();
        match self.operate(&mount) {
            Ok(()) => {}
            Err(errno) => {
                if errno != refusal {
                    wrong += &format!("    the operation gave {errno}\n");
                }
                wrong += &self.unlike("after the error", &Tree::read(mount.path()), &[&self.before]);
                // Only that one call was refused.
                if let Err(errno) = self.operate(&mount) {
                    wrong += &format!("    tried again it gave {errno}\n");
                }
            }
        }
        wrong += &self.unlike("in the end", &Tree::read(mount.path()), &[&self.after]);
        end(mount);
        wrong += &self.remounted(&[&self.after]);
        self.report(call, "refused", wrong)
    }

    fn report(&self, call: usize, what: &str, wrong: String) -> Option<String> {
        let Trial { scenario, calls, mounting, .. } = self;
        let steps = calls[*mounting..].join(" ");
        let step = call as isize - *mounting as isize + 1;
        let head = format!("{}: {what} at {step}, {}, of {steps}", scenario.name, calls[call]);
        (!wrong.is_empty()).then(|| format!("{head}\n{wrong}"))
    }

    /// A new upper that was mounted before, with what was done in it then.
    fn prepare(&self) {
        self.clear();
        let mount = self.writable.mount_with(self.options);
        for line in self.scenario.before {
            perform::Tree::new(mount.path()).perform(line).unwrap();
        }
        mount.unmount();
    }

    /// No upper at all.
    fn clear(&self) {
        for dir in [self.writable.upper(), self.writable.work(), self.beside("kernel.work")] {
            if dir.exists() {
                fs::remove_dir_all(dir).unwrap();
            }
        }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.writable.upper().with_file_name(name)
    }

    /// A mount that writes the names of its calls to a file.
    fn counting(&self) -> (PathBuf, Foreground) {
        let count = self.beside("calls");
        fs::write(&count, "").unwrap();
        let mount = self.mount(&format!("count:{}", count.display())).unwrap();
        (count, mount)
    }

    fn mount(&self, fault: &str) -> Result<Foreground, ExitStatus> {
        let options = self.options.iter().map(|word| OsStr::new(*word).to_owned());
        Foreground::with_env([("PEELFS_FAULT", fault)], options.chain(self.writable.arguments()))
    }

    fn operate(&self, mount: &Foreground) -> Result<(), Errno> {
        perform::Tree::new(mount.path()).perform(self.scenario.operation).map(|_| ())
    }

    /// What a new mount shows, and what is wrong with it: the work directory must be swept, and kernel overlayfs must
    /// show the same.
    fn shown(&self) -> (Tree, String) {
        let mut wrong = String::new();
        let mount = self.writable.mount_with(self.options);
        let tree = mount.tree();
        let work = fs::read_dir(self.writable.work().join("work")).unwrap().count();
        if work > 0 {
            wrong += &format!("    not swept: {work} names in the work directory\n");
        }
        mount.unmount();
        // The kernel knows nothing of owners and modes that are kept in attributes.
        if self.options.is_empty() {
            let mount = self.writable.mount(By::Kernel);
            wrong += &found("peelfs, overlayfs", tree.differences(&mount.tree(), 10));
            mount.unmount();
        }
        (comparable(tree), wrong)
    }

    /// The same where nothing went wrong.
    fn shown_well(&self) -> Tree {
        let (tree, wrong) = self.shown();
        assert_eq!(wrong, "", "{}, without a fault", self.scenario.name);
        tree
    }

    /// What is wrong with what a new mount shows.
    fn remounted(&self, allowed: &[&Tree]) -> String {
        let (tree, wrong) = self.shown();
        wrong + &self.unlike("remounted", &tree, allowed)
    }

    /// A kill may leave some names of a hard link from below copied and some not (W2), and what was copied counts its
    /// names in the upper (W3): here they are together, and as before.
    fn with_names_together(&self, mut tree: Tree) -> Tree {
        for (name, before) in self.before.0.iter().filter(|(_, before)| before.links > 1) {
            let Some(entry) = tree.0.get_mut(name) else { continue };
            let alone = |entry: &Entry| Entry { links: 1, linked: None, ..entry.clone() };
            let is_after = self.after.0.get(name).is_some_and(|after| alone(after) == alone(entry));
            if is_after || alone(before) == alone(entry) {
                entry.clone_from(before);
            }
        }
        tree
    }

    /// How a tree differs from all that it may be, as few differences as possible.
    fn unlike(&self, when: &str, tree: &Tree, allowed: &[&Tree]) -> String {
        let tree = comparable(tree.clone());
        let together = (allowed.len() > 1).then(|| self.with_names_together(tree.clone()));
        let trees = [Some(tree), together];
        let pairs =
            trees.iter().flatten().flat_map(|tree| allowed.iter().map(move |allowed| (*allowed, tree)));
        let differences = pairs.map(|(allowed, tree)| allowed.differences(tree, 10));
        found(&format!("{when} (expected, found)"), differences.min_by_key(String::len).unwrap())
    }
}

/// Differences with a title, if there are any.
fn found(title: &str, differences: String) -> String {
    if differences.is_empty() { differences } else { format!("    {title}:\n{differences}") }
}

/// A tree without what differs from run to run. Files changed now have a time of now. The host sets a directory's
/// time together with any name in it, and a further call gives it back where only something was copied up: between
/// these two the time is of now, and so it stays after a kill.
fn comparable(mut tree: Tree) -> Tree {
    /// When the layers were made (`support::layer`).
    const THEN: i64 = 1_700_000_000;
    for entry in tree.0.values_mut() {
        if entry.kind == 'd' || entry.mtime.0 > THEN {
            entry.mtime = (i64::MAX, 0);
        }
    }
    tree
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

/// Unmounts, and waits for the daemon.
fn end(mut mount: Foreground) {
    // A process that another thread has just forked holds what is open here, until it runs its program.
    eventually("nobody uses the mount", || {
        rustix::mount::unmount(mount.path(), UnmountFlags::empty()).is_ok()
    });
    let status = mount.status();
    assert!(status.success(), "{status}");
}
