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
    if is_gone(patience)? {
        return Ok(Input::Gone);
    }
    // Whatever ended the waiting: a signal may have been that of a new size, which is an event.
    Ok(if event::poll(Duration::ZERO)? { Input::Event } else { Input::None })
}

/// Whether nobody is there any more, once there is something to read or so long has passed.
pub fn is_gone(patience: Duration) -> io::Result<bool> {
    let stdin = io::stdin();
    let mut polled = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
    let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos().into() };
    match poll(&mut polled, Some(&patience)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    Ok(polled.iter().any(|stdin| stdin.revents().intersects(gone)))
}

/// Takes the event that there is.
pub fn take() -> io::Result<Event> {
    event::read()
}
