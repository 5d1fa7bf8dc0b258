//! The command line: one file per command, each from arguments to output and an exit status.
//!
//! Only `output` writes to stdout; errors and talk go to stderr.

mod args;
mod cache;
mod cat;
mod cp;
mod commit;
mod complete_path;
mod completions;
mod du;
mod diff;
mod diff_patch;
mod diff_words;
mod entry;
mod explain;
mod find;
mod find_tests;
mod find_words;
mod export;
mod hidden;
mod history;
mod index;
mod inspect;
mod lesson;
mod log;
mod ls;
mod man;
mod mount;
mod mount_stats;
mod mount_upper;
mod mount_words;
mod output;
mod pager;
mod progress;
mod report;
mod revert;
mod size;
mod stat;
mod status;
mod style;
mod trace;
mod tree;
mod tui;
mod umount;
mod verbless;
mod verify;
mod waste;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::text;

use output::Output;

/// Mount a container image tarball as a directory: no extraction, no Docker, no root
#[derive(Parser)]
#[command(name = "peelfs", version, max_term_width = 100)]
#[command(after_help = "An image is a docker save or OCI archive, an OCI layout directory, a layer or root \
    file system tar (any of them compressed), or an unpacked layer directory. What it is, its content tells.\n\n\
    Without a command, as mount(8) and overlayfs's users call it, peelfs mounts:\n  \
    peelfs IMAGE MOUNTPOINT -o OPTION,...\n  \
    peelfs -o lowerdir=TOP:...:BASE MOUNTPOINT")]
struct Cli {
    /// Say more on stderr (repeat for more; RUST_LOG overrides)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Use colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", hide_possible_values = true)]
    color: Option<style::When>,
    /// Write to the terminal itself, through no pager
    #[arg(long, global = true)]
    no_pager: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Mount(mount::Args),
    Umount(umount::Args),
    Trace(trace::Args),
    Ls(ls::Args),
    Tree(tree::Args),
    Tui(tui::Args),
    Cat(cat::Args),
    Cp(cp::Args),
    Stat(stat::Args),
    Explain(explain::Args),
    Find(find::Args),
    Du(du::Args),
    Diff(diff::Args),
    Export(export::Args),
    Inspect(inspect::Args),
    History(history::Args),
    Waste(waste::Args),
    Verify(verify::Args),
    Report(report::Args),
    Status(status::Args),
    Revert(revert::Args),
    Commit(commit::Args),
    Index(index::Args),
    Cache(cache::Args),
    Lesson(lesson::Args),
    Completions(completions::Args),
    Man(man::Args),
    #[command(name = "__complete-path", hide = true)]
    CompletePath(complete_path::Args),
}

/// How a command ended, when it could do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Exit status 0.
    Fine,
    /// Exit status 1: it found problems.
    Problems,
    /// Exit status 2: some of it could not be done, and stderr says what.
    Partial,
    /// Another process's exit status.
    Status(u8),
}

type Result<T = Outcome> = std::result::Result<T, Box<dyn Error>>;

/// Runs the program: 0 fine, 1 found problems, 2 could not do it.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let is_root = rustix::process::geteuid().is_root();
    let args = match verbless::with_verb(args.into_iter().collect(), is_root) {
        Ok(args) => args,
        Err(status) => return ExitCode::from(status),
    };
    let args = match find_words::with_options(args) {
        Ok(args) => args,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(2);
        }
    };
    let cli = Cli::parse_from(args);
    let keeps_log = matches!(&cli.command, Command::Mount(args) if args.keeps_log());
    log::start(cli.verbose, keeps_log);
    cli.color.into_iter().for_each(style::choose);
    if cli.no_pager {
        pager::forbid();
    }
    let result = match cli.command {
        Command::Mount(args) => mount::run(args),
        Command::Umount(args) => umount::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Ls(args) => ls::run(args),
        Command::Tree(args) => tree::run(args),
        Command::Tui(args) => tui::run(args),
        Command::Cat(args) => cat::run(args),
        Command::Cp(args) => cp::run(args),
        Command::Stat(args) => stat::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Find(args) => find::run(args),
        Command::Du(args) => du::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Export(args) => export::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::History(args) => history::run(args),
        Command::Waste(args) => waste::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Report(args) => report::run(args),
        Command::Status(args) => status::run(args),
        Command::Revert(args) => revert::run(args),
        Command::Commit(args) => commit::run(args),
        Command::Index(args) => index::run(args),
        Command::Cache(args) => cache::run(args),
        Command::Lesson(args) => lesson::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
        Command::CompletePath(args) => complete_path::run(args),
    };
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Problems) => ExitCode::from(1),
        Ok(Outcome::Partial) => ExitCode::from(2),
        Ok(Outcome::Status(status)) => ExitCode::from(status),
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Says on stderr what went wrong; if that cannot be said either, the exit status has to do.
fn complain(message: &str) {
    let message = match io::stderr().is_terminal() {
        true => text::escape(message.as_bytes(), text::Lines::Keep),
        false => message.to_owned(),
    };
    let _ = writeln!(io::stderr(), "peelfs: {message}");
}

/// Says what could not be done, and leaves the command to go on with the rest.
fn pass_over(out: &mut Output, error: &dyn Error) -> io::Result<Outcome> {
    // Where both go to one terminal, what came before stands before it.
    out.flush()?;
    complain(&error.to_string());
    Ok(Outcome::Partial)
}

/// Whether who reads our output has had enough, as `head` does.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
