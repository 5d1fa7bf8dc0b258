//! One thing in one layer: what stat(2) says of it, and where its bytes lie.

use bytemuck::{Pod, Zeroable};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    Regular,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket; an unpacked layer directory can hold one, a tar cannot.
    Socket,
}

impl Kind {
    /// The letter that `ls -l` and `find -printf %y` use (`-` is `f` there).
    pub fn letter(self) -> char {
        match self {
            Kind::Directory => 'd',
            Kind::Regular => '-',
            Kind::Symlink => 'l',
            Kind::CharDevice => 'c',
            Kind::BlockDevice => 'b',
            Kind::Fifo => 'p',
            Kind::Socket => 's',
        }
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Directory => "directory",
            Kind::Regular => "file",
            Kind::Symlink => "symlink",
            Kind::CharDevice => "character device",
            Kind::BlockDevice => "block device",
            Kind::Fifo => "fifo",
            Kind::Socket => "socket",
        }
    }
}

/// A point in time: seconds and nanoseconds since 1970, the nanoseconds always counted forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time {
    /// Whole seconds, negative before 1970.
    pub secs: i64,
    /// Nanoseconds after `secs`, below 1,000,000,000.
    pub nanos: u32,
}

/// A device number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Device {
    /// The driver.
    pub major: u32,
    /// The device of that driver.
    pub minor: u32,
}

impl Device {
    /// Whether the kernel has such numbers: 12 bits for the driver, 20 for the device.
    pub fn is_in_range(self) -> bool {
        self.major < 1 << 12 && self.minor < 1 << 20
    }

    /// 0:0, which overlayfs reads as a whiteout (S14).
    pub fn is_whiteout(self) -> bool {
        self == Device::default()
    }
}

/// Attributes as stat(2) reports them (S8, S24, S26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky: 07777.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Length in bytes; of a symlink, that of its target; 0 for directories and devices.
    pub size: u64,
    /// Space the data needs, in 512-byte blocks, holes not counted (S26).
    pub blocks: u64,
    /// The device number of a device, 0:0 otherwise.
    pub device: Device,
    /// Names of this entry in its layer; 1 for a directory (S24).
    pub nlink: u32,
    /// Last change of the contents.
    pub mtime: Time,
    /// Last access; `mtime` where the layer says nothing.
    pub atime: Time,
    /// Last change of the attributes; `mtime` where the layer says nothing.
    pub ctime: Time,
}

/// A run of a file's bytes; what lies between extents is a hole and reads as zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Extent {
    /// Offset in the file, in bytes.
    pub logical: u64,
    /// Offset of the same bytes in the source: an uncompressed layer tar, or the host file itself.
    pub source: u64,
    /// Length in bytes, never 0.
    pub len: u64,
}

impl Extent {
    /// The offset in the file just past this extent.
    pub fn end(&self) -> u64 {
        self.logical.saturating_add(self.len)
    }
}

/// Where a regular file's bytes are in its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// All of them from this offset on.
    Contiguous(u64),
    /// In extents, sorted and apart; the rest are holes.
    Sparse(Vec<Extent>),
}

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Xattr {
    /// The full name, namespace included: `user.colour`, `security.capability`.
    pub name: Box<[u8]>,
    /// The value.
    pub value: Box<[u8]>,
}

/// The prefix of overlayfs's own attributes when written by root (S14).
pub const TRUSTED_OVERLAY: &[u8] = b"trusted.overlay.";

/// The prefix of overlayfs's own attributes when written without root (S14).
pub const USER_OVERLAY: &[u8] = b"user.overlay.";

/// The rest of an attribute's name when it is overlayfs's own: `opaque`, `whiteout`, … (S14).
pub fn overlay_attribute(name: &[u8]) -> Option<&[u8]> {
    name.strip_prefix(TRUSTED_OVERLAY).or_else(|| name.strip_prefix(USER_OVERLAY))
}
