//! Called without a verb, as mount(8) and overlayfs's users call: what is meant is `mount`.
//!
//! - `mount.fuse.peelfs IMAGE DIR [-sfnv] [-o …]`: mount(8)'s helper, found by its name;
//! - `peelfs IMAGE DIR -o …`: what fuse3's own mount.fuse runs;
//! - `peelfs -o lowerdir=… DIR`, `peelfs overlay DIR -o lowerdir=…`: overlayfs's and fuse-overlayfs's lines.

use std::ffi::{OsStr, OsString};
use std::iter;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use clap::CommandFactory;

use super::Cli;

/// What fuse-overlayfs does for root unless told otherwise, and who calls it relies on: containers have users
/// other than root, and `su`.
const GRANTED_BY_ROOT: &str = "allow_other,suid";

/// The arguments with the verb they mean; or the status to exit with, when there is nothing to do.
pub fn with_verb(mut args: Vec<OsString>, is_root: bool) -> Result<Vec<OsString>, u8> {
    let program = args.first().and_then(|path| Path::new(path).file_name()).unwrap_or_default();
    if program.as_bytes().starts_with(b"mount.") {
        return helper(&args);
    }
    let verbosity = args.iter().skip(1).take_while(|arg| is_verbosity(arg)).count();
    let words = args.get_mut(1 + verbosity..).unwrap_or_default();
    if means_mount(words) {
        if let [_, _, option, options] = words
            && option == "-o"
        {
            *options = without_additions(options);
        }
        let grants = is_root && is_of_fuse_overlayfs(words);
        args.insert(1, "mount".into());
        if grants {
            // Before all others: the last word wins.
            args.splice(2..2, ["-o", GRANTED_BY_ROOT].map(OsString::from));
        }
    }
    Ok(args)
}

fn means_mount(words: &[OsString]) -> bool {
    let Some((first, rest)) = words.split_first() else { return false };
    if is_verb(first) {
        return false;
    }
    // Whatever the source is called, and whether it is there or not.
    let is_of_mount_fuse = matches!(rest, [_, option, _] if option == "-o");
    if is_of_mount_fuse || names_layers(words) {
        return true;
    }
    match first.as_bytes() {
        b"-o" | b"-f" | b"--foreground" => true,
        option if option.starts_with(b"-") => false,
        path => !rest.is_empty() && (path.contains(&b'/') || Path::new(first).is_file()),
    }
}

/// Whether a line has layers and no source.
fn is_of_fuse_overlayfs(words: &[OsString]) -> bool {
    words.first().is_some_and(|first| first.as_bytes().starts_with(b"-")) && names_layers(words)
}

/// `-v`, `-vv`, …: what may stand before a verb.
fn is_verbosity(arg: &OsStr) -> bool {
    let flags = arg.as_bytes().strip_prefix(b"-").unwrap_or_default();
    arg == "--verbose" || (!flags.is_empty() && flags.iter().all(|flag| *flag == b'v'))
}

fn is_verb(word: &OsStr) -> bool {
    let cli = Cli::command();
    let mut names =
        cli.get_subcommands().flat_map(|verb| iter::once(verb.get_name()).chain(verb.get_all_aliases()));
    word == "help" || names.any(|name| word == name)
}

/// Whether `lowerdir=` is among the mount options.
fn names_layers(words: &[OsString]) -> bool {
    let apart = words.windows(2).filter(|pair| matches!(pair, [option, _] if option == "-o"));
    let apart = apart.filter_map(|pair| pair.last()).map(|options| options.as_bytes());
    let joined = words.iter().filter_map(|word| word.as_bytes().strip_prefix(b"-o"));
    let mut options = apart.chain(joined).flat_map(|options| options.split(|&byte| byte == b','));
    options.any(|option| option.starts_with(b"lowerdir="))
}

/// Mount options without `dev` and `suid` at their end, each of which mount.fuse adds unless its opposite is
/// among them: nobody has asked for devices and set-user-ID programs of an image.
fn without_additions(options: &OsStr) -> OsString {
    let mut options = options.as_bytes();
    for addition in [b"suid", b"dev".as_slice()] {
        options = match options.strip_suffix(addition) {
            Some([]) => &[],
            // A comma behind a backslash belongs to a name.
            Some([before @ .., b',']) if !before.ends_with(b"\\") => before,
            _ => options,
        };
    }
    OsString::from_vec(options.to_vec())
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
        by(false, line)
    }

    fn by(is_root: bool, line: &str) -> Result<String, u8> {
        let args = with_verb(line.split(' ').map(OsString::from).collect(), is_root)?;
        Ok(args.join(OsStr::new(" ")).into_string().unwrap())
    }

    #[test]
    fn roots_line_for_fuse_overlayfs_grants_what_fuse_overlayfs_does() {
        for (line, meant) in [
            (
                "peelfs -o lowerdir=a,nosuid /mnt",
                "peelfs mount -o allow_other,suid -o lowerdir=a,nosuid /mnt",
            ),
            ("peelfs -v -f -olowerdir=a /mnt", "peelfs mount -o allow_other,suid -v -f -olowerdir=a /mnt"),
            ("peelfs overlay -o lowerdir=a /mnt", "peelfs mount overlay -o lowerdir=a /mnt"),
            ("peelfs -o ro i.tar /mnt", "peelfs mount -o ro i.tar /mnt"),
            ("peelfs mount -o lowerdir=a /mnt", "peelfs mount -o lowerdir=a /mnt"),
        ] {
            assert_eq!(by(true, line).unwrap(), meant);
        }
    }

    #[test]
    fn lines_of_other_programs_mean_mount() {
        for (line, meant) in [
            ("peelfs /x/image.tar /mnt -o ro", "peelfs mount /x/image.tar /mnt -o ro"),
            ("peelfs layout /mnt -o ro", "peelfs mount layout /mnt -o ro"),
            ("peelfs -v ./i.tar /mnt", "peelfs mount -v ./i.tar /mnt"),
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
    fn what_mount_fuse_adds_is_not_what_someone_asked_for() {
        for (given, meant) in [
            ("rw,dev,suid", "rw"),
            ("rw,nosuid,dev", "rw,nosuid"),
            ("rw,nodev,suid", "rw,nodev"),
            ("rw,nodev,nosuid", "rw,nodev,nosuid"),
            ("rw,suid,dev,suid", "rw,suid"),
            ("rw,dev,dev,suid", "rw,dev"),
            ("dev,suid", ""),
        ] {
            let line = with(&format!("peelfs i.tar /mnt -o {given}"));
            assert_eq!(line.unwrap(), format!("peelfs mount i.tar /mnt -o {meant}"));
        }
        let asked = "mount.fuse.peelfs i.tar /mnt -o dev,suid";
        assert_eq!(with(asked).unwrap(), "mount.fuse.peelfs mount i.tar /mnt -o dev,suid");
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
            "peelfs ls /x/i.tar",
            "peelfs unmount /x/mnt",
            "peelfs help ./mount",
            "peelfs ls one.tar /x/lowerdir=y",
            "peelfs -vv ls one.tar /x/lowerdir=y",
            "peelfs lss one.tar lowerdir=y",
            "peelfs -v mount -o lowerdir=a /mnt",
            "peelfs ls /mnt -o ro",
            "peelfs mount /mnt -o dev,suid",
            "peelfs --help",
            "peelfs -V",
        ] {
            assert_eq!(with(line).unwrap(), line);
        }
    }
}
