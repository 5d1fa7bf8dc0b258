//! Signals that end the browser, and those of job control.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::{Signal, getpid, getsid, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::{flag, low_level};

/// Which signals came.
pub struct Signals {
    end: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    go_on: Arc<AtomicBool>,
}

impl Signals {
    /// Listens, from now on until the process ends.
    pub fn listen() -> io::Result<Signals> {
        let signals = Signals { end: Arc::default(), stop: Arc::default(), go_on: Arc::default() };
        for number in [SIGTERM, SIGHUP, SIGINT] {
            flag::register_usize(number, signals.end.clone(), number as usize)?;
        }
        flag::register(SIGTSTP, signals.stop.clone())?;
        flag::register(SIGCONT, signals.go_on.clone())?;
        Ok(signals)
    }

    /// The signal that ends it all, if one came.
    pub fn end(&self) -> Option<u8> {
        let number = self.end.load(Ordering::Relaxed);
        (number != 0).then(|| u8::try_from(number).unwrap_or(u8::MAX))
    }

    /// Whether someone wants this process to stop.
    pub fn is_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether the process was stopped behind its back, and runs again; tells it once.
    pub fn take_go_on(&self) -> bool {
        self.go_on.swap(false, Ordering::Relaxed)
    }

    /// Asks this process and those that were started together with it to stop, as Ctrl-Z does where the terminal
    /// sees to that. Nothing if it leads its session: nobody could wake it.
    pub fn ask_to_stop(&self) -> io::Result<()> {
        if getsid(None)? != getpid() {
            kill_current_process_group(Signal::TSTP)?;
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Stops until someone says to go on.
    pub fn stop(&self) -> io::Result<()> {
        self.stop.store(false, Ordering::Relaxed);
        low_level::emulate_default_handler(SIGTSTP)?;
        // It is known that it does.
        self.take_go_on();
        // What Ctrl-Z sent to all may have come late.
        self.stop.store(false, Ordering::Relaxed);
        Ok(())
    }
}
