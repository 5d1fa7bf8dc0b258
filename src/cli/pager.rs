//! A pager between us and a terminal, for what is long and meant to be read.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::{SigId, flag, low_level};

/// What pages if nobody says: nothing is cleared away, and what fits on the screen is not paged.
const DEFAULT: &str = "less -FRX";

/// Whether paging was forbidden.
static IS_OFF: AtomicBool = AtomicBool::new(false);

/// Forbids paging; before anything is written.
pub fn forbid() {
    IS_OFF.store(true, Ordering::Relaxed);
}

/// A pager that runs; dropped, it is waited for.
pub struct Pager {
    child: Child,
    stdin: Option<ChildStdin>,
    interrupt: Option<SigId>,
}

impl Pager {
    /// Starts the pager that the user wants, if any; where it cannot be started there is none.
    pub fn start() -> Option<Pager> {
        if IS_OFF.load(Ordering::Relaxed) {
            return None;
        }
        let command = wanted(|name| env::var_os(name))?;
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(&command).stdin(Stdio::piped());
        if env::var_os("LESS").is_none() {
            shell.env("LESS", "FRX");
        }
        let mut child = shell.spawn().inspect_err(|error| tracing::debug!("pager: {error}")).ok()?;
        let stdin = child.stdin.take();
        // Ctrl-C is the pager's: were we to end by it, both the shell and the pager would read the keyboard.
        let interrupt = flag::register(SIGINT, Arc::default()).ok();
        Some(Pager { child, stdin, interrupt })
    }
}

impl Write for Pager {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stdin.as_mut().map_or(Ok(buf.len()), |stdin| stdin.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdin.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        // The end of what there is to read.
        drop(self.stdin.take());
        let _ = self.child.wait();
        self.interrupt.take().map(low_level::unregister);
    }
}

/// The pager's command line; none if it is empty or `cat`, which is how paging is turned off.
fn wanted(variable: impl Fn(&str) -> Option<OsString>) -> Option<OsString> {
    let command = variable("PEELFS_PAGER").or_else(|| variable("PAGER")).unwrap_or_else(|| DEFAULT.into());
    (!command.is_empty() && command != "cat").then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_variable_comes_first_and_cat_is_none() {
        for (own, general, pager) in [
            (None, None, Some("less -FRX")),
            (None, Some("more"), Some("more")),
            (Some("most"), Some("more"), Some("most")),
            (Some(""), Some("more"), None),
            (None, Some("cat"), None),
        ] {
            let variable = |name: &str| if name == "PAGER" { general } else { own }.map(OsString::from);
            assert_eq!(wanted(variable), pager.map(OsString::from));
        }
    }
}
