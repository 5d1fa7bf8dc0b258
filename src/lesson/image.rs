//! What a lesson's image is: the steps of a Dockerfile, and what each of them puts into its layer.

use crate::commit::{Body, Member};
use crate::entry::Time;

/// When the first step was made, in seconds since 1970; each one after it a minute later.
const FIRST_STEP: i64 = 1_700_000_000;

/// An image, small enough to be written down.
#[derive(Debug)]
pub struct Image {
    /// Its archive is `NAME.tar`.
    pub name: &'static str,
    /// The steps that made it, first to last.
    pub steps: &'static [Step],
}

/// A step of a Dockerfile.
#[derive(Debug)]
pub struct Step {
    /// As it stands in the Dockerfile, and in the image's history.
    pub line: &'static str,
    /// What it put into its layer, in the tar's order; a step that put nothing there made none.
    pub items: &'static [Item],
}

/// A layer's word on a path.
#[derive(Debug)]
pub struct Item {
    /// From the root, without a leading `/`.
    pub path: &'static str,
    /// What is there.
    pub is: Is,
    /// Permission bits.
    pub mode: u16,
}

/// What a layer says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// A directory.
    Dir,
    /// A file with this in it.
    File(&'static str),
    /// A file of so many bytes, all of them `x`.
    Filled(u64),
    /// Another name of a file that stands before it.
    Link(&'static str),
    /// The path is gone (S10).
    Gone,
    /// A directory that stands before it hides what is below (S11).
    Opaque,
}

/// A directory.
pub const fn dir(path: &'static str) -> Item {
    Item { path, is: Is::Dir, mode: 0o755 }
}

/// A file.
pub const fn file(path: &'static str, text: &'static str) -> Item {
    Item { path, is: Is::File(text), mode: 0o644 }
}

/// A file that can be run.
pub const fn program(path: &'static str, text: &'static str) -> Item {
    Item { path, is: Is::File(text), mode: 0o755 }
}

/// A file of so many bytes.
pub const fn filled(path: &'static str, len: u64) -> Item {
    Item { path, is: Is::Filled(len), mode: 0o644 }
}

/// One more name of a program.
pub const fn link(path: &'static str, to: &'static str) -> Item {
    Item { path, is: Is::Link(to), mode: 0o755 }
}

/// A path that is gone.
pub const fn gone(path: &'static str) -> Item {
    Item { path, is: Is::Gone, mode: 0o644 }
}

/// A directory that hides what is below it.
pub const fn opaque(path: &'static str) -> Item {
    Item { path, is: Is::Opaque, mode: 0o644 }
}

impl Image {
    /// The steps that made a layer, base first, each with the time at which it was made.
    pub fn layers(&self) -> impl Iterator<Item = (&'static Step, Time)> {
        let timed = self.steps.iter().zip(0..).map(|(step, no)| (step, step_time(no)));
        timed.filter(|(step, _)| step.makes_layer())
    }

    /// The name of its archive.
    pub fn archive(&self) -> String {
        format!("{}.tar", self.name)
    }

    /// The name of its Dockerfile: the first image of a lesson is `image`.
    pub fn dockerfile_name(&self) -> String {
        match self.name {
            "image" => "Dockerfile".to_owned(),
            name => format!("Dockerfile.{name}"),
        }
    }

    /// The Dockerfile, with a word on which step made which layer.
    pub fn dockerfile(&self) -> String {
        let mut text =
            format!("# How {}.tar could have been made. This is to be read, not to be built.\n", self.name);
        text.push_str("FROM scratch\n");
        let mut layers = 0;
        for step in self.steps {
            let made = match step.makes_layer() {
                true => format!("layer{layers}.tar"),
                false => "no layer".to_owned(),
            };
            layers += usize::from(step.makes_layer());
            text.push_str(&format!("\n# {made}\n{}\n", step.line));
        }
        text
    }
}

impl Step {
    /// Whether it changed any file.
    pub fn makes_layer(&self) -> bool {
        !self.items.is_empty()
    }
}

impl Item {
    /// The member of a layer tar that says so.
    pub fn member(&self, mtime: Time) -> Member {
        let body = match self.is {
            Is::Dir => Body::Directory,
            Is::File(text) => Body::Regular(text.len() as u64),
            Is::Filled(len) => Body::Regular(len),
            Is::Link(to) => Body::HardLink(to.as_bytes().to_vec()),
            Is::Gone => {
                let (dir, name) = self.path.rsplit_once('/').unwrap_or(("", self.path));
                return Member { mtime, ..Member::whiteout(dir.as_bytes(), name.as_bytes()) };
            }
            Is::Opaque => return Member { mtime, ..Member::opaque(self.path.as_bytes()) },
        };
        let path = self.path.as_bytes().to_vec();
        Member { path, body, mode: self.mode, uid: 0, gid: 0, mtime, xattrs: Vec::new() }
    }

    /// The bytes of its file, if it is one.
    pub fn data(&self) -> impl std::io::Read + use<> {
        let (text, filled) = match self.is {
            Is::File(text) => (text, 0),
            Is::Filled(len) => ("", len),
            _ => ("", 0),
        };
        std::io::Read::chain(text.as_bytes(), std::io::Read::take(std::io::repeat(b'x'), filled))
    }
}

/// When a step was made.
pub fn step_time(no: i64) -> Time {
    Time { secs: FIRST_STEP + 60 * no, nanos: 0 }
}
