//! Windows without what nothing refers to.
//!
//! Which bytes of a window are referred to is found without reading codes: the data behind it is decoded
//! with two windows that are patterns instead, and from what they became in the output follows where in the
//! window each byte of it came from. The patterns differ at each place, literals do not.

use std::io;

use crate::blob::ReadAt;

use super::WINDOW;
use super::input::Chunks;
use super::state::Place;
use super::stream::Stream;
use super::sys::{Stop, Stopped};

/// The window of a place, zero where the data behind it does not refer to it, from the first byte on that is
/// referred to.
pub fn window(blob: &dyn ReadAt, bit: u64, place: &Place, window: Vec<u8>) -> io::Result<Vec<u8>> {
    let decode = |pattern: fn(usize) -> u8| {
        let pattern: Vec<u8> = (0..window.len()).map(pattern).collect();
        decode(Stream::begin(Chunks::new(blob, bit / 8), bit, place, &pattern)?)
    };
    let (low, mixed) = match (decode(low), decode(mixed)) {
        (Ok(low), Ok(mixed)) => (low, mixed),
        // The first pass will come upon it, and says it better.
        (Err(error), _) | (_, Err(error)) if is_damage(&error) => return Ok(window),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let mut sparse = vec![0; window.len()];
    let mut first = window.len();
    for origin in low.iter().zip(&mixed).filter_map(|(&low, &mixed)| origin(low, mixed)) {
        if let (Some(to), Some(from)) = (sparse.get_mut(origin), window.get(origin)) {
            *to = *from;
            first = first.min(origin);
        }
    }
    sparse.drain(..first);
    Ok(sparse)
}

/// An index's low byte.
fn low(index: usize) -> u8 {
    index as u8
}

/// The same, changed by the high byte; never equal to it, as a window has less than 255 high bytes.
fn mixed(index: usize) -> u8 {
    low(index) ^ ((index >> 8) as u8 + 1)
}

/// Where in the window a byte came from that was decoded with both patterns; `None` for a literal.
fn origin(low: u8, mixed: u8) -> Option<usize> {
    let high = (low ^ mixed).checked_sub(1)?;
    Some(usize::from(high) << 8 | usize::from(low))
}

/// As much as can refer to the window, or less if the member ends.
fn decode<S: io::BufRead>(mut stream: Stream<S>) -> io::Result<Vec<u8>> {
    let mut output = vec![0; WINDOW];
    let mut filled = 0;
    while let Some(rest) = output.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let step = stream.inflate(rest, Stop::End)?;
        filled += step.produced;
        if step.stopped == Stopped::End {
            break;
        }
    }
    output.truncate(filled);
    Ok(output)
}

fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
