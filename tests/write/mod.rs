//! Writable mounts: what is done in one comes out as in a plain directory, and as in kernel overlayfs.

mod check;
mod model;
mod names;
mod perform;
mod richest;

use crate::support::need::has_fuse;
use crate::support::overlay;

/// What most tests here need.
const NEEDS: &str = "needs root, FUSE and overlayfs";

fn can_compare() -> bool {
    has_fuse() && overlay::is_available()
}
