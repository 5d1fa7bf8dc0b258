//! Numbers of what views show: which view, and the number in it. Nothing is kept of them (S24).

use crate::fs::InodeNo;
use crate::layer::LayerNo;

/// Where a view's number stands in an inode number: above a layer and an entry, below what is born in an upper.
const SHIFT: u32 = 44;

/// Views that there can be.
const LIMIT: u64 = 1 << 17;

/// A view of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What lies around the views: the same for all images.
    Fixed,
    /// One layer alone.
    Layer(LayerNo),
    /// The image as of a layer.
    UpTo(LayerNo),
    /// A part of what a layer changed.
    Diff(LayerNo, Part),
}

/// What a layer did to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nothing showed there before.
    Added,
    /// Something else showed there.
    Changed,
    /// Nothing shows there any more.
    Deleted,
}

impl Part {
    /// All parts with their names.
    pub const ALL: [(&'static str, Part); 3] =
        [("added", Part::Added), ("changed", Part::Changed), ("deleted", Part::Deleted)];
}

impl View {
    /// The view that a number is of, and the number in it; `None` for the tree itself.
    pub fn of(ino: InodeNo) -> Option<(View, InodeNo)> {
        let view = (ino.0 >> SHIFT).checked_sub(1).filter(|view| *view < LIMIT)?;
        let inner = InodeNo(ino.0 & ((1 << SHIFT) - 1));
        let Some(view) = view.checked_sub(1) else { return Some((View::Fixed, inner)) };
        let no = LayerNo((view / 5) as u32);
        let view = match view % 5 {
            0 => View::Layer(no),
            1 => View::UpTo(no),
            2 => View::Diff(no, Part::Added),
            3 => View::Diff(no, Part::Changed),
            _ => View::Diff(no, Part::Deleted),
        };
        Some((view, inner))
    }

    /// A number in the view, as the mount shows it.
    pub fn number(self, inner: InodeNo) -> InodeNo {
        let of = |no: LayerNo, kind: u64| 2 + u64::from(no.0) * 5 + kind;
        let view = match self {
            View::Fixed => 1,
            View::Layer(no) => of(no, 0),
            View::UpTo(no) => of(no, 1),
            View::Diff(no, Part::Added) => of(no, 2),
            View::Diff(no, Part::Changed) => of(no, 3),
            View::Diff(no, Part::Deleted) => of(no, 4),
        };
        InodeNo(view << SHIFT | inner.0)
    }
}

impl InodeNo {
    /// Whether it stands for something in a view, which nobody can write.
    pub fn is_view(self) -> bool {
        View::of(self).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_its_view_again() {
        let inner = InodeNo(500 << 32 | u64::from(u32::MAX));
        let layers = [0, 1, 499].map(LayerNo);
        let of = |no| {
            [View::Layer(no), View::UpTo(no)]
                .into_iter()
                .chain(Part::ALL.map(|(_, part)| View::Diff(no, part)))
        };
        let views: Vec<View> = layers.into_iter().flat_map(of).chain([View::Fixed]).collect();
        for view in &views {
            assert_eq!(View::of(view.number(inner)), Some((*view, inner)));
        }
        let numbers: std::collections::BTreeSet<_> = views.iter().map(|view| view.number(inner)).collect();
        assert_eq!(numbers.len(), views.len());
    }

    #[test]
    fn neither_the_tree_nor_what_is_born_in_an_upper_is_a_view() {
        for ino in [1, 500 << 32 | 7, 1 << 62, (1 << 62) + (1 << 61) - 1, (1 << 62) + (1 << 61) + 9] {
            assert!(!InodeNo(ino).is_view(), "{ino:#x}");
        }
    }
}
