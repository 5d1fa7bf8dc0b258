//! `auto_unmount`: a process that outlives the daemon, and takes the mount away when the daemon has died.
//!
//! libfuse leaves this to fusermount3, which tells a dead mount by its open(2) failing. Ours would succeed:
//! the kernel answers it from what it remembers. So we wait ourselves, and tell the mount by its number.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::pipe::PipeFlags;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::daemon::leave_terminal;
use super::sys::{self, Fork};
use super::unmount::{Mount, Unmounted};

/// How often is looked whether a mount that another one covers can be taken away.
pub const RETRY: Duration = Duration::from_secs(1);

/// The daemon's end of a pipe: when the kernel closes it, however the daemon ended, the other process acts.
pub struct AutoUnmount(File);

impl AutoUnmount {
    /// Starts the process; to be called before any thread is started.
    pub fn start() -> io::Result<AutoUnmount> {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        match sys::fork()? {
            Fork::Parent(_) => Ok(AutoUnmount(write.into())),
            Fork::Child => {
                drop(write);
                // There is nobody left whom an error could be told.
                std::process::exit(wait(read).map_or(2, |()| 0));
            }
        }
    }

    /// Says which mount it is.
    pub fn watch(&mut self, mount: &Mount) -> io::Result<()> {
        let name = mount.name().ok_or_else(|| io::Error::other("auto_unmount needs /proc"))?;
        self.0.write_all(name.as_bytes())
    }
}

fn wait(daemon: OwnedFd) -> io::Result<()> {
    // What asks the daemon to end must not end us before it has.
    sys::ignore_signals(&[SIGHUP, SIGINT, SIGTERM]);
    leave_terminal(None)?;
    // What stays open ends with us, and we end with the daemon.
    let _ = sys::close_all_but(&[daemon.as_fd()]);
    let mut name = String::new();
    File::from(daemon).read_to_string(&mut name)?;
    if name.is_empty() {
        return Ok(());
    }
    let mount = Mount::named(&name)?;
    while mount.unmount().map_err(io::Error::other)? == Unmounted::NotYet {
        std::thread::sleep(RETRY);
    }
    Ok(())
}
