//! Colours: what a thing is to whoever looks, never which colour it has.
//!
//! A command says `out.paint(Style::Hidden, text)`; whether that means anything is decided here, once, by
//! `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR` and `TERM`.

use std::env;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use clap::ValueEnum;

use crate::entry::{Attributes, Kind};

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless the environment says otherwise
    Auto = 0,
    /// Always
    Always = 1,
    /// Never
    Never = 2,
}

/// What was asked for; all threads write to one stdout.
static WHEN: AtomicU8 = AtomicU8::new(When::Auto as u8);

/// Sets when there are colours; before anything is written.
pub fn choose(when: When) {
    WHEN.store(when as u8, Ordering::Relaxed);
}

/// Whether what is written gets colours.
pub fn is_on(is_terminal: bool) -> bool {
    let is_set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    match WHEN.load(Ordering::Relaxed) {
        when if when == When::Always as u8 => true,
        when if when == When::Never as u8 => false,
        // no-color.org and bixense.com/clicolors.
        _ if is_set("NO_COLOR").is_some() => false,
        _ if is_set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        _ if is_set("CLICOLOR").is_some_and(|value| value == "0") => false,
        _ => is_terminal && is_set("TERM").is_none_or(|value| value != "dumb"),
    }
}

/// What something is to whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Nothing special.
    Plain,
    /// A heading, or the answer among much else.
    Heading,
    /// What matters little.
    Dim,
    /// A layer's number.
    Layer,
    /// A size.
    Size,
    /// A time.
    Time,
    /// What shows, or is in order.
    Shown,
    /// What a layer above hides.
    Hidden,
    /// What hides: a whiteout, an opaque directory.
    Whiteout,
    /// A name or a line that was added.
    Added,
    /// A name or a line that was changed.
    Changed,
    /// A name or a line that is gone.
    Deleted,
    /// What is wrong.
    Problem,
    /// A directory's name.
    Directory,
    /// A symlink's name.
    Symlink,
    /// The name of a file that can be run.
    Executable,
    /// The name of a device, fifo or socket.
    Special,
}

impl Style {
    /// The style of a name of something, as ls(1) has it.
    pub fn of(attributes: &Attributes) -> Style {
        match attributes.kind {
            Kind::Directory => Style::Directory,
            Kind::Symlink => Style::Symlink,
            Kind::Regular if attributes.mode & 0o111 != 0 => Style::Executable,
            Kind::Regular => Style::Plain,
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo | Kind::Socket => Style::Special,
        }
    }

    /// Bytes in the style.
    pub fn wrap(self, bytes: &[u8]) -> Vec<u8> {
        [b"\x1b[", self.code().as_bytes(), b"m", bytes, b"\x1b[0m"].concat()
    }

    /// The numbers of `ESC [ … m`; none for what is plain.
    fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Heading => "1",
            Style::Dim | Style::Hidden | Style::Time => "2",
            Style::Layer => "35",
            Style::Size => "36",
            Style::Shown | Style::Added => "32",
            Style::Whiteout | Style::Deleted => "31",
            Style::Changed | Style::Special => "33",
            Style::Problem => "1;31",
            Style::Directory => "1;34",
            Style::Symlink => "1;36",
            Style::Executable => "1;32",
        }
    }
}

/// A text in its style; width and alignment of a format count the text alone.
#[derive(Debug, Clone, Copy)]
pub struct Painted<T> {
    code: &'static str,
    text: T,
}

impl<T: fmt::Display> Painted<T> {
    /// A text in a style, if there are colours.
    pub fn new(is_on: bool, style: Style, text: T) -> Painted<T> {
        Painted { code: if is_on { style.code() } else { "" }, text }
    }
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() {
            return self.text.fmt(f);
        }
        write!(f, "\x1b[{}m", self.code)?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_counts_what_is_seen() {
        let painted = |is_on, style| format!("{:>5}|", Painted::new(is_on, style, "L3"));
        assert_eq!(painted(true, Style::Layer), "\x1b[35m   L3\x1b[0m|");
        assert_eq!(painted(true, Style::Plain), "   L3|");
        assert_eq!(painted(false, Style::Layer), "   L3|");
    }
}
