//! Lessons: tiny images that are made on the spot, each with a text that says what to try on it, and why it is so.
//!
//! It makes files out of nothing but its own tables; it knows nothing of commands and of mounts.

mod archive;
mod image;
mod images;
mod text;
mod unpacked;

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

pub use image::{Image, Is, Item, Step};

use archive::write_archive;
use unpacked::unpack;

/// A lesson.
#[derive(Debug)]
pub struct Lesson {
    /// From 1 on.
    pub number: u8,
    /// What it teaches.
    pub title: &'static str,
    /// The question that it answers.
    pub asks: &'static str,
    /// Its file in `docs/tutorial`.
    pub file: &'static str,
    /// Its text, in Markdown, with the answers.
    pub text: &'static str,
    /// What it is tried on; the first one's layers are there unpacked, too.
    pub images: &'static [Image],
}

/// What of a lesson was made, beside its images.
#[derive(Debug)]
pub struct Made {
    /// Why the layers could not be made as overlayfs wants them, if that was so.
    pub no_layers: Option<io::Error>,
}

/// Why a lesson could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is there.
    #[error("{}: not empty; name a directory that is empty or not there yet", .0.display())]
    NotEmpty(PathBuf),
    /// The host said no.
    #[error("{}: {source}", path.display())]
    Host {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

macro_rules! lessons {
    ($($number:literal $file:literal $images:ident $title:literal $asks:literal)*) => {
        [$(Lesson {
            number: $number,
            title: $title,
            asks: $asks,
            file: $file,
            text: include_str!(concat!("../../docs/tutorial/", $file)),
            images: images::$images,
        }),*]
    };
}

/// All lessons, in their order.
pub static LESSONS: [Lesson; 10] = lessons! {
    1  "01-tars.md"       TARS       "A layer is a tar"            "What is in an image?"
    2  "02-stack.md"      STACK      "The top layer wins"          "Two layers have the file: which one do I see?"
    3  "03-whiteouts.md"  WHITEOUTS  "Whiteouts"                   "How can a layer take a file away?"
    4  "04-bytes-stay.md" BYTES_STAY "What was added stays"        "Why is my image not smaller after rm?"
    5  "05-opaque.md"     OPAQUE     "Opaque directories"          "What if everything in a directory goes?"
    6  "06-hard-links.md" HARD_LINKS "Hard links"                  "One file with three names: what if one changes?"
    7  "07-copy-up.md"    COPY_UP    "The upper directory"         "Where did my change go?"
    8  "08-redirects.md"  REDIRECTS  "Renamed directories"         "What happens when I rename a directory?"
    9  "09-commit.md"     COMMIT     "Commit"                      "What becomes of my changes in an image?"
    10 "10-kernel.md"     KERNEL     "Why the kernel does it so"   "Could it not be simpler?"
};

impl Lesson {
    /// The lesson of a number.
    pub fn find(number: u8) -> Option<&'static Lesson> {
        LESSONS.iter().find(|lesson| lesson.number == number)
    }

    /// The text without the answers to its questions; `hint` stands where one was.
    pub fn questions(&self, hint: &str) -> String {
        text::without_answers(self.text, hint)
    }

    /// The answers alone.
    pub fn answers(&self) -> String {
        text::answers(self.text)
    }

    /// What the text has one type first, in the directory in which the lesson was made.
    pub fn first_command(&self) -> Option<&'static str> {
        text::first_command(self.text)
    }

    /// The names of its first image's layers, unpacked: `layers/0` is the base.
    pub const LAYERS: &'static str = "layers";

    /// Makes what the lesson is tried on, in a directory that is empty or not there yet.
    pub fn make(&self, dir: &Path) -> Result<Made, Error> {
        let host = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Host { path, source }
        };
        if let Err(source) = fs::create_dir_all(dir) {
            // It says of a file in the way that it exists.
            let is_file = source.kind() == io::ErrorKind::AlreadyExists;
            return Err(host(dir)(if is_file { io::ErrorKind::NotADirectory.into() } else { source }));
        }
        if fs::read_dir(dir).map_err(host(dir))?.next().is_some() {
            return Err(Error::NotEmpty(dir.to_owned()));
        }
        for (image, no) in self.images.iter().zip(0..) {
            let archive = dir.join(image.archive());
            let out = File::create_new(&archive).map_err(host(&archive))?;
            let tag = if no == 0 { "1" } else { image.name };
            write_archive(image, &format!("lesson{}:{tag}", self.number), BufWriter::new(out))
                .map_err(host(&archive))?;
            let dockerfile = dir.join(image.dockerfile_name());
            fs::write(&dockerfile, image.dockerfile()).map_err(host(&dockerfile))?;
        }
        Ok(Made { no_layers: self.unpack(&dir.join(Lesson::LAYERS)).err() })
    }

    /// Unpacks the first image's layers; nothing stays if that cannot be done.
    fn unpack(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)?;
        let layers = self.images.first().map(Image::layers).into_iter().flatten();
        let unpacked =
            layers.zip(0..).try_for_each(|((step, time), no)| unpack(step, time, &dir.join(no.to_string())));
        if unpacked.is_err() {
            fs::remove_dir_all(dir)?;
        }
        unpacked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_numbered_and_begin_with_their_titles() {
        for (lesson, number) in LESSONS.iter().zip(1..) {
            assert_eq!(lesson.number, number);
            assert_eq!(lesson.text.lines().next(), Some(&*format!("# {number}. {}", lesson.title)));
            assert!(lesson.file.starts_with(&format!("{number:02}-")));
            assert!(!lesson.answers().is_empty(), "{number} has no answer");
            assert!(lesson.first_command().is_some(), "{number} has nothing to type");
            assert!(!lesson.questions("").contains("details"), "{number} shows its answers");
        }
    }

    #[test]
    fn a_lesson_is_the_same_bytes_each_time() {
        for lesson in &LESSONS {
            let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            for dir in [&one, &two] {
                lesson.make(dir.path()).unwrap();
            }
            for image in lesson.images {
                for file in [image.archive(), image.dockerfile_name()] {
                    let read = |dir: &tempfile::TempDir| fs::read(dir.path().join(&file)).unwrap();
                    assert!(read(&one) == read(&two), "{} {file}", lesson.number);
                }
            }
        }
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), "").unwrap();
        let error = LESSONS[0].make(dir.path()).unwrap_err();
        assert!(matches!(error, Error::NotEmpty(_)), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
