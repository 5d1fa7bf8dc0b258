//! A table for every rule of docs/semantics.md, named after it.
//!
//! Each line is an image in the words of `support::layer`, and the tree that must show.

mod reading;
mod stacking;
mod whiteouts;

use crate::support::{Image, layer};

/// Layers, base first, and the tree that shows.
type Row = (&'static [&'static str], &'static str);

fn check(table: &[Row]) {
    for (layers, tree) in table {
        let image = Image::of(layers.iter().map(|line| layer(line)));
        assert_eq!(image.tree(), *tree, "layers {layers:#?}, rejected {:#?}", image.rejected());
    }
}

/// One layer, and what of it is rejected.
fn check_rejected(table: &[(&str, &[&str])]) {
    for (line, rejected) in table {
        assert_eq!(Image::one(layer(line)).rejected(), *rejected, "{line}");
    }
}
