//! `--help` and `--version`.

use crate::support::{peelfs, session};

const COMMANDS: [&str; 27] = [
    "mount",
    "umount",
    "trace",
    "ls",
    "tree",
    "find",
    "du",
    "cat",
    "cp",
    "stat",
    "explain",
    "diff",
    "export",
    "inspect",
    "history",
    "waste",
    "verify",
    "report",
    "tui",
    "status",
    "revert",
    "commit",
    "index",
    "cache",
    "lesson",
    "completions",
    "man",
];

/// Of `cache`.
const VERBS: [&str; 3] = ["ls", "verify", "prune"];

fn help(args: &[&str]) -> String {
    let output = peelfs(args);
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_help_that_fits_and_shows_how_it_is_used() {
    let verbs = VERBS.map(|verb| vec!["cache", verb]);
    for command in COMMANDS.map(|command| vec![command]).into_iter().chain(verbs) {
        // `du -h` means sizes for people, as with du(1).
        let short = if command == ["du"] { "--help" } else { "-h" };
        let short = help(&[&*command, &[short]].concat());
        let long = help(&[&*command, &["--help"]].concat());
        assert_eq!(help(&[&["help"], &*command].concat()), long);
        let command = command.join(" ");
        for text in [&short, &long] {
            assert!(text.contains(&format!("Usage: peelfs {command} ")), "{text}");
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(100), "{command}: {widest:?}\n{text}");
        }
        let first = short.lines().next().unwrap();
        assert!(!first.ends_with('.') && first.chars().next().unwrap().is_uppercase(), "{first}");
    }
}

#[test]
fn the_help_names_every_command() {
    let text = help(&["--help"]);
    for command in COMMANDS {
        assert!(text.contains(&format!("\n  {command} ")), "{command}: {text}");
    }
    assert_eq!(help(&["help"]), text);
    let text = help(&["cache", "--help"]);
    for verb in VERBS {
        assert!(text.contains(&format!("\n  {verb} ")), "{verb}: {text}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    for args in [["--version"], ["-V"]] {
        let version = help(&args);
        assert!(version.trim().ends_with(env!("CARGO_PKG_VERSION")), "{version}");
    }
}

#[test]
fn help_is_what_it_was() {
    let dir = tempfile::TempDir::new().unwrap();
    session(
        dir.path(),
        r#"
$ peelfs --help
Mount a container image tarball as a directory: no extraction, no Docker, no root

Usage: peelfs [OPTIONS] <COMMAND>

Commands:
  mount        Mount an image on a directory
  umount       Unmount a mount of peelfs, a dead one too [alias: unmount]
  trace        Print what a mount is asked, as it is asked, and why it answers so
  ls           List the names in a directory of the image
  tree         Draw a directory of the image and all below it
  tui          Look around in an image: its layers, its tree as of each of them, its files
  cat          Write the contents of files in the image
  cp           Copy files and directories out of the image
  stat         Show type, mode, owner, size, times, attributes and layer of names in the image
  explain      Explain which layer shows a path, layer by layer, and why
  find         Find names in the image, as find(1) does; also in layers that others hide
  du           Show how much room directories of the image take, and of which layers it is
  diff         Show what differs between two images, uppers or directories
  export       Write the tree that shows as one tar, as `docker export` does
  inspect      Show an image's ID, tags, platform, configuration and layers
  history      Show the steps that made an image, each with the layer it made
  waste        Show the bytes of an image that higher layers hide, by layer, step and path
  verify       Check digests, diff IDs, the image ID and every member of every layer
  report       Write a page that shows layers, sizes, what is hidden, and the steps of an image
  status       Show what an upper directory changes in the image: A added, C changed, D deleted
  revert       Forget changes, so that the image's own shows again
  commit       Keep what was written over an image as a new layer, in a new image
  index        Read the layers of an image and keep their indexes, so that mounting takes no time
  cache        List, check or empty the directory of indexes that are kept between mounts
  lesson       Learn how layers work: list the lessons, read one, or make the image that it is tried
               on
  completions  Write a script that completes command lines of peelfs in a shell
  man          Write the manual pages of all commands into a directory
  help         Print this message or the help of the given subcommand(s)

Options:
  -v, --verbose...    Say more on stderr (repeat for more; RUST_LOG overrides)
      --color <WHEN>  Use colours [default: auto]
      --no-pager      Write to the terminal itself, through no pager
  -h, --help          Print help
  -V, --version       Print version

An image is a docker save or OCI archive, an OCI layout directory, a layer or root file system tar
(any of them compressed), or an unpacked layer directory. What it is, its content tells.

Without a command, as mount(8) and overlayfs's users call it, peelfs mounts:
  peelfs IMAGE MOUNTPOINT -o OPTION,...
  peelfs -o lowerdir=TOP:...:BASE MOUNTPOINT
$ peelfs mount -h
Mount an image on a directory

Usage: peelfs mount [OPTIONS] IMAGE MOUNTPOINT
       peelfs mount [OPTIONS] BASE-LAYER... TOP-LAYER MOUNTPOINT
       peelfs mount [OPTIONS] -o lowerdir=TOP:...:BASE MOUNTPOINT

Arguments:
  <IMAGE MOUNTPOINT>...  The image, or layers base first, and behind them the directory to mount on

Options:
  -o <OPTION[,OPTION]>    Set mount options: allow_other, uid=, gid=, umask=, suid, dev, noexec,
                          lowerdir=TOP:...:BASE, ...
  -v, --verbose...        Say more on stderr (repeat for more; RUST_LOG overrides)
      --color <WHEN>      Use colours [default: auto]
  -f, --foreground        Stay in the foreground
      --no-pager          Write to the terminal itself, through no pager
      --ready-fd <N>      Write a newline to this descriptor when the mount answers
      --log-file <FILE>   Append the daemon's messages to this file
      --views             Show each layer, the image as of each layer, and what each changed in
                          MOUNTPOINT/.peelfs
      --trace             Print each request, and why it is answered so
      --stats[=<FORMAT>]  Print statistics when the mount ends, as they are at any time on SIGUSR1
                          [possible values: table, json]
  -h, --help              Print help (see more with '--help')

Opening the image:
      --lower <LAYER>                 Put a layer below IMAGE (repeat: base first)
      --image <TAG|ID>                Choose an image of an archive that holds several, by tag or ID
      --platform <OS/ARCH[/VARIANT]>  Choose the image for a platform [default: this machine's]
      --cache-dir <DIR>               Keep indexes in this directory [default:
                                      $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
      --no-cache                      Keep no indexes, and use none
      --cache-mem <SIZE>              Hold decoded bytes of compressed layers in so much memory
                                      [default: 64M]
      --no-verify                     Open compressed layers that are not what the image says they
                                      are; plain ones only `verify` compares
      --trust-toc                     Open a layer by the table of contents in it (eStargz,
                                      zstd:chunked), without decoding the layer
      --max-layer-size <SIZE>         Refuse a layer that decodes to more than this [default: 1T]
      --spool-dir <DIR>               Decode what cannot be read in place in this directory
                                      [default: $TMPDIR or /var/tmp]
      --strict                        Refuse an image with members that have no place in its tree

Writing:
      --upper <DIR>     Make the mount writable; DIR holds the difference, in overlayfs's format,
                        and is made if need be
      --work <DIR>      Make files in this directory first, on the same file system as the upper
                        [default: DIR.work]
      --ephemeral       Make the mount writable, and forget what was written when it ends
      --force           Mount an upper directory that was made over other layers
      --no-passthrough  Have all that is written and read go through the daemon
$ peelfs index -h
Read the layers of an image and keep their indexes, so that mounting takes no time

Usage: peelfs index [OPTIONS] <IMAGE>

Arguments:
  <IMAGE>  The image: an archive, a layout, a tar or a directory; IMAGE@N as of layer N, IMAGE#N
           layer N alone

Options:
  -v, --verbose...    Say more on stderr (repeat for more; RUST_LOG overrides)
      --color <WHEN>  Use colours [default: auto]
      --no-pager      Write to the terminal itself, through no pager
      --json          Write JSON
  -h, --help          Print help

Opening the image:
      --lower <LAYER>                 Put a layer below IMAGE (repeat: base first)
      --image <TAG|ID>                Choose an image of an archive that holds several, by tag or ID
      --platform <OS/ARCH[/VARIANT]>  Choose the image for a platform [default: this machine's]
      --cache-dir <DIR>               Keep indexes in this directory [default:
                                      $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
      --no-cache                      Keep no indexes, and use none
      --cache-mem <SIZE>              Hold decoded bytes of compressed layers in so much memory
                                      [default: 64M]
      --no-verify                     Open compressed layers that are not what the image says they
                                      are; plain ones only `verify` compares
      --trust-toc                     Open a layer by the table of contents in it (eStargz,
                                      zstd:chunked), without decoding the layer
      --max-layer-size <SIZE>         Refuse a layer that decodes to more than this [default: 1T]
      --spool-dir <DIR>               Decode what cannot be read in place in this directory
                                      [default: $TMPDIR or /var/tmp]
      --strict                        Refuse an image with members that have no place in its tree
$ peelfs cache -h
List, check or empty the directory of indexes that are kept between mounts

Usage: peelfs cache [OPTIONS] <COMMAND>

Commands:
  ls      List the layers that something is kept of, least recently used first
  verify  Read all files, and remove those that are damaged
  prune   Remove layers, least recently used first, until the others fit
  help    Print this message or the help of the given subcommand(s)

Options:
  -v, --verbose...       Say more on stderr (repeat for more; RUST_LOG overrides)
      --color <WHEN>     Use colours [default: auto]
      --no-pager         Write to the terminal itself, through no pager
      --cache-dir <DIR>  The directory [default: $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
      --json             Write JSON
  -h, --help             Print help
$ peelfs cache prune -h
Remove layers, least recently used first, until the others fit

Usage: peelfs cache prune [OPTIONS]

Options:
      --max-size <SIZE>  Leave at most this [default: 2G]
  -v, --verbose...       Say more on stderr (repeat for more; RUST_LOG overrides)
      --color <WHEN>     Use colours [default: auto]
      --no-pager         Write to the terminal itself, through no pager
      --cache-dir <DIR>  The directory [default: $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
      --json             Write JSON
  -h, --help             Print help
$ peelfs umount -h
Unmount a mount of peelfs, a dead one too

Usage: peelfs umount [OPTIONS] <MOUNTPOINT>...

Arguments:
  <MOUNTPOINT>...  Where it is

Options:
  -l, --lazy          Take it out of the tree now, and end it when its last user does
  -v, --verbose...    Say more on stderr (repeat for more; RUST_LOG overrides)
      --color <WHEN>  Use colours [default: auto]
      --no-pager      Write to the terminal itself, through no pager
  -h, --help          Print help
$ peelfs ls -h
List the names in a directory of the image

Usage: peelfs ls [OPTIONS] <IMAGE> [PATH]

Arguments:
  <IMAGE>  The image: an archive, a layout, a tar or a directory; IMAGE@N as of layer N, IMAGE#N
           layer N alone
  [PATH]   What to list [default: /]

Options:
  -v, --verbose...    Say more on stderr (repeat for more; RUST_LOG overrides)
      --color <WHEN>  Use colours [default: auto]
      --no-pager      Write to the terminal itself, through no pager
  -l, --long          Show type, mode, links, owner, size, time and layer
  -R, --recursive     List directories in it too
  -d, --directory     Show a directory itself, not what is in it
      --json          Write a JSON array of entries
  -h, --help          Print help

Opening the image:
      --lower <LAYER>                 Put a layer below IMAGE (repeat: base first)
      --image <TAG|ID>                Choose an image of an archive that holds several, by tag or ID
      --platform <OS/ARCH[/VARIANT]>  Choose the image for a platform [default: this machine's]
      --cache-dir <DIR>               Keep indexes in this directory [default:
                                      $XDG_CACHE_HOME/peelfs or ~/.cache/peelfs]
      --no-cache                      Keep no indexes, and use none
      --cache-mem <SIZE>              Hold decoded bytes of compressed layers in so much memory
                                      [default: 64M]
      --no-verify                     Open compressed layers that are not what the image says they
                                      are; plain ones only `verify` compares
      --trust-toc                     Open a layer by the table of contents in it (eStargz,
                                      zstd:chunked), without decoding the layer
      --max-layer-size <SIZE>         Refuse a layer that decodes to more than this [default: 1T]
      --spool-dir <DIR>               Decode what cannot be read in place in this directory
                                      [default: $TMPDIR or /var/tmp]
      --strict                        Refuse an image with members that have no place in its tree
"#,
    );
}
