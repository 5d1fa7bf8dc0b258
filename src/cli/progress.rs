//! A bar on the terminal while compressed layers are read for the first time, or an image is written.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;

use crate::blob::Progress;

/// Who waits less than this needs no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// Pictures a second.
const RATE: u8 = 10;

const TEMPLATE: &str =
    "peelfs: {msg} {wide_bar} {bytes:>10}/{total_bytes} {binary_bytes_per_sec:>13}, {eta:>3} left";

/// A bar that comes when the reading takes long, and goes when it is done.
pub struct Bar {
    /// What takes long.
    what: &'static str,
    reading: Mutex<Reading>,
}

#[derive(Default)]
struct Reading {
    expected: u64,
    done: u64,
    since: Option<Instant>,
    bar: Option<ProgressBar>,
}

impl Bar {
    /// For something that may take long.
    pub fn new(what: &'static str) -> Bar {
        Bar { what, reading: Mutex::default() }
    }
}

impl Default for Bar {
    fn default() -> Bar {
        Bar::new("reading layers")
    }
}

impl Progress for Bar {
    fn expect(&self, bytes: u64) {
        let mut reading = self.reading.lock();
        // An image may claim any size.
        reading.expected = reading.expected.saturating_add(bytes);
        if reading.bar.is_none() && bytes > 0 && io::stderr().is_terminal() {
            // It is made now, so that its rate is right, and shown later.
            reading.since = Some(Instant::now());
            reading.bar = Some(bar(self.what, reading.expected.saturating_sub(bytes), reading.done));
        }
        if let Some(bar) = &reading.bar {
            bar.set_length(reading.expected);
        }
    }

    fn advance(&self, bytes: u64) {
        let mut reading = self.reading.lock();
        reading.done = reading.done.saturating_add(bytes);
        if reading.done >= reading.expected {
            if let Some(bar) = reading.bar.take() {
                bar.finish_and_clear();
            }
            return;
        }
        let is_time = reading.since.is_some_and(|since| since.elapsed() > PATIENCE);
        if let Some(bar) = &reading.bar {
            if is_time && bar.is_hidden() {
                bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
            }
            bar.set_position(reading.done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.reading.get_mut().bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, len: u64, done: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::hidden()).with_position(done);
    // A template that does not parse would be seen by the tests; the plain bar will do.
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_parses() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[test]
    fn all_that_is_expected_may_be_done_in_any_steps() {
        let bar = Bar::default();
        for _ in 0..2 {
            bar.expect(10);
            for _ in 0..12 {
                bar.advance(1);
            }
        }
        assert!(bar.reading.lock().bar.is_none());
    }
}
