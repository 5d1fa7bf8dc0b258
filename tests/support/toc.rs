//! Layers with a table of contents, as stargz-snapshotter and containers/storage write them.

use std::io::{Read, Write};

use peelfs::digest::Digest;
use serde_json::{Map, Value, json};
use tar::{Archive, EntryType};

use super::Layer;

/// A layer in gzip members, and its table.
pub struct Estargz {
    tar: Vec<u8>,
    members: Vec<u8>,
    pub entries: Vec<Value>,
}

impl Estargz {
    /// Takes a tar apart, files into chunks of so many bytes; what is behind its end mark does not count.
    pub fn of(tar: &[u8], chunk: usize) -> Estargz {
        let mut layer = Estargz { tar: Vec::new(), members: Vec::new(), entries: Vec::new() };
        let (mut at, mut end) = (0, 0);
        for entry in Archive::new(tar).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut fields = fields(&mut entry);
            let mut data = Vec::new();
            entry.read_to_end(&mut data).unwrap();
            end = (entry.raw_file_position() as usize + data.len()).next_multiple_of(512);
            if data.is_empty() {
                layer.entries.push(Value::Object(fields));
                continue;
            }
            let start = entry.raw_file_position() as usize;
            layer.members.extend(gzip(&tar[at..start]));
            at = start + data.len();
            fields.insert("size".into(), data.len().into());
            fields.insert("digest".into(), Digest::of(&data).to_string().into());
            layer.add_chunks(fields, &data, chunk);
        }
        layer.tar = tar[..end + 1024].to_vec();
        layer.members.extend(gzip(&layer.tar[at..]));
        layer
    }

    /// What all of it decodes to: the tar, and the table in another.
    pub fn decoded(&self) -> Vec<u8> {
        [&*self.tar, &self.table_tar()].concat()
    }

    fn table_tar(&self) -> Vec<u8> {
        Layer::new().file("stargz.index.json", &self.table()).finish()
    }

    fn add_chunks(&mut self, file: Map<String, Value>, data: &[u8], chunk: usize) {
        let name = file["name"].clone();
        let mut entry = file;
        for (no, bytes) in data.chunks(chunk).enumerate() {
            let is_last = (no + 1) * chunk >= data.len();
            entry.insert("offset".into(), self.members.len().into());
            entry.insert("chunkDigest".into(), Digest::of(bytes).to_string().into());
            if no > 0 {
                entry.insert("chunkOffset".into(), (no * chunk).into());
            }
            if !is_last {
                entry.insert("chunkSize".into(), chunk.into());
            }
            self.entries.push(Value::Object(entry));
            entry = Map::from_iter([("type".into(), "chunk".into()), ("name".into(), name.clone())]);
            self.members.extend(gzip(bytes));
        }
    }

    /// The entry of a name, to change it.
    pub fn entry(&mut self, name: &str) -> &mut Value {
        self.entries.iter_mut().find(|entry| entry["name"] == name).unwrap()
    }

    /// The JSON of the table.
    pub fn table(&self) -> Vec<u8> {
        json!({ "version": 1, "entries": self.entries }).to_string().into_bytes()
    }

    /// The layer with its table and its footer; what it decodes to goes on behind the tar's end mark.
    pub fn finish(&self) -> Vec<u8> {
        let table = gzip(&self.table_tar());
        let footer = format!("SG\x16\0{:016x}STARGZ", self.members.len());
        let header = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, footer.len() as u8, 0];
        let empty = [1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        [&*self.members, &table, &header, footer.as_bytes(), &empty].concat()
    }
}

/// What a table says of a member.
fn fields(entry: &mut tar::Entry<'_, impl Read>) -> Map<String, Value> {
    use base64::Engine as _;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut xattrs = Map::new();
    for record in entry.pax_extensions().unwrap().into_iter().flatten() {
        let record = record.unwrap();
        if let Some(name) = record.key().unwrap().strip_prefix("SCHILY.xattr.") {
            let value = base64::engine::general_purpose::STANDARD.encode(record.value_bytes());
            xattrs.insert(name.to_owned(), value.into());
        }
    }
    let header = entry.header();
    let kind = match header.entry_type() {
        EntryType::Directory => "dir",
        EntryType::Link => "hardlink",
        EntryType::Symlink => "symlink",
        EntryType::Char => "char",
        EntryType::Block => "block",
        EntryType::Fifo => "fifo",
        _ => "reg",
    };
    // Only devices have such a number.
    let device = |number: std::io::Result<Option<u32>>| number.ok().flatten().unwrap_or(0);
    let modtime = jiff::Timestamp::from_second(header.mtime().unwrap() as i64).unwrap();
    let fields = json!({
        "name": text(&entry.path_bytes()),
        "type": kind,
        "linkName": entry.link_name_bytes().map(|link| text(&link)).unwrap_or_default(),
        "modtime": modtime.to_string(),
        "mode": header.mode().unwrap(),
        "uid": header.uid().unwrap(),
        "gid": header.gid().unwrap(),
        "devMajor": device(header.device_major()),
        "devMinor": device(header.device_minor()),
        "xattrs": xattrs,
    });
    fields.as_object().unwrap().clone()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
