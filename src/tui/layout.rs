//! Which pane is where on a screen of a size.

use ratatui::layout::Rect;

use super::model::Focus;

/// Where everything is. What has no room has no area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// The layers, with their frame.
    pub layers: Rect,
    /// The tree.
    pub tree: Rect,
    /// What is told of the selected name.
    pub detail: Rect,
    /// The last line.
    pub footer: Rect,
}

/// Columns below which there is one pane at a time.
const NARROW: u16 = 60;

/// Lines below which there is no third pane beside the other two.
const LOW: u16 = 16;

impl Layout {
    /// The layout of a screen.
    pub fn of(width: u16, height: u16, focus: Focus) -> Layout {
        let body = height.saturating_sub(1);
        let footer = Rect::new(0, body, width, height.min(1));
        let all = Rect::new(0, 0, width, body);
        if width < NARROW || body < LOW / 2 {
            let none = Layout { footer, ..Layout::default() };
            return match focus {
                Focus::Layers => Layout { layers: all, ..none },
                Focus::Tree => Layout { tree: all, ..none },
                Focus::Detail => Layout { detail: all, ..none },
            };
        }
        let detail_height = match (body < LOW, focus) {
            (true, Focus::Detail) => body / 2,
            (true, _) => 0,
            (false, _) => (body * 2 / 5).clamp(6, 16),
        };
        let upper = body - detail_height;
        let left = (width * 2 / 5).clamp(26, 56);
        Layout {
            layers: Rect::new(0, 0, left, upper),
            tree: Rect::new(left, 0, width - left, upper),
            detail: Rect::new(0, upper, width, detail_height),
            footer,
        }
    }
}

/// Lines in a frame.
pub fn inner_height(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(2))
}

/// Columns in a frame.
pub fn inner_width(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(2))
}
