//! A file on its way into the cache.

use std::fs::File;
use std::io::{self, Write};

use super::Cache;
use super::draft::Draft;
use super::name::{self, Group, Part};

/// A new file that nobody sees before it is kept; dropped, it leaves nothing.
#[derive(Debug)]
pub struct NewFile {
    cache: Cache,
    draft: Draft,
    is_damaged: bool,
}

impl NewFile {
    pub(super) fn new(cache: Cache, draft: Draft) -> NewFile {
        NewFile { cache, draft, is_damaged: false }
    }

    /// The file, open for reading and writing.
    pub fn as_file(&self) -> &File {
        self.draft.file()
    }

    /// Keeps the file as a part of a group, in the place of an older one; who has that open goes on
    /// reading it. Nobody waits for the disk: after a power cut the name may stand for zeros, which whoever opens
    /// the file finds by its checksums.
    ///
    /// Other groups may go for it. An error has been logged, if it is the first, and has changed nothing.
    pub fn keep(self, group: &Group, part: &Part) -> io::Result<()> {
        let NewFile { cache, mut draft, is_damaged } = self;
        if is_damaged {
            return Err(io::Error::other("a write to the file went wrong"));
        }
        let len = cache
            .publish(&mut draft, |rooms| &rooms.layers, &name::file_name(group, part))
            .and_then(|()| Ok(draft.file().metadata()?.len()))
            .inspect_err(|error| cache.complain(error))?;
        cache.added(group, len);
        Ok(())
    }
}

/// Unbuffered.
impl Write for NewFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let result = self.as_file().write(buf);
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.cache.complain(error);
            self.is_damaged = true;
        }
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
