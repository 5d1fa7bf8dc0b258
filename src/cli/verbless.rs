//! Called without a verb, as mount(8) and overlayfs's users call: what is meant is `mount`.
//!
//! - `mount.fuse.peelfs IMAGE DIR [-sfnv] [-o …]`: mount(8)'s helper, found by its name;
//! - `peelfs IMAGE DIR -o …`: what fuse3's own mount.fuse runs;
//! - `peelfs -o lowerdir=… DIR`, `peelfs overlay DIR -o lowerdir=…`: overlayfs's and fuse-overlayfs's lines.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The arguments with the verb they mean; or the status to exit with, when there is nothing to do.
pub fn with_verb(mut args: Vec<OsString>) -> Result<Vec<OsString>, u8> {
    let program = args.first().and_then(|path| Path::new(path).file_name()).unwrap_or_default();
    if program.as_bytes().starts_with(b"mount.") {
        return helper(&args);
    }
    let first = args.get(1).map(OsString::as_os_str).unwrap_or_default();
    let rest = args.get(2..).unwrap_or_default();
    if means_mount(first, rest) {
        args.insert(1, "mount".into());
    }
    Ok(args)
}

fn means_mount(first: &OsStr, rest: &[OsString]) -> bool {
    let names_layers = |arg: &OsStr| {
        let arg = arg.as_bytes();
        arg.windows(b"lowerdir=".len()).any(|part| part == b"lowerdir=")
    };
    let is_option = first.as_bytes().starts_with(b"-");
    if rest.iter().any(|arg| names_layers(arg)) || names_layers(first) {
        return first.as_bytes() != b"mount";
    }
    // Whatever the source is called, and whether it is there or not.
    let is_of_mount_fuse = matches!(rest, [_, option, _] if option == "-o");
    if is_of_mount_fuse {
        return first != "mount";
    }
    match is_option {
        true => matches!(first.as_bytes(), b"-o" | b"-f" | b"--foreground"),
        false => !rest.is_empty() && (first.as_bytes().contains(&b'/') || Path::new(first).is_file()),
    }
}

/// mount(8)'s words for its helpers; `-f` is a dry run there, `-n` and `-t` change nothing here.
fn helper(args: &[OsString]) -> Result<Vec<OsString>, u8> {
    let mut own: Vec<OsString> = args.iter().take(1).cloned().collect();
    own.push("mount".into());
    let mut rest = args.iter().skip(1);
    while let Some(arg) = rest.next() {
        match arg.as_bytes() {
            b"-o" => own.extend([arg.clone()].into_iter().chain(rest.next().cloned())),
            b"-t" | b"-N" => drop(rest.next()),
            flags if flags.starts_with(b"-") && flags.len() > 1 => {
                for flag in flags.iter().skip(1) {
                    match flag {
                        b'f' => return Err(0),
                        b's' => own.push("--sloppy".into()),
                        b'v' => own.push("-v".into()),
                        _ => {}
                    }
                }
            }
            _ => own.push(arg.clone()),
        }
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(line: &str) -> Result<String, u8> {
        let args = with_verb(line.split(' ').map(OsString::from).collect())?;
        Ok(args.join(OsStr::new(" ")).into_string().unwrap())
    }

    #[test]
    fn lines_of_other_programs_mean_mount() {
        for (line, meant) in [
            ("peelfs /x/image.tar /mnt -o ro", "peelfs mount /x/image.tar /mnt -o ro"),
            ("peelfs layout /mnt -o rw,dev,suid", "peelfs mount layout /mnt -o rw,dev,suid"),
            ("peelfs -o lowerdir=a:b /mnt", "peelfs mount -o lowerdir=a:b /mnt"),
            ("peelfs overlay -o lowerdir=a:b /mnt", "peelfs mount overlay -o lowerdir=a:b /mnt"),
            ("peelfs -f ./i.tar /mnt", "peelfs mount -f ./i.tar /mnt"),
            (
                "/sbin/mount.fuse.peelfs i.tar /mnt -sn -o rw,x",
                "/sbin/mount.fuse.peelfs mount i.tar /mnt --sloppy -o rw,x",
            ),
            ("mount.fuse.peelfs i.tar /mnt -t fuse.peelfs", "mount.fuse.peelfs mount i.tar /mnt"),
        ] {
            assert_eq!(with(line).unwrap(), meant);
        }
        assert_eq!(with("mount.fuse.peelfs i.tar /mnt -f"), Err(0));
    }

    #[test]
    fn verbs_and_slips_of_the_pen_are_left_alone() {
        for line in [
            "peelfs",
            "peelfs mount i.tar /mnt",
            "peelfs mount -o lowerdir=a /mnt",
            "peelfs mount i.tar -o ro /mnt",
            "peelfs mount /mnt -o ro",
            "peelfs lss i.tar /",
            "peelfs --help",
            "peelfs -V",
        ] {
            assert_eq!(with(line).unwrap(), line);
        }
    }
}
