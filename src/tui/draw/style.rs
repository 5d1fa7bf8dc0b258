//! Colours, of the sixteen that every terminal has; without them, letters say the same.

use ratatui::style::{Color, Modifier, Style};

use super::super::listing::Mark;
use crate::account::Tone;

/// How things look.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Whether there are colours.
    pub colours: bool,
}

impl Theme {
    fn colour(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// What is there for completeness.
    pub fn faint(self) -> Style {
        if self.colours { Style::new().fg(Color::DarkGray) } else { Style::new() }
    }

    /// What went wrong.
    pub fn message(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// A pane's frame.
    pub fn frame(self, is_focused: bool) -> Style {
        if is_focused { self.colour(Color::Cyan) } else { self.faint() }
    }

    /// A pane's title; that of the pane that keys go to stands out without colours too.
    pub fn title(self, is_focused: bool) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        if is_focused {
            style.patch(self.colour(Color::Cyan)).add_modifier(Modifier::REVERSED)
        } else {
            style
        }
    }

    /// The line that the cursor is on.
    pub fn cursor(self, is_focused: bool) -> Style {
        match is_focused {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    /// A name, by its mark.
    pub fn mark(self, mark: Mark) -> Style {
        match mark {
            Mark::Same => Style::new(),
            Mark::Added => self.colour(Color::Green),
            Mark::Changed => self.colour(Color::Yellow),
            Mark::Deleted => self.colour(Color::Red),
            Mark::Whiteout => self.colour(Color::Magenta),
        }
    }

    /// A directory's name.
    pub fn directory(self) -> Style {
        self.colour(Color::Blue).add_modifier(Modifier::BOLD)
    }

    /// A bar of a size.
    pub fn bar(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// A piece of what is told.
    pub fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Title => Style::new().add_modifier(Modifier::BOLD),
            Tone::Layer => self.colour(Color::Cyan),
            Tone::Shown => self.colour(Color::Green),
            Tone::Hidden => self.colour(Color::Red),
            Tone::Marker => self.colour(Color::Magenta),
            Tone::Faint => self.faint(),
        }
    }
}
