//! The terminal, taken and given back however it ends.

use std::io::{self, Write};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// A terminal in raw mode that shows its alternate screen; as it was before when this is dropped.
pub struct Screen<W: Write> {
    /// What is drawn on.
    pub terminal: Terminal<CrosstermBackend<W>>,
}

impl<W: Write> Screen<W> {
    /// Takes the terminal.
    pub fn take(out: W) -> io::Result<Screen<W>> {
        let mut screen = Screen { terminal: Terminal::new(CrosstermBackend::new(out))? };
        enable_raw_mode()?;
        // It comes empty: to clear it, the terminal would be asked where the cursor is, and some do not answer.
        execute!(screen.terminal.backend_mut(), EnterAlternateScreen)?;
        Ok(screen)
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to give back.
        let _ = execute!(self.terminal.backend_mut(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}
