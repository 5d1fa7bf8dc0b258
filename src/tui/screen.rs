//! The terminal, taken and given back however it ends.

use std::io::{self, Write};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};

/// A terminal in raw mode that shows its alternate screen; as it was before when this is dropped.
pub struct Screen<W: Write> {
    terminal: Terminal<CrosstermBackend<W>>,
}

impl<W: Write> Screen<W> {
    /// Takes the terminal.
    pub fn take(out: W) -> io::Result<Screen<W>> {
        let mut screen = Screen { terminal: Terminal::new(CrosstermBackend::new(out))? };
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        // It comes empty: to clear it, the terminal would be asked where the cursor is, and some do not answer.
        execute!(self.terminal.backend_mut(), EnterAlternateScreen)
    }

    /// Draws a picture. A terminal that can shows it at once, and not while it is being drawn.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(paint)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Gives the terminal back, as it was before.
    pub fn give_back(&mut self) -> io::Result<()> {
        // A picture may have been begun, and each of these is to be done even if another cannot be.
        let drawn = execute!(self.terminal.backend_mut(), EndSynchronizedUpdate, LeaveAlternateScreen, Show);
        disable_raw_mode().and(drawn)
    }

    /// Takes the terminal again, whatever was done to it meanwhile; the next picture is drawn whole.
    pub fn take_again(&mut self) -> io::Result<()> {
        // What is raw mode to us may have become cooked behind our back: a shell does that.
        disable_raw_mode()?;
        self.enter()?;
        self.forget()
    }

    /// Takes nothing that was drawn for granted any more.
    pub fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to give back.
        let _ = self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, Mutex};

    use ratatui::layout::Rect;
    use ratatui::{TerminalOptions, Viewport};

    use super::*;

    #[derive(Clone, Default)]
    struct Wire(Arc<Mutex<Vec<u8>>>);

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_while_drawing_gives_the_terminal_back() {
        let wire = Wire::default();
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 20, 5)) };
        let terminal = Terminal::with_options(CrosstermBackend::new(wire.clone()), options).unwrap();
        let mut screen = Screen { terminal };
        let drawn = catch_unwind(AssertUnwindSafe(move || screen.draw(|_| std::panic::panic_any("a bug"))));
        assert!(drawn.is_err());
        let bytes = String::from_utf8(wire.0.lock().unwrap().clone()).unwrap();
        assert_eq!(bytes, "\x1b[?2026h\x1b[?2026l\x1b[?1049l\x1b[?25h");
    }
}
