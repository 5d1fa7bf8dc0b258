//! What the tests share: layers and images made on the spot, trees as text, mounts that go away.

pub mod image;
pub mod layer;
pub mod need;

pub use image::Image;
pub use layer::{Layer, layer};
