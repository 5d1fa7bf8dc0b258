//! Keeping what was written: what differs from the image, as lines, as a layer, as a new image.
//!
//! It reads an upper directory over a stack and writes tars; it knows nothing of mounts.

mod archive;
mod base;
mod compress;
mod config;
mod error;
mod file;
mod hash;
mod image;
mod layer_tar;
mod member;
mod output;
mod pack;
mod pax;
mod reference;
mod store;

pub use base::BaseLayer;
pub use compress::Stored;
pub use config::Words;
pub use error::Error;
pub use image::{Form, NewImage, Written};
pub use layer_tar::LayerTar;
pub use member::{Body, Member};
pub use output::Output;
pub use reference::{BadReference, Reference};
pub use store::{NewLayer, StoredLayer, store_layer};
