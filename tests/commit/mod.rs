//! Keeping what was written: the layer, the image, and what others make of them.

mod case;
mod explained;
mod image;
mod layer_tar;
mod layers;
mod mounted;
mod others;
mod revert;
mod status;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::need::has_fuse;
use crate::support::overlay;

/// What most tests here need.
const NEEDS: &str = "needs root, FUSE and overlayfs";

fn can_compare() -> bool {
    has_fuse() && overlay::is_available()
}

/// Waits until no mount has an upper any more: its daemon may end a moment after it was unmounted.
#[track_caller]
fn gone(upper: &Path) {
    let file = std::fs::File::open(upper).unwrap();
    let started = Instant::now();
    while rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        assert!(started.elapsed() < Duration::from_secs(20), "{} is still in use", upper.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}
