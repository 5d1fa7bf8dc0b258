//! Going into the background, and saying when the mount answers.
//!
//! The parent waits for one byte from the child and exits with its status: a script that goes on behind
//! `peelfs mount` finds the mount there. The child keeps the terminal until then, for its errors.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit, WaitOptions, getrlimit, setrlimit, waitpid};

use super::auto_unmount::AutoUnmount;
use super::stats::StatsListener;
use super::sys::{self, Fork};
use super::trace::TraceListener;
use super::unmount::Mount;

/// Files that are more than enough. Where containers set no limit it is a thousand million, and programs that
/// we start, which close all they might have inherited, would take minutes.
const MOST_FILES: u64 = 65_536;

/// A process that has been asked to fork.
pub enum Background {
    /// The one that was started: to exit with this status.
    Parent(u8),
    /// The one that serves.
    Child(Daemon),
}

/// The process that serves, in the background or not, and who is to hear of it.
#[derive(Default)]
pub struct Daemon {
    /// Hears that the mount answers; or, if this is dropped without a word, that there will be none.
    parent: Option<OwnedFd>,
    /// Another descriptor that whoever started us waits on.
    ready_fd: Option<ReadyFd>,
    /// Where messages go once there is no terminal.
    log: Option<File>,
    /// Takes the mount away if we cannot.
    pub auto_unmount: Option<AutoUnmount>,
    /// Hears where the time goes.
    pub stats_listener: Option<StatsListener>,
    /// Hears what is asked.
    pub trace_listener: Option<TraceListener>,
}

/// A descriptor to write a newline to when the mount answers (`--ready-fd`).
pub struct ReadyFd {
    fd: OwnedFd,
    number: RawFd,
}

impl Background {
    /// Forks; to be called before any thread is started, and before anything is opened but what the daemon
    /// is given here. The parent returns once the child is ready or has ended.
    pub fn start(daemon: Daemon) -> io::Result<Background> {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        match sys::fork()? {
            Fork::Child => {
                drop(read);
                let daemon = Daemon { parent: Some(write), ..daemon };
                daemon.close_inherited();
                Ok(Background::Child(daemon))
            }
            Fork::Parent(child) => {
                drop(write);
                let is_ready = File::from(read).read(&mut [0])? > 0;
                let status = if is_ready { 0 } else { status_of(child)? };
                Ok(Background::Parent(status))
            }
        }
    }
}

/// How a child ended that was never ready. It has said why; unless something ended it.
fn status_of(child: Pid) -> io::Result<u8> {
    let Some((_, status)) = waitpid(Some(child), WaitOptions::empty())? else { return Ok(2) };
    if let Some(signal) = status.terminating_signal() {
        return Err(io::Error::other(format!("the daemon was ended by signal {signal}")));
    }
    Ok(status.exit_status().and_then(|status| u8::try_from(status).ok()).unwrap_or(2))
}

impl Daemon {
    /// One that stays in the foreground unless [`Background::start`] sends it away.
    pub fn new(ready_fd: Option<ReadyFd>, log: Option<File>) -> Daemon {
        Daemon { ready_fd, log, ..Daemon::default() }
    }

    /// Says which mount is to go if this process dies.
    pub fn entrust(&mut self, mount: &Mount) -> io::Result<()> {
        self.auto_unmount.as_mut().map_or(Ok(()), |auto_unmount| auto_unmount.watch(mount))
    }

    /// Leaves the terminal, if there is a parent to go back to it, and tells all who wait.
    pub fn announce(&mut self) -> io::Result<()> {
        if self.parent.is_some() {
            leave_terminal(self.log.as_ref().map(AsFd::as_fd))?;
        }
        // The parent comes last: by its exit status the mount is there, and stays.
        if let Some(ready_fd) = self.ready_fd.take()
            && let Err(error) = ready_fd.announce()
        {
            tracing::warn!(%error, "--ready-fd: nobody heard that the mount answers");
        }
        if let Some(parent) = self.parent.take() {
            File::from(parent).write_all(b"\n")?;
        }
        Ok(())
    }

    /// Lets go of what the program was started with, but its standard streams.
    fn close_inherited(&self) {
        let own: [Option<BorrowedFd<'_>>; 3] = [
            self.parent.as_ref().map(AsFd::as_fd),
            self.ready_fd.as_ref().map(|ready_fd| ready_fd.fd.as_fd()),
            self.log.as_ref().map(AsFd::as_fd),
        ];
        let own: Vec<BorrowedFd<'_>> = own.into_iter().flatten().collect();
        if let Err(error) = sys::close_all_but(&own) {
            tracing::debug!(%error, "inherited descriptors stay open");
        }
    }
}

impl ReadyFd {
    /// Takes over an inherited descriptor.
    pub fn new(number: RawFd) -> io::Result<ReadyFd> {
        Ok(ReadyFd { fd: sys::inherited_fd(number)?, number })
    }

    /// Writes the newline; whoever reads comes to the end of the file behind it.
    fn announce(self) -> io::Result<()> {
        File::from(self.fd).write_all(b"\n")?;
        let null = open_null()?;
        match self.number {
            0 => rustix::stdio::dup2_stdin(&null)?,
            1 => rustix::stdio::dup2_stdout(&null)?,
            2 => rustix::stdio::dup2_stderr(&null)?,
            _ => {}
        }
        Ok(())
    }
}

/// Lets this process open as many files as it may: layers and spools stay open as long as the mount.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(MOST_FILES, |maximum| maximum.min(MOST_FILES));
    if limit.current.is_none_or(|current| current >= most) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..limit }) {
        tracing::debug!(%error, "limit of open files not raised");
    }
}

/// Cuts a process off from the terminal and the directory that it was started in; neither must stay busy.
pub(super) fn leave_terminal(log: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let null = open_null()?;
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(log.unwrap_or(null.as_fd()))?;
    Ok(())
}

fn open_null() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}
