//! `peelfs mount`: an image as a directory.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::RawFd;
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Mode;

use crate::fs::{Filesystem, WritableFilesystem};
use crate::fuse::{
    self, AutoUnmount, Background, Daemon, MountPoint, Occasion, ReadyFd, StatsListener, Tree,
};
use crate::image::{Cut, Input};
use crate::layer::LayerNo;
use crate::stack::Stack;

use super::args::{OpenArgs, cut_of};
use super::mount_stats::{self, StatsFormat};
use super::mount_upper::{UpperArgs, UpperChoice};
use super::mount_words::{self, MountWords, Unknown};
use super::trace;
use super::{Outcome, Result};

/// Mount an image on a directory
///
/// Returns when the mount answers; a daemon stays behind until it is unmounted.
#[derive(clap::Args)]
#[command(override_usage = "peelfs mount [OPTIONS] IMAGE MOUNTPOINT\n       \
    peelfs mount [OPTIONS] BASE-LAYER... TOP-LAYER MOUNTPOINT\n       \
    peelfs mount [OPTIONS] -o lowerdir=TOP:...:BASE MOUNTPOINT")]
pub struct Args {
    /// The image, or layers base first, and behind them the directory to mount on
    #[arg(value_name = "IMAGE MOUNTPOINT", required = true)]
    paths: Vec<PathBuf>,
    /// Set mount options: allow_other, uid=, gid=, umask=, suid, dev, noexec, lowerdir=TOP:...:BASE, ...
    #[arg(short, value_name = "OPTION[,OPTION]")]
    options: Vec<OsString>,
    /// Stay in the foreground
    #[arg(short, long)]
    foreground: bool,
    /// Write a newline to this descriptor when the mount answers
    #[arg(long, value_name = "N")]
    ready_fd: Option<RawFd>,
    /// Append the daemon's messages to this file
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Show each layer, the image as of each layer, and what each changed in MOUNTPOINT/.peelfs
    #[arg(long)]
    views: bool,
    /// Print each request, and why it is answered so
    #[arg(long)]
    trace: bool,
    /// Print statistics when the mount ends, as they are at any time on SIGUSR1
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "table")]
    stats: Option<StatsFormat>,
    /// Put a layer below IMAGE (repeat: base first)
    #[arg(long, help_heading = "Opening the image", value_name = "LAYER")]
    lower: Vec<PathBuf>,
    #[command(flatten)]
    upper: UpperArgs,
    #[command(flatten)]
    open: OpenArgs,
    /// Ignore mount options that are not known, as mount(8) -s asks
    #[arg(long, hide = true)]
    sloppy: bool,
}

impl Args {
    /// Whether messages go to a file that outlives the terminal.
    pub fn keeps_log(&self) -> bool {
        self.log_file.is_some()
    }
}

pub fn run(mut args: Args) -> Result {
    let unknown = if args.sloppy { Unknown::Ignore } else { Unknown::Refuse };
    let words = mount_words::parse(&args.options, unknown)?;
    let Some(mount_point) = args.paths.pop() else { return Err("no mount point".into()) };
    let (input, cut) = input(&args, &words, &mount_point)?;
    // What can be seen to be wrong is said before any work is done.
    let stats = stats(&args, &words)?;
    check_trace(&args)?;
    let upper = args.upper.choose(&words.upper)?;
    let mount_point = MountPoint::new(&mount_point)?;
    let ready_fd = args.ready_fd.map(ReadyFd::new).transpose();
    let ready_fd = ready_fd.map_err(|error| format!("--ready-fd: {error}"))?;
    let log = args.log_file.as_deref().map(open_log).transpose()?;
    let mut daemon = Daemon::new(ready_fd, log);
    daemon.stats_listener = Some(stats_listener(mount_point.dir(), stats));
    if args.trace {
        daemon.trace_listener = Some(Box::new(trace::tell));
    }
    fuse::ignore_questions();
    if !args.foreground {
        daemon = match Background::start(daemon)? {
            Background::Parent(status) => return Ok(Outcome::Status(status)),
            Background::Child(daemon) => daemon,
        };
    }
    if words.options.auto_unmount {
        daemon.auto_unmount = Some(AutoUnmount::start()?);
    }
    serve(Order { args, words, input, cut, upper }, mount_point, daemon)
}

/// What was asked for, once it makes sense.
struct Order {
    args: Args,
    words: MountWords,
    input: Input,
    cut: Cut,
    upper: Option<UpperChoice>,
}

fn serve(order: Order, mount_point: MountPoint, daemon: Daemon) -> Result {
    let Order { args, words, input, cut, upper } = order;
    let open = OpenArgs {
        image: args.open.image.or(words.image),
        platform: args.open.platform.or(words.platform),
        cache_dir: args.open.cache_dir.or(words.cache_dir),
        no_cache: args.open.no_cache || words.no_cache,
        cache_mem: args.open.cache_mem.or(words.cache_mem),
        no_verify: args.open.no_verify || words.no_verify,
        trust_toc: args.open.trust_toc || words.trust_toc,
        max_layer_size: args.open.max_layer_size.or(words.max_layer_size),
        spool_dir: args.open.spool_dir.or(words.spool_dir),
        strict: args.open.strict || words.strict,
    };
    fuse::raise_file_limit();
    let stack = open.stack(&input, cut)?;
    for (layer, no) in stack.layers().iter().zip(0..) {
        if layer.content.leads_into(mount_point.dir()) {
            let (dir, layer) = (mount_point.dir().display(), stack.place(LayerNo(no)));
            return Err(format!(
                "{dir}: in the layer {layer}, where the mount would hide what it is to show"
            )
            .into());
        }
    }
    let mut options = words.options;
    if options.source.is_empty() {
        options.source = source_name(&input);
    }
    options.writable = upper.is_some() && !words.is_read_only;
    // Only root is granted it.
    options.passthrough = !args.upper.no_passthrough && rustix::process::geteuid().is_root();
    let views = args.views || words.views;
    let tree = match upper {
        None => Tree::ReadOnly(Arc::new(filesystem(stack, views))),
        Some(upper) => Tree::Writable(Arc::new(writable(stack, views, &upper)?)),
    };
    mount_point.serve(tree, &options, words.ownership, daemon)?;
    Ok(Outcome::Fine)
}

fn filesystem(stack: Stack, views: bool) -> Filesystem {
    if views { Filesystem::with_views(stack) } else { Filesystem::new(stack) }
}

/// Puts an upper over a stack.
fn writable(stack: Stack, views: bool, choice: &UpperChoice) -> Result<WritableFilesystem> {
    // The modes that programs ask for are exact: their own mask was applied before.
    rustix::process::umask(Mode::empty());
    let upper = choice.open(&stack)?;
    Ok(WritableFilesystem::new(filesystem(stack, views), upper, choice.write))
}

/// How statistics are to be told at the end, if they are; a daemon that keeps no log has nobody to tell.
fn stats(args: &Args, words: &MountWords) -> Result<Option<StatsFormat>> {
    let option = if args.stats.is_some() { "--stats" } else { "mount option `stats`" };
    let stats = args.stats.or(words.stats);
    if stats.is_some() && !args.foreground && !args.keeps_log() {
        let why = "a daemon in the background has nowhere to print; add --foreground or --log-file FILE";
        return Err(format!("{option}: {why}").into());
    }
    Ok(stats)
}

/// Whether there is somewhere to print what is asked.
fn check_trace(args: &Args) -> Result<()> {
    match args.trace && !args.foreground && !args.keeps_log() {
        true => Err(
            "--trace: a daemon in the background has nowhere to print; add --foreground or --log-file FILE, \
            or run: peelfs trace MOUNTPOINT"
                .into(),
        ),
        false => Ok(()),
    }
}

/// Who asks gets statistics of any mount; when it ends, they are told where that was wanted.
fn stats_listener(dir: &Path, stats: Option<StatsFormat>) -> StatsListener {
    let dir = dir.to_owned();
    Box::new(move |occasion, report| {
        if occasion == Occasion::Asked || stats.is_some() {
            mount_stats::tell(&dir, report, stats.unwrap_or_default());
        }
    })
}

fn open_log(path: &Path) -> Result<File> {
    let file = File::options().append(true).create(true).open(path);
    Ok(file.map_err(|error| format!("--log-file {}: {error}", path.display()))?)
}

/// What is to be mounted, and how much of it. With `lowerdir=` a source is only a name, as in `mount -t overlay overlay …`.
fn input(args: &Args, words: &MountWords, mount_point: &Path) -> Result<(Input, Cut)> {
    if let Some(lower_dirs) = &words.lower_dirs {
        if args.paths.len() > 1 || !args.lower.is_empty() {
            return Err("lowerdir= names all layers; there can be no others".into());
        }
        return Ok((Input::LowerDirs(lower_dirs.clone()), Cut::Whole));
    }
    if args.paths.is_empty() {
        // One path alone: a directory is where to mount, anything else what.
        let missing = if mount_point.is_dir() { "image to mount" } else { "mount point" };
        let given = mount_point.display();
        return Err(format!("no {missing}, only {given}; usage: peelfs mount IMAGE MOUNTPOINT").into());
    }
    let mut paths: Vec<PathBuf> = args.lower.iter().chain(&args.paths).cloned().collect();
    let mut cut = Cut::Whole;
    if let [image] = &mut *paths {
        let (path, of) = cut_of(image);
        (cut, *image) = (of, path.to_owned());
    }
    Ok((Input::Paths(paths), cut))
}

/// What `df` and `mount` show as the source.
fn source_name(input: &Input) -> String {
    let (Input::Paths(paths) | Input::LowerDirs(paths)) = input;
    match &**paths {
        // Whoever reads it is not where we were started.
        [only] => {
            let full = only.canonicalize().or_else(|_| path::absolute(only));
            full.as_ref().unwrap_or(only).display().to_string()
        }
        _ => "peelfs".to_owned(),
    }
}
