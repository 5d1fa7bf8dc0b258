//! The kernel's side: requests in, replies out, and the life of a mount.
//!
//! The only folder that names the `fuser` crate. It decides nothing about names or bytes: every answer
//! comes from `fs`.

mod adapter;
mod attr;
mod daemon;
mod errno;
mod fusermount;
mod mount;
mod mountinfo;
mod serve;
mod sys;

pub use attr::Ownership;
pub use daemon::{Background, Ready, ReadyFd};
pub use mount::{Access, MountError, MountOptions, MountPoint, unmount};
pub use serve::{ServeError, Served};
