//! Keeping what was written: what differs from the image, as lines, as a layer, as a new image.
//!
//! It reads an upper directory over a stack and writes tars; it knows nothing of mounts.

mod archive;
mod base;
mod changes;
mod compress;
mod config;
mod entry;
mod error;
mod file;
mod hash;
mod image;
mod layer;
mod layer_tar;
mod links;
mod member;
mod output;
mod pack;
mod pax;
mod reference;
mod revert;
mod status;
mod store;

pub use base::BaseLayer;
pub use compress::{Encoder, Stored};
pub use config::Words;
pub use entry::{Entry, FileKey, Sides, Source, of_view};
pub use error::Error;
pub use image::{Form, NewImage, Written};
pub use layer::Layer;
pub use layer_tar::LayerTar;
pub use links::Links;
pub use member::{Body, Member, Sparse};
pub use output::Output;
pub use reference::{BadReference, Reference};
pub use revert::{Reverted, revert, revert_all};
pub use status::{Change, changes};
pub use store::{NewLayer, StoredLayer, store_layer};
