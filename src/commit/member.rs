//! What a layer tar says of one name.

use crate::entry::{Attributes, Device, Kind, Time, Xattr};
use crate::index::{OPAQUE_MARKER, WHITEOUT_PREFIX};

/// Tars are made of blocks, in bytes.
pub const BLOCK: u64 = 512;

/// One member, but for its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path from the root, without a leading `/`; the root is empty.
    pub path: Vec<u8>,
    /// What it is.
    pub body: Body,
    /// Permission bits: 07777.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When its contents changed.
    pub mtime: Time,
    /// Extended attributes.
    pub xattrs: Vec<Xattr>,
}

/// What a member is, and what belongs to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A directory.
    Directory,
    /// A regular file of so many bytes, which follow.
    Regular(u64),
    /// A regular file with holes: a map of what is none, and behind it the data (GNU's format 1.0, in PAX records).
    Sparse(Sparse),
    /// A symlink to this.
    Symlink(Vec<u8>),
    /// Another name of an entry that stands before it, by its path.
    HardLink(Vec<u8>),
    /// A character device.
    CharDevice(Device),
    /// A block device.
    BlockDevice(Device),
    /// A named pipe.
    Fifo,
}

/// A file with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparse {
    /// Its length in bytes, holes and all.
    pub size: u64,
    /// Bytes of data.
    data: u64,
    /// The map as it stands before the data: numbers, one a line, to the end of a block.
    pub map: Vec<u8>,
}

impl Sparse {
    /// A file of `size` bytes with data at these offsets, of these lengths, in order.
    pub fn new(size: u64, data: impl Iterator<Item = (u64, u64)> + Clone) -> Sparse {
        // Readers find the length of the file in the map, too, where its end is a hole.
        let end = data.clone().last().map_or(0, |(at, len)| at.saturating_add(len));
        let pieces = data.clone().chain((end < size).then_some((size, 0)));
        let mut map = format!("{}\n", pieces.clone().count());
        pieces.for_each(|(at, len)| map.push_str(&format!("{at}\n{len}\n")));
        let mut map = map.into_bytes();
        map.resize(map.len().next_multiple_of(BLOCK as usize), 0);
        Sparse { size, data: data.fold(0, |sum, (_, len)| sum.saturating_add(len)), map }
    }

    fn stored_len(&self) -> u64 {
        self.data.saturating_add(self.map.len() as u64)
    }
}

impl Member {
    /// A member with the attributes of an entry. Sockets have no place in a tar: for them there is none (S7).
    pub fn new(path: &[u8], attributes: &Attributes, target: Vec<u8>, xattrs: Vec<Xattr>) -> Option<Member> {
        let Attributes { kind, mode, uid, gid, size, device, mtime, .. } = *attributes;
        let body = match kind {
            Kind::Directory => Body::Directory,
            Kind::Regular => Body::Regular(size),
            Kind::Symlink => Body::Symlink(target),
            Kind::CharDevice => Body::CharDevice(device),
            Kind::BlockDevice => Body::BlockDevice(device),
            Kind::Fifo => Body::Fifo,
            Kind::Socket => return None,
        };
        Some(Member { path: path.to_vec(), body, mode, uid, gid, mtime, xattrs })
    }

    /// The whiteout of a name in a directory (S10).
    pub fn whiteout(dir: &[u8], name: &[u8]) -> Member {
        Member::marker(dir, &[WHITEOUT_PREFIX, name].concat())
    }

    /// The marker that makes a directory opaque (S11).
    pub fn opaque(dir: &[u8]) -> Member {
        Member::marker(dir, OPAQUE_MARKER)
    }

    /// An empty file; nothing of it is ever shown, so nothing of it changes from one layer to the next.
    fn marker(dir: &[u8], name: &[u8]) -> Member {
        let slash: &[u8] = if dir.is_empty() { b"" } else { b"/" };
        Member {
            path: [dir, slash, name].concat(),
            body: Body::Regular(0),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: Time::default(),
            xattrs: Vec::new(),
        }
    }

    /// Bytes of data that follow.
    pub fn data_len(&self) -> u64 {
        match &self.body {
            Body::Regular(len) => *len,
            Body::Sparse(sparse) => sparse.stored_len(),
            _ => 0,
        }
    }

    /// The name as it stands in a tar: that of a directory ends with `/`.
    pub fn tar_name(&self) -> Vec<u8> {
        match (&self.body, &*self.path) {
            (Body::Directory, []) => b"./".to_vec(),
            (Body::Directory, path) => [path, b"/"].concat(),
            // Whoever does not know the format shall not take it for the file.
            (Body::Sparse(_), path) => [b"GNUSparseFile.0/", path].concat(),
            (_, path) => path.to_vec(),
        }
    }
}
