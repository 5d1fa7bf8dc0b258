//! Serving a mount until it is taken away.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use fuser::{Config, Session, SessionACL};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::adapter::Adapter;
use super::attr::Ownership;
use super::auto_unmount::RETRY;
use super::daemon::Daemon;
use super::idle::{Idle, QUIET};
use super::loops::Loops;
use super::mount::{Access, MountError, MountOptions, MountPoint};
use super::readahead;
use super::requests::Requests;
use super::stats::{Occasion, Stats};
use super::trace::Trace;
use super::tree::Tree;
use super::unmount::{Mount, Unmounted};
use super::watch::Watch;
use super::writable::WritableAdapter;

/// How long requests under way may take to end once the mount is gone; whoever keeps a file open longer
/// gets errors, as from any server that was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Loops that take requests: one a processor, but a mount of one reader gains nothing from many; and some even on one
/// processor, as they wait for disks.
const MIN_LOOPS: usize = 4;
const MAX_LOOPS: usize = 8;

/// Why serving ended, when nothing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// Someone unmounted.
    Unmounted,
    /// A signal.
    Stopped,
}

/// Why a mount could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It could not be made, or not be taken away.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The connection to the kernel broke.
    #[error("connection to the kernel: {0}")]
    Session(io::Error),
    /// The process could not be set up.
    #[error("{0}")]
    Setup(#[from] io::Error),
}

enum Event {
    Signal,
    SessionEnded(io::Result<()>),
}

impl MountPoint {
    /// Mounts a filesystem, says that it is ready, and serves it until it is unmounted or a signal comes.
    pub fn serve(
        self,
        tree: Tree,
        options: &MountOptions,
        ownership: Ownership,
        mut daemon: Daemon,
    ) -> Result<Served, ServeError> {
        let (sender, events) = mpsc::channel();
        let requests = Arc::new(Requests::new()?);
        let stats = Arc::new(Stats::new(tree.clone(), requests.clone(), daemon.stats_listener.take()));
        stats.clone().tell_when_asked()?;
        let trace = Arc::new(Trace::new(daemon.trace_listener.take()));
        trace.tell_always()?;
        let idle = Idle::new(tree.clone(), requests.clone());
        // Before the mount: a signal must never find it without someone to take it away.
        watch_signals(sender.clone())?;
        let (fd, mount) = self.mount(options)?;
        let served = daemon
            .entrust(&mount)
            .map_err(ServeError::Setup)
            .and_then(|()| {
                let processors = thread::available_parallelism().map_or(1, usize::from);
                let count = processors.clamp(MIN_LOOPS, MAX_LOOPS);
                let loops =
                    Loops { requests, watch: Watch::new(&fd, count, processors > 1)?, trace: trace.clone() };
                let start = Start { loops: count, fd, access: options.access, sender };
                match &tree {
                    Tree::ReadOnly(fs) => start.with(Adapter::new(fs.clone(), loops, ownership, options)),
                    Tree::Writable(fs) => {
                        start.with(WritableAdapter::new(fs.clone(), loops, ownership, options))
                    }
                }
            })
            .and_then(|()| {
                readahead::raise(&mount);
                daemon.announce()?;
                tracing::info!(dir = %mount.dir().display(), "mounted");
                let served = wait(&mount, &events, idle);
                trace.tell();
                stats.tell(Occasion::Ended);
                served
            });
        if served.is_err()
            && let Err(error) = mount.unmount()
        {
            // What went wrong first is what is reported.
            tracing::error!(%error, "the mount stays behind");
        }
        tree.clean_up();
        served
    }
}

fn watch_signals(sender: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            if sender.send(Event::Signal).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// What it takes to begin.
struct Start {
    loops: usize,
    fd: OwnedFd,
    access: Access,
    sender: Sender<Event>,
}

impl Start {
    /// Shakes hands with the kernel and starts the loops; when this returns, the mount answers.
    fn with(self, adapter: impl fuser::Filesystem) -> Result<(), ServeError> {
        let mut config = Config::default();
        config.n_threads = Some(self.loops);
        // A cloned descriptor needs the device again, which who mounts through the helper may not open.
        config.clone_fd = std::fs::File::options().read(true).write(true).open("/dev/fuse").is_ok();
        // Who may use the mount the kernel checks, but it knows no difference between root and others.
        let acl = match self.access {
            Access::OwnerAndRoot => SessionACL::RootAndOwner,
            Access::Owner | Access::Everyone => SessionACL::All,
        };
        let session = Session::from_fd(adapter, self.fd, acl, config);
        let session = session.map_err(ServeError::Session)?;
        let sender = self.sender;
        thread::Builder::new().name("session".into()).spawn(move || {
            let ended = session.run();
            // Nobody listens if the program is about to end anyway.
            let _ = sender.send(Event::SessionEnded(ended));
        })?;
        Ok(())
    }
}

fn wait(mount: &Mount, events: &Receiver<Event>, mut idle: Idle) -> Result<Served, ServeError> {
    let event = loop {
        match events.recv_timeout(QUIET) {
            Err(RecvTimeoutError::Timeout) => idle.look(),
            event => break event,
        }
    };
    match event {
        Ok(Event::SessionEnded(ended)) => {
            ended.map_err(ServeError::Session)?;
            tracing::info!(dir = %mount.dir().display(), "unmounted");
            Ok(Served::Unmounted)
        }
        Ok(Event::Signal) | Err(_) => {
            stop(mount, events)?;
            while let Ok(Event::Signal) = events.recv_timeout(GRACE) {}
            Ok(Served::Stopped)
        }
    }
}

/// Takes the mount away; while another one covers it, it is served on, or it would be found dead below that.
fn stop(mount: &Mount, events: &Receiver<Event>) -> Result<(), ServeError> {
    if mount.unmount()? == Unmounted::Gone {
        return Ok(());
    }
    tracing::warn!("{}: covered by another mount, and served until that is gone", mount.dir().display());
    loop {
        match events.recv_timeout(RETRY) {
            Ok(Event::SessionEnded(ended)) => return ended.map_err(ServeError::Session),
            // Who asks twice means it.
            Ok(Event::Signal) => return Err(MountError::Covered(mount.dir().to_owned()).into()),
            Err(_) if mount.unmount()? == Unmounted::Gone => return Ok(()),
            Err(_) => {}
        }
    }
}
