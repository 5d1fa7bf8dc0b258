//! Which of a session's loops waits for the next request.
//!
//! What a small request costs is not its answer: it is waking the loop that gives it, on a processor that has
//! gone idle meanwhile, or that a virtual machine has given away. Where every loop sleeps in read(2), each
//! request wakes one. So while requests come one by one, one loop is on watch, and the others rest where the
//! kernel does not know of them; and as whoever walks a tree asks again at once, the loop on watch looks out
//! for a moment before it sleeps.
//!
//! One that rests is called back when another request is waiting already, and when the one that answers is
//! about to wait for a disk or a decoder ([`wait`]). What is not announced is noticed: one of those that
//! rest, the keeper, looks from time to time whether a request waits and nobody is on watch.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::wait;

/// How long a loop looks out: some times longer than a program needs between two answers of a walk, or
/// between reading one small file and the next.
const LONGEST: Duration = Duration::from_micros(100);

/// After a loop has looked out in vain n times in a row, 2ⁿ - 1 answers go by before the next time; n is at
/// most this. So does the kernel decide whether to give an idle processor of a virtual machine away
/// (haltpoll).
const MOST_VAIN: u32 = 8;

/// How long a request may wait while a loop answers for longer than it has said it would.
const PATIENCE: Duration = Duration::from_millis(10);

/// The loops of a session, each known here from its first request on.
pub struct Watch {
    /// Any of the session's descriptors of the device: all of them have a request when one has.
    device: OwnedFd,
    loops: u32,
    looks_out: bool,
    known: AtomicU32,
    counts: AtomicU64,
    rest: Mutex<Rest>,
    /// For those that rest, but for the keeper.
    calls: Condvar,
    calls_of_keeper: Condvar,
    /// The keeper waits for a request to be answered before it looks again.
    keeper_sleeps: AtomicBool,
    /// How often a loop looked out in vain, in a row.
    vain: AtomicU32,
    /// Answers to go by before one looks out again.
    pause: AtomicU32,
}

/// Loops that are known, but for those that are answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    /// In read(2), or on the way there.
    watching: u32,
    resting: u32,
}

/// What those that rest have to know.
struct Rest {
    /// How many may come back.
    called: u32,
    has_keeper: bool,
}

thread_local! {
    /// The place of a loop, which it gives up when its thread ends.
    static SEAT: RefCell<Option<Seat>> = const { RefCell::new(None) };
}

struct Seat {
    watch: Arc<Watch>,
    /// It is counted among those on watch.
    is_watching: Cell<bool>,
    /// When it last answered, another request was waiting.
    has_backlog: Cell<bool>,
}

impl Watch {
    /// For as many loops over a device. None looks out if there is only one processor: whoever is to ask has to run
    /// there.
    pub fn new(device: &OwnedFd, loops: usize, looks_out: bool) -> io::Result<Arc<Watch>> {
        Ok(Arc::new(Watch {
            device: device.try_clone()?,
            loops: u32::try_from(loops).unwrap_or(u32::MAX),
            looks_out,
            known: AtomicU32::new(0),
            counts: AtomicU64::new(0),
            rest: Mutex::new(Rest { called: 0, has_keeper: false }),
            calls: Condvar::new(),
            calls_of_keeper: Condvar::new(),
            keeper_sleeps: AtomicBool::new(false),
            vain: AtomicU32::new(0),
            pause: AtomicU32::new(0),
        }))
    }

    /// A single loop has nobody to rest for it.
    fn is_alone(&self) -> bool {
        self.loops <= 1
    }

    /// To be called by a loop that has a request.
    pub fn enter(self: &Arc<Watch>) {
        if self.is_alone() {
            return;
        }
        let had_backlog = self.with_seat(|seat| {
            if seat.is_watching.take() {
                self.change(|counts| Some(Counts { watching: counts.watching.saturating_sub(1), ..counts }));
            }
            seat.has_backlog.take()
        });
        if had_backlog && self.has_request() {
            self.call_back(|_| true);
        }
        if self.keeper_sleeps.load(Ordering::SeqCst) && self.keeper_sleeps.swap(false, Ordering::SeqCst) {
            let _rest = self.rest.lock();
            self.calls_of_keeper.notify_one();
        }
    }

    /// To be called by a loop that has answered; returns when it is to read the next request.
    pub fn leave(self: &Arc<Watch>) {
        if self.is_alone() {
            return;
        }
        let has_backlog = self.has_request();
        let before = self.change(|Counts { watching, resting }| {
            let is_needed = has_backlog || watching == 0;
            let (watching, resting) =
                if is_needed { (watching + 1, resting) } else { (watching, resting + 1) };
            Some(Counts { watching, resting })
        });
        match before {
            _ if has_backlog => {}
            // Those that are not known yet sleep in read(2), and should be the next.
            Some(Counts { watching: 0, .. }) if self.known.load(Ordering::Relaxed) < self.loops => {}
            Some(Counts { watching: 0, .. }) if !self.looks_out => {}
            Some(Counts { watching: 0, .. }) => self.look_out(),
            _ => self.rest(),
        }
        self.with_seat(|seat| {
            seat.is_watching.set(true);
            seat.has_backlog.set(has_backlog);
        });
    }

    fn with_seat<T>(self: &Arc<Watch>, act: impl FnOnce(&Seat) -> T) -> T {
        SEAT.with_borrow_mut(|seat| act(seat.get_or_insert_with(|| self.seat())))
    }

    /// A seat for the calling loop.
    fn seat(self: &Arc<Watch>) -> Seat {
        self.known.fetch_add(1, Ordering::Relaxed);
        let watch = self.clone();
        wait::before_waiting(move || watch.call_back(|counts| counts.watching == 0));
        Seat { watch: self.clone(), is_watching: Cell::new(false), has_backlog: Cell::new(false) }
    }

    /// Has a loop come back from its rest, if there is one and the others are as they must be for that.
    fn call_back(&self, is_due: impl Fn(Counts) -> bool) {
        if self.take_from_rest(is_due) {
            self.rest.lock().called += 1;
            if !self.calls.notify_one() {
                self.calls_of_keeper.notify_one();
            }
        }
    }

    fn take_from_rest(&self, is_due: impl Fn(Counts) -> bool) -> bool {
        let taken = self.change(|counts| {
            let Counts { watching, resting } = counts;
            let is_due = resting > 0 && is_due(counts);
            is_due.then(|| Counts { watching: watching + 1, resting: resting - 1 })
        });
        taken.is_some()
    }

    /// Returns once the calling loop, which is counted among those that rest, is counted among those on
    /// watch.
    fn rest(&self) {
        let mut rest = self.rest.lock();
        while rest.called == 0 {
            if rest.has_keeper {
                self.calls.wait(&mut rest);
                continue;
            }
            rest.has_keeper = true;
            let is_missing = self.keep(&mut rest);
            rest.has_keeper = false;
            // Another one is to be the keeper.
            self.calls.notify_one();
            if is_missing && self.take_from_rest(|counts| counts.watching == 0) {
                return;
            }
        }
        rest.called -= 1;
    }

    /// Waits as the keeper does, for a while; says whether a request waits then that nobody is there to read.
    fn keep(&self, rest: &mut MutexGuard<'_, Rest>) -> bool {
        self.keeper_sleeps.store(true, Ordering::SeqCst);
        if self.counts().watching > 0 {
            self.calls_of_keeper.wait(rest);
        }
        self.keeper_sleeps.store(false, Ordering::SeqCst);
        let has_time = rest.called == 0 && self.calls_of_keeper.wait_for(rest, PATIENCE).timed_out();
        has_time && self.counts().watching == 0 && self.has_request()
    }

    /// Looks for the next request for a while, unless that was in vain of late.
    fn look_out(&self) {
        let pause = self.pause.load(Ordering::Relaxed);
        if pause > 0 {
            return self.pause.store(pause - 1, Ordering::Relaxed);
        }
        let end = Instant::now() + LONGEST;
        let mut has_come = self.has_request();
        while !has_come && Instant::now() < end {
            std::hint::spin_loop();
            has_come = self.has_request();
        }
        let vain = if has_come { 0 } else { (self.vain.load(Ordering::Relaxed) + 1).min(MOST_VAIN) };
        self.vain.store(vain, Ordering::Relaxed);
        self.pause.store((1 << vain) - 1, Ordering::Relaxed);
    }

    /// Whether whoever reads would have something, if only that the session is over.
    fn has_request(&self) -> bool {
        let mut polled = [PollFd::new(&self.device, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    fn counts(&self) -> Counts {
        Counts::unpack(self.counts.load(Ordering::SeqCst))
    }

    /// Changes the counts, if they are to be; gives what they were then.
    fn change(&self, to: impl Fn(Counts) -> Option<Counts>) -> Option<Counts> {
        let packed = |counts| to(Counts::unpack(counts)).map(Counts::pack);
        let before = self.counts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, packed);
        before.ok().map(Counts::unpack)
    }
}

impl Counts {
    fn pack(self) -> u64 {
        u64::from(self.watching) << 32 | u64::from(self.resting)
    }

    fn unpack(packed: u64) -> Counts {
        Counts { watching: (packed >> 32) as u32, resting: packed as u32 }
    }
}

impl Drop for Seat {
    /// A loop ends when the session does: those that rest have to hear of it, from read(2) like this one.
    fn drop(&mut self) {
        let watch = &self.watch;
        let gone = u32::from(self.is_watching.get());
        let before = watch.change(|Counts { watching, resting }| {
            Some(Counts { watching: watching.saturating_sub(gone) + resting, resting: 0 })
        });
        watch.rest.lock().called += before.map_or(0, |counts| counts.resting);
        watch.calls.notify_all();
        watch.calls_of_keeper.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread::{self, JoinHandle};

    use super::*;

    /// Longer than anything here takes.
    const LONG: Duration = Duration::from_secs(20);

    /// Loops over a pipe in place of the device; each byte is a request, which a function answers.
    struct Session {
        kernel: File,
        watch: Arc<Watch>,
        threads: Vec<JoinHandle<()>>,
        ended: Receiver<()>,
    }

    impl Session {
        fn new(loops: usize, answer: impl Fn(u8) + Send + Sync + 'static) -> Session {
            let (device, kernel) = rustix::pipe::pipe().unwrap();
            let watch = Watch::new(&device, loops, loops > 2).unwrap();
            let (device, answer) = (Arc::new(File::from(device)), Arc::new(answer));
            let (sender, ended) = mpsc::channel();
            let event_loop = || {
                let (device, watch, answer) = (device.clone(), watch.clone(), answer.clone());
                let sender: Sender<()> = sender.clone();
                move || {
                    let mut request = [0];
                    while (&*device).read(&mut request).unwrap() > 0 {
                        watch.enter();
                        answer(request[0]);
                        watch.leave();
                    }
                    drop(sender);
                }
            };
            let threads = (0..loops).map(|_| thread::spawn(event_loop())).collect();
            Session { kernel: File::from(kernel), watch: watch.clone(), threads, ended }
        }

        fn ask(&mut self, request: u8, then: Duration) {
            self.kernel.write_all(&[request]).unwrap();
            thread::sleep(then);
        }

        /// Asks until all loops are known, and all but one rest.
        fn settle(&mut self) {
            let settled = Counts { watching: 1, resting: self.watch.loops - 1 };
            for _ in 0..10_000 {
                self.ask(0, Duration::from_micros(200));
                if self.watch.counts() == settled {
                    return;
                }
            }
            panic!("{:?}", self.watch.counts());
        }

        fn end(self) {
            drop(self.kernel);
            let ended = self.ended.recv_timeout(LONG);
            assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected), "loops that do not end");
            self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
    }

    #[test]
    fn every_request_is_answered_and_every_loop_ends() {
        for loops in [1, 2, 3, 8] {
            for gap in [0, 20, 300] {
                let sum = Arc::new(AtomicU64::new(0));
                let own = sum.clone();
                let mut session = Session::new(loops, move |request| {
                    if request % 2 == 1 {
                        wait::announce();
                    }
                    thread::sleep(Duration::from_micros(10) * request.into());
                    own.fetch_add(request.into(), Ordering::Relaxed);
                });
                (0..500).for_each(|no| session.ask((no % 4) as u8, Duration::from_micros(gap)));
                session.end();
                assert_eq!(sum.load(Ordering::Relaxed), 500 / 4 * 6, "{loops} loops, {gap} µs");
            }
            Session::new(loops, |_| {}).end();
        }
    }

    #[test]
    fn who_waits_keeps_nobody_waiting_whether_it_says_so_or_not() {
        const WAIT: u8 = 1;
        const STICK: u8 = 2;
        const GO: u8 = 3;
        let (go, gone) = (Mutex::new(false), Condvar::new());
        let (answered, answers) = mpsc::channel();
        let answered = Mutex::new(answered);
        let mut session = Session::new(3, move |request| {
            if request == WAIT {
                wait::announce();
            }
            let mut go = go.lock();
            match request {
                GO => {
                    *go = true;
                    gone.notify_all();
                }
                WAIT | STICK => {
                    // Until the next request is answered.
                    while !*go {
                        gone.wait(&mut go);
                    }
                    *go = false;
                    answered.lock().send(request).unwrap();
                }
                _ => {}
            }
        });
        for request in [WAIT, STICK].into_iter().cycle().take(50) {
            session.settle();
            session.ask(request, Duration::from_micros(50));
            session.ask(GO, Duration::ZERO);
            assert_eq!(answers.recv_timeout(LONG), Ok(request));
        }
        session.end();
    }

    #[test]
    fn one_by_one_only_one_loop_is_on_watch() {
        let mut session = Session::new(4, |_| {});
        session.settle();
        for _ in 0..100 {
            session.ask(0, Duration::from_micros(300));
        }
        assert_eq!(session.watch.counts(), Counts { watching: 1, resting: 3 });
        session.end();
    }
}
