//! What differs between two trees, whatever each is: an image, an image with an upper over it, a directory.
//!
//! Two sorted listings are merged level by level. What both images have in layers that they share is left out
//! unseen, and contents are read only where all else is no answer, so that the cost is that of what differs.

mod difference;
mod host;
mod listing;
mod renames;
mod shared;
mod side;
mod walk;

pub use difference::{Change, Difference, What};
pub use renames::with_renames;
pub use side::Side;
pub use walk::{Error, Options, compare};
