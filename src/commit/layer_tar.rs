//! A layer tar in the writing: member by member, the same bytes for the same members.
//!
//! Names, owners and times are what the members say; all else of a header is fixed. What its fields cannot
//! hold stands in PAX records before it, as every reader of layers understands them.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use crate::entry::{Device, Time};

use super::member::{BLOCK, Body, Member};
use super::pax::{self, Records};

/// The longest name that a header holds, in bytes.
const MAX_NAME: usize = 100;

/// The largest number in the fields of seven octal digits: owner and group.
const MAX_ID: u32 = 0o7_777_777;

/// The largest number in the fields of eleven octal digits: size and time.
const MAX_LONG: u64 = 0o77_777_777_777;

/// Bytes of a file that are read at a time: what a processor keeps close by.
const CHUNK: usize = 256 * 1024;

/// A layer tar that is written front to back; nothing of it is kept.
pub struct LayerTar<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> LayerTar<W> {
    /// Begins a tar.
    pub fn new(out: W) -> LayerTar<W> {
        LayerTar { out, buffer: vec![0; CHUNK] }
    }

    /// Writes a member without data.
    pub fn add(&mut self, member: &Member) -> io::Result<()> {
        self.add_file(member, io::empty())
    }

    /// Writes a member with its data; less or more of that than it says is an error.
    pub fn add_file(&mut self, member: &Member, data: impl Read) -> io::Result<()> {
        write_headers(&mut self.out, member)?;
        self.copy(data, member.data_len())?;
        pad(&mut self.out, member.data_len())
    }

    fn copy(&mut self, mut data: impl Read, len: u64) -> io::Result<()> {
        let mut left = len;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let chunk = self.buffer.get_mut(..most).unwrap_or_default();
            match data.read(chunk) {
                Ok(0) => return Err(io::Error::other(format!("ended {left} bytes early"))),
                Ok(n) => {
                    self.out.write_all(chunk.get(..n).unwrap_or_default())?;
                    left -= n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes the end mark.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK as usize])?;
        Ok(self.out)
    }
}

/// Fills the last block of so many bytes.
pub fn pad(out: &mut impl Write, len: u64) -> io::Result<()> {
    let zeros = [0; BLOCK as usize];
    let missing = (BLOCK - len % BLOCK) % BLOCK;
    out.write_all(zeros.get(..missing as usize).unwrap_or_default())
}

/// Writes a member's header, and before it that of its PAX records if it needs any.
fn write_headers(out: &mut impl Write, member: &Member) -> io::Result<()> {
    let (header, records) = headers(member)?;
    let records = records.as_bytes();
    if !records.is_empty() {
        out.write_all(pax_header(&member.tar_name(), records.len() as u64).as_bytes())?;
        out.write_all(records)?;
        pad(out, records.len() as u64)?;
    }
    out.write_all(header.as_bytes())
}

/// A member's header, and what does not fit into it, in the order of the keys.
fn headers(member: &Member) -> io::Result<(Header, Records)> {
    let mut records = Records::default();
    let mut header = Header::new_ustar();
    header.set_entry_type(entry_type(&member.body));
    if let Body::Sparse(sparse) = &member.body {
        records.add(b"GNU.sparse.major", b"1");
        records.add(b"GNU.sparse.minor", b"0");
        records.add(b"GNU.sparse.name", &member.path);
        records.add(b"GNU.sparse.realsize", sparse.size.to_string().as_bytes());
    }
    header.set_mode(u32::from(member.mode));
    header.set_gid(fit_id(&mut records, b"gid", member.gid));
    if let Body::Symlink(target) | Body::HardLink(target) = &member.body {
        fit_name(&mut records, b"linkpath", target, &mut header.as_old_mut().linkname);
    }
    header.set_mtime(fit_time(&mut records, member.mtime));
    fit_name(&mut records, b"path", &member.tar_name(), &mut header.as_old_mut().name);
    header.set_size(fit(&mut records, b"size", member.data_len()));
    header.set_uid(fit_id(&mut records, b"uid", member.uid));
    member.xattrs.iter().for_each(|xattr| records.add_xattr(xattr));
    if let Body::CharDevice(device) | Body::BlockDevice(device) = &member.body {
        set_device(&mut header, *device)?;
    }
    header.set_cksum();
    Ok((header, records))
}

fn entry_type(body: &Body) -> EntryType {
    match body {
        Body::Directory => EntryType::Directory,
        Body::Regular(_) | Body::Sparse(_) => EntryType::Regular,
        Body::Symlink(_) => EntryType::Symlink,
        Body::HardLink(_) => EntryType::Link,
        Body::CharDevice(_) => EntryType::Char,
        Body::BlockDevice(_) => EntryType::Block,
        Body::Fifo => EntryType::Fifo,
    }
}

/// The header that PAX records follow; its own name is looked at by nobody.
fn pax_header(name: &[u8], len: u64) -> Header {
    let mut header = Header::new_ustar();
    let name = [b"PaxHeaders.0/", name].concat();
    let field = &mut header.as_old_mut().name;
    field.iter_mut().zip(&name).for_each(|(to, from)| *to = *from);
    header.set_entry_type(EntryType::XHeader);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(len);
    header.set_cksum();
    header
}

/// Puts a name into its field; a longer one is cut there, and whole in a record.
fn fit_name(records: &mut Records, key: &[u8], name: &[u8], field: &mut [u8; MAX_NAME]) {
    field.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    if name.len() > MAX_NAME {
        records.add(key, name);
    }
}

fn fit_id(records: &mut Records, key: &[u8], id: u32) -> u64 {
    if id <= MAX_ID {
        return u64::from(id);
    }
    records.add(key, id.to_string().as_bytes());
    0
}

fn fit(records: &mut Records, key: &[u8], number: u64) -> u64 {
    if number <= MAX_LONG {
        return number;
    }
    records.add(key, number.to_string().as_bytes());
    0
}

/// A time's whole seconds; one with a fraction, or of another age, stands in a record too.
fn fit_time(records: &mut Records, time: Time) -> u64 {
    let field = u64::try_from(time.secs).ok().filter(|&secs| secs <= MAX_LONG);
    if field.is_none() || time.nanos > 0 {
        records.add(b"mtime", pax::time(time).as_bytes());
    }
    field.unwrap_or(0)
}

fn set_device(header: &mut Header, device: Device) -> io::Result<()> {
    if !device.is_in_range() {
        let number = format!("device number {}:{} has no place in a tar", device.major, device.minor);
        return Err(io::Error::other(number));
    }
    header.set_device_major(device.major)?;
    header.set_device_minor(device.minor)
}
