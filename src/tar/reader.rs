//! The members of a tar, one after the other.

use crate::blob::Forward;
use crate::entry::Data;

use super::header::{Block, is_zero};
use super::pax::Records;
use super::{BLOCK, Error, Flaw, Member, Problem, Type, sparse};

/// The longest extension header, in bytes; Go's limit, and so that of every Docker.
pub const MAX_EXTENSION: u64 = 1024 * 1024;

/// How much is read at a time to see whether it is zeros, in bytes.
const ZEROS_CHUNK: usize = 64 * 1024;

/// Reads members front to back, hopping over their data.
pub struct Members<'a> {
    forward: &'a mut dyn Forward,
    globals: Records,
    member: Member,
    end: Option<u64>,
}

/// What the extension headers in front of a member say of it.
#[derive(Default)]
struct Extensions {
    pax: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Extensions {
    /// What is said of a member that does not come was said of one that is cut off.
    fn check_end(&self, offset: u64) -> Result<(), Error> {
        let Extensions { pax, long_name, long_link } = self;
        match pax.is_none() && long_name.is_none() && long_link.is_none() {
            true => Ok(()),
            false => Err(Problem::Truncated { missing: BLOCK }.at(offset)),
        }
    }
}

impl<'a> Members<'a> {
    /// From the first block.
    pub fn new(archive: &'a mut dyn Forward) -> Members<'a> {
        Members { forward: archive, globals: Records::default(), member: Member::default(), end: None }
    }

    /// The next member, or `None` at the end of the archive.
    ///
    /// An archive may end with two blocks of zeros or just stop behind a member, as Go and GNU tar agree.
    pub fn next_member(&mut self) -> Result<Option<&Member>, Error> {
        if self.end.is_some() {
            return Ok(None);
        }
        let mut extensions = Extensions::default();
        loop {
            let offset = self.forward.offset();
            let mut bytes = [0; BLOCK as usize];
            if !self.read_header(offset, &mut bytes)? {
                return extensions.check_end(offset).map(|()| None);
            }
            let block = Block::new(&bytes).map_err(|problem| problem.at(offset))?;
            let size = block.size().map_err(|problem| problem.at(offset))?;
            if !self.extension(offset, block.typeflag(), size, &mut extensions)? {
                self.member.offset = offset;
                let result = self.fill(&block, size, &extensions);
                return match result {
                    Ok(()) => Ok(Some(&self.member)),
                    Err(problem) => {
                        let member = Some(self.member.name.as_slice().into());
                        Err(Error { member, offset, problem })
                    }
                };
            }
        }
    }

    /// Where the members end, and the end mark if there is one, once it is known; zeros are all that
    /// belongs behind it.
    pub fn end(&self) -> Option<u64> {
        self.end
    }

    /// Reads a header block; `false` at the end of the archive.
    fn read_header(&mut self, offset: u64, block: &mut [u8; 512]) -> Result<bool, Error> {
        if self.read_block(offset, block)? && !is_zero(block) {
            return Ok(true);
        }
        if self.read_block(offset, block)? && !is_zero(block) {
            return Err(Problem::LoneZeroBlock.at(offset));
        }
        self.end = Some(self.forward.offset());
        if offset == 0 && !self.is_zero_to_the_end()? {
            return Err(Problem::NoMembers.at(offset));
        }
        Ok(false)
    }

    /// Whether nothing but zeros follows: many file systems begin with as many as an end mark has.
    fn is_zero_to_the_end(&mut self) -> Result<bool, Error> {
        loop {
            let offset = self.forward.offset();
            match self.forward.take(ZEROS_CHUNK).map_err(|error| Problem::Io(error).at(offset))? {
                [] => return Ok(true),
                bytes if is_zero(bytes) => {}
                _ => return Ok(false),
            }
        }
    }

    /// Reads a block; `false` at the end of the file.
    fn read_block(&mut self, offset: u64, block: &mut [u8; 512]) -> Result<bool, Error> {
        let bytes = self.forward.take(block.len()).map_err(|error| Problem::Io(error).at(offset))?;
        match <&[u8; 512]>::try_from(bytes) {
            Ok(bytes) => *block = *bytes,
            Err(_) if bytes.is_empty() => return Ok(false),
            Err(_) => return Err(Problem::Truncated { missing: BLOCK - bytes.len() as u64 }.at(offset)),
        }
        Ok(true)
    }

    /// Takes in an extension header; `false` if the block is a member's own.
    fn extension(
        &mut self,
        offset: u64,
        typeflag: u8,
        size: u64,
        extensions: &mut Extensions,
    ) -> Result<bool, Error> {
        match typeflag {
            b'x' | b'X' => {
                let records = self.payload(offset, size)?;
                let pax = extensions.pax.get_or_insert_with(|| self.globals.clone());
                pax.parse(&records).map_err(|problem| problem.at(offset))?;
            }
            b'g' => {
                let records = self.payload(offset, size)?;
                self.globals.parse_global(&records).map_err(|problem| problem.at(offset))?;
            }
            b'L' => extensions.long_name = Some(until_nul(self.payload(offset, size)?)),
            b'K' => extensions.long_link = Some(until_nul(self.payload(offset, size)?)),
            // GNU's volume label names the archive, not a member.
            b'V' => self.skip_data(size).map_err(|problem| problem.at(offset))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn payload(&mut self, offset: u64, size: u64) -> Result<Vec<u8>, Error> {
        let len = usize::try_from(size).ok().filter(|_| size <= MAX_EXTENSION);
        let len = len.ok_or_else(|| Problem::LargeExtension(size).at(offset))?;
        let padded = len.next_multiple_of(BLOCK as usize);
        let bytes = self.forward.take(padded).map_err(|error| Problem::Io(error).at(offset))?;
        match bytes.get(..len) {
            Some(payload) if bytes.len() == padded => Ok(payload.to_vec()),
            _ => Err(Problem::Truncated { missing: (padded - bytes.len()) as u64 }.at(offset)),
        }
    }

    /// Fills the member from its header and extensions, and passes over its data.
    fn fill(&mut self, block: &Block<'_>, size: u64, extensions: &Extensions) -> Result<(), Problem> {
        let pax = extensions.pax.as_ref().unwrap_or(&self.globals);
        block.decode(&mut self.member);
        // The order in which the extensions stand does not matter: PAX is the last word.
        if let Some(name) = &extensions.long_name {
            self.member.name.clone_from(name);
        }
        if let Some(link) = &extensions.long_link {
            self.member.link.clone_from(link);
        }
        pax.apply(&mut self.member);
        // Before ustar, a slash at the end was all that told a directory from a file.
        if block.typeflag() == 0 && self.member.name.ends_with(b"/") {
            self.member.kind = Type::Directory;
        }
        let stored = pax.size.unwrap_or(size);
        match self.member.kind {
            Type::Regular if block.typeflag() == b'S' => self.fill_old_sparse(block, stored),
            Type::Regular if pax.sparse.is_used() => {
                let sparse = pax.sparse.clone();
                self.fill_pax_sparse(sparse, stored)
            }
            Type::Regular => {
                self.member.size = stored;
                self.member.data = Data::Contiguous(self.forward.offset());
                self.skip_data(stored)
            }
            Type::Unknown(_) => self.skip_data(stored),
            // GNU's dump directories have their names as data, and nobody knows of those before ustar.
            Type::Directory if matches!(block.typeflag(), b'D' | 0) => self.skip_data(stored),
            // Links, directories and devices have no data, whatever size their header claims.
            _ => {
                self.member.size = 0;
                Ok(())
            }
        }
    }

    fn fill_old_sparse(&mut self, block: &Block<'_>, stored: u64) -> Result<(), Problem> {
        let header = block.gnu().ok_or(Problem::Sparse)?;
        let map = sparse::old_gnu(header, self.forward)?;
        let size = super::number::unsigned(&header.realsize).ok_or(Problem::Field("realsize"))?;
        self.fill_sparse(&map, size, stored)
    }

    fn fill_pax_sparse(&mut self, sparse: super::pax::Sparse, stored: u64) -> Result<(), Problem> {
        let (map, used) = match sparse.map {
            _ if sparse.map_in_data => sparse::in_data(self.forward, stored)?,
            Some(map) => (map, 0),
            None => return Err(Problem::Sparse),
        };
        let size = sparse.size.ok_or(Problem::Sparse)?;
        self.fill_sparse(&map, size, stored - used)
    }

    fn fill_sparse(&mut self, map: &[u64], size: u64, stored: u64) -> Result<(), Problem> {
        self.member.size = size;
        if i64::try_from(size).is_err() {
            self.member.flaw = Some(Flaw::Size(size));
        }
        self.member.data = Data::Sparse(sparse::extents(map, size, self.forward.offset(), stored)?);
        self.skip_data(stored)
    }

    /// Passes over data and its padding; the padding of the very last member may be missing.
    fn skip_data(&mut self, len: u64) -> Result<(), Problem> {
        let missing = self.forward.skip(len)?;
        if missing > 0 {
            return Err(Problem::Truncated { missing });
        }
        let padding = len.next_multiple_of(BLOCK) - len;
        let _missing = self.forward.skip(padding)?;
        Ok(())
    }
}

/// GNU's long names end with a NUL.
fn until_nul(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    text.truncate(end);
    text
}
