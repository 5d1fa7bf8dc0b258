//! What the terminal has to say: keys, another size, or that it is gone.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Nothing yet.
    None,
    /// An event that can be taken.
    Event,
    /// Nobody is there any more.
    Gone,
}

/// Waits for an event, so long at most; longer than it says only for a new size.
///
/// `crossterm` must not be asked where the terminal is gone: it reads nothing then, without end.
pub fn wait(patience: Duration) -> io::Result<Input> {
    let stdin = io::stdin();
    let mut polled = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
    let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos().into() };
    match poll(&mut polled, Some(&patience)) {
        // A signal: perhaps of a new size, which is an event.
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let is_gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    if polled.iter().any(|stdin| stdin.revents().intersects(is_gone)) {
        return Ok(Input::Gone);
    }
    Ok(if event::poll(Duration::ZERO)? { Input::Event } else { Input::None })
}

/// Takes the event that there is.
pub fn take() -> io::Result<Event> {
    event::read()
}
