//! An image as it was when it had fewer layers, or one of its layers alone.

use crate::layer::LayerNo;

use super::{Error, Image, LayerSource};

/// How many of an image's layers are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// All of them.
    #[default]
    Whole,
    /// The image as of a layer: that one and all below it.
    UpTo(LayerNo),
    /// One layer alone. It keeps its number: those below it hold nothing.
    Only(LayerNo),
}

impl Cut {
    /// The topmost layer that is looked at; `None` if all are.
    pub fn top(self) -> Option<LayerNo> {
        match self {
            Cut::Whole => None,
            Cut::UpTo(no) | Cut::Only(no) => Some(no),
        }
    }

    /// Takes layers out of a list, base first, and puts others in the place of those that are to hold nothing.
    ///
    /// # Errors
    /// There is no such layer.
    pub fn apply<T>(self, layers: &mut Vec<T>, empty: impl Fn() -> T) -> Result<(), Error> {
        let Some(no) = self.top() else { return Ok(()) };
        let (count, top) = (layers.len(), no.0 as usize);
        if top >= count {
            return Err(Error::NoSuchLayer { no, count });
        }
        layers.truncate(top + 1);
        if matches!(self, Cut::Only(_)) {
            layers.iter_mut().take(top).for_each(|layer| *layer = empty());
        }
        Ok(())
    }
}

impl Image {
    /// Leaves out layers. What is left is another image: it has no ID and no name.
    pub fn cut(mut self, cut: Cut) -> Result<Image, Error> {
        let Some(top) = cut.top() else { return Ok(self) };
        cut.apply(&mut self.layers, LayerSource::left_out)?;
        if let Some(config) = &mut self.config {
            config.cut(top.0 as usize + 1);
        }
        Ok(Image { id: None, claimed_id: None, manifest: None, tags: Vec::new(), ..self })
    }
}
