//! What the kernel asks, and what became of it: the facts that statistics are made of.

use fuser::{Errno, Request};

use crate::fs::{Error, InodeNo};

use super::errno::{errno_name, report};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A name in a directory.
    Lookup,
    /// An inode's attributes.
    Getattr,
    /// A symlink's target.
    Readlink,
    /// To open a file; once for the whole mount where the kernel then opens alone.
    Open,
    /// To open a directory; likewise.
    Opendir,
    /// Bytes of a file.
    Read,
    /// Names in a directory.
    Readdir,
    /// Names in a directory with their attributes.
    Readdirplus,
    /// The value of an extended attribute.
    Getxattr,
    /// The names of extended attributes.
    Listxattr,
    /// The next data or hole.
    Lseek,
    /// The size of the whole.
    Statfs,
    /// Something new: a file, a directory, one more name.
    Create,
    /// Bytes into a file.
    Write,
    /// Attributes, extended ones too.
    Setattr,
    /// A name to be removed.
    Unlink,
    /// A name to be changed.
    Rename,
    /// To wait for the disk.
    Fsync,
    /// Everything else.
    Other,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With what was asked for.
    Given,
    /// With the answer that there is no such thing: a name, an attribute, data behind an offset.
    Negative,
    /// With an error.
    Failed,
}

/// What became of one request, as its handler notes it.
#[derive(Debug)]
pub struct Answer {
    /// The request.
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes of a file or a directory that were given.
    pub bytes: u64,
    /// Names of a directory that were given, without the two dots.
    pub names: u64,
    /// The error that it ended with.
    pub errno: Option<Errno>,
    /// Whether someone listens.
    is_traced: bool,
    /// What is told of it, and the process that asked.
    told: Option<(u32, String)>,
}

impl Operation {
    /// All of them, in the order they are declared.
    pub const ALL: [Operation; 19] = [
        Operation::Lookup,
        Operation::Getattr,
        Operation::Readlink,
        Operation::Open,
        Operation::Opendir,
        Operation::Read,
        Operation::Readdir,
        Operation::Readdirplus,
        Operation::Getxattr,
        Operation::Listxattr,
        Operation::Lseek,
        Operation::Statfs,
        Operation::Create,
        Operation::Write,
        Operation::Setattr,
        Operation::Unlink,
        Operation::Rename,
        Operation::Fsync,
        Operation::Other,
    ];

    /// FUSE's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Lookup => "lookup",
            Operation::Getattr => "getattr",
            Operation::Readlink => "readlink",
            Operation::Open => "open",
            Operation::Opendir => "opendir",
            Operation::Read => "read",
            Operation::Readdir => "readdir",
            Operation::Readdirplus => "readdirplus",
            Operation::Getxattr => "getxattr",
            Operation::Listxattr => "listxattr",
            Operation::Lseek => "lseek",
            Operation::Statfs => "statfs",
            Operation::Create => "create",
            Operation::Write => "write",
            Operation::Setattr => "setattr",
            Operation::Unlink => "unlink",
            Operation::Rename => "rename",
            Operation::Fsync => "fsync",
            Operation::Other => "other",
        }
    }
}

impl Answer {
    /// The answer to a request, good unless something else is noted.
    pub fn to(operation: Operation) -> Answer {
        Answer {
            operation,
            outcome: Outcome::Given,
            bytes: 0,
            names: 0,
            errno: None,
            is_traced: false,
            told: None,
        }
    }

    /// The same, told to who listens if someone does.
    pub fn traced(operation: Operation, is_traced: bool) -> Answer {
        Answer { is_traced, ..Answer::to(operation) }
    }

    /// Notes what is to be told, if someone listens.
    pub fn tell(&mut self, request: &Request, tale: impl FnOnce(&Answer) -> String) {
        if self.is_traced {
            self.told = Some((request.pid(), tale(self)));
        }
    }

    /// What is to be told, and of whom.
    pub fn told(&mut self) -> Option<(u32, String)> {
        let (process, mut tale) = self.told.take()?;
        if let Some(errno) = self.errno {
            tale.push_str(" → ");
            tale.push_str(&errno_name(errno));
        }
        Some((process, tale))
    }

    /// Notes that there is no such thing.
    pub fn negative(&mut self) {
        self.outcome = Outcome::Negative;
    }

    /// Notes bytes that are given.
    pub fn gives(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Notes a name of a directory, behind `head` bytes of what belongs to it, unless it had no room; gives
    /// that on.
    pub fn entry(&mut self, is_full: bool, head: usize, name: &[u8]) -> bool {
        if !is_full {
            self.gives((head + name.len()).next_multiple_of(8));
            self.names += u64::from(!matches!(name, b"." | b".."));
        }
        is_full
    }

    /// Notes an error that says nothing of the image.
    pub fn refuse(&mut self, errno: Errno) -> Errno {
        self.outcome = Outcome::Failed;
        self.errno = Some(errno);
        errno
    }

    /// Notes and reports an error.
    pub fn error(&mut self, ino: InodeNo, error: &Error) -> Errno {
        self.outcome = match error {
            Error::NoAttribute | Error::NoSuchOffset => Outcome::Negative,
            _ => Outcome::Failed,
        };
        let errno = report(self.operation.name(), ino, error);
        self.errno = Some(errno);
        errno
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_listed_by_their_numbers() {
        assert!(Operation::ALL.iter().enumerate().all(|(no, operation)| *operation as usize == no));
    }

    #[test]
    fn what_is_not_there_is_no_failure() {
        for (error, outcome) in [
            (Error::NoAttribute, Outcome::Negative),
            (Error::NoSuchOffset, Outcome::Negative),
            (Error::NameTooLong, Outcome::Failed),
            (Error::Stale, Outcome::Failed),
        ] {
            let mut answer = Answer::to(Operation::Getxattr);
            answer.error(InodeNo::ROOT, &error);
            assert_eq!(answer.outcome, outcome, "{error}");
        }
    }
}
