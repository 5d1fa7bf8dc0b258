//! `fusermount3`: the setuid helper that mounts and unmounts for users without privileges.
//!
//! Its protocol is libfuse's: it sends the open /dev/fuse over the socket named in `_FUSE_COMMFD`.

use std::ffi::OsStr;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::io::FdFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType,
};

/// Where it is looked for; its users' PATH need not have it.
const PROGRAMS: [&str; 4] = ["fusermount3", "/usr/bin/fusermount3", "/bin/fusermount3", "fusermount"];

/// The variable that tells it where to send the descriptor.
const COMM_FD: &str = "_FUSE_COMMFD";

/// Mounts on `dir` with options as in `-o`; gives the descriptor to serve.
pub fn mount(dir: &Path, options: &str) -> io::Result<OwnedFd> {
    // Neither end may close on exec before the helper has its own.
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
    rustix::io::fcntl_setfd(&ours, FdFlags::CLOEXEC)?;
    let helper = spawn(|command| {
        command.arg("-o").arg(options).arg("--").arg(dir);
        command.env(COMM_FD, theirs.as_raw_fd().to_string());
    })?;
    drop(theirs);
    let received = receive(&ours);
    let output = helper.wait_with_output()?;
    match received? {
        Some(fd) => {
            rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
            Ok(fd)
        }
        None => Err(complaint(&output.stderr)),
    }
}

/// Unmounts what is on `dir`.
pub fn unmount(dir: &Path, lazy: bool) -> io::Result<()> {
    let helper = spawn(|command| {
        command.arg("-u").args(lazy.then_some("-z")).arg("--").arg(dir);
    })?;
    let output = helper.wait_with_output()?;
    if output.status.success() { Ok(()) } else { Err(complaint(&output.stderr)) }
}

fn spawn(configure: impl Fn(&mut Command)) -> io::Result<Child> {
    for program in PROGRAMS {
        let mut command = Command::new(OsStr::new(program));
        configure(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "fusermount3 is not installed (package fuse3)"))
}

/// The descriptor that the helper sends, or `None` if it ends without sending one.
fn receive(socket: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    loop {
        match rustix::net::recvmsg(
            socket.as_fd(),
            &mut [IoSliceMut::new(&mut byte)],
            &mut control,
            RecvFlags::empty(),
        ) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut fds) = message {
            return Ok(fds.next());
        }
    }
    Ok(None)
}

fn complaint(stderr: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    io::Error::other(if text.is_empty() { "fusermount3 failed" } else { text })
}
