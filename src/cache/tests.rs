//! The cache as a whole, on a real directory.

use std::fs::{self, FileTimes};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::digest::{DiffId, Digest};

/// The unit of the tests' sizes: a whole block.
const KIB4: usize = 4096;

struct Place {
    dir: TempDir,
    cache: Cache,
}

impl Place {
    fn new(limit: u64) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("a/b"), limit);
        Place { dir, cache }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.cache.path().join(below)
    }

    /// Sets when a file was used last, in seconds before now.
    fn age(&self, name: &str, secs: u64) {
        let then = SystemTime::now() - Duration::from_secs(secs);
        let file = File::open(self.path("v1").join(name)).unwrap();
        file.set_times(FileTimes::new().set_accessed(then).set_modified(then)).unwrap();
    }

    fn keep_aged(&self, name: &str, part: &Part, len: usize, secs: u64) {
        keep(&self.cache, &group(name), part, &vec![1; len]).unwrap();
        self.age(&format!("layers/{}", name::file_name(&group(name), part)), secs);
    }

    fn has(&self, name: &str) -> bool {
        self.path("v1/layers").join(name::file_name(&group(name), &Part::index())).exists()
    }
}

fn group(name: &str) -> Group {
    Group::DiffId(DiffId(Digest::of(name.as_bytes())))
}

fn keep(cache: &Cache, group: &Group, part: &Part, bytes: &[u8]) -> io::Result<()> {
    let mut file = cache.new_file().unwrap();
    file.write_all(bytes)?;
    file.keep(group, part)
}

fn read(cache: &Cache, group: &Group, part: &Part) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    cache.open(group, part)?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_kept_is_found() {
    let place = Place::new(DEFAULT_LIMIT);
    let blob = Digest::of(b"blob");
    let file = Group::File(Digest::of(b"identity"));
    assert_eq!(read(&place.cache, &group("a"), &Part::index()), None);
    assert_eq!(place.cache.list().unwrap(), []);
    assert_eq!(place.cache.prune(0).unwrap(), Report::default());
    assert!(!place.path("").exists(), "reading makes nothing");
    keep(&place.cache, &group("a"), &Part::index(), b"names").unwrap();
    keep(&place.cache, &group("a"), &Part::seek(&blob), b"points").unwrap();
    keep(&place.cache, &file, &Part::index(), b"").unwrap();
    let other = Cache::at(place.cache.path(), 0);
    assert_eq!(read(&other, &group("a"), &Part::index()).unwrap(), b"names");
    assert_eq!(read(&other, &group("a"), &Part::seek(&blob)).unwrap(), b"points");
    assert_eq!(read(&other, &file, &Part::index()).unwrap(), b"");
    assert_eq!(read(&other, &file, &Part::chunks(&blob)), None);
    other.remove(&group("a"), &Part::index());
    other.remove(&group("a"), &Part::index());
    assert_eq!(read(&place.cache, &group("a"), &Part::index()), None);
    let listed = place.cache.list().unwrap();
    let a = listed.iter().find(|listed| listed.group == group("a")).unwrap();
    assert_eq!((listed.len(), &a.parts[..], a.size()), (2, &[(Part::seek(&blob), 6)][..], 4096));
}

#[test]
fn nobody_else_may_look() {
    let place = Place::new(DEFAULT_LIMIT);
    keep(&place.cache, &group("a"), &Part::index(), b"names").unwrap();
    place.cache.remember("key", "line");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for dir in ["", "..", "v1", "v1/layers", "v1/known"] {
        assert_eq!(mode(&place.path(dir)), 0o700, "{dir}");
    }
    for dir in ["v1/layers", "v1/known"] {
        for name in names(&place.path(dir)) {
            assert_eq!(mode(&place.path(dir).join(&name)), 0o600, "{name}");
        }
    }
}

#[test]
fn a_file_stays_for_who_has_it_open() {
    let place = Place::new(DEFAULT_LIMIT);
    let (a, index) = (group("a"), Part::index());
    keep(&place.cache, &a, &index, b"old").unwrap();
    let mut replaced = place.cache.open(&a, &index).unwrap();
    keep(&place.cache, &a, &index, b"newer").unwrap();
    let mut pruned = place.cache.open(&a, &index).unwrap();
    let report = place.cache.prune(0).unwrap();
    assert_eq!(report, Report { groups: 1, freed: 4096, left: 0 });
    let mut text = String::new();
    replaced.read_to_string(&mut text).unwrap();
    pruned.read_to_string(&mut text).unwrap();
    assert_eq!(text, "oldnewer");
    assert!(place.cache.open(&a, &index).is_none());
}

#[test]
fn what_is_not_kept_leaves_nothing() {
    let place = Place::new(DEFAULT_LIMIT);
    place.cache.new_file().unwrap().write_all(b"nameless").unwrap();
    let layers = place.path("v1/layers");
    assert_eq!(names(&layers), [""; 0]);
    let mut named = named_file(&place.cache);
    named.write_all(b"named").unwrap();
    assert_eq!(names(&layers).len(), 1);
    drop(named);
    assert_eq!(names(&layers), [""; 0]);
}

#[test]
fn a_file_with_an_unfinished_name_is_kept_like_one_without() {
    let place = Place::new(DEFAULT_LIMIT);
    for text in ["old", "new"] {
        let mut file = named_file(&place.cache);
        file.write_all(text.as_bytes()).unwrap();
        file.keep(&group("a"), &Part::index()).unwrap();
        assert_eq!(read(&place.cache, &group("a"), &Part::index()).unwrap(), text.as_bytes());
    }
    assert_eq!(names(&place.path("v1/layers")).len(), 1);
}

fn named_file(cache: &Cache) -> NewFile {
    NewFile::new(cache.clone(), Draft::named(cache.made().unwrap().layers.clone()).unwrap())
}

#[test]
fn a_full_disk_keeps_nothing() {
    let place = Place::new(DEFAULT_LIMIT);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let layers = place.cache.made().unwrap().layers.clone();
    let mut file = NewFile::new(place.cache.clone(), Draft::over(layers, full));
    assert_eq!(file.write_all(b"names").unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(file.keep(&group("a"), &Part::index()).is_err());
    assert!(place.cache.0.said_full.load(Ordering::Relaxed));
    assert!(!place.cache.0.said_unusable.load(Ordering::Relaxed));
    assert_eq!(names(&place.path("v1/layers")), [""; 0]);
    assert!(!place.cache.has_room(DEFAULT_LIMIT + 1));
    assert!(!Cache::at(place.cache.path(), u64::MAX).has_room(u64::MAX));
}

#[test]
fn a_directory_that_cannot_be_made_is_said_once_and_all_is_a_miss() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    for path in [dir.path().join("file"), dir.path().join("file/below"), "/proc/peelfs".into()] {
        let cache = Cache::at(&path, DEFAULT_LIMIT);
        assert!(cache.open(&group("a"), &Part::index()).is_none());
        assert_eq!(cache.known("key"), None);
        assert!(!cache.0.said_unusable.load(Ordering::Relaxed), "{}", path.display());
        assert!(cache.new_file().is_none());
        assert!(cache.0.said_unusable.load(Ordering::Relaxed), "{}", path.display());
        cache.remember("key", "line");
        assert_eq!(cache.known("key"), None);
        assert!(!cache.has_room(1));
        cache.remove(&group("a"), &Part::index());
    }
}

#[test]
fn looking_at_a_file_is_not_using_it() {
    let place = Place::new(DEFAULT_LIMIT);
    place.keep_aged("a", &Part::index(), 1, 90);
    let before = place.cache.list().unwrap();
    let mut bytes = Vec::new();
    place.cache.peek(&group("a"), &Part::index()).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), 1);
    assert_eq!(place.cache.list().unwrap(), before);
    assert!(place.cache.remove(&group("a"), &Part::index()));
    assert!(place.cache.peek(&group("a"), &Part::index()).is_none());
}

#[test]
fn whether_a_directory_can_be_written_is_told_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    assert!(Cache::at(dir.path().join("file"), DEFAULT_LIMIT).is_writable().is_err());
    Cache::at(dir.path().join("new"), DEFAULT_LIMIT).is_writable().unwrap();
    assert_eq!(names(&dir.path().join("new/v1/layers")), [""; 0]);
}

#[test]
fn a_cache_that_was_deleted_is_made_again() {
    let place = Place::new(DEFAULT_LIMIT);
    let mut nameless = place.cache.new_file().unwrap();
    nameless.write_all(b"names").unwrap();
    fs::remove_dir_all(place.cache.path()).unwrap();
    nameless.keep(&group("a"), &Part::index()).unwrap();
    assert_eq!(read(&place.cache, &group("a"), &Part::index()).unwrap(), b"names");
    fs::remove_dir_all(place.cache.path()).unwrap();
    place.cache.remember("key", "line");
    assert_eq!(place.cache.known("key").unwrap(), "line");
    fs::remove_dir_all(place.cache.path()).unwrap();
    let rooms = place.cache.made().unwrap();
    assert!(Draft::named(rooms.layers.clone()).is_err());
    keep(&place.cache, &group("a"), &Part::index(), b"again").unwrap();
    assert_eq!(read(&place.cache, &group("a"), &Part::index()).unwrap(), b"again");
}

#[test]
fn groups_go_whole_and_least_recently_used_first() {
    let place = Place::new(DEFAULT_LIMIT);
    let blob = Digest::of(b"blob");
    place.keep_aged("old", &Part::index(), KIB4, 500);
    place.keep_aged("older", &Part::index(), KIB4, 600);
    place.keep_aged("young", &Part::index(), KIB4, 900);
    place.keep_aged("young", &Part::seek(&blob), KIB4 - 1, 100);
    place.keep_aged("opened", &Part::index(), 1, 1000);
    place.cache.open(&group("opened"), &Part::index()).unwrap();
    let order: Vec<Group> = place.cache.list().unwrap().into_iter().map(|listed| listed.group).collect();
    assert_eq!(order, ["older", "old", "young", "opened"].map(group));
    // Five blocks; "young" has two of them.
    for (max, groups, left) in [(20480, 0, 20480), (16384, 1, 16384), (11000, 2, 4096), (4096, 0, 4096)] {
        let report = place.cache.prune(max).unwrap();
        assert_eq!((report.groups, report.left), (groups, left), "{max}");
    }
    assert!(place.has("opened"));
    assert_eq!(names(&place.path("v1/layers")).len(), 1);
}

#[test]
fn a_file_is_marked_as_used_once_a_minute_and_never_as_changed() {
    let place = Place::new(DEFAULT_LIMIT);
    for (secs, is_marked) in [(30, false), (90, true)] {
        place.keep_aged("a", &Part::index(), 1, secs);
        let before = place.cache.list().unwrap()[0].last_used;
        let file = place.cache.open(&group("a"), &Part::index()).unwrap();
        let after = place.cache.list().unwrap()[0].last_used;
        assert_eq!(after > before, is_marked, "{secs}");
        assert_eq!(file.metadata().unwrap().modified().unwrap(), before);
    }
}

#[test]
fn the_limit_holds_and_what_was_just_added_stays() {
    let limit = 10 * KIB4 as u64;
    let place = Place::new(limit);
    for i in 0..30u64 {
        place.keep_aged(&i.to_string(), &Part::index(), KIB4, 1000 - i);
        assert!(prune::total(&place.cache.list().unwrap()) <= limit);
        assert!(place.has(&i.to_string()));
    }
    assert!(place.has("22") && !place.has("15"), "nine tenths stay");
    place.keep_aged("huge", &Part::index(), 20 * KIB4, 5000);
    assert!(place.has("huge"));
    assert_eq!(place.cache.list().unwrap().len(), 1);
}

#[test]
fn symlinks_are_misses_and_nothing_behind_them_is_touched() {
    let index = Part::index();
    let name = name::file_name(&group("a"), &index);
    for linked in [format!("v1/layers/{name}"), "v1/layers".into(), "v1".into()] {
        let place = Place::new(DEFAULT_LIMIT);
        keep(&place.cache, &group("a"), &index, b"names").unwrap();
        let outside = place.dir.path().join("outside");
        fs::rename(place.path(&linked), &outside).unwrap();
        symlink(&outside, place.path(&linked)).unwrap();
        let cache = Cache::at(place.cache.path(), DEFAULT_LIMIT);
        assert_eq!(read(&cache, &group("a"), &index), None, "{linked}");
        assert!(cache.prune(0).is_ok() == linked.ends_with("index"), "{linked}");
        cache.remove(&group("a"), &index);
        let inside = match linked.as_str() {
            "v1" => outside.join("layers").join(&name),
            "v1/layers" => outside.join(&name),
            _ => outside,
        };
        assert_eq!(fs::read(inside).unwrap(), b"names", "{linked}");
    }
}

#[test]
fn a_new_file_takes_a_symlinks_place() {
    let place = Place::new(DEFAULT_LIMIT);
    keep(&place.cache, &group("a"), &Part::index(), b"names").unwrap();
    let outside = place.dir.path().join("outside");
    fs::write(&outside, b"outside").unwrap();
    let path = place.path("v1/layers").join(name::file_name(&group("a"), &Part::index()));
    fs::remove_file(&path).unwrap();
    symlink(&outside, &path).unwrap();
    keep(&place.cache, &group("a"), &Part::index(), b"names").unwrap();
    assert_eq!(read(&place.cache, &group("a"), &Part::index()).unwrap(), b"names");
    assert_eq!(fs::read(&outside).unwrap(), b"outside");
}

#[test]
fn what_others_may_write_is_a_miss() {
    let place = Place::new(DEFAULT_LIMIT);
    keep(&place.cache, &group("a"), &Part::index(), b"names").unwrap();
    let name = format!("v1/layers/{}", name::file_name(&group("a"), &Part::index()));
    for (path, mode, usual) in [(&*name, 0o620, 0o600), ("v1/layers", 0o702, 0o700), ("v1", 0o770, 0o700)] {
        let set = |mode| fs::set_permissions(place.path(path), fs::Permissions::from_mode(mode)).unwrap();
        set(mode);
        let cache = Cache::at(place.cache.path(), DEFAULT_LIMIT);
        assert!(cache.open(&group("a"), &Part::index()).is_none(), "{path}");
        assert_eq!(cache.new_file().is_none(), path != name, "{path}");
        set(usual);
        assert!(cache.open(&group("a"), &Part::index()).is_some(), "{path}");
    }
}

#[test]
fn foreign_things_are_in_nobodys_way_and_stay() {
    let place = Place::new(DEFAULT_LIMIT);
    keep(&place.cache, &group("a"), &Part::index(), b"names").unwrap();
    let hex = "0".repeat(64);
    let layers = place.path("v1/layers");
    fs::write(layers.join("README"), b"hello").unwrap();
    fs::write(layers.join(format!("{hex}.index~")), b"hello").unwrap();
    fs::create_dir_all(layers.join(format!("{hex}.index/below"))).unwrap();
    let fifo = layers.join(format!("{hex}.seek-{hex}"));
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    fs::create_dir(place.path("v1/known").join(&hex)).unwrap();
    let zeros = Group::DiffId(DiffId(format!("sha256:{hex}").parse().unwrap()));
    assert!(place.cache.open(&zeros, &Part::index()).is_none());
    assert!(place.cache.open(&zeros, &Part::seek(&format!("sha256:{hex}").parse().unwrap())).is_none());
    assert_eq!(place.cache.list().unwrap().len(), 1);
    place.cache.remove(&zeros, &Part::index());
    assert!(keep(&place.cache, &zeros, &Part::index(), b"in the way").is_err());
    assert_eq!(place.cache.prune(0).unwrap().groups, 1);
    assert_eq!(names(&layers).len(), 4);
}

#[test]
fn stale_files_and_other_versions_are_swept() {
    let place = Place::new(DEFAULT_LIMIT);
    keep(&place.cache, &group("a"), &Part::index(), b"names").unwrap();
    for name in ["layers/tmp-young", "layers/tmp-old", "known/tmp-old"] {
        fs::write(place.path("v1").join(name), b"").unwrap();
        place.age(name, if name.ends_with("old") { 3700 } else { 3500 });
    }
    let outside = place.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["v0", "v2/layers/below", "v3", "version"] {
        fs::create_dir_all(place.path(name)).unwrap();
    }
    symlink(&outside, place.path("v4")).unwrap();
    for dir in ["v2", "v2/layers/below", "version", "../../outside"] {
        fs::copy(place.path("v1").join(rooms::TAG), place.path(dir).join(rooms::TAG)).unwrap();
    }
    symlink(&outside, place.path("v2/layers/link")).unwrap();
    fs::write(place.path("v0/precious"), b"").unwrap();
    fs::write(place.path("v3").join(rooms::TAG), b"Signature: another").unwrap();
    place.cache.prune(DEFAULT_LIMIT).unwrap();
    assert_eq!(names(place.cache.path()), ["v0", "v1", "v3", "v4", "version"]);
    assert_eq!(names(&outside), [rooms::TAG]);
    assert!(place.path("v1/layers/tmp-young").exists());
    assert!(!place.path("v1/layers/tmp-old").exists());
    assert!(!place.path("v1/known/tmp-old").exists());
    assert!(place.has("a"));
}

#[test]
fn a_line_is_remembered_by_its_key() {
    let place = Place::new(DEFAULT_LIMIT);
    let long = "x".repeat(1023);
    for (key, line) in [("", "first"), ("a/b\n", "sha256:00 sha256:11"), ("a/b\n", "replaced"), ("l", &long)]
    {
        place.cache.remember(key, line);
        assert_eq!(place.cache.known(key).as_deref(), Some(line));
    }
    for line in ["", "a\nb", "\u{e4}", "tab\t", &"x".repeat(1024)] {
        place.cache.remember("a/b\n", line);
        assert_eq!(place.cache.known("a/b\n").as_deref(), Some("replaced"), "{line:?}");
    }
    assert_eq!(place.cache.known("other"), None);
}

#[test]
fn a_known_file_that_holds_no_line_is_a_miss() {
    let place = Place::new(DEFAULT_LIMIT);
    place.cache.remember("key", "line");
    let path = place.path("v1/known").join(known::file_name("key"));
    let long = [vec![b'x'; 1024], vec![b'\n']].concat();
    for bytes in
        [&b""[..], b"\n", b"line", b"line\n\n", b"li\nne\n", b"li\0e\n", b"l\xffne\n", b"\0\0\0", &long]
    {
        fs::write(&path, bytes).unwrap();
        assert_eq!(place.cache.known("key"), None, "{}", bytes.escape_ascii());
    }
    fs::write(&path, b"line\n").unwrap();
    assert_eq!(place.cache.known("key").as_deref(), Some("line"));
}

#[test]
fn lines_are_bounded_and_the_oldest_go() {
    let place = Place::new(DEFAULT_LIMIT);
    for (key, secs) in [("old", 30), ("older", 40), ("young", 20)] {
        place.cache.remember(key, key);
        place.age(&format!("known/{}", known::file_name(key)), secs);
    }
    known::trim(&place.cache.opened().unwrap().known, 2).unwrap();
    assert_eq!(place.cache.known("older"), None);
    assert!(place.cache.known("old").is_some() && place.cache.known("young").is_some());
    for i in 0..known::MAX_LINES {
        fs::write(place.path("v1/known").join(format!("{i:064}")), b"").unwrap();
    }
    Cache::at(place.cache.path(), 0).remember("new", "new");
    assert_eq!(names(&place.path("v1/known")).len(), known::MAX_LINES / 10 * 9);
    assert!(place.cache.known("new").is_some());
    place.cache.prune(0).unwrap();
    assert_eq!(names(&place.path("v1/known")), [""; 0]);
}

/// Bytes that tell whether they are whole: all alike, and as many as the first one says.
fn whole(n: u8) -> Vec<u8> {
    vec![n; usize::from(n) * 100]
}

#[test]
fn many_may_keep_open_and_prune_at_once() {
    let place = Place::new(100 * KIB4 as u64);
    thread::scope(|scope| {
        for n in 0..8u8 {
            let shared = if n % 2 == 0 { place.cache.clone() } else { Cache::at(place.cache.path(), 20_000) };
            scope.spawn(move || {
                for i in 0..40u8 {
                    let group = group(&(i % 3).to_string());
                    keep(&shared, &group, &Part::index(), &whole(n * 20 + i)).unwrap();
                    if let Some(bytes) = read(&shared, &group, &Part::index()) {
                        assert_eq!(bytes, whole(bytes.first().copied().unwrap_or(0)));
                    }
                    shared.remember("key", &n.to_string());
                    shared.known("key").map(|line| line.parse::<u8>().unwrap());
                    if i % 5 == 0 {
                        shared.prune(u64::from(n) * 2000).unwrap();
                        shared.list().unwrap();
                    }
                }
            });
        }
    });
    assert!(names(&place.path("v1/layers")).iter().all(|name| name::parse(name).is_some()));
    assert_eq!(names(&place.path("v1/known")).len(), 1);
}
