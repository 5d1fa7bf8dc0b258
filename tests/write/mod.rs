//! Writable mounts: what is done in one comes out as in a plain directory, and as in kernel overlayfs.

mod base;
mod behind;
mod check;
mod copied;
mod errors;
mod explained;
mod host;
mod links;
mod model;
mod named;
mod names;
mod parallel;
pub mod perform;
mod richest;
mod user;
mod workloads;

use crate::support::need::has_fuse;
use crate::support::overlay;

/// What most tests here need.
const NEEDS: &str = "needs root, FUSE and overlayfs";

fn can_compare() -> bool {
    has_fuse() && overlay::is_available()
}
