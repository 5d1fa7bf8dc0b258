//! The browser: an image's layers, its tree as of any of them, and its files, on a terminal.
//!
//! A model of pure state (`model`, and a file for each pane) becomes another one by a key (`keys`), and is drawn
//! (`draw`); only `screen` and the loop here know the terminal. What may take long is done in pieces between keys.

mod contents;
mod detail;
mod draw;
mod events;
mod find;
mod keys;
mod layout;
mod listing;
mod model;
mod screen;
mod search;
mod signals;
#[cfg(test)]
mod tests;
mod tree;
mod views;
mod wrap;

use std::any::Any;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::Event;

use crate::stack::{self, Stack};

pub use draw::Theme;
pub use keys::{Action, action};
pub use model::Model;
pub use signals::Signals;
pub use views::Views;

use events::Input;
use screen::Screen;

/// How long work is done before someone looks for keys, and between pictures while there is work.
const SLICE: Duration = Duration::from_millis(20);

/// How long a key is waited for before someone looks for signals.
const PATIENCE: Duration = Duration::from_millis(100);

/// Why the browser ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The terminal.
    #[error("terminal: {0}")]
    Terminal(#[from] io::Error),
    /// The image.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// A bug.
    #[error("this is a bug of peelfs: {0}")]
    Panic(String),
}

/// How the browser ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Quit,
    /// By a signal.
    Signal(u8),
    /// The terminal went away.
    Gone,
}

/// Shows an image on a terminal until that is left; then the terminal is as it was before, however that came.
pub fn run(
    stack: &Stack,
    title: &str,
    theme: Theme,
    signals: &Signals,
    out: impl Write,
) -> Result<Ended, Error> {
    let views = Views::new(stack);
    // What a panic says would be said on the screen that goes away with it.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let title = crate::text::escape(title.as_bytes(), crate::text::Lines::Escape);
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut model = Model::new(&views, title)?;
        show(&mut model, theme, signals, &mut Screen::take(out)?)
    }));
    panic::set_hook(hook);
    match result.unwrap_or_else(|panic| Err(Error::Panic(words_of(&*panic)))) {
        // Whatever cannot be done with a terminal that went away, that is why.
        Err(Error::Terminal(_)) if events::is_gone(Duration::ZERO)? => Ok(Ended::Gone),
        result => result,
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn show<W: Write>(
    model: &mut Model<'_>,
    theme: Theme,
    signals: &Signals,
    screen: &mut Screen<W>,
) -> Result<Ended, Error> {
    // A terminal that shows all there is to show is left alone.
    let mut is_stale = true;
    while !model.is_over {
        if let Some(signal) = signals.end() {
            return Ok(Ended::Signal(signal));
        }
        if signals.is_stop() {
            screen.give_back()?;
            signals.stop()?;
            screen.take_again()?;
            is_stale = true;
        } else if signals.take_go_on() {
            screen.take_again()?;
            is_stale = true;
        }
        // What is done soon is done before anyone sees that it was not.
        let is_busy = work(model)?;
        if is_stale || is_busy {
            screen.draw(|frame| {
                model.prepare(frame.area().width, frame.area().height);
                draw::draw(model, theme, frame.buffer_mut());
            })?;
        }
        let input = events::wait(if is_busy { Duration::ZERO } else { PATIENCE })?;
        is_stale = input == Input::Event;
        match input {
            Input::None => {}
            Input::Event => take_events(model, signals, screen)?,
            Input::Gone => return Ok(Ended::Gone),
        }
    }
    Ok(Ended::Quit)
}

/// Works until a key comes or it is time for a picture; whether anything was done.
fn work(model: &mut Model<'_>) -> Result<bool, Error> {
    let since = Instant::now();
    let mut has_worked = false;
    while model.work() {
        has_worked = true;
        if since.elapsed() > SLICE || events::wait(Duration::ZERO)? != Input::None {
            break;
        }
    }
    Ok(has_worked)
}

/// Takes all keys that were pressed by now: a picture for each would lag behind.
fn take_events<W: Write>(
    model: &mut Model<'_>,
    signals: &Signals,
    screen: &mut Screen<W>,
) -> Result<(), Error> {
    loop {
        if let Event::Key(key) = events::take()? {
            match action(key, model.is_typing()) {
                Some(Action::Suspend) => signals.ask_to_stop()?,
                Some(Action::Redraw) => screen.forget()?,
                Some(action) => model.act(action),
                None => {}
            }
        }
        if model.is_over || signals.is_stop() || events::wait(Duration::ZERO)? != Input::Event {
            return Ok(());
        }
    }
}
