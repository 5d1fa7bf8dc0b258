//! What a mount is asked and why it answers so, as lines for who listens.
//!
//! Lines wait in a ring, bounded in bytes, that each listener reads with a cursor of its own: nobody waits for a
//! listener, and one that is slow hears how many lines it has missed. While nobody listens, a request costs one look
//! at a flag.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fuser::Errno;
use parking_lot::Mutex;

/// The ioctl by which a listener asks, on the root of a mount: `_IOWR('p', 0x54, [u8; SIZE])`. What it sends is a
/// cursor, the number of the first line that it has not seen; what it gets is a [`Reply`].
pub const IOCTL: u32 = 3 << 30 | (SIZE as u32) << 16 | (b'p' as u32) << 8 | 0x54;

/// Bytes that go both ways; an ioctl can have 16,383.
pub const SIZE: usize = 16_000;

/// The cursor of who listens from now on.
pub const FROM_NOW: u64 = u64::MAX;

/// What stands before the lines: which mount, the cursor behind them, lines missed, bytes of lines.
const HEAD: usize = 28;

/// Bytes of lines that are kept for listeners.
const MAX_BYTES: usize = 1024 * 1024;

/// What a line costs beside its bytes.
const OVERHEAD: usize = 32;

/// The longest line, in bytes: a path may be long, and longer when escaped.
const MAX_LINE: usize = 4096;

/// A listener that has not asked for so long is gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// Listeners at a time.
const MAX_LISTENERS: usize = 16;

/// Who hears the lines of a mount from its beginning: lines, each with its end, and how many were missed before them.
pub type TraceListener = Box<dyn FnMut(&str, u64) + Send>;

/// What is traced of a mount.
pub struct Trace {
    is_on: AtomicBool,
    id: u64,
    /// Whose the mount is: root may listen, too.
    owner: u32,
    ring: Mutex<Ring>,
    /// Listens as long as the mount stands.
    own: Option<Mutex<Own>>,
}

/// A listener in this process.
struct Own {
    listener: TraceListener,
    cursor: u64,
}

#[derive(Default)]
struct Ring {
    lines: VecDeque<Box<str>>,
    bytes: usize,
    /// The number of the first line that is there.
    first: u64,
    /// By process, with the time they last asked.
    listeners: Vec<(u32, Instant)>,
}

/// Lines that a listener has not heard yet.
#[derive(Debug, PartialEq, Eq)]
struct Lines {
    text: String,
    missed: u64,
    cursor: u64,
}

impl Trace {
    /// Of a mount of this process's user.
    pub fn new(listener: Option<TraceListener>) -> Trace {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        Trace {
            is_on: AtomicBool::new(listener.is_some()),
            id: nanos ^ u64::from(std::process::id()) << 40,
            owner: rustix::process::geteuid().as_raw(),
            ring: Mutex::default(),
            own: listener.map(|listener| Mutex::new(Own { listener, cursor: 0 })),
        }
    }

    /// Whether someone listens.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Takes in a line that a process has caused; what listeners cause by listening is none.
    pub fn push(&self, process: u32, mut line: String) {
        if line.len() > MAX_LINE {
            let end = (0..=MAX_LINE).rfind(|end| line.is_char_boundary(*end));
            line.truncate(end.unwrap_or(0));
            line.push('…');
        }
        let mut ring = self.ring.lock();
        ring.listeners.retain(|(_, asked)| asked.elapsed() < PATIENCE);
        if ring.listeners.is_empty() && self.own.is_none() {
            self.is_on.store(false, Ordering::Relaxed);
            let first = ring.first + ring.lines.len() as u64;
            *ring = Ring { first, ..Ring::default() };
        } else if !ring.listeners.iter().any(|(listener, _)| *listener == process) {
            ring.push(line.into());
        }
    }

    /// Answers a listener's question, if he may ask.
    pub fn answer(&self, user: u32, process: u32, question: &[u8]) -> Result<Vec<u8>, Errno> {
        if user != 0 && user != self.owner {
            return Err(Errno::EPERM);
        }
        let cursor = question.first_chunk().map(|cursor| u64::from_le_bytes(*cursor)).ok_or(Errno::EINVAL)?;
        let mut ring = self.ring.lock();
        match ring.listeners.iter_mut().find(|(listener, _)| *listener == process) {
            Some((_, asked)) => *asked = Instant::now(),
            None => {
                ring.listeners.retain(|(_, asked)| asked.elapsed() < PATIENCE);
                if ring.listeners.len() >= MAX_LISTENERS {
                    return Err(Errno::EBUSY);
                }
                ring.listeners.push((process, Instant::now()));
            }
        }
        self.is_on.store(true, Ordering::Relaxed);
        let Lines { text, missed, cursor } = ring.from(cursor, SIZE - HEAD);
        drop(ring);
        let head = [self.id, cursor, missed].map(u64::to_le_bytes).concat();
        Ok([&*head, &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat())
    }

    /// Gives this process's own listener what it has not heard.
    pub fn tell(&self) {
        let Some(own) = &self.own else { return };
        let mut own = own.lock();
        loop {
            let Lines { text, missed, cursor } = self.ring.lock().from(own.cursor, SIZE);
            own.cursor = cursor;
            if text.is_empty() {
                return;
            }
            (own.listener)(&text, missed);
        }
    }

    /// Tells it every now and then, on a thread of its own: whoever reads may be slow.
    pub fn tell_always(self: &Arc<Trace>) -> std::io::Result<()> {
        if self.own.is_some() {
            let trace = self.clone();
            std::thread::Builder::new().name("trace".into()).spawn(move || {
                loop {
                    trace.tell();
                    std::thread::sleep(Duration::from_millis(50));
                }
            })?;
        }
        Ok(())
    }
}

impl Ring {
    fn push(&mut self, line: Box<str>) {
        self.bytes += line.len() + OVERHEAD;
        self.lines.push_back(line);
        while self.bytes > MAX_BYTES {
            let Some(gone) = self.lines.pop_front() else { break };
            self.bytes -= gone.len() + OVERHEAD;
            self.first += 1;
        }
    }

    /// The lines from a cursor on, as many as have room.
    fn from(&self, cursor: u64, room: usize) -> Lines {
        let end = self.first + self.lines.len() as u64;
        if cursor > end {
            return Lines { text: String::new(), missed: 0, cursor: end };
        }
        let missed = self.first.saturating_sub(cursor);
        let skipped = usize::try_from(cursor.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let (mut text, mut cursor) = (String::new(), cursor.max(self.first));
        for line in self.lines.iter().skip(skipped) {
            if text.len() + line.len() + 1 > room {
                break;
            }
            text.push_str(line);
            text.push('\n');
            cursor += 1;
        }
        Lines { text, missed, cursor }
    }
}

/// What a daemon has answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// Which mount.
    pub id: u64,
    /// The cursor for the next question.
    pub cursor: u64,
    /// Lines missed before these.
    pub missed: u64,
    /// The lines, each with its end.
    pub text: String,
}

impl Reply {
    /// Reads an answer; `None` if it is none.
    pub fn parse(bytes: &[u8]) -> Option<Reply> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let number = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let len = u32::from_le_bytes(head.get(24..28)?.try_into().ok()?);
        let text = rest.get(..len as usize)?;
        Some(Reply {
            id: number(0)?,
            cursor: number(8)?,
            missed: number(16)?,
            text: String::from_utf8_lossy(text).into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(trace: &Trace, cursor: u64) -> Reply {
        Reply::parse(&trace.answer(0, 7, &cursor.to_le_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn lines_are_heard_once_and_in_order() {
        let trace = Trace::new(None);
        assert!(!trace.is_on());
        let begin = ask(&trace, FROM_NOW);
        assert!(trace.is_on() && begin.text.is_empty());
        trace.push(1, "one".into());
        trace.push(7, "what the listener does itself".into());
        trace.push(1, "two".into());
        let heard = ask(&trace, begin.cursor);
        assert_eq!((&*heard.text, heard.missed, heard.id), ("one\ntwo\n", 0, begin.id));
        assert_eq!(ask(&trace, heard.cursor).text, "");
    }

    #[test]
    fn a_slow_listener_hears_how_much_it_has_missed() {
        let trace = Trace::new(None);
        let begin = ask(&trace, FROM_NOW);
        let line = "x".repeat(2 * MAX_LINE);
        for _ in 0..1000 {
            trace.push(1, line.clone());
        }
        assert!(trace.ring.lock().bytes <= MAX_BYTES);
        let (mut cursor, mut missed, mut heard) = (begin.cursor, 0, 0);
        loop {
            let reply = ask(&trace, cursor);
            if reply.text.is_empty() {
                break;
            }
            (cursor, missed, heard) =
                (reply.cursor, missed + reply.missed, heard + reply.text.lines().count() as u64);
        }
        assert!(missed > 0 && missed + heard == 1000, "{missed} {heard}");
    }

    #[test]
    fn only_the_owner_and_root_may_listen() {
        let trace = Trace { owner: 5, ..Trace::new(None) };
        assert!(trace.answer(5, 1, &[0xff; 8]).is_ok() && trace.answer(0, 1, &[0xff; 8]).is_ok());
        assert_eq!(trace.answer(6, 1, &[0xff; 8]).unwrap_err().code(), libc::EPERM);
        assert_eq!(trace.answer(0, 1, b"short").unwrap_err().code(), libc::EINVAL);
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for bytes in [&b""[..], &[0; 27], &[0xff; 40]] {
            assert_eq!(Reply::parse(bytes), None);
        }
    }
}
