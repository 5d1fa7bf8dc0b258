//! A file that is being written, and that nobody sees before it is complete.

use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::dir::Dir;

/// What the name of an unfinished file begins with.
pub const UNFINISHED: &str = "tmp-";

/// A file without a name, or with one that says that it is unfinished; gone when dropped.
#[derive(Debug)]
pub struct Draft {
    dir: Arc<Dir>,
    file: File,
    name: Option<String>,
}

impl Draft {
    /// An empty file, nameless where that is possible: then it is gone too if this process is killed.
    pub fn new(dir: Arc<Dir>) -> io::Result<Draft> {
        // Only `/proc` leads from a nameless file to a name.
        if !Path::new("/proc/self/fd").is_dir() {
            return Draft::named(dir);
        }
        match dir.nameless_file() {
            Ok(file) => Ok(Draft { dir, file, name: None }),
            Err(error) => {
                tracing::debug!(%error, "no nameless file in the cache directory");
                Draft::named(dir)
            }
        }
    }

    /// An empty file with a name.
    pub fn named(dir: Arc<Dir>) -> io::Result<Draft> {
        let name = unfinished_name();
        let file = dir.new_file(&name)?;
        Ok(Draft { dir, file, name: Some(name) })
    }

    /// A nameless file that was made elsewhere.
    #[cfg(test)]
    pub fn over(dir: Arc<Dir>, file: File) -> Draft {
        Draft { dir, file, name: None }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Shows the file under a name, in the place of what has that name; on an error nothing has changed.
    pub fn publish(&mut self, name: &str) -> io::Result<()> {
        // `linkat` replaces nothing, `rename` does.
        let unfinished = match self.name.take() {
            Some(unfinished) => unfinished,
            None => self.link()?,
        };
        let unfinished = self.name.insert(unfinished);
        self.dir.rename(unfinished, name)?;
        self.name = None;
        Ok(())
    }

    /// Has the file published in another directory of the same file system, if it is nameless still.
    pub fn move_to(&mut self, dir: Arc<Dir>) {
        if self.name.is_none() {
            self.dir = dir;
        }
    }

    fn link(&self) -> io::Result<String> {
        let name = unfinished_name();
        self.dir.link(&self.file, &name)?;
        Ok(name)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(name) = &self.name else { return };
        if let Err(error) = self.dir.remove(name) {
            tracing::debug!(%error, name, "an unfinished file stays in the cache directory");
        }
    }
}

fn unfinished_name() -> String {
    // The standard library's own source of randomness, meant for hash tables.
    format!("{UNFINISHED}{:016x}", RandomState::new().build_hasher().finish())
}
