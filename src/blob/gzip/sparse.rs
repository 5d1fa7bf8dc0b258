//! Windows without what nothing refers to.
//!
//! Which bytes of a window are referred to is found without reading codes: the data behind it is decoded
//! with two windows that are patterns instead, and from what they became in the output follows where in the
//! window each byte of it came from. The patterns differ at each place, literals do not.

use std::io;

use crate::blob::ReadAt;
use crate::blob::steps::Steps;

use super::WINDOW;
use super::state::Place;
use super::stream::Stream;
use super::sys::{Stop, Stopped};

/// The window of a place, zero where the data behind it does not refer to it, from the first byte on that is
/// referred to.
pub fn window(blob: &dyn ReadAt, bit: u64, place: &Place, window: Vec<u8>) -> io::Result<Vec<u8>> {
    let decode = |pattern: &[u8; WINDOW]| {
        let pattern = pattern.get(..window.len()).unwrap_or_default();
        decode(Stream::begin(Steps::new(blob, bit / 8), bit, place, pattern)?)
    };
    let (low, mixed) = match (decode(&LOW), decode(&MIXED)) {
        (Ok(low), Ok(mixed)) => (low, mixed),
        // The first pass will come upon it, and says it better.
        (Err(error), _) | (_, Err(error)) if is_damage(&error) => return Ok(window),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let is_used = origins(&low, &mixed);
    let first = is_used.iter().position(|&used| used != 0).unwrap_or(window.len()).min(window.len());
    let used = window.iter().zip(&*is_used).skip(first);
    Ok(used.map(|(&byte, &used)| byte & used).collect())
}

/// Indices' low bytes.
static LOW: [u8; WINDOW] = pattern(0);

/// The same, changed by the high byte; never equal to it, as a window has less than 255 high bytes.
static MIXED: [u8; WINDOW] = pattern(1);

#[allow(clippy::indexing_slicing)]
const fn pattern(mix: u8) -> [u8; WINDOW] {
    let mut pattern = [0; WINDOW];
    let mut index = 0;
    while index < WINDOW {
        pattern[index] = index as u8 ^ (mix * ((index >> 8) as u8 + 1));
        index += 1;
    }
    pattern
}

/// Where in the window the bytes came from that were decoded with both patterns: 255 there, 0 elsewhere.
///
/// Whether a byte is a literal is not asked, as the answer would be hard to predict: the two patterns' bytes do
/// not differ then, and what they name is behind the window.
fn origins(low: &[u8], mixed: &[u8]) -> Box<[u8; 1 << 16]> {
    let mut is_used = Box::new([0; 1 << 16]);
    for (&low, &mixed) in low.iter().zip(mixed) {
        let origin = u16::from_be_bytes([(low ^ mixed).wrapping_sub(1), low]);
        if let Some(used) = is_used.get_mut(usize::from(origin)) {
            *used = 255;
        }
    }
    is_used
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
