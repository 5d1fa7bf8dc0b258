//! Where a new image or layer goes: a file that nobody sees before it is whole, or a pipe.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

/// Names that are tried for the moment in which the file has one and is not yet in its place.
const ATTEMPTS: u32 = 100;

/// A file on its way into its place. Dropped, or with the process gone, it leaves nothing.
pub struct Output {
    file: File,
    place: Place,
}

enum Place {
    /// It gets a name when it is whole.
    Unnamed(PathBuf),
    /// The file system knows no files without a name.
    Named(tempfile::TempPath, PathBuf, Removal),
    /// It is written to something that is no file.
    Copied(Box<dyn Write>),
}

impl Output {
    /// Begins a file that will take the place of `path`; what is no regular file there is written to, at the end.
    pub fn create(path: &Path) -> io::Result<Output> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Output::beside(&fs::canonicalize(path)?),
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => Output::copied(Box::new(File::options().write(true).open(path)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Output::beside(path),
            Err(error) => Err(error),
        }
    }

    /// Begins a file that will be copied to a writer, in a directory for such files.
    pub fn copied(to: Box<dyn Write>) -> io::Result<Output> {
        Ok(Output { file: tempfile::tempfile_in(spool_dir())?, place: Place::Copied(to) })
    }

    fn beside(path: &Path) -> io::Result<Output> {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::open(dir, flags, Mode::from_raw_mode(0o666)) {
            Ok(fd) => Ok(Output { file: File::from(fd), place: Place::Unnamed(path.to_owned()) }),
            // What a file system says that has none, or a kernel that does not know the flag.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Output::named(dir, path),
            Err(errno) => Err(errno.into()),
        }
    }

    fn named(dir: &Path, path: &Path) -> io::Result<Output> {
        use std::os::unix::fs::PermissionsExt;
        let mut builder = tempfile::Builder::new();
        // The mask takes from it what it takes from every new file.
        builder.prefix(".peelfs-").permissions(fs::Permissions::from_mode(0o666));
        let (file, name) = builder.tempfile_in(dir)?.into_parts();
        let removal = Removal::of(name.to_path_buf())?;
        Ok(Output { file, place: Place::Named(name, path.to_owned(), removal) })
    }

    /// The file, to be written and read; what is written through other handles of it counts.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Puts the file, which is whole, into its place.
    pub fn keep(mut self) -> io::Result<()> {
        match self.place {
            Place::Unnamed(path) => link(&self.file, &path),
            Place::Named(name, path, _removal) => Ok(name.persist(path)?),
            Place::Copied(mut to) => {
                self.file.seek(SeekFrom::Start(0))?;
                io::copy(&mut self.file, &mut to)?;
                to.flush()
            }
        }
    }
}

/// Removes a file when the process is told to end before it is whole.
struct Removal(Handle);

impl Removal {
    fn of(name: PathBuf) -> io::Result<Removal> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = signals.handle();
        thread::Builder::new().name("signals".into()).spawn(move || {
            if let Some(signal) = signals.forever().next() {
                // It may have come into its place meanwhile.
                let _ = fs::remove_file(&name);
                let _ = emulate_default_handler(signal);
            }
        })?;
        Ok(Removal(handle))
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Gives a file without a name one, in the place of whoever has it.
fn link(file: &File, path: &Path) -> io::Result<()> {
    let proc = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |to: &Path| rustix::fs::linkat(CWD, &*proc, CWD, to, AtFlags::SYMLINK_FOLLOW);
    match link(path) {
        Err(Errno::EXIST) => {}
        result => return Ok(result?),
    }
    // A link takes nobody's place; a rename does.
    for attempt in 0..ATTEMPTS {
        let name = path.with_file_name(format!(".peelfs-{}-{attempt}", std::process::id()));
        match link(&name) {
            Ok(()) => {
                return fs::rename(&name, path).inspect_err(|_| _ = fs::remove_file(&name));
            }
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// As for streams that are decoded: large files where there is a disk.
fn spool_dir() -> PathBuf {
    match std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => dir.into(),
        None if Path::new("/var/tmp").is_dir() => "/var/tmp".into(),
        None => "/tmp".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_seen_before_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.tar");
        for bytes in [&b"first"[..], b"second"] {
            let output = Output::create(&path).unwrap();
            let before = fs::read(&path).ok();
            output.file().unwrap().write_all(bytes).unwrap();
            assert_eq!(fs::read(&path).ok(), before);
            output.keep().unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(names(dir.path()), ["out.tar"]);
        }
        Output::create(&path).unwrap().file().unwrap().write_all(b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(dir.path()), ["out.tar"]);
    }

    #[test]
    fn a_file_system_without_unnamed_files_will_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.tar");
        let output = Output::named(dir.path(), &path).unwrap();
        output.file().unwrap().write_all(b"bytes").unwrap();
        output.keep().unwrap();
        drop(Output::named(dir.path(), &path).unwrap());
        assert_eq!(names(dir.path()), ["out.tar"]);
        assert_eq!(fs::read(&path).unwrap(), b"bytes");
    }

    #[test]
    fn what_a_link_leads_to_is_replaced_and_a_directory_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("out.tar"), dir.path().join("link"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("out.tar", &link).unwrap();
        let output = Output::create(&link).unwrap();
        output.file().unwrap().write_all(b"new").unwrap();
        output.keep().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(Output::create(dir.path()).is_err());
    }
}
