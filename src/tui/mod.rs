//! The browser: an image's layers, its tree as of any of them, and its files, on a terminal.
//!
//! A model of pure state (`model`, and a file for each pane) becomes another one by a key (`keys`), and is drawn
//! (`draw`); only `screen` and the loop here know the terminal. What may take long is done in pieces between keys.

mod contents;
mod detail;
mod draw;
mod find;
mod keys;
mod layout;
mod listing;
mod model;
mod screen;
mod search;
#[cfg(test)]
mod tests;
mod tree;
mod views;

use std::any::Any;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event};

use crate::stack::{self, Stack};

pub use draw::Theme;
pub use keys::{Action, action};
pub use model::Model;
pub use views::Views;

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
}

/// Shows an image on a terminal until that is left; then the terminal is as it was before, however that came.
///
/// A signal's number in `signal` ends it.
pub fn run(
    stack: &Stack,
    title: &str,
    theme: Theme,
    signal: &Arc<AtomicUsize>,
    out: impl Write,
) -> Result<Ended, Error> {
    let views = Views::new(stack);
    // What a panic says would be said on the screen that goes away with it.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let title = crate::text::escape(title.as_bytes(), crate::text::Lines::Escape);
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut model = Model::new(&views, title)?;
        show(&mut model, theme, signal, &mut Screen::take(out)?)
    }));
    panic::set_hook(hook);
    result.unwrap_or_else(|panic| Err(Error::Panic(words_of(&*panic))))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn show<W: Write>(
    model: &mut Model<'_>,
    theme: Theme,
    signal: &AtomicUsize,
    screen: &mut Screen<W>,
) -> Result<Ended, Error> {
    // A terminal that shows all there is to show is left alone.
    let mut is_stale = true;
    while !model.is_over {
        let signal = signal.load(Ordering::Relaxed);
        if signal != 0 {
            return Ok(Ended::Signal(u8::try_from(signal).unwrap_or(u8::MAX)));
        }
        if is_stale {
            screen.terminal.draw(|frame| {
                model.prepare(frame.area().width, frame.area().height);
                draw::draw(model, theme, frame.buffer_mut());
            })?;
        }
        is_stale = work(model)?;
        let patience = if is_stale { Duration::ZERO } else { PATIENCE };
        if event::poll(patience)? {
            take_events(model)?;
            is_stale = true;
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
        if since.elapsed() > SLICE || event::poll(Duration::ZERO)? {
            break;
        }
    }
    Ok(has_worked)
}

/// Takes all keys that were pressed by now: a picture for each would lag behind.
fn take_events(model: &mut Model<'_>) -> Result<(), Error> {
    loop {
        if let Event::Key(key) = event::read()?
            && let Some(action) = action(key, model.is_typing())
        {
            model.act(action);
        }
        if model.is_over || !event::poll(Duration::ZERO)? {
            return Ok(());
        }
    }
}
