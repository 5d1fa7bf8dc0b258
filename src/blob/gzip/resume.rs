//! Decoding from a place in the middle of a gzip stream to its end.

use std::io::{self, BufRead, Read};

use crate::blob::steps::Steps;
use crate::blob::{Blob, Resumed, Start};

use super::state::State;
use super::stream::Stream;
use super::sys::{Stop, Stopped};

/// Goes on from a start that was sealed of a [`super::Gzip`]'s mark, through all members that follow.
///
/// Checksums are not compared. A start that was not sealed for this stream gives an error or wrong bytes.
pub fn resume(blob: Blob, start: &Start) -> io::Result<Resumed> {
    let source = Steps::new(blob, start.bit / 8);
    if start.state.is_empty() {
        return Ok(Box::new(Rest { stream: Stream::new(source, start.bit / 8)?, at: At::Member }));
    }
    let State { place, window } = State::decode(&start.state)?;
    let stream = Stream::begin(source, start.bit, &place, &window)?;
    Ok(Box::new(Rest { stream, at: At::Data }))
}

/// The rest of a stream.
struct Rest<S> {
    stream: Stream<S>,
    at: At,
}

/// What comes next.
enum At {
    Member,
    Data,
    Trailer,
    End,
}

impl<S: BufRead> Read for Rest<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match self.at {
                At::Member if self.stream.next_member()? => self.at = At::Data,
                At::Member => self.at = At::End,
                At::Data => {
                    let step = self.stream.inflate(buf, Stop::End)?;
                    if step.stopped == Stopped::End {
                        self.at = At::Trailer;
                    }
                    if step.produced > 0 {
                        return Ok(step.produced);
                    }
                }
                At::Trailer => {
                    self.stream.trailer()?;
                    self.at = At::Member;
                }
                At::End => return Ok(0),
            }
        }
    }
}
