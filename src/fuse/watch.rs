//! Which of a session's loops waits for the next request.
//!
//! What a small request costs is not its answer: it is waking the loop that gives it, on a processor that has gone idle
//! meanwhile, and that of a virtual machine been given away. Where every loop sleeps in read(2), each request wakes
//! one. So while requests come one by one, one loop is on watch and the others rest, where the kernel does not know of
//! them; and whoever walks a tree asks again at once, so the loop on watch looks out for a moment before it sleeps. Should
//! it have to wait for a disk or for a decoder ([`wait`]), or find that a request has been waiting, one of those that
//! rest comes back.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::wait;

/// How long a loop looks out: some times longer than a program needs between two answers of a walk, or between reading
/// one small file and the next.
const LONGEST: Duration = Duration::from_micros(100);

/// After a loop has looked out in vain n times in a row, 2ⁿ - 1 answers go by before the next time, with n at most this. It is how
/// the kernel decides whether to keep an idle processor of a virtual machine (haltpoll).
const MOST_VAIN: u32 = 8;

/// The loops of a session, each known here from its first request on.
pub struct Watch {
    /// Any of the session's descriptors of the device: all of them have a request when one has.
    device: OwnedFd,
    loops: u32,
    seated: AtomicU32,
    counts: AtomicU64,
    /// Loops that may come back.
    called: Mutex<u32>,
    calls: Condvar,
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

thread_local! {
    /// The place of a loop, which it gives up when its thread ends.
    static SEAT: RefCell<Option<Seat>> = const { RefCell::new(None) };
}

struct Seat(Arc<Watch>);

impl Watch {
    /// For as many loops over a device. A single one has nobody to rest for it, and may be on the only processor, where
    /// whoever is to ask has to run.
    pub fn new(device: &OwnedFd, loops: usize) -> io::Result<Arc<Watch>> {
        Ok(Arc::new(Watch {
            device: device.try_clone()?,
            loops: u32::try_from(loops).unwrap_or(u32::MAX),
            seated: AtomicU32::new(0),
            counts: AtomicU64::new(0),
            called: Mutex::new(0),
            calls: Condvar::new(),
            vain: AtomicU32::new(0),
            pause: AtomicU32::new(0),
        }))
    }

    /// To be called by a loop that has a request.
    pub fn enter(self: &Arc<Watch>) {
        if self.loops > 1 && !self.seat() {
            self.change(|counts| Some(Counts { watching: counts.watching.saturating_sub(1), ..counts }));
        }
    }

    /// To be called by a loop that has answered; returns when it is to read the next request.
    pub fn leave(&self) {
        if self.loops <= 1 {
            return;
        }
        if self.has_request() {
            self.change(|counts| Some(Counts { watching: counts.watching + 1, ..counts }));
            return self.call(|_| true);
        }
        let before = self.change(|counts| {
            let Counts { watching, resting } = counts;
            Some(if watching == 0 {
                Counts { watching: 1, ..counts }
            } else {
                Counts { resting: resting + 1, ..counts }
            })
        });
        match before {
            // Those that are not known yet sleep in read(2), and should be the next.
            Some(Counts { watching: 0, .. }) if self.seated.load(Ordering::Relaxed) < self.loops => {}
            Some(Counts { watching: 0, .. }) => self.look_out(),
            _ => self.rest(),
        }
    }

    /// Makes the calling loop known; `false` if it was.
    fn seat(self: &Arc<Watch>) -> bool {
        SEAT.with_borrow_mut(|seat| {
            if seat.is_some() {
                return false;
            }
            *seat = Some(Seat(self.clone()));
            self.seated.fetch_add(1, Ordering::Relaxed);
            let watch = self.clone();
            wait::before_waiting(move || watch.call(|counts| counts.watching == 0));
            true
        })
    }

    /// Has a loop come back from its rest, if there is one and the others are as they must be for that.
    fn call(&self, is_due: impl Fn(Counts) -> bool) {
        let called = self.change(|counts| {
            let Counts { watching, resting } = counts;
            let is_due = resting > 0 && is_due(counts);
            is_due.then(|| Counts { watching: watching + 1, resting: resting - 1 })
        });
        if called.is_some() {
            *self.called.lock() += 1;
            self.calls.notify_one();
        }
    }

    fn rest(&self) {
        let mut called = self.called.lock();
        while *called == 0 {
            self.calls.wait(&mut called);
        }
        *called -= 1;
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

    /// Changes the counts, if they are to be; gives what they were then.
    fn change(&self, to: impl Fn(Counts) -> Option<Counts>) -> Option<Counts> {
        let packed = |counts| to(Counts::unpack(counts)).map(Counts::pack);
        let before = self.counts.fetch_update(Ordering::AcqRel, Ordering::Acquire, packed);
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
        let watch = &self.0;
        let before = watch.change(|Counts { watching, resting }| {
            Some(Counts { watching: watching.saturating_sub(1) + resting, resting: 0 })
        });
        *watch.called.lock() += before.map_or(0, |counts| counts.resting);
        watch.calls.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::thread;

    use super::*;

    /// Loops over a pipe in place of the device; each byte is a request, which takes as many times 10 µs, and waits for them
    /// if the number is odd. Gives the sum of all.
    fn serve(loops: usize, requests: impl IntoIterator<Item = (u8, Duration)>) -> u64 {
        let (device, mut kernel) =
            rustix::pipe::pipe().map(|(read, write)| (read, File::from(write))).unwrap();
        let watch = Watch::new(&device, loops).unwrap();
        let device = File::from(device);
        let event_loop = || {
            let (mut sum, mut request) = (0, [0]);
            while (&device).read(&mut request).unwrap() > 0 {
                watch.enter();
                if request[0] % 2 == 1 {
                    wait::announce();
                }
                thread::sleep(Duration::from_micros(10) * request[0].into());
                sum += u64::from(request[0]);
                watch.leave();
            }
            sum
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..loops).map(|_| scope.spawn(event_loop)).collect();
            for (request, after) in requests {
                kernel.write_all(&[request]).unwrap();
                thread::sleep(after);
            }
            drop(kernel);
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    }

    #[test]
    fn every_request_is_answered_and_every_loop_ends() {
        for loops in [1, 2, 3, 8] {
            for gap in [0, 20, 300] {
                let requests = (0..500).map(|no| ((no % 4) as u8, Duration::from_micros(gap)));
                assert_eq!(serve(loops, requests), 500 / 4 * 6, "{loops} loops, {gap} µs");
            }
            assert_eq!(serve(loops, []), 0);
        }
    }

    #[test]
    fn who_waits_keeps_nobody_waiting() {
        let (device, mut kernel) =
            rustix::pipe::pipe().map(|(read, write)| (read, File::from(write))).unwrap();
        let watch = Watch::new(&device, 2).unwrap();
        let device = File::from(device);
        // The first of these requests is only answered once the second is.
        let (first, second) = (std::sync::Barrier::new(2), 2);
        let event_loop = || {
            let mut request = [0];
            while (&device).read(&mut request).unwrap() > 0 {
                watch.enter();
                if request[0] > 0 {
                    wait::announce();
                    first.wait();
                }
                watch.leave();
            }
        };
        thread::scope(|scope| {
            (0..2).for_each(|_| drop(scope.spawn(event_loop)));
            for _ in 0..100 {
                // Until both are known, and one rests.
                for _ in 0..5 {
                    kernel.write_all(&[0]).unwrap();
                    thread::sleep(Duration::from_micros(200));
                }
                for _ in 0..second {
                    kernel.write_all(&[1]).unwrap();
                    thread::sleep(Duration::from_micros(50));
                }
            }
            drop(kernel);
        });
    }
}
