//! Keeping what was written: the layer, the image, and what others make of them.

mod layer_tar;
