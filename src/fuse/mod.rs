//! The kernel's side: requests in, replies out, and the life of a mount.
//!
//! The only folder that names the `fuser` crate. It decides nothing about names or bytes: every answer
//! comes from `fs`.

mod adapter;
mod attr;
mod auto_unmount;
mod daemon;
mod decode;
mod errno;
mod fusermount;
mod id_map;
mod idle;
mod kernels_own;
mod listen;
mod loops;
mod mount;
mod mountinfo;
mod operation;
mod passthrough;
mod protocol;
mod readahead;
mod replies;
mod requests;
mod serve;
mod stats;
mod sys;
mod tale;
mod trace;
mod tree;
mod unmount;
mod watch;
mod writable;

pub use attr::Ownership;
pub use auto_unmount::AutoUnmount;
pub use daemon::{Background, Daemon, ReadyFd, raise_file_limit};
pub use id_map::IdMap;
pub use listen::{Heard, Tracer};
pub use mount::{Access, MountError, MountOptions, MountPoint};
pub use operation::Operation;
pub use requests::Usage;
pub use serve::{ServeError, Served};
pub use stats::{Occasion, Report, StatsListener, ignore_questions};
pub use trace::TraceListener;
pub use tree::Tree;
pub use unmount::unmount;
