//! Going into the background, and saying when the mount answers.
//!
//! The parent waits for one byte from the child and exits with its status: a script that goes on behind
//! `peelfs mount` finds the mount there. The child keeps the terminal until then, for its errors.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::{WaitOptions, waitpid};

use super::sys::{self, Fork};

/// A process that has been asked to fork.
pub enum Background {
    /// The one that was started: to exit with this status.
    Parent(u8),
    /// The one that serves.
    Child(Ready),
}

/// Says that the mount answers; dropped without, it says that there will be none.
#[derive(Default)]
pub struct Ready {
    parent: Option<OwnedFd>,
    /// Another descriptor that whoever started us waits on.
    pub fd: Option<ReadyFd>,
    /// Where messages go once there is no terminal.
    pub log: Option<File>,
}

/// A descriptor to write a newline to when the mount answers (`--ready-fd`).
pub struct ReadyFd(OwnedFd);

impl ReadyFd {
    /// Takes over an inherited descriptor.
    pub fn new(fd: RawFd) -> io::Result<ReadyFd> {
        let fd = sys::inherited_fd(fd)?;
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
        Ok(ReadyFd(fd))
    }
}

impl Background {
    /// Forks; to be called before any thread is started. The parent returns once the child is ready or
    /// has ended.
    pub fn start() -> io::Result<Background> {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        match sys::fork()? {
            Fork::Child => Ok(Background::Child(Ready { parent: Some(write), ..Ready::default() })),
            Fork::Parent(child) => {
                drop(write);
                let ready = File::from(read).read(&mut [0])? > 0;
                if ready {
                    return Ok(Background::Parent(0));
                }
                // It has said why; unless something ended it.
                let status = waitpid(Some(child), WaitOptions::empty())?.map(|(_, status)| status);
                if let Some(signal) = status.and_then(|status| status.terminating_signal()) {
                    return Err(io::Error::other(format!("the daemon was ended by signal {signal}")));
                }
                let status = status.and_then(|status| status.exit_status());
                Ok(Background::Parent(status.and_then(|s| u8::try_from(s).ok()).unwrap_or(2)))
            }
        }
    }
}

impl Ready {
    /// Leaves the terminal, if there is a parent to go back to it, and tells all who wait.
    pub fn announce(self) -> io::Result<()> {
        if let Some(parent) = self.parent {
            leave_terminal(self.log.as_ref())?;
            File::from(parent).write_all(b"\n")?;
        }
        if let Some(ReadyFd(fd)) = self.fd {
            File::from(fd).write_all(b"\n")?;
        }
        Ok(())
    }
}

fn leave_terminal(log: Option<&File>) -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::process::setsid()?;
    // The directory it was started in must not stay busy.
    rustix::process::chdir("/")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(log.map_or(null.as_fd(), AsFd::as_fd))?;
    Ok(())
}
