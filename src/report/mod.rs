//! An image on one page: its layers, where its bytes are, what nobody sees of it, and the steps that made it.
//!
//! The page asks the network for nothing and needs no script; all that comes from the image is text in it. It is the
//! same for the same image, and below 2 MB for any: each of its lists has its `html::Limit`.

mod colours;
mod html;
mod layers;
mod map;
mod page;
#[cfg(test)]
mod sight;
mod sizes;
mod squarify;
mod steps;
mod treemap;
mod views;
mod wasted;

use std::io::{self, Write};

use crate::stack::Stack;
use crate::waste::{Error, Waste};

use colours::Colours;
use sizes::{Counts, Part, sizes};

/// Paths that are told of with what does not show there.
const WORST: usize = 40;

/// What a page tells.
pub struct Report<'a> {
    stack: &'a Stack,
    name: &'a [u8],
    waste: Waste,
    root: Part,
    counts: Counts,
    colours: Colours,
}

impl<'a> Report<'a> {
    /// Looks at an image that goes by this name: all words of all layers once, and what shows once.
    pub fn of(stack: &'a Stack, name: &'a [u8]) -> Result<Report<'a>, Error> {
        let waste = Waste::of(stack, WORST)?;
        let (root, counts) = sizes(stack, waste.bytes().saturating_sub(waste.hidden()))?;
        let colours = Colours::of(&waste.layers);
        Ok(Report { stack, name, waste, root, counts, colours })
    }

    /// Writes the page.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        page::write(self, out)
    }
}
