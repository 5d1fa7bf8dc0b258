//! What archives that Podman writes hold, as lines to compare: of two tellings, at different times.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, SystemTime};

use peelfs::digest::{Algorithm, Digest};
use tar::{Archive, Entry, EntryType};

/// The members of every layer of a `docker save` archive, base first; what is newer than the story is `now`.
pub fn image_lines(archive: &[u8], started: SystemTime) -> Vec<String> {
    let members = members(archive);
    let manifest: serde_json::Value = serde_json::from_slice(&members["manifest.json"]).unwrap();
    let layers = manifest[0]["Layers"].as_array().unwrap();
    assert!(layers.len() > 2, "{manifest}");
    let lines = layers.iter().enumerate().flat_map(|(no, path)| {
        let lines = archive_lines(&members[path.as_str().unwrap()], started);
        lines.into_iter().map(move |line| format!("layer {no}: {line}"))
    });
    lines.collect()
}

/// The members of a tar, sorted.
pub fn archive_lines(tar: &[u8], started: SystemTime) -> Vec<String> {
    let mut archive = Archive::new(tar);
    let mut lines: Vec<String> =
        archive.entries().unwrap().map(|entry| line(&mut entry.unwrap(), started)).collect();
    lines.sort();
    lines
}

fn members(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).unwrap();
        (name, contents)
    });
    entries.collect()
}

fn line(entry: &mut Entry<'_, &[u8]>, started: SystemTime) -> String {
    let name = entry.path_bytes().escape_ascii().to_string();
    let target = entry.link_name_bytes().map(|target| target.escape_ascii().to_string());
    let xattrs = xattrs(entry);
    let contents = Digest::of_reader(Algorithm::Sha256, &mut *entry).unwrap().0.to_string();
    let header = entry.header();
    let (kind, size) = (header.entry_type(), header.size().unwrap());
    // A file system counts seconds a little behind the clock.
    let is_new = SystemTime::UNIX_EPOCH + Duration::from_secs(header.mtime().unwrap() + 1) >= started;
    let time = if is_new { "now".to_owned() } else { header.mtime().unwrap().to_string() };
    let device = match kind {
        EntryType::Char | EntryType::Block => {
            (header.device_major().unwrap(), header.device_minor().unwrap())
        }
        _ => (None, None),
    };
    format!(
        "{name} {kind:?} {:o} {}:{} {size} @{time} {target:?} {device:?} {xattrs:?} {}",
        header.mode().unwrap(),
        header.uid().unwrap(),
        header.gid().unwrap(),
        &contents[..19],
    )
}

/// The extended attributes in PAX records.
fn xattrs(entry: &mut Entry<'_, &[u8]>) -> BTreeMap<String, String> {
    let Some(records) = entry.pax_extensions().unwrap() else { return BTreeMap::new() };
    let records = records.map(|record| record.unwrap());
    let xattrs = records.filter_map(|record| {
        let name = record.key().unwrap().strip_prefix("SCHILY.xattr.")?;
        Some((name.to_owned(), record.value_bytes().escape_ascii().to_string()))
    });
    xattrs.collect()
}
