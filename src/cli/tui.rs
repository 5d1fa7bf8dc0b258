//! `peelfs tui`: look around in an image.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, Write};
use std::os::fd::OwnedFd;

use crate::tui::{self, Ended, Signals, Theme};

use super::args::ImageArgs;
use super::output::Output;
use super::{Outcome, Result};

/// Bytes of messages that are told afterwards.
const MAX_TALK: u64 = 64 * 1024;

/// The signal that comes when a terminal goes away, or does not.
const HANG_UP: u8 = 1;

/// Look around in an image: its layers, its tree as of each of them, its files
///
/// `?` lists the keys, `q` ends it. With NO_COLOR set in the environment, there are letters only.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,
}

pub fn run(args: Args) -> Result {
    let out = Output::new();
    if !out.is_terminal() || !io::stdin().is_terminal() {
        return Err(
            "it takes a terminal to look around: `peelfs tree` and `peelfs ls` write to anything".into()
        );
    }
    let stack = args.image.stack()?;
    let title = args.image.image_path.file_name().unwrap_or(args.image.image_path.as_os_str());
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let signals = Signals::listen()?;
    let talk = Talk::hold()?;
    let ended = tui::run(&stack, &title.to_string_lossy(), Theme { colours }, &signals, out);
    let told = talk.tell();
    let status = |signal: u8| Outcome::Status(128u8.saturating_add(signal));
    Ok(match ended? {
        Ended::Quit => told.map(|()| Outcome::Fine)?,
        // Whoever sent it may have taken the terminal away, too.
        Ended::Signal(signal) => status(signal),
        Ended::Gone => status(HANG_UP),
    })
}

/// What is said on stderr meanwhile: if that is the screen, it is said afterwards.
struct Talk {
    held: Option<(OwnedFd, File)>,
}

impl Talk {
    fn hold() -> io::Result<Talk> {
        if !io::stderr().is_terminal() {
            return Ok(Talk { held: None });
        }
        let stderr = rustix::io::dup(io::stderr())?;
        let file = tempfile::tempfile()?;
        rustix::stdio::dup2_stderr(&file)?;
        Ok(Talk { held: Some((stderr, file)) })
    }

    fn tell(self) -> io::Result<()> {
        let Some((stderr, mut file)) = self.held else { return Ok(()) };
        rustix::stdio::dup2_stderr(&stderr)?;
        file.rewind()?;
        let mut said = Vec::new();
        file.take(MAX_TALK).read_to_end(&mut said)?;
        io::stderr().write_all(&said)
    }
}
