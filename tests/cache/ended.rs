//! Runs that share an empty cache, and runs that are ended before they are done.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::{Place, gzip, image, many, succeed, zstd};
use crate::support::archive::{Written, oci};
use crate::support::bytes::noise;
use crate::support::need::{has_fuse, need};
use crate::support::proc::{daemons_of, eventually, mounts_at};
use crate::support::{Mount, Tree, peelfs};

/// An image that takes a while to read.
fn slow() -> Place {
    let layers = (0..3).map(|i| many(i, 100).file("large", &noise(12_000_000, i)));
    let mut gzip_image = Written::new("app:1", layers);
    gzip_image.store = gzip;
    Place::new(&oci(&[gzip_image]))
}

/// The same command, ended by signals even where whoever runs the tests ignores them, as a shell does for what
/// it starts in the background.
fn mortal(command: &Command) -> Command {
    let mut mortal = Command::new("env");
    mortal.arg("--default-signal").arg(command.get_program()).args(command.get_args());
    mortal.env_remove("RUST_LOG").stdin(Stdio::null());
    mortal
}

/// No file in the cache is unfinished.
#[track_caller]
fn assert_only_finished(place: &Place) {
    for file in place.files() {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(!name.starts_with("tmp-"), "{name}");
        assert!(fs::read(&file).unwrap().len() > 10, "{name}");
    }
}

#[test]
fn eight_runs_at_once_on_an_empty_cache() {
    for store in [gzip, zstd] {
        let place = Place::new(&image(store, many(1, 2_000_000)));
        let spawn = |_| {
            place.command("ls").args(["-R", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
        };
        let runs: Vec<Child> = (0..8).map(|i| spawn(i).unwrap()).collect();
        let shown: Vec<_> = runs.into_iter().map(|run| succeed(&run.wait_with_output().unwrap())).collect();
        assert!(shown.iter().all(|one| *one == shown[0]));
        assert_only_finished(&place);
        let state = place.state();
        assert_eq!(place.shown(), shown[0]);
        assert_eq!(place.read(), place.truth());
        assert_eq!(place.state(), state, "read again");
    }
}

#[test]
fn eight_mounts_at_once_on_an_empty_cache() {
    need!(has_fuse(), "needs FUSE");
    let place = Place::new(&image(zstd, many(1, 2_000_000)));
    let trees: Vec<Tree> = std::thread::scope(|scope| {
        let mount = || {
            let (cache, image) = (place.cache(), place.image());
            let mount = Mount::new(["--cache-dir".as_ref(), cache.as_os_str(), image.as_os_str()]);
            Tree::read(mount.path())
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(mount)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(trees.iter().all(|tree| *tree == trees[0]));
    assert_only_finished(&place);
}

#[test]
fn a_run_that_is_killed_leaves_only_what_is_finished() {
    let place = slow();
    let truth = place.truth();
    for signal in [Signal::KILL, Signal::INT, Signal::TERM] {
        let mut ended = 0;
        for delay in [0, 5, 20, 60, 120, 200, 300, 500] {
            let _ = fs::remove_dir_all(place.cache());
            let mut run = mortal(&place.command("ls")).stdout(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(delay));
            rustix::process::kill_process(Pid::from_child(&run), signal).unwrap();
            ended += usize::from(!run.wait().unwrap().success());
            assert_only_finished(&place);
            assert!(place.read() == truth, "{signal:?} after {delay} ms");
        }
        assert!(ended > 2, "{signal:?} always came too late");
    }
}

#[test]
fn a_mount_that_is_interrupted_while_it_reads_is_none_and_leaves_nothing() {
    need!(has_fuse(), "needs FUSE");
    let place = slow();
    let point = place.dir.path().join("mnt");
    fs::create_dir(&point).unwrap();
    let mut interrupted = 0;
    for delay in [10, 20, 40, 80] {
        let _ = fs::remove_dir_all(place.cache());
        // Ctrl-C goes to all processes of the terminal's group.
        let mut command = mortal(&place.command("mount"));
        command.arg(&point).process_group(0).stderr(Stdio::null());
        let mut mount = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        rustix::process::kill_process_group(Pid::from_child(&mount), Signal::INT).unwrap();
        match mount.wait().unwrap().success() {
            // It was faster.
            true => drop(peelfs(["umount".as_ref(), point.as_os_str()])),
            false => interrupted += 1,
        }
        eventually("the daemon ends", || daemons_of(&point).is_empty());
        assert_eq!(mounts_at(&point), []);
        assert_only_finished(&place);
    }
    assert!(interrupted > 0, "always too late");
}
