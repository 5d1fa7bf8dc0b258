//! Keeping what was written: the layer, the image, and what others make of them.

mod case;
mod image;
mod layer_tar;
mod layers;
mod others;
mod revert;
mod status;

use crate::support::need::has_fuse;
use crate::support::overlay;

/// What most tests here need.
const NEEDS: &str = "needs root, FUSE and overlayfs";

fn can_compare() -> bool {
    has_fuse() && overlay::is_available()
}
