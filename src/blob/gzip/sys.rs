//! Raw inflate by `libz_rs_sys`, wrapped so that the rest is safe.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::io;

use libz_rs_sys::{
    Z_BLOCK, Z_BUF_ERROR, Z_NO_FLUSH, Z_OK, Z_STREAM_END, Z_TREES, inflate, inflateEnd, inflateInit2_,
    inflateMark, inflatePrime, inflateReset, inflateSetDictionary, z_stream, zlibVersion,
};

/// Deflate data without a header, and the longest window.
const RAW: c_int = -15;

/// Flags of `z_stream::data_type`; the bits below them count those that were read and not used.
const LAST_BLOCK: c_int = 64;
const BLOCK_END: c_int = 128;
const HEADER_END: c_int = 256;

/// Where to stop, besides where input or output ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Behind the last block.
    End,
    /// Behind each block.
    Block,
    /// Behind each block, and behind the header of each block of codes. `libz_rs_sys` 0.6.8 reads a stored
    /// block's header twice if it is told to stop behind it.
    Header,
}

/// Where it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Where input or output ended.
    Within,
    /// Behind a block that others follow.
    Block,
    /// Behind the last block.
    End,
}

/// What one run did.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Bytes taken from the input.
    pub consumed: usize,
    /// Bytes put into the output.
    pub produced: usize,
    /// Where it stopped.
    pub stopped: Stopped,
    /// Whether all input was taken: it may have stopped within a code.
    pub is_starved: bool,
}

/// What a decoder that stopped within a block was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Writing what a code stands for, which was read to its end.
    Code {
        /// Bytes of it that are in the output.
        written: u64,
    },
    /// Copying a stored block.
    Stored {
        /// Bytes of it to come, one at least.
        left: u16,
        /// Whether it is the last block.
        is_last: bool,
    },
}

/// A decoder of deflate data (RFC 1951).
pub struct Inflate {
    /// Boxed, as zlib forbids moving it.
    stream: Box<z_stream>,
}

// SAFETY: what the stream points to is its own, and its allocator is Rust's, which all threads may call.
unsafe impl Send for Inflate {}

impl Inflate {
    /// At the beginning of deflate data.
    pub fn new() -> io::Result<Inflate> {
        let mut stream = Box::new(z_stream::default());
        let size = c_int::try_from(size_of::<z_stream>()).map_err(io::Error::other)?;
        // SAFETY: the stream is valid and its allocator is set; the version is a C string.
        match unsafe { inflateInit2_(&mut *stream, RAW, zlibVersion(), size) } {
            Z_OK => Ok(Inflate { stream }),
            _ => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }

    /// Goes to the beginning of other deflate data.
    pub fn reset(&mut self) {
        // SAFETY: `new` initialised the stream.
        unsafe { inflateReset(&mut *self.stream) };
        // Which is left as it was; but there are no unused bits any more.
        self.stream.data_type = 0;
    }

    /// Says what was decoded before; the last 32 KiB count.
    pub fn set_window(&mut self, window: &[u8]) {
        // SAFETY: `new` initialised the stream; the bytes are copied.
        unsafe { inflateSetDictionary(&mut *self.stream, window.as_ptr(), avail(window)) };
    }

    /// Puts bits in front of the input, at most 16.
    pub fn prime(&mut self, bits: u8, value: u8) {
        // SAFETY: `new` initialised the stream.
        unsafe { inflatePrime(&mut *self.stream, bits.into(), value.into()) };
    }

    /// Forgets bits that were read and not used.
    pub fn drop_bits(&mut self) {
        // SAFETY: `new` initialised the stream.
        unsafe { inflatePrime(&mut *self.stream, -1, 0) };
    }

    /// Decodes until input or output ends, or where it is told to stop; bad data is an error with zlib's words.
    pub fn run(&mut self, input: &[u8], output: &mut [u8], stop: Stop) -> Result<Step, String> {
        let (avail_in, avail_out) = (avail(input), avail(output));
        self.stream.next_in = input.as_ptr();
        self.stream.avail_in = avail_in;
        self.stream.next_out = output.as_mut_ptr();
        self.stream.avail_out = avail_out;
        let flush = match stop {
            Stop::End => Z_NO_FLUSH,
            Stop::Block => Z_BLOCK,
            Stop::Header => Z_TREES,
        };
        // SAFETY: `new` initialised the stream; both slices are as long as it says, and outlive the call.
        let code = unsafe { inflate(&mut *self.stream, flush) };
        if !matches!(code, Z_OK | Z_BUF_ERROR | Z_STREAM_END) {
            return Err(self.message());
        }
        Ok(Step {
            consumed: (avail_in - self.stream.avail_in) as usize,
            produced: (avail_out - self.stream.avail_out) as usize,
            stopped: self.stopped(code),
            is_starved: self.stream.avail_in == 0,
        })
    }

    /// Bits that were read and not used.
    pub fn unused_bits(&self) -> u64 {
        u64::from(self.stream.data_type.unsigned_abs()) % 64
    }

    /// Whether it stopped behind a block's header, or while it copied a stored block.
    pub fn is_behind_header(&self) -> bool {
        self.stream.data_type & HEADER_END != 0
    }

    /// What it was doing when the output ended; to be asked within a block that gave bytes already.
    ///
    /// zlib also says how many bits back the code began. `libz_rs_sys` 0.6.8 forgets those of distance codes.
    pub fn within(&self) -> Within {
        // SAFETY: `new` initialised the stream; its buffers are not looked at.
        let mark = unsafe { inflateMark(&*self.stream) };
        let low = mark & 0xffff;
        if !self.is_behind_header() {
            return Within::Code { written: low.unsigned_abs() };
        }
        let left = u16::try_from(low).unwrap_or(u16::MAX);
        Within::Stored { left, is_last: self.stream.data_type & LAST_BLOCK != 0 }
    }

    fn stopped(&self, code: c_int) -> Stopped {
        let flags = self.stream.data_type;
        match () {
            () if code == Z_STREAM_END => Stopped::End,
            () if flags & BLOCK_END != 0 && flags & LAST_BLOCK != 0 => Stopped::End,
            () if flags & BLOCK_END != 0 => Stopped::Block,
            () => Stopped::Within,
        }
    }

    fn message(&self) -> String {
        if self.stream.msg.is_null() {
            return "invalid deflate data".to_owned();
        }
        // SAFETY: a message is a C string that lives as long as the program.
        unsafe { CStr::from_ptr(self.stream.msg) }.to_string_lossy().into_owned()
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        // SAFETY: `new` initialised the stream, and nothing uses it behind this.
        unsafe { inflateEnd(&mut *self.stream) };
    }
}

/// A slice's length as zlib counts it; what lies behind 4 GiB waits for the next run.
fn avail(slice: &[u8]) -> u32 {
    u32::try_from(slice.len()).unwrap_or(u32::MAX)
}

/// What a test wants of an encoder.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub struct Encoding {
    /// 0, stored, to 9.
    pub level: c_int,
    /// One of zlib's strategies.
    pub strategy: c_int,
    /// 1 to 9; small blocks are made with little memory.
    pub memory: c_int,
}

/// Deflate data.
#[cfg(test)]
pub fn deflate(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
    use libz_rs_sys::{Z_FINISH, deflateBound, deflateEnd, deflateInit2_};
    let Encoding { level, strategy, memory } = encoding;
    let mut stream = z_stream::default();
    let size = c_int::try_from(size_of::<z_stream>()).unwrap();
    // SAFETY: the stream is valid, its allocator is set, and the version is a C string.
    let code = unsafe { deflateInit2_(&mut stream, level, 8, RAW, memory, strategy, zlibVersion(), size) };
    assert_eq!(code, Z_OK);
    // SAFETY: the stream was initialised.
    let bound = unsafe { deflateBound(&mut stream, bytes.len() as _) };
    let mut output = vec![0; usize::try_from(bound).unwrap() + 64];
    stream.next_in = bytes.as_ptr();
    stream.avail_in = avail(bytes);
    stream.next_out = output.as_mut_ptr();
    stream.avail_out = avail(&output);
    // SAFETY: the stream was initialised, and both buffers are as long as it says.
    let code = unsafe { libz_rs_sys::deflate(&mut stream, Z_FINISH) };
    assert_eq!(code, Z_STREAM_END);
    output.truncate(output.len() - stream.avail_out as usize);
    // SAFETY: the stream was initialised, and is not used behind this.
    unsafe { deflateEnd(&mut stream) };
    output
}
