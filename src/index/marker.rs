//! Names in a layer's tar that stand for no file, but say something of others (S10–S12), as AUFS has them.

/// What a whiteout's name begins with; behind it is the name that is gone (S10).
pub const WHITEOUT_PREFIX: &[u8] = b".wh.";

/// The marker of an opaque directory (S11).
pub const OPAQUE_MARKER: &[u8] = b".wh..wh..opq";

/// What the names of AUFS's own files begin with, the opaque marker among them (S11, S12).
const BOOKKEEPING_PREFIX: &[u8] = b".wh..wh.";

/// What a marker says; `N` is the name that a whiteout hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker<N> {
    Opaque,
    Whiteout(N),
}

impl<'a> Marker<&'a [u8]> {
    /// What a name marks; AUFS's own files mark nothing (S12).
    pub fn of(name: &'a [u8]) -> Option<Marker<&'a [u8]>> {
        match name.strip_prefix(WHITEOUT_PREFIX) {
            _ if name == OPAQUE_MARKER => Some(Marker::Opaque),
            Some(hidden) if !name.starts_with(BOOKKEEPING_PREFIX) => Some(Marker::Whiteout(hidden)),
            _ => None,
        }
    }
}
