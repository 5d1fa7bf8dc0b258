//! Which layer has which colour: the largest have one of their own, all others share a grey.

use crate::layer::LayerNo;

use super::sizes::Shares;

/// Colours that people tell apart, with any kind of sight; as many as the style sheet has.
const COLOURS: usize = 8;

/// The layers that have a colour, base first.
pub struct Colours(Vec<LayerNo>);

impl Colours {
    /// Gives the colours to those that most of what shows is in.
    pub fn of(shares: &Shares) -> Colours {
        let mut layers: Vec<_> = shares.iter().collect();
        layers.sort_by_key(|&(layer, bytes)| (std::cmp::Reverse(bytes), layer));
        layers.truncate(COLOURS);
        let mut layers: Vec<LayerNo> = layers.into_iter().map(|(layer, _)| layer).collect();
        layers.sort();
        Colours(layers)
    }

    /// The style sheet's name for a layer's colour.
    pub fn class(&self, layer: LayerNo) -> String {
        self.0.binary_search(&layer).map_or_else(|_| "kx".to_owned(), |at| format!("k{at}"))
    }
}
