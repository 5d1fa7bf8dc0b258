//! Writing a file of tables, front to back; only the header comes last.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

use bytemuck::{Pod, Zeroable};

use super::file::{ALIGN, HEAD, Header, MAGIC, MAX_TABLES, PAGE, Place, VERSION, head_checksum};

/// A file that is being written.
pub struct TableWriter<'a> {
    file: &'a File,
    out: BufWriter<&'a File>,
    kind: [u8; 4],
    places: Vec<Place>,
    /// How far the file is.
    len: usize,
    /// What has been written of the current page.
    page: Vec<u8>,
    checksums: Vec<u32>,
}

impl<'a> TableWriter<'a> {
    /// Begins a file that is empty.
    pub fn new(file: &'a File, kind: [u8; 4]) -> io::Result<TableWriter<'a>> {
        let out = BufWriter::with_capacity(PAGE, file);
        let (places, page, checksums) = (Vec::new(), Vec::with_capacity(PAGE), Vec::new());
        let mut writer = TableWriter { file, out, kind, places, len: 0, page, checksums };
        // Room for the header, which says what is not known yet.
        writer.write(&[0; HEAD])?;
        Ok(writer)
    }

    /// Appends a table.
    pub fn table<T: Pod>(&mut self, id: u32, records: &[T]) -> io::Result<()> {
        let padding = self.len.next_multiple_of(ALIGN) - self.len;
        self.write([0; ALIGN].get(..padding).unwrap_or_default())?;
        let (record, offset) = (size_of::<T>() as u32, self.len as u64);
        self.places.push(Place { id, record, offset, count: records.len() as u64 });
        self.write(bytemuck::cast_slice(records))
    }

    /// Writes the checksums and the header.
    pub fn finish(mut self) -> io::Result<()> {
        self.places.truncate(MAX_TABLES);
        let checksums_at = self.len as u64;
        self.end_page();
        let checksums: &[u8] = bytemuck::cast_slice(&self.checksums);
        self.out.write_all(checksums)?;
        self.out.flush()?;
        let mut header = Header {
            magic: MAGIC,
            version: VERSION,
            kind: self.kind,
            len: checksums_at + checksums.len() as u64,
            checksums_at,
            tables: self.places.len() as u32,
            ..Header::zeroed()
        };
        let places: &[u8] = bytemuck::cast_slice(&self.places);
        header.checksum = head_checksum(&header, places, checksums);
        self.file.write_all_at(&[bytemuck::bytes_of(&header), places].concat(), 0)
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.len += bytes.len();
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PAGE - self.page.len()));
            self.page.extend_from_slice(now);
            bytes = later;
            if self.page.len() == PAGE {
                self.end_page();
            }
        }
        Ok(())
    }

    fn end_page(&mut self) {
        if !self.page.is_empty() {
            let unchecked = if self.checksums.is_empty() { HEAD } else { 0 };
            self.checksums.push(crc32fast::hash(self.page.get(unchecked..).unwrap_or_default()));
            self.page.clear();
        }
    }
}
