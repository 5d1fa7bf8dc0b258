//! What the tests share: layers and images made on the spot, trees as text, mounts that go away.

pub mod archive;
pub mod browser;
pub mod bytes;
pub mod compress;
pub mod docker;
pub mod foreground;
pub mod image;
pub mod layer;
pub mod mount;
pub mod naive;
pub mod need;
pub mod overlay;
pub mod proc;
pub mod session;
pub mod stacks;
pub mod sys;
pub mod terminal;
pub mod toc;
pub mod tree;
pub mod unpackable;
pub mod upper;
pub mod user;

pub use foreground::Foreground;
pub use image::Image;
pub use layer::{Layer, layer};
pub use mount::{Mount, peelfs, write_tars};
pub use overlay::Overlay;
pub use session::session;
pub use terminal::Terminal;
pub use tree::Tree;
pub use upper::{By, Writable, WritableMount};
pub use user::Nobody;
