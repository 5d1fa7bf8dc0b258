//! Which layer has which colour.
//!
//! Colours go by the place in the stack, so that layers one upon the other never look alike, and come again behind
//! the last: no eye tells more of them apart. Whatever has a colour says its layer's number, too.

use crate::layer::LayerNo;
use crate::waste::LayerWaste;

/// The style sheet's names of the colours.
const CLASSES: [&str; 8] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];

/// The name of what has none: a layer without bytes.
const NONE: &str = "kx";

/// The layers' colours, base first.
pub struct Colours(Vec<&'static str>);

impl Colours {
    /// Gives a colour to each layer that has any bytes.
    pub fn of(layers: &[LayerWaste]) -> Colours {
        let mut next = CLASSES.iter().cycle();
        let classes = layers.iter().map(|layer| match layer.bytes {
            0 => NONE,
            _ => next.next().copied().unwrap_or(NONE),
        });
        Colours(classes.collect())
    }

    /// The style sheet's name for a layer's colour.
    pub fn class(&self, layer: LayerNo) -> &'static str {
        self.0.get(layer.0 as usize).copied().unwrap_or(NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_never_have_one_colour_and_layers_without_bytes_have_none() {
        let layers = (0..30).map(|no| LayerWaste { bytes: no % 5, ..LayerWaste::default() });
        let layers: Vec<LayerWaste> = layers.collect();
        let colours = Colours::of(&layers);
        let classes: Vec<_> = (0..30).map(|no| colours.class(LayerNo(no))).collect();
        assert_eq!(classes[..7], ["kx", "k0", "k1", "k2", "k3", "kx", "k4"]);
        let coloured: Vec<_> = classes.iter().filter(|class| **class != NONE).collect();
        assert!(coloured.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(colours.class(LayerNo(99)), NONE);
    }
}
