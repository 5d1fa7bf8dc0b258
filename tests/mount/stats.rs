//! `peelfs mount --stats` and SIGUSR1: where the time of a mount goes.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use rustix::process::{Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{text, write_tar};
use crate::support::bytes::mixed;
use crate::support::need::{has_fuse, need};
use crate::support::proc::{assert_gone, daemon_of, daemons_of, eventually, server_of};
use crate::support::{Foreground, Mount, layer, peelfs};

/// The length of a file that takes several requests.
const LARGE: usize = 1_700_000;

/// Unmounts, and gives what was said at the end.
fn said(mut foreground: Foreground) -> String {
    let output = peelfs(["umount".as_ref(), foreground.path().as_os_str()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = foreground.stderr();
    assert_eq!(foreground.status().code(), Some(0), "{said}");
    said
}

/// What was said at the end, in the form for machines.
fn statistics(foreground: Foreground) -> Value {
    let said = said(foreground);
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{said}"));
    serde_json::from_str(line).unwrap()
}

/// A number of one operation; 0 if it was not used.
fn number(statistics: &Value, operation: &str, field: &str) -> u64 {
    let mut operations = statistics["operations"].as_array().unwrap().iter();
    let used = operations.find(|used| used["operation"] == operation);
    used.map_or(0, |used| used[field].as_u64().unwrap_or_else(|| panic!("{operation}.{field}")))
}

/// The number behind the name of an operation in the last table of a text.
fn count_in_table(text: &str, operation: &str) -> Option<u64> {
    let row = text.lines().rfind(|line| line.split_whitespace().next() == Some(operation))?;
    row.split_whitespace().nth(1)?.parse().ok()
}

fn look_for_missing(dir: &Path, names: std::ops::Range<u32>) {
    for name in names {
        fs::symlink_metadata(dir.join(format!("missing{name}"))).unwrap_err();
    }
}

#[test]
fn every_request_is_counted_and_timed() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let (tar, bytes) = (dir.path().join("layer.tar"), mixed(LARGE, 1));
    fs::write(&tar, layer("d/ f=text l->f").file("d/large", &bytes).finish()).unwrap();
    let foreground = Foreground::new(["--stats=json".as_ref(), tar.as_os_str()]);
    let at = |name: &str| foreground.path().join(name);
    look_for_missing(foreground.path(), 0..7);
    for _ in 0..3 {
        // The kernel asks once.
        fs::symlink_metadata(at("f")).unwrap();
        look_for_missing(foreground.path(), 0..7);
    }
    assert_eq!(fs::read_link(at("l")).unwrap(), Path::new("f"));
    assert!(fs::read(at("d/large")).unwrap() == bytes);
    rustix::fs::statfs(foreground.path()).unwrap();
    assert_eq!(fs::read_dir(foreground.path()).unwrap().count(), 3);

    let point = foreground.path().to_owned();
    let statistics = statistics(foreground);
    assert_eq!(statistics["mount_point"], *point.to_str().unwrap());
    let of = |operation, field| number(&statistics, operation, field);
    // Seven that are missing, f, l, d and large.
    assert_eq!((of("lookup", "count"), of("lookup", "negative")), (11, 7), "{statistics}");
    assert_eq!((of("readlink", "count"), of("statfs", "count")), (1, 1), "{statistics}");
    assert_eq!(of("read", "bytes_given"), LARGE as u64);
    assert!(of("read", "count") >= LARGE as u64 / (1024 * 1024), "{statistics}");
    assert!(of("readdirplus", "count") >= 1 && of("readdirplus", "bytes_given") >= 3 * 152, "{statistics}");
    assert_eq!(statistics["bytes_given"], LARGE as u64);
    assert_eq!(statistics["bytes_read"], LARGE as u64, "a plain layer is read as it is given");
    assert!(statistics["merged_directories"]["hits"].as_u64().unwrap() > 0, "{statistics}");
    assert_eq!(statistics["blocks"]["misses"], 0);
    for used in statistics["operations"].as_array().unwrap() {
        let times = ["p50_ns", "p90_ns", "p99_ns", "max_ns", "total_ns"];
        let times = times.map(|time| used[time].as_u64().unwrap());
        assert!(times.is_sorted() && times[0] > 0, "{used}");
        assert!(used["mean_ns"].as_u64().unwrap() <= times[3], "{used}");
        assert_eq!(used["errors"], 0, "{used}");
    }
}

#[test]
fn failures_are_told_from_what_is_not_there() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    let foreground = Foreground::new(["--stats=json".as_ref(), tar.as_os_str()]);
    OpenOptions::new().append(true).open(&tar).unwrap().write_all(b"changed").unwrap();
    fs::read(foreground.path().join("f")).unwrap_err();
    look_for_missing(foreground.path(), 0..1);
    let statistics = statistics(foreground);
    let of = |operation, field| number(&statistics, operation, field);
    assert!(of("read", "errors") >= 1, "{statistics}");
    assert_eq!((of("read", "errors"), of("read", "bytes_given")), (of("read", "count"), 0));
    assert_eq!((of("lookup", "negative"), of("lookup", "errors")), (1, 0));
}

#[test]
fn blocks_that_are_decoded_are_counted() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let (path, bytes) = (dir.path().join("layer.tar.gz"), mixed(LARGE, 2));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&layer("d/").file("large", &bytes).finish()).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let foreground = Foreground::new(["--stats=json".as_ref(), path.as_os_str()]);
    assert!(fs::read(foreground.path().join("large")).unwrap() == bytes);
    let statistics = statistics(foreground);
    let blocks = &statistics["blocks"];
    let of = |field: &str| blocks[field].as_u64().unwrap_or_else(|| panic!("{field}"));
    assert!(of("misses") >= 1 && of("misses") + of("ahead") >= 3, "{blocks}");
    assert!(of("ahead_hits") <= of("ahead") && of("bytes_decoded") >= LARGE as u64, "{blocks}");
    let read = statistics["bytes_read"].as_u64().unwrap();
    // Not what opening it read, which was all of it.
    assert!(read > 0 && read < 2 * fs::metadata(&path).unwrap().len(), "{statistics}");
}

#[test]
fn at_the_end_there_is_a_table_where_it_was_asked_for() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let tar = write_tar(dir.path(), "f=text");
    for options in [&["--stats"][..], &["-o", "stats"], &["--stats", "-o", "stats=json"]] {
        let args = options.iter().map(OsStr::new).chain([tar.as_os_str()]);
        let foreground = Foreground::new(args);
        look_for_missing(foreground.path(), 0..5);
        let head = format!("peelfs: {}: statistics at ", foreground.path().display());
        let said = said(foreground);
        assert!(said.starts_with(&head), "{options:?}: {said}");
        assert_eq!(said.matches("statistics at").count(), 1, "{said}");
        assert_eq!(count_in_table(&said, "lookup"), Some(5), "{said}");
    }
    // A signal is an end as any other.
    let mut foreground = Foreground::new(["--stats".as_ref(), tar.as_os_str()]);
    look_for_missing(foreground.path(), 0..5);
    foreground.signal(Signal::TERM);
    assert_eq!(count_in_table(&foreground.stderr(), "lookup"), Some(5));
}

#[test]
fn sigusr1_asks_any_mount_as_often_as_one_likes() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let (tar, log) = (write_tar(dir.path(), "f=text"), dir.path().join("log"));
    let mount = Mount::new(["--log-file".as_ref(), log.as_os_str(), tar.as_os_str()]);
    let daemon = daemon_of(mount.path());
    let read_log = || fs::read_to_string(&log).unwrap();
    for names in [0..4, 4..9] {
        let all = u64::from(names.end);
        look_for_missing(mount.path(), names);
        // A request is counted a moment after it was answered.
        eventually("the log has what was asked", || {
            kill_process(daemon, Signal::USR1).unwrap();
            count_in_table(&read_log(), "lookup") == Some(all)
        });
    }
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"text");
}

#[test]
fn the_log_has_the_statistics_of_a_daemon_if_they_were_asked_for() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let (tar, log) = (write_tar(dir.path(), "f=text"), dir.path().join("log"));
    for (options, lookups) in [(&[][..], None), (&["--stats"], Some(6))] {
        let args = [OsStr::new("--log-file"), log.as_os_str(), tar.as_os_str()];
        let mount = Mount::new(options.iter().map(OsStr::new).chain(args));
        look_for_missing(mount.path(), 0..6);
        let point = mount.path().to_owned();
        drop(mount);
        assert_gone(&point);
        let log = fs::read_to_string(&log).unwrap();
        assert_eq!(count_in_table(&log, "lookup"), lookups, "{log}");
    }
}

#[test]
fn sigusr1_ends_neither_a_daemon_without_a_log_nor_who_waits_for_its_end() {
    need!(has_fuse(), "needs FUSE");
    let dir = TempDir::new().unwrap();
    let mount =
        Mount::new(["-o".as_ref(), "auto_unmount".as_ref(), write_tar(dir.path(), "f=text").as_os_str()]);
    let server = server_of(mount.path());
    let both = daemons_of(mount.path());
    assert_eq!(both.len(), 2);
    for _ in 0..3 {
        both.iter().for_each(|pid| kill_process(*pid, Signal::USR1).unwrap());
        look_for_missing(mount.path(), 0..2);
    }
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"text");
    assert_eq!((daemons_of(mount.path()), server_of(mount.path())), (both, server));
}
