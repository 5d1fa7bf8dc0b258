//! How far the kernel reads ahead in a file of a mount.

use std::fs;
use std::io;
use std::path::Path;

use super::unmount::Mount;

/// In KiB, instead of 128: a request as long as what is decoded, or fetched, at a time. With more, a program
/// that is mapped and not read in order takes too much of its file.
const READAHEAD: u32 = 512;

/// Raises it, where we may: the number is root's to write.
pub fn raise(mount: &Mount) {
    if let Some(device) = mount.device()
        && let Err(error) =
            raise_to(READAHEAD, &Path::new("/sys/class/bdi").join(device).join("read_ahead_kb"))
    {
        tracing::debug!(%error, "the kernel reads ahead no further than it does by itself");
    }
}

/// Somebody else may have raised it further.
fn raise_to(least: u32, number: &Path) -> io::Result<()> {
    let is_enough = fs::read_to_string(number)?.trim().parse().is_ok_and(|is: u32| is >= least);
    if is_enough { Ok(()) } else { fs::write(number, least.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_raised_and_never_lowered() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (before, after) in [("128\n", "512"), ("512\n", "512\n"), ("4096\n", "4096\n"), ("?", "512")] {
            fs::write(file.path(), before).unwrap();
            raise_to(512, file.path()).unwrap();
            assert_eq!(fs::read_to_string(file.path()).unwrap(), after);
        }
        assert!(raise_to(512, Path::new("/nowhere")).is_err());
    }
}
