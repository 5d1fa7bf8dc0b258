//! The image as of each of its layers: made when someone looks there for the first time, and kept.

use std::sync::OnceLock;

use crate::image::Cut;
use crate::layer::{LayerNo, Result};
use crate::stack::{self, Stack};
use crate::union::Union;

/// An image and what it was, layer by layer.
pub struct Views<'s> {
    /// The image as it is.
    pub stack: &'s Stack,
    cuts: Vec<OnceLock<Stack>>,
}

impl<'s> Views<'s> {
    /// Those of an image; nothing is stacked yet.
    pub fn new(stack: &'s Stack) -> Views<'s> {
        Views { stack, cuts: stack.layers().iter().map(|_| OnceLock::new()).collect() }
    }

    /// The whole image.
    pub fn whole(&self) -> &Union {
        &self.stack.union
    }

    /// The topmost layer.
    pub fn top(&self) -> LayerNo {
        LayerNo(self.cuts.len().saturating_sub(1) as u32)
    }

    /// The image as of a layer.
    pub fn up_to(&self, no: LayerNo) -> std::result::Result<&Union, stack::Error> {
        if no == self.top() {
            return Ok(self.whole());
        }
        let Some(cut) = self.cuts.get(no.0 as usize) else {
            return Err(crate::layer::Error::NoLayer(no).into());
        };
        if let Some(stack) = cut.get() {
            return Ok(&stack.union);
        }
        let made = self.stack.cut(Cut::UpTo(no))?;
        Ok(&cut.get_or_init(|| made).union)
    }

    /// The image below a layer; `None` below the base.
    pub fn below(&self, no: LayerNo) -> std::result::Result<Option<&Union>, stack::Error> {
        no.0.checked_sub(1).map(|below| self.up_to(LayerNo(below))).transpose()
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.cuts.len()
    }

    /// Whether there is none; there never is.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// Bytes of a layer's files.
    pub fn size(&self, no: LayerNo) -> Result<u64> {
        Ok(self.stack.layer(no)?.index.data_size())
    }
}
