//! `peelfs trace`: what a mount is asked, as it is asked, and why it answers so.

use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::fuse::Tracer;
use crate::text::count;

use super::output::Output;
use super::{Outcome, Result, complain};

/// How long to wait when there was nothing to hear.
const PAUSE: Duration = Duration::from_millis(50);

/// Print what a mount is asked, as it is asked, and why it answers so
#[derive(clap::Args)]
pub struct Args {
    /// Where it is
    mount_point: PathBuf,
}

pub fn run(args: Args) -> Result {
    let mut tracer = Tracer::start(&args.mount_point)?;
    let mut out = Output::new();
    while let Some(heard) = tracer.hear() {
        if heard.missed > 0 {
            complain(&missed(heard.missed));
        }
        if heard.text.is_empty() {
            thread::sleep(PAUSE);
            continue;
        }
        out.write_all(heard.text.as_bytes())?;
        out.flush()?;
    }
    Ok(Outcome::Fine)
}

/// Prints lines that a daemon hears of itself.
pub fn tell(lines: &str, lost: u64) {
    let mut err = io::stderr().lock();
    // If it cannot be written, there is nobody to be told.
    if lost > 0 {
        let _ = writeln!(err, "peelfs: {}", missed(lost));
    }
    let _ = err.write_all(lines.as_bytes());
}

fn missed(lines: u64) -> String {
    format!("{} missed", count(lines, "line"))
}
