//! Extended attributes of host files; a symlink has its own.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::entry::Xattr;

/// Attribute values and lists of names are at most this long, by the kernel's own limit.
pub const MAX_XATTR: usize = 64 * 1024;

/// Most lists and values are shorter.
const USUAL: usize = 1024;

/// All attributes that may be read.
pub fn xattrs(path: &Path) -> io::Result<Vec<Xattr>> {
    let mut xattrs = Vec::new();
    let names = match sized(|buffer| rustix::fs::llistxattr(path, buffer)) {
        Err(Errno::NOTSUP) => return Ok(xattrs),
        names => names?,
    };
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        if let Some(value) = xattr(path, name)? {
            xattrs.push(Xattr { name: name.into(), value: value.into() });
        }
    }
    Ok(xattrs)
}

/// One attribute; `None` if there is none of this name.
pub fn xattr(path: &Path, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    match sized(|buffer| rustix::fs::lgetxattr(path, name, buffer)) {
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        value => Ok(Some(value?)),
    }
}

/// What a call gives that wants a buffer large enough.
fn sized(mut call: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut buffer = vec![0; USUAL];
    let len = match call(&mut buffer) {
        Err(Errno::RANGE) => {
            buffer.resize(MAX_XATTR, 0);
            call(&mut buffer)
        }
        len => len,
    }?;
    buffer.truncate(len);
    Ok(buffer)
}
