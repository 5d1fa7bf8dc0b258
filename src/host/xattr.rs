//! Extended attributes of host files; a symlink has its own.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::entry::Xattr;

use super::proc_path;

/// Attribute values and lists of names are at most this long, by the kernel's own limit.
const MAX_XATTR: usize = 64 * 1024;

/// Most lists and values are shorter.
const USUAL: usize = 1024;

/// All attributes that may be read of a name in a directory; with an empty name, of what the descriptor stands for.
pub fn xattrs(dir: impl AsFd, name: &[u8]) -> io::Result<Vec<Xattr>> {
    let path = proc_path(&dir, name);
    let mut xattrs = Vec::new();
    let names = match sized(|buffer| match name {
        b"" => rustix::fs::listxattr(&path, buffer),
        _ => rustix::fs::llistxattr(&path, buffer),
    }) {
        Err(Errno::NOTSUP) => return Ok(xattrs),
        names => names?,
    };
    for attribute in names.split(|&byte| byte == 0).filter(|attribute| !attribute.is_empty()) {
        if let Some(value) = xattr(&dir, name, attribute)? {
            xattrs.push(Xattr { name: attribute.into(), value: value.into() });
        }
    }
    Ok(xattrs)
}

/// One attribute, as [`xattrs`] finds it; `None` if there is none of this name.
pub fn xattr(dir: impl AsFd, name: &[u8], attribute: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let path = proc_path(dir, name);
    match sized(|buffer| match name {
        b"" => rustix::fs::getxattr(&path, attribute, buffer),
        _ => rustix::fs::lgetxattr(&path, attribute, buffer),
    }) {
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
